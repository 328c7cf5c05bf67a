# SPDX-License-Identifier: GPL-3.0-or-later
"""What can go wrong inside Blender, told so that the user can act on it."""

from ..inference.protocol import ProtocolError
from ..rigging.errors import RigError


class AddonError(Exception):
    """Base of every error this package raises on purpose; the message is written for the user."""


class WorkerError(AddonError):
    """The inference worker cannot start, broke off, or says that it failed."""


class NobodyFoundError(AddonError):
    """The clip was read to its end and shows no person."""


class StoppedError(AddonError):
    """The user stopped the run; what was computed is kept and the next run goes on from there."""


class SourceError(AddonError):
    """There is no clip to track, or it is of a kind that cannot be tracked."""


class TargetError(AddonError):
    """The armature to animate cannot take the motion as it is."""


class OutputError(AddonError):
    """A file or folder cannot be written."""


KNOWN_ERRORS = (AddonError, RigError, ProtocolError)
