# SPDX-License-Identifier: GPL-3.0-or-later
"""What can go wrong between a video and its 3D points, told so that the user can act on it."""


class InferenceError(Exception):
    """Base of every error this package raises on purpose; the message is written for the user."""


class VideoError(InferenceError):
    """The source cannot be read as video or as a photo."""


class ModelError(InferenceError):
    """A model file is missing, is not the pinned one, or cannot be run."""


class TakeError(InferenceError):
    """The take folder cannot be written, or holds something that is not the take expected."""


class NobodyFoundError(InferenceError):
    """No frame of the clip shows a person."""


class CalibrationError(InferenceError):
    """A calibration cannot be read, or the cameras do not agree with it."""
