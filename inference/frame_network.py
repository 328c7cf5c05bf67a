# SPDX-License-Identifier: GPL-3.0-or-later
"""Lifters of single frames with the published contract: 37 x 2 in, 37 x 3 about the hip out."""

from typing import Final

import numpy as np

from .keypoints import INDEX
from .lifter import Answer, FrameLifter, Track
from .session import Session

HIDDEN_SCORE: Final = 0.5
"""Points of a lower score are given as zeros.

Source: dfki-av/spinepose, tools/pose_lifting of the development branch; its ONNX takes (N, 37, 2)
points (x - cx) / fx and gives (N, 37, 3) relative to point 19, the hip.
"""

_HIPS: Final = [INDEX["left_hip"], INDEX["right_hip"]]


class FrameNetwork:
    """Runs such a network; it says nothing of how sure it is, so that scores do."""

    def __init__(self, session: Session) -> None:
        """Take an open network with one input and one output."""
        self._session = session

    def lift(self, track: Track) -> Answer:
        """Lift each frame by itself."""
        told = np.where(track.score[..., None] < HIDDEN_SCORE, 0.0, track.slopes)
        (points,) = self._session.run(told.astype(np.float32), (self._session.outputs[0].name,))
        points = points.astype(np.float64)
        middle = points[:, _HIPS].mean(axis=1, keepdims=True)
        return Answer(points - middle, FrameLifter().lift(track).sigma_m, denoised=False)
