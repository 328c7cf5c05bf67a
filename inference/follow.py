# SPDX-License-Identifier: GPL-3.0-or-later
"""Follows one person through the frames of a clip: detects when lost, looks nearby otherwise."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from .crop import Crop
from .detect import SURE_SHARE, Detection, detect
from .pose2d import Body, estimate
from .session import Session

SEARCHES: Final = ((3, 1.0), (2, 0.1))
"""Levels of tiles and how often they are searched while nobody is followed, seconds. The whole
frame is looked at every time; large tiles take four times as long, small ones twenty times."""

RADIUS_GROWTH_HZ: Final = 2.0
"""How fast the circle grows in which a lost person may be found again, in first radii a second: who
comes back elsewhere is found, and another person is not taken at once."""


class Follower:
    """State carried from frame to frame: where the person was, or since when it is lost."""

    def __init__(
        self,
        detector: Session,
        pose: Session,
        subject_px: tuple[float, float] | None = None,
    ) -> None:
        """Begin with nobody found.

        Args:
            detector: Person detector.
            pose: Pose network.
            subject_px: A pixel the person to follow passes; None follows the most prominent one.
        """
        self._detector = detector
        self._pose = pose
        self._subject_px = subject_px
        self.crop: Crop | None = None
        """Where to look in the next frame; None while lost."""
        self.last_seen: Crop | None = None
        self.last_seen_s = -np.inf
        """Where and when the person was last seen."""
        self.previous_s = -1.0
        """Time of the frame before; any time below zero before the first."""

    def step(self, frame: NDArray[np.uint8], time_s: float) -> Body | None:
        """Look at the next frame.

        Args:
            frame: (H, W, 3) RGB, upright.
            time_s: Its time, seconds.

        Returns:
            The person's body, or None where it is not seen.
        """
        body = self._look(frame, self.crop) if self.crop else None
        body = body or self._find(frame, time_s)
        self.crop = body.next_crop() if body else None
        if self.crop:
            self.last_seen, self.last_seen_s = self.crop, time_s
        self.previous_s = time_s
        return body

    def _look(self, frame: NDArray[np.uint8], crop: Crop) -> Body | None:
        (body,) = estimate(self._pose, frame, [crop])
        return body if body.is_in(frame) else None

    def _find(self, frame: NDArray[np.uint8], time_s: float) -> Body | None:
        found = detect(self._detector, frame, self._levels(time_s))
        for detection in self._candidates(found, time_s):
            rough = self._look(frame, detection.crop())
            # The detector's crop is rough: the landmarks found in it give a better one.
            body = self._look(frame, rough.next_crop()) if rough else None
            if body and detection.crop().agrees(body.next_crop()):
                return body
        return None

    def _levels(self, time_s: float) -> int:
        for levels, each in SEARCHES:
            if np.floor(time_s / each + 1e-6) > np.floor(self.previous_s / each + 1e-6):
                return levels
        return 1

    def _candidates(self, found: list[Detection], time_s: float) -> list[Detection]:
        near = self.last_seen
        if near is None and self._subject_px is None:
            least = SURE_SHARE * max((one.score for one in found), default=0.0)
            sure = [one for one in found if one.score >= least]
            return sorted(sure, key=lambda one: -one.crop().side_px)
        point = near.centre_px if near else np.array(self._subject_px)
        growth = 1.0 + RADIUS_GROWTH_HZ * (time_s - self.last_seen_s) if near else 1.0
        distances = [float(np.hypot(*(one.hip_px - point))) for one in found]
        reach = [max(one.crop().side_px, near.side_px if near else 0.0) / 2 for one in found]
        order = np.argsort(distances)
        return [found[i] for i in order if distances[i] <= growth * reach[i]]
