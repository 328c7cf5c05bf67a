# SPDX-License-Identifier: GPL-3.0-or-later
"""Follows one person through the frames of a clip: detects when lost, looks nearby otherwise."""

import numpy as np
from numpy.typing import NDArray

from .crop import Crop
from .detect import Detection, detect
from .pose2d import MIN_PRESENCE, Body, estimate
from .session import Session


class Follower:
    """State carried from frame to frame: where the person was, or that it is lost."""

    def __init__(
        self,
        detector: Session,
        landmarks: Session,
        subject_px: tuple[float, float] | None = None,
    ) -> None:
        """Begin with nobody found.

        Args:
            detector: Person detector.
            landmarks: Body landmark network.
            subject_px: A pixel the person to follow passes; None follows the most prominent one.
        """
        self._detector = detector
        self._landmarks = landmarks
        self._subject_px = subject_px
        self.crop: Crop | None = None
        """Where to look in the next frame; None while lost."""
        self.last_seen: Crop | None = None
        """Where the person was last seen; None before it was found the first time."""

    def step(self, frame: NDArray[np.uint8]) -> Body | None:
        """Look at the next frame.

        Args:
            frame: (H, W, 3) RGB, upright.

        Returns:
            The person's body, or None where it is not seen.
        """
        body = self._look(frame, self.crop) if self.crop else None
        body = body or self._find(frame)
        self.crop = body.next_crop() if body else None
        self.last_seen = self.crop or self.last_seen
        return body

    def _look(self, frame: NDArray[np.uint8], crop: Crop) -> Body | None:
        (body,) = estimate(self._landmarks, frame, [crop])
        return body if body.presence >= MIN_PRESENCE else None

    def _find(self, frame: NDArray[np.uint8]) -> Body | None:
        for detection in self._candidates(detect(self._detector, frame)):
            rough = self._look(frame, detection.crop())
            # The detector's crop is rough: the landmarks found in it give a better one.
            body = self._look(frame, rough.next_crop()) if rough else None
            if body:
                return body
        return None

    def _candidates(self, found: list[Detection]) -> list[Detection]:
        if self._subject_px is None:
            return sorted(found, key=lambda one: -one.score * one.crop().side_px)
        near = self.last_seen
        point = near.centre_px if near else np.array(self._subject_px)
        distances = [float(np.hypot(*(one.hip_px - point))) for one in found]
        reach = [max(one.crop().side_px, near.side_px if near else 0.0) / 2 for one in found]
        order = np.argsort(distances)
        return [found[i] for i in order if distances[i] <= reach[i]]
