# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether cameras agree with their calibration, and which of them does not."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ..errors import CalibrationError
from .triangulation import triangulate
from .view import View

Floats = NDArray[np.float64]

MOST_OFF: Final = 0.15
"""Median distance, in trunk lengths, by which a camera may miss what the others say. On the
four-camera clip of Pose2Sim, by hand: cameras miss by .05 to .08 as they are calibrated, by .16
and more with one of them turned by two degrees, by .41 and more with two names swapped."""


@dataclass(frozen=True, eq=False)
class Agreement:
    """How well cameras and calibration agree.

    Attributes:
        names: C cameras.
        off_px: (C,) median distance of a camera's points from where all together put them, pixels.
        off_alone: (C,) median distance from where the other cameras put them, in trunk lengths;
            with two cameras the same as with all.
    """

    names: tuple[str, ...]
    off_px: Floats
    off_alone: Floats


def agreement(
    views: Sequence[View], xy_px: Floats, error_px: Floats, trunk_px: Floats
) -> Agreement:
    """Measure how far each camera is from what the others say.

    Args:
        views: C cameras, metres.
        xy_px: (C, N, 2) pixels, NaN where unseen.
        error_px: (C, N) error expected, pixels.
        trunk_px: (C,) typical length of the trunk in each camera's footage.

    Returns:
        The distances; NaN for a camera that shares no point with the others.
    """
    everything = _misses(views, xy_px, triangulate(views, xy_px, error_px).xyz_m)
    alone = everything / trunk_px[:, None]
    if len(views) > 2:
        for one in range(len(views)):
            rest = [index for index in range(len(views)) if index != one]
            points = triangulate([views[i] for i in rest], xy_px[rest], error_px[rest]).xyz_m
            alone[one] = _misses(views[one : one + 1], xy_px[one : one + 1], points) / trunk_px[one]
    names = tuple(view.name for view in views)
    return Agreement(names, _median(everything), _median(alone))


def require_agreement(
    views: Sequence[View], xy_px: Floats, error_px: Floats, trunk_px: Floats
) -> Agreement:
    """Make sure that all cameras agree with the calibration.

    Args:
        views: C cameras, metres.
        xy_px: (C, N, 2) pixels, NaN where unseen.
        error_px: (C, N) error expected, pixels.
        trunk_px: (C,) typical length of the trunk in each camera's footage.

    Returns:
        How well they do.

    Raises:
        CalibrationError: Naming the camera that does not, or two whose names seem swapped.
    """
    found = agreement(views, xy_px, error_px, trunk_px)
    unseen = [name for name, off in zip(found.names, found.off_alone, strict=True) if np.isnan(off)]
    if unseen:
        raise CalibrationError(
            f"Camera {', '.join(unseen)} shows the person at no moment that another camera does, "
            "or their lines of sight never meet: check which clip belongs to which camera"
        )
    if found.off_alone.max() <= MOST_OFF:
        return found
    raise CalibrationError(_explained(found, views, xy_px, error_px, trunk_px))


def _explained(
    found: Agreement, views: Sequence[View], xy_px: Floats, error_px: Floats, trunk_px: Floats
) -> str:
    off = ", ".join(
        f"{name} {100 * share:.0f} %"
        for name, share in zip(found.names, found.off_alone, strict=True)
    )
    told = f"The cameras do not agree (distance from what the others say, % of trunk: {off})."
    for a, b in combinations(range(len(views)), 2):
        order = list(range(len(views)))
        order[a], order[b] = b, a
        swapped = agreement([views[i] for i in order], xy_px, error_px, trunk_px).off_alone
        if np.nanmax(swapped) <= MOST_OFF and np.isfinite(swapped).all():
            return f"{told} Cameras {found.names[a]} and {found.names[b]} are swapped: swap clips"
    if len(views) > 3:
        for one in np.argsort(-found.off_alone):
            rest = [index for index in range(len(views)) if index != one]
            without = agreement(
                [views[i] for i in rest], xy_px[rest], error_px[rest], trunk_px[rest]
            )
            if np.nanmax(without.off_alone) <= MOST_OFF:
                return (
                    f"{told} Without {found.names[one]} the others agree: calibrate it again or "
                    f"leave it out with --without {found.names[one]}"
                )
    return f"{told} Check calibration, synchronisation and which clip belongs to which camera"


def _misses(views: Sequence[View], xy_px: Floats, points: Floats) -> Floats:
    seen = np.stack([view.project(points) for view in views])
    return np.asarray(np.linalg.norm(seen - xy_px, axis=2))


def _median(values: Floats) -> Floats:
    result = np.full(len(values), np.nan)
    for row, one in enumerate(values):
        if np.isfinite(one).any():
            result[row] = np.nanmedian(one)
    return result
