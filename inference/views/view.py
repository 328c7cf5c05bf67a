# SPDX-License-Identifier: GPL-3.0-or-later
"""One calibrated camera: from pixels of its upright footage to rays in space, and back."""

from dataclasses import dataclass, replace
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from ..errors import CalibrationError

Floats = NDArray[np.float64]

PIXEL_MIDDLE: Final = 0.5
"""OpenCV counts from the middle of the first pixel, this project from its corner."""

MAX_DISTORTION: Final = 14
"""Coefficients of OpenCV's model with the most of them: radial, tangential, prism, tilt."""

UNTIL: Final = (cv2.TERM_CRITERIA_COUNT + cv2.TERM_CRITERIA_EPS, 100, 1e-12)
"""When undoing distortion is done: OpenCV's own five rounds are off by up to 4 pixels."""


@dataclass(frozen=True, eq=False)
class View:
    """A camera of a calibration.

    Attributes:
        name: As the calibration names it.
        size_px: (2,) width and height of the pictures it was calibrated with; NaN where that is
            not known, as in some of OpenCV's files: they are taken for as large as the footage.
        matrix: (3, 3) focal lengths and principal point, OpenCV's pixels of those pictures.
        distortion: (D,) OpenCV's coefficients, four of the fisheye model with `fisheye`.
        rotation: (3, 3) calibration's world to camera axes: x right, y down, z forward.
        translation: (3,) added after the rotation, in the calibration's unit.
        fisheye: Whether the distortion is OpenCV's fisheye model.
        turns: Turns by 90 degrees counter-clockwise that make its pictures upright.
    """

    name: str
    size_px: Floats
    matrix: Floats
    distortion: Floats
    rotation: Floats
    translation: Floats
    fisheye: bool = False
    turns: int = 0

    def __post_init__(self) -> None:
        """Refuse what is no camera.

        Raises:
            CalibrationError: Naming the camera and the value.
        """
        shapes = {"size_px": (2,), "matrix": (3, 3), "rotation": (3, 3), "translation": (3,)}
        for field, shape in shapes.items():
            values = getattr(self, field)
            unknown = field == "size_px" and np.isnan(values).all()
            if values.shape != shape or not (unknown or np.isfinite(values).all()):
                raise CalibrationError(f"Camera {self.name} has {field} {values.tolist()}")
        count = len(self.distortion)
        if not np.isfinite(self.distortion).all() or count > (
            4 if self.fisheye else MAX_DISTORTION
        ):
            raise CalibrationError(
                f"Camera {self.name} has distortion {self.distortion.tolist()}: OpenCV's "
                f"{'four of its fisheye model' if self.fisheye else 'coefficients'} are expected"
            )
        focal = self.matrix[[0, 1], [0, 1]]
        if (focal < 1.0).any() or (self.size_px < 1).any():
            raise CalibrationError(
                f"Camera {self.name} has a focal length of {focal.tolist()} pixels and pictures "
                f"of {self.size_px.tolist()}"
            )
        if not np.allclose(self.rotation @ self.rotation.T, np.eye(3), atol=1e-3):
            raise CalibrationError(f"Camera {self.name} has a rotation that is none")

    @property
    def place(self) -> Floats:
        """(3,) where the camera stands, in the calibration's world and unit."""
        return np.asarray(-self.rotation.T @ self.translation)

    @property
    def upright_size_px(self) -> Floats:
        """(2,) width and height of its upright footage."""
        return self.size_px[::-1] if self.turns % 2 else self.size_px

    def scaled(self, unit_m: float) -> "View":
        """The same camera with lengths in metres, of a calibration whose unit is `unit_m`."""
        return replace(self, translation=self.translation * unit_m)

    def resized(self, width: int, height: int) -> "View":
        """The same camera with footage of another resolution.

        Args:
            width: Width of the upright footage, pixels.
            height: Its height, pixels.

        Returns:
            The camera with its pixels scaled.

        Raises:
            CalibrationError: The footage has another shape than the calibration's pictures.
        """
        wanted = np.array([width, height], float)
        if np.isnan(self.size_px).any():
            return replace(self, size_px=wanted)
        scale = wanted / self.upright_size_px
        if not np.isclose(scale[0], scale[1], rtol=0.01):
            lying = self.turns % 2 and np.allclose(wanted, self.size_px)
            raise CalibrationError(
                f"Camera {self.name} was calibrated with pictures of "
                f"{self.upright_size_px.astype(int).tolist()} pixels, upright; its footage has "
                f"{[width, height]}: "
                + (
                    "it lies on its side, turn it without loss by `ffmpeg -display_rotation "
                    f"{90 * self.turns} -i CLIP -c copy UPRIGHT`"
                    if lying
                    else "give the footage of that camera, not cropped"
                )
            )
        raw = scale[::-1] if self.turns % 2 else scale
        matrix = self.matrix.copy()
        matrix[:2, 2] += PIXEL_MIDDLE
        matrix[:2] *= raw[:, None]
        matrix[:2, 2] -= PIXEL_MIDDLE
        return replace(self, size_px=self.size_px * raw, matrix=matrix)

    def rays(self, xy_px: Floats) -> Floats:
        """Give unit directions (..., 3) in the world, of upright pixels (..., 2); NaN for NaN."""
        slopes = self._undistorted(xy_px)
        ahead = np.concatenate([slopes, np.ones((*slopes.shape[:-1], 1))], axis=-1)
        ahead /= np.linalg.norm(ahead, axis=-1, keepdims=True)
        return np.asarray(ahead @ self.rotation)

    def slopes(self, xy_px: Floats) -> Floats:
        """Give x / z and y / z (..., 2), x right and y down in the upright footage, of its pixels.

        Args:
            xy_px: (..., 2) upright pixels; NaN stays.

        Returns:
            Slopes of the rays, distortion undone.
        """
        slopes = self._undistorted(xy_px)
        for _ in range(self.turns % 4):
            slopes = np.stack([slopes[..., 1], -slopes[..., 0]], axis=-1)
        return slopes

    def project(self, points: Floats) -> Floats:
        """Give upright pixels (..., 2) of world points (..., 3); NaN for NaN and behind it."""
        flat = np.ascontiguousarray(points, float).reshape(-1, 3)
        depth = flat @ self.rotation[2] + self.translation[2]
        seen = np.isfinite(depth) & (np.nan_to_num(depth) > 0.0)
        pixels = np.full((len(flat), 2), np.nan)
        if seen.any():
            turn = cv2.Rodrigues(self.rotation)[0]
            see = cv2.fisheye.projectPoints if self.fisheye else cv2.projectPoints
            lens = self.matrix, self.distortion
            pixels[seen] = see(flat[seen, None], turn, self.translation, *lens)[0].reshape(-1, 2)
        return self._upright(pixels.reshape(*points.shape[:-1], 2))

    def _undistorted(self, xy_px: Floats) -> Floats:
        """Slopes (..., 2) in the calibrated picture's axes."""
        flat = np.asarray(self._as_calibrated(xy_px), float).reshape(-1, 1, 2)
        seen = np.isfinite(flat).all(axis=(1, 2))
        slopes = np.full((len(flat), 2), np.nan)
        if seen.any():
            undistort = cv2.fisheye.undistortPoints if self.fisheye else cv2.undistortPointsIter
            lens = self.matrix, self.distortion
            plain = undistort(flat[seen], *lens, R=np.eye(3), P=np.eye(3), criteria=UNTIL)
            slopes[seen] = plain.reshape(-1, 2)
        return slopes.reshape(xy_px.shape)

    def _as_calibrated(self, xy_px: Floats) -> Floats:
        size = self.upright_size_px
        for _ in range(self.turns % 4):
            xy_px = np.stack([size[1] - xy_px[..., 1], xy_px[..., 0]], axis=-1)
            size = size[::-1]
        return xy_px - PIXEL_MIDDLE

    def _upright(self, pixels: Floats) -> Floats:
        xy_px, size = pixels + PIXEL_MIDDLE, self.size_px
        for _ in range(self.turns % 4):
            xy_px = np.stack([xy_px[..., 1], size[0] - xy_px[..., 0]], axis=-1)
            size = size[::-1]
        return np.asarray(xy_px)
