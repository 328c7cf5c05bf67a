# SPDX-License-Identifier: GPL-3.0-or-later
"""The lens in a movie clip's tracking settings: focal length, optical centre and distortion."""

from dataclasses import dataclass
from typing import Any, Final

import bpy
import numpy as np
from numpy.typing import NDArray

from .errors import SourceError

Floats = NDArray[np.float64]

GRID: Final = 15
"""Points a side of the picture at which Blender's model and OpenCV's are brought together."""

WORST_PX: Final = 1.0
"""Most that they may lie apart; no point of a person is seen more exactly."""


@dataclass(frozen=True)
class ClipLens:
    """A lens as a request takes it.

    Attributes:
        focal_px: Focal length, pixels of the clip.
        centre_px: Optical centre, pixels from the top left corner.
        distortion: OpenCV's k1, k2, p1, p2, k3; empty for none.
    """

    focal_px: float
    centre_px: tuple[float, float]
    distortion: tuple[float, ...]


def clip_lens(clip: bpy.types.MovieClip) -> ClipLens:
    """Read the lens of a clip.

    Args:
        clip: The footage; its tracking settings were set or solved.

    Returns:
        The lens.

    Raises:
        SourceError: Its pixels are not square, or its distortion is stronger than can be undone.
    """
    camera = clip.tracking.camera
    if camera.pixel_aspect != 1.0:
        raise SourceError(
            f"Clip {clip.name!r} has pixels that are not square (aspect {camera.pixel_aspect:g}): "
            "convert it to square pixels, or set Pixel Aspect to 1 if it has them"
        )
    width, height = clip.size
    x, y = camera.principal_point_pixels
    focal_px = float(camera.focal_length_pixels)
    reach = (np.linspace(-0.5, 0.5, GRID) * side / focal_px for side in (width, height))
    ideal = np.stack(np.meshgrid(*reach), axis=-1).reshape(-1, 2)
    ideal, bent = _bent(camera, ideal, max(width, height) / 2.0 / focal_px)
    if np.abs(bent - ideal).max() * focal_px < 1e-3:
        return ClipLens(focal_px, (float(x), float(height - y)), ())
    distortion, off = _fitted(ideal, bent)
    if not off * focal_px <= WORST_PX:
        raise SourceError(
            f"The {camera.distortion_model.capitalize()} distortion of clip {clip.name!r} is too "
            f"strong (off by {off * focal_px:.1f} pixels): solve it with the Polynomial model"
        )
    return ClipLens(focal_px, (float(x), float(height - y)), tuple(distortion.tolist()))


def _bent(camera: Any, at: Floats, half: float) -> tuple[Floats, Floats]:
    """Where a straight lens and this one show the same, over the focal length, y downwards.

    Source: Blender's libmv, distortion_models.h; Nuke's model goes from bent to straight, in halves
    of the long side. Blender counts y upwards, which turns the sign of what Brown's p2 adds.
    """
    x, y = at.T
    r = x**2 + y**2
    model = camera.distortion_model
    if model == "NUKE":
        rows, shares = at / half, (camera.nuke_k1, camera.nuke_k2)
        square = (rows**2).sum(axis=1)
        return at / (1.0 + shares[0] * square + shares[1] * square**2)[:, None], at
    if model == "DIVISION":
        return at, at / (1.0 + camera.division_k1 * r + camera.division_k2 * r**2)[:, None]
    if model == "BROWN":
        k = camera.brown_k1, camera.brown_k2, camera.brown_k3, camera.brown_k4
        p1, p2 = camera.brown_p1, camera.brown_p2
        beside = np.column_stack(
            [
                p1 * (r + 2.0 * x**2) - 2.0 * p2 * x * y,
                2.0 * p1 * x * y - p2 * (r + 2.0 * y**2),
            ]
        )
    else:
        k = camera.k1, camera.k2, camera.k3, 0.0
        beside = np.zeros_like(at)
    share = 1.0 + sum(one * r ** (power + 1) for power, one in enumerate(k))
    return at, at * share[:, None] + beside


def _fitted(ideal: Floats, bent: Floats) -> tuple[Floats, float]:
    """Give OpenCV's coefficients (5,), and how far they are off at worst, over the focal length.

    They are exact but for Brown's k4, division and Nuke.
    """
    x, y = ideal.T
    r = x**2 + y**2
    across = [x * r, x * r**2, 2.0 * x * y, r + 2.0 * x**2, x * r**3]
    down = [y * r, y * r**2, r + 2.0 * y**2, 2.0 * x * y, y * r**3]
    rows = np.concatenate([np.column_stack(across), np.column_stack(down)])
    wanted = (bent - ideal).T.ravel()
    found = np.linalg.lstsq(rows, wanted, rcond=None)[0]
    return np.asarray(found), float(np.abs(rows @ found - wanted).max())
