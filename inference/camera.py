# SPDX-License-Identifier: GPL-3.0-or-later
"""The camera: assumed focal length, rays, and the one conversion from camera to world frame."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

ASSUMED_FOCAL: Final = 1.0
ASSUMED_SPREAD: Final = 0.4
"""Focal length over the long side of the frame when nothing is known, and the deviation of its
logarithm. Action cameras have about 0.45, a telephone 0.72 (26 mm on 36 mm) and its telephoto 2.1:
the outer ones lie two deviations off. 1.0 is 53 degrees; people film sport with 1.4 and more.
"""

LEVEL_UP: Final = np.array([0.0, -1.0, 0.0])
"""What is up for a camera held level, camera frame."""


@dataclass(frozen=True)
class Camera:
    """A pinhole camera with square pixels whose principal point is the middle of the frame.

    Attributes:
        width: Width of the upright frame, pixels.
        height: Height of the upright frame, pixels.
        focal_px: Focal length, pixels.
        focal_source: What told it: who gave it, "file", "estimated" or "assumed".
        focal_spread: Standard deviation of its logarithm: .1 is ten per cent; 0 where it was given.
    """

    width: int
    height: int
    focal_px: float
    focal_source: str = "given"
    focal_spread: float = 0.0

    @classmethod
    def assumed(cls, width: int, height: int) -> "Camera":
        """Camera of which nothing is known.

        Args:
            width: Width of the upright frame, pixels.
            height: Height of the upright frame, pixels.

        Returns:
            The camera, of a usual lens.
        """
        focal_px = ASSUMED_FOCAL * max(width, height)
        return cls(width, height, focal_px, "assumed", ASSUMED_SPREAD)

    def slopes(self, xy_px: NDArray[np.float64]) -> NDArray[np.float64]:
        """Direction of pixels.

        Args:
            xy_px: (..., 2) pixels of the upright frame.

        Returns:
            (..., 2) x / z and y / z of the rays through them, camera frame.
        """
        return np.asarray((xy_px - np.array([self.width, self.height]) / 2.0) / self.focal_px)

    def project(self, xyz_m: NDArray[np.float64]) -> NDArray[np.float64]:
        """Project points.

        Args:
            xyz_m: (..., 3) metres, camera frame.

        Returns:
            (..., 2) pixels of the upright frame.
        """
        slopes = xyz_m[..., :2] / xyz_m[..., 2:]
        return np.asarray(slopes * self.focal_px + np.array([self.width, self.height]) / 2.0)


def ray_rotation(slopes: NDArray[np.float64]) -> NDArray[np.float64]:
    """Smallest rotation that turns the optical axis into a ray.

    Args:
        slopes: (..., 2) x / z and y / z of the rays.

    Returns:
        (..., 3, 3) rotation matrices; they carry points seen along the ray into the camera frame.

    Source: Rodrigues' formula for the rotation between two unit vectors.
    """
    ray = np.concatenate([slopes, np.ones((*slopes.shape[:-1], 1))], axis=-1)
    x, y, z = np.moveaxis(ray / np.linalg.norm(ray, axis=-1, keepdims=True), -1, 0)
    skew = np.zeros((*slopes.shape[:-1], 3, 3))
    skew[..., 0, 2], skew[..., 1, 2], skew[..., 2, 0], skew[..., 2, 1] = x, y, -x, -y
    return np.asarray(np.eye(3) + skew + skew @ skew / (1.0 + z)[..., None, None])


def world_axes(up: NDArray[np.float64]) -> NDArray[np.float64]:
    """Rotation from the camera frame (x right, y down, z forward) to the world (+Z up).

    Args:
        up: (3,) unit vector against gravity, camera frame; LEVEL_UP for a level camera.

    Returns:
        (3, 3) rotation; the camera's heading becomes +Y, so that people who face it face -Y.
    """
    ahead = np.array([0.0, 0.0, 1.0])
    ahead = ahead - (ahead @ up) * up
    ahead /= np.linalg.norm(ahead)
    return np.stack([np.cross(ahead, up), ahead, up])
