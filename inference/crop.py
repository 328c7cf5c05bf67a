# SPDX-License-Identifier: GPL-3.0-or-later
"""Square, rotated crops of a frame: the person's trunk points up in them, whatever its lean."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

MARGIN = 1.25
"""Crop side over the diameter of the person's circle, as the landmark network was trained.

Source: mediapipe/modules/pose_landmark/pose_landmarks_to_roi.pbtxt, scale_x and scale_y.
"""

MAX_TURN = np.radians(60.0)
MAX_GROWTH = 1.8
"""Crops that differ by more do not show the same body."""

FIT_SHIFT = 0.1
FIT_GROWTH = 1.2
FIT_TURN = np.radians(20.0)
"""How far a crop may be off, in sides, by size and by angle, without a second look.

Chosen on three clips of the shared data (a walk over a lawn, two men crossing, a dance) with crops
moved off a body: up to these the spine moves by 1 to 3 % of the trunk at the median, as much as
by any other change of the crop; at a shift of 0.15 the 90th percentile leaps to 32 %.
"""


@dataclass(frozen=True)
class Crop:
    """A square of a frame.

    Attributes:
        centre_px: (2,) centre, pixels of the upright frame.
        side_px: Side, pixels of the upright frame.
        angle: Clockwise turn of the crop in the image, radians: 0 for an upright person.
    """

    centre_px: NDArray[np.float64]
    side_px: float
    angle: float

    @classmethod
    def around(cls, hip_px: NDArray[np.float64], reach_px: NDArray[np.float64]) -> "Crop":
        """Crop that holds the whole person, from the two points that the networks give for it.

        Args:
            hip_px: (2,) middle of the hips, pixels.
            reach_px: (2,) point straight above the hips on the circle that holds the body, pixels.

        Returns:
            The crop, turned so that `reach_px` lies straight above `hip_px` in it.
        """
        dx, dy = np.asarray(reach_px, float) - np.asarray(hip_px, float)
        radius = float(np.hypot(dx, dy))
        return cls(np.asarray(hip_px, float), 2.0 * MARGIN * radius, float(np.arctan2(dx, -dy)))

    def fits(self, other: "Crop") -> bool:
        """Tell whether a person seen through this crop is seen as well as through another.

        Args:
            other: Crop about the person.

        Returns:
            Whether shift, turn and size differ by less than moves the points found.
        """
        shift = float(np.linalg.norm(self.centre_px - other.centre_px))
        small, large = sorted((self.side_px, other.side_px))
        near = shift <= FIT_SHIFT * large and large <= FIT_GROWTH * small
        return bool(near and self._turn(other) <= FIT_TURN)

    def agrees(self, other: "Crop") -> bool:
        """Tell whether another crop shows a body much the same way up and as large.

        Args:
            other: The crop.

        Returns:
            False where a detection and the body found in it contradict each other.
        """
        small, large = sorted((self.side_px, other.side_px))
        return bool(self._turn(other) < MAX_TURN and large < MAX_GROWTH * small)

    def _turn(self, other: "Crop") -> float:
        return float(abs((self.angle - other.angle + np.pi) % (2.0 * np.pi) - np.pi))

    def rotation(self) -> NDArray[np.float64]:
        """Rotation (2, 2) from crop axes to image axes, x right and y down."""
        cos, sin = np.cos(self.angle), np.sin(self.angle)
        return np.array([[cos, -sin], [sin, cos]])

    def to_frame(self, points: NDArray[np.float64], size_px: int) -> NDArray[np.float64]:
        """Carry points of the crop into the frame.

        Args:
            points: (..., 2) pixels of the crop, origin at its top-left corner.
            size_px: Side of the crop picture that the points were found in, pixels.

        Returns:
            (..., 2) pixels of the upright frame.
        """
        offset = (points / size_px - 0.5) * self.side_px
        return self.centre_px + offset @ self.rotation().T

    def cut(
        self, frame: NDArray[np.uint8], size_px: int, *, black_outside: bool
    ) -> NDArray[np.uint8]:
        """Sample the crop from a frame.

        Args:
            frame: (H, W, 3) picture.
            size_px: Side of the picture wanted, pixels.
            black_outside: Black outside of the frame; else the frame's edge goes on there.

        Returns:
            (size_px, size_px, 3) picture.
        """
        scale = self.side_px / size_px
        linear = self.rotation() * scale
        # OpenCV counts from pixel centres, this project from the corner of the first pixel.
        half = np.full(2, 0.5)
        shift = self.to_frame(half, size_px) - half
        matrix = np.column_stack([linear, shift])
        return np.asarray(
            cv2.warpAffine(
                frame,
                matrix,
                (size_px, size_px),
                flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
                borderMode=cv2.BORDER_CONSTANT if black_outside else cv2.BORDER_REPLICATE,
            ),
            np.uint8,
        )
