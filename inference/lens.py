# SPDX-License-Identifier: GPL-3.0-or-later
"""The lens of a single camera, where somebody knows it: what straight lines its picture bends."""

from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from .camera import Camera
from .errors import CalibrationError
from .protocol import TrackRequest
from .video import VideoInfo
from .views.calibrations import read_calibration
from .views.view import PIXEL_MIDDLE, View

Floats = NDArray[np.float64]

SHORTEST, LONGEST = 0.05, 100.0
"""Focal lengths over the long side of the picture that a straight lens may have: 169 degrees to
half a degree, by reason. Beyond, somebody took millimetres for pixels or mistyped."""


def known_lens(request: TrackRequest, info: VideoInfo) -> View | None:
    """Find the lens that a request tells.

    Args:
        request: What was asked.
        info: The footage.

    Returns:
        The lens as a camera at the origin of its own axes; None where none is told.

    Raises:
        CalibrationError: The calibration cannot be read, has no such camera, or is of footage of
            another shape; or the focal length is not one of such pictures.
    """
    if request.focal_px is not None:
        _require_sane(request.focal_px, info)
    if request.calibration is not None:
        name, _, path = request.calibration.rpartition("=")
        views = read_calibration(Path(path), least=1)
        view = _chosen(views, name, info.path.stem, path)
        fitted = view.resized(info.width, info.height)
        return replace(fitted, rotation=np.eye(3), translation=np.zeros(3))
    if request.focal_px is None or not (request.distortion or request.centre_px):
        return None
    size = np.array([info.width, info.height], float)
    centre = size / 2.0 if request.centre_px is None else np.array(request.centre_px)
    matrix = np.diag([request.focal_px, request.focal_px, 1.0])
    matrix[:2, 2] = centre - PIXEL_MIDDLE
    distortion = np.array(request.distortion)
    return View("of the clip", size, matrix, distortion, np.eye(3), np.zeros(3))


def lens_camera(lens: View, request: TrackRequest, info: VideoInfo) -> Camera:
    """Make the camera without distortion that sees what a lens sees.

    Args:
        lens: From `known_lens`.
        request: What was asked.
        info: The footage.

    Returns:
        A camera whose principal point is the middle of the picture.
    """
    source = request.focal_source if request.calibration is None else "calibration"
    focal_px = float(lens.matrix[[0, 1], [0, 1]].mean())
    return Camera(info.width, info.height, focal_px, source)


def straightened(xy_px: Floats, lens: View, camera: Camera) -> Floats:
    """Move pixels to where a lens without distortion would show them.

    Args:
        xy_px: (..., 2) pixels of the upright footage; NaN stays.
        lens: The lens.
        camera: The camera without distortion.

    Returns:
        (..., 2) pixels of that camera's picture.
    """
    middle = np.array([camera.width, camera.height]) / 2.0
    return np.asarray(lens.slopes(xy_px) * camera.focal_px + middle)


def _require_sane(focal_px: float, info: VideoInfo) -> None:
    long_px = max(info.width, info.height)
    if not SHORTEST * long_px <= focal_px <= LONGEST * long_px:
        raise CalibrationError(
            f"Focal length is {focal_px:g} px; with pictures of {info.width} x {info.height} it "
            f"must lie in {SHORTEST * long_px:g}..{LONGEST * long_px:g} px. Millimetres over the "
            f"sensor's long side times {long_px} are pixels"
        )


def _chosen(views: dict[str, View], name: str, stem: str, path: str) -> View:
    if name:
        if name not in views:
            raise CalibrationError(f"{path} has no camera {name!r}, only {list(views)}")
        return views[name]
    if len(views) > 1 and stem not in views:
        raise CalibrationError(
            f"{path} holds {list(views)}: say which filmed {stem!r} with NAME={path}"
        )
    return views[stem] if stem in views else next(iter(views.values()))
