# SPDX-License-Identifier: GPL-3.0-or-later
"""The lens in a movie clip's tracking settings: focal length, optical centre and distortion."""

from collections.abc import Sequence
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

MIDDLE_PX: Final = 0.01
"""An optical centre this near the picture's middle is the middle."""


@dataclass(frozen=True)
class Lens:
    """A lens as a request takes it.

    Attributes:
        focal_px: Focal length, pixels of the upright footage.
        centre_px: Optical centre, pixels from its top left corner; None for its middle.
        distortion: OpenCV's k1, k2, p1, p2, k3, for division k4, k5, k6 as well; empty for none.
    """

    focal_px: float
    centre_px: tuple[float, float] | None = None
    distortion: tuple[float, ...] = ()


def clip_size_px(clip: bpy.types.MovieClip) -> tuple[int, int]:
    """Tell how large a clip's pictures are once their pixels are square, as they are tracked.

    Args:
        clip: The footage.

    Returns:
        Width and height.
    """
    width, height = clip.size
    return max(round(width * clip.tracking.camera.pixel_aspect), 1), height


def clip_lens(clip: bpy.types.MovieClip) -> Lens:
    """Read the lens of a clip.

    Args:
        clip: The footage; its tracking settings were set or solved.

    Returns:
        The lens.

    Raises:
        SourceError: Its sensor has no width, or its distortion is stronger than can be undone.
    """
    camera = clip.tracking.camera
    if not camera.sensor_width > 0.0:
        raise SourceError(
            f"Clip {clip.name!r} has a sensor {camera.sensor_width:g} mm wide: set Sensor Width in "
            "its tracking settings"
        )
    size = clip_size_px(clip)
    # Blender measures in stored pixels' widths, tracking in their heights.
    focal_px = float(camera.focal_length_pixels) * camera.pixel_aspect
    x, y = camera.principal_point_pixels
    centre_px = off_middle((x * camera.pixel_aspect, size[1] - y), size)
    reach = (np.linspace(-0.5, 0.5, GRID) * side / focal_px for side in size)
    ideal = np.stack(np.meshgrid(*reach), axis=-1).reshape(-1, 2)
    ideal, bent = _bent(camera, ideal, max(size) / 2.0 / focal_px)
    if np.abs(bent - ideal).max() * focal_px < 1e-3:
        return Lens(focal_px, centre_px)
    divided = camera.distortion_model == "DIVISION"
    distortion, off = _divided(camera, ideal, bent) if divided else _fitted(ideal, bent)
    if not off * focal_px <= WORST_PX:
        raise SourceError(
            f"The {camera.distortion_model.capitalize()} distortion of clip {clip.name!r} is too "
            f"strong (off by {off * focal_px:.1f} pixels): solve it with the Polynomial model"
        )
    return Lens(focal_px, centre_px, tuple(distortion.tolist()))


def require_as_tracked(clip: bpy.types.MovieClip, size_px: tuple[int, int], turned: bool) -> None:
    """Refuse footage that Blender shows in another shape than it was tracked in.

    Args:
        clip: The footage.
        size_px: Width and height of the upright footage.
        turned: Whether it may lie on its side, as for a focal length alone.

    Raises:
        SourceError: The lens told is not of the pictures tracked.
    """
    shown = clip_size_px(clip)
    if shown == size_px or (turned and shown[::-1] == size_px):
        return
    if shown[1] == size_px[1]:
        raise SourceError(
            f"Blender shows clip {clip.name!r} as {shown[0]} x {shown[1]} square pixels, its film "
            f"is {size_px[0]} x {size_px[1]}: set Pixel Aspect in its tracking settings to "
            f"{size_px[0] / clip.size[0]:.4g}"
        )
    raise SourceError(
        f"Blender shows clip {clip.name!r} lying on its side, so that its camera cannot be used: "
        "turn the film upright and write it anew, open it in a later Blender, or choose New Camera"
    )


def off_middle(centre_px: Sequence[float], size_px: Sequence[float]) -> tuple[float, float] | None:
    """Give an optical centre, None where it is the picture's middle.

    Args:
        centre_px: Pixels from the top left corner.
        size_px: Width and height.

    Returns:
        The centre.
    """
    x, y = (float(value) for value in centre_px)
    off = max(abs(x - size_px[0] / 2.0), abs(y - size_px[1] / 2.0))
    return None if off < MIDDLE_PX else (x, y)


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

    They are exact but for Brown's k4 and Nuke.
    """
    x, y = ideal.T
    r = x**2 + y**2
    across = [x * r, x * r**2, 2.0 * x * y, r + 2.0 * x**2, x * r**3]
    down = [y * r, y * r**2, r + 2.0 * y**2, 2.0 * x * y, y * r**3]
    rows = np.concatenate([np.column_stack(across), np.column_stack(down)])
    wanted = (bent - ideal).T.ravel()
    found = np.linalg.lstsq(rows, wanted, rcond=None)[0]
    return np.asarray(found), float(np.abs(rows @ found - wanted).max())


def _divided(camera: Any, ideal: Floats, bent: Floats) -> tuple[Floats, float]:
    """Likewise for division, which OpenCV's eight (k1, k2, p1, p2, k3 to k6) hold exactly.

    Where the picture folds back on itself nothing can be undone: that is infinitely far off.
    """
    reach = np.linalg.norm(ideal, axis=1)
    along = (ideal * bent).sum(axis=1) / np.maximum(reach, 1e-9)
    grows = (np.diff(along[np.argsort(reach)]) > -1e-9).all()
    shares = np.array([0.0, 0.0, 0.0, 0.0, 0.0, camera.division_k1, camera.division_k2, 0.0])
    return shares, 0.0 if grows else np.inf
