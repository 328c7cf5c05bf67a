# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a person goes: the path that makes the body project onto its points, smooth in time.

A frame alone tells distance badly: it is read off how large a body looks, and a centimetre of error
in the image moves it by a hundredth of its length. Over all frames at once the path is the one that
people can walk.
"""

from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import solveh_banded

Floats = NDArray[np.float64]

SEEN_M: Final = 0.03
"""How far a point is off its ray at a score of 1, metres; a point much further off counts little.

The median over the project's renders is 0.038 m for all scores together."""

ALIKE: Final = 8.0
"""Points that are wrong together: 37 of them say as much as 37 / 8 that are wrong by chance, and
each frame's error is much that of the frame before."""

ACCELERATION: Final = np.array([5.0, 5.0, 1.5])
"""Spread of the hips' acceleration along the camera's axes, m/s^2 per sqrt(Hz): walking has 1.5 at
2 Hz, a jump 10 for a third of a second. Across the image, where a frame tells much, a jump is given
its room; a jump at the camera comes out rounder than it was."""

GAP_S: Final = 0.5
"""Over a longer gap nothing is known of the path: it is found for each part by itself."""

ROUNDS: Final = 6
_BANDS: Final = 7
"""Diagonals that hold three unknowns a frame and the same axis two frames on."""


def root_path(slopes: Floats, score: Floats, relative_m: Floats, time_s: Floats) -> Floats:
    """Find where the middle of the hips is in each frame.

    Args:
        slopes: (T, K, 2) x / z and y / z of the points' rays, camera axes.
        score: (T, K) 0..1.
        relative_m: (T, K, 3) metres from the middle of the hips, camera axes.
        time_s: (T,) strictly increasing seconds.

    Returns:
        (T, 3) metres, camera frame.

    Source: each point gives x (Z + tz) = X + tx and y (Z + tz) = Y + ty, with x and y the slopes of
    its ray; weights by Cauchy's function, white acceleration as a prior.
    """
    ends = [0, *(np.flatnonzero(np.diff(time_s) > GAP_S) + 1).tolist(), len(time_s)]
    parts = [slice(*pair) for pair in pairwise(ends)]  # views: an index array would copy
    return np.concatenate(
        [_part(slopes[rows], score[rows], relative_m[rows], time_s[rows]) for rows in parts]
    )


def _part(slopes: Floats, score: Floats, relative_m: Floats, time_s: Floats) -> Floats:
    sides = slopes * relative_m[..., 2:] - relative_m[..., :2]
    # Of the equations of a point, (1, 0, -x) and (0, 1, -y), only these products are needed.
    square, product = (slopes**2).sum(axis=-1), (slopes * sides).sum(axis=-1)
    smoothness = _smoothness(time_s)
    base = score**2 / (SEEN_M**2 * ALIKE)
    weight = base
    for _ in range(ROUNDS):
        normal, right = np.zeros((len(score), 3, 3)), np.zeros((len(score), 3))
        normal[:, [0, 1], [0, 1]] = weight.sum(axis=1, keepdims=True)
        normal[:, :2, 2] = -(weight[:, None] @ slopes)[:, 0]
        normal[:, 2, 2] = (weight * square).sum(axis=1)
        right[:, :2] = (weight[:, None] @ sides)[:, 0]
        right[:, 2] = -(weight * product).sum(axis=1)
        path = _solve(normal, right, smoothness)
        off = path[:, None, :2] - slopes * path[:, None, 2:] - sides
        weight = base / (1.0 + (off**2).sum(axis=-1) / (3.0 * SEEN_M) ** 2)
    return path


def _smoothness(time_s: Floats) -> Floats:
    """(3, T) diagonals of the normal matrix of accelerations: own, one and two frames on."""
    count = len(time_s)
    bands = np.zeros((3, count))
    if count < 3:
        return bands
    before, after = np.diff(time_s)[:-1], np.diff(time_s)[1:]
    both = before + after
    terms = np.stack([2.0 / (before * both), -2.0 / (before * after), 2.0 / (after * both)])
    weight = both / 2.0
    for first in range(3):
        for second in range(first, 3):
            rows = slice(first, first + count - 2)
            bands[second - first, rows] += weight * terms[first] * terms[second]
    return bands


def _solve(normal: Floats, right: Floats, smoothness: Floats) -> Floats:
    """Solve for (T, 3) by upper (T, 3, 3) matrices of frames and what ties these together."""
    count = len(normal)
    banded = np.zeros((_BANDS, 3 * count))
    for apart in range(3):
        diagonal = normal[:, np.arange(3 - apart), np.arange(apart, 3)]
        for row in range(3 - apart):
            banded[apart, row::3] += diagonal[:, row]
        for axis in range(3):
            banded[3 * apart, axis::3] += smoothness[apart] / ACCELERATION[axis] ** 2
    # A frame whose points all score nothing, alone, would leave the matrix without rank.
    banded[0] += 1e-9 * max(float(banded[0].max()), 1.0)
    return np.asarray(solveh_banded(banded, right.ravel(), lower=True)).reshape(count, 3)
