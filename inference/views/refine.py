# SPDX-License-Identifier: GPL-3.0-or-later
"""Steady shifts of pictures against their calibration, found from the person that all cameras see.

Videos are often cropped or steadied after the calibration was made: each picture then lies off by a
constant. Lenses and places are taken as they were calibrated.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from .triangulation import triangulate
from .view import View

Floats = NDArray[np.float64]

ROUNDS: Final = 12
"""Rounds after which the four-camera clip of Pose2Sim changes by less than 0.3 px a round. Further
ones move the whole scene rather than the cameras against each other: that no picture tells."""

STEP: Final = 0.7
"""Share of what a camera misses by that its picture is moved in a round."""

MIN_SCORE: Final = 0.5


def find_shifts(views: Sequence[View], xy_px: Floats, score: Floats, error_px: Floats) -> Floats:
    """Find how each picture must be moved for all cameras to agree.

    Args:
        views: C cameras, metres.
        xy_px: (C, N, 2) pixels, NaN where unseen.
        score: (C, N) 0..1; what is seen less surely than MIN_SCORE does not count.
        error_px: (C, N) error expected, pixels.

    Returns:
        (C, 2) what to add to pixels of the footage before the calibration holds.
    """
    shifts = np.zeros((len(views), 2))
    unsure = (score < MIN_SCORE)[..., None]
    for _ in range(ROUNDS):
        moved = [shifted(view, shift) for view, shift in zip(views, shifts, strict=True)]
        points = triangulate(moved, xy_px, error_px).xyz_m
        missed = np.stack([view.project(points) for view in moved]) - xy_px
        missed = np.where(unsure, np.nan, missed)
        known = np.isfinite(missed).any(axis=(1, 2))
        shifts[known] += STEP * np.nanmedian(missed[known], axis=1)
    return shifts


def shifted(view: View, shift_px: Floats) -> View:
    """Move a camera's picture.

    Args:
        view: The camera.
        shift_px: (2,) what to add to upright pixels before its calibration holds.

    Returns:
        The camera of the picture as it is.
    """
    raw = shift_px
    for _ in range(view.turns % 4):
        raw = np.array([-raw[1], raw[0]])
    matrix = view.matrix.copy()
    matrix[:2, 2] -= raw
    return replace(view, matrix=matrix)
