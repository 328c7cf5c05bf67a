# SPDX-License-Identifier: GPL-3.0-or-later
"""Upright crops about a person's box, as the networks of the RTMPose layout were trained on."""

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

PADDING: Final = 1.25
"""Crop over box. Source: MMPose, GetBBoxCenterScale, `padding`, which RTMPose leaves as it is."""


@dataclass(frozen=True)
class BoxCrop:
    """A rectangle of a frame.

    Attributes:
        centre_px: (2,) centre, pixels of the upright frame.
        size_px: (2,) width and height, pixels of the upright frame.
    """

    centre_px: NDArray[np.float64]
    size_px: NDArray[np.float64]

    @classmethod
    def around(cls, box: NDArray[np.float64], aspect: float) -> "BoxCrop":
        """Crop that holds a person.

        Args:
            box: (4,) x, y, width and height of the person, pixels.
            aspect: Width over height of the crop.

        Returns:
            The padded box, grown to that aspect about its centre.
        """
        width, height = PADDING * np.maximum(box[2:], 1.0)
        size = np.array([max(width, height * aspect), max(height, width / aspect)])
        return cls(box[:2] + box[2:] / 2.0, size)

    def to_frame(
        self, points: NDArray[np.float64], picture: tuple[int, int]
    ) -> NDArray[np.float64]:
        """Carry points of the crop into the frame.

        Args:
            points: (..., 2) pixels of the crop, 0 in the middle of its first pixel.
            picture: Width and height of the crop picture that the points were found in, pixels.

        Returns:
            (..., 2) pixels of the upright frame, 0 at its corner.
        """
        offset = (points / picture - 0.5) * self.size_px
        return self.centre_px + offset

    def cut(self, frame: NDArray[np.uint8], picture: tuple[int, int]) -> NDArray[np.uint8]:
        """Sample the crop from a frame; outside of the frame it is black.

        The middle of pixel `width / 2` of the crop shows the centre, as in training; so `to_frame`
        is exact for points counted from the middle of the first pixel.

        Args:
            frame: (H, W, 3) picture.
            picture: Width and height of the crop picture wanted, pixels.

        Returns:
            (height, width, 3) picture.

        Source: MMPose, TopdownAffine.
        """
        scale = self.size_px / np.array(picture)
        # OpenCV counts the frame from the middle of its first pixel too, this project does not.
        matrix = np.column_stack([np.diag(scale), self.centre_px - self.size_px / 2.0 - 0.5])
        flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        return np.asarray(cv2.warpAffine(frame, matrix, picture, flags=flags), np.uint8)
