# SPDX-License-Identifier: GPL-3.0-or-later
"""When and where feet stand, stance by stance, so that one body can serve them all."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy.sparse import coo_matrix
from scipy.sparse.linalg import spsolve

from .compliance import inverse
from .freedoms import Ints
from .rotation import Bools, Floats

_BLEND_S: Final = 0.15
"""Time over which a foot comes to count before it is planted, and ceases to afterwards, by the
square of what is left of it. Of 0.1, 0.15, 0.2 and 0.3, linear, squared or cubed, it bends legs for
the least time with the least jumps on the clips that `benchmarks/rigs.py` was chosen on."""
_OWN: Final = 1e-3
"""How much it counts that a stance is where the moving body puts it, square radians for a leg's
length: a tenth of the leg off its place counts as 0.2 degrees. A tenth of this changes the figures
of `benchmarks/rigs.py` by less than a tenth."""
_STEP_M: Final = 0.1
"""Differences in the height of stances that are the camera's error; steps of stairs are 0.15 m."""


@dataclass(frozen=True, eq=False)
class Foot:
    """A foot of a rig whose body moves as the person's, without regard for the floor.

    Attributes:
        stance: (T,) number of the nearest stance.
        by_ball: (T,) whether the foot stands on its ball then; else on its heel.
        away: (T, 3) what a stance's place is to be added to, to tell how far the foot is from
            standing there, metres; outside stances that of the nearest frame.
        near: (T,) 1 while the foot is planted, 0 long before and after.
        height_m: (S,) height of each stance for the person.
    """

    stance: Ints
    by_ball: Bools
    away: Floats
    near: Floats
    height_m: Floats


def follow_foot(
    time_s: Floats,
    heel: tuple[Floats, Bools],
    ball: tuple[Floats, Bools],
    height_m: Floats,
    valid: Bools,
) -> Foot:
    """Find the stances of a foot.

    A stance lasts while heel or ball is planted; its place is the ball's. While only the heel is
    planted, the ball is where it comes down to, or was.

    Args:
        time_s: (T,) seconds.
        heel: (T, 3) where the heel is, metres, and (T,) whether it is planted.
        ball: Likewise the ball; one of them is planted in some frame.
        height_m: (T,) how high the person's foot is.
        valid: (T,) frames in which all this is known.

    Returns:
        The foot.
    """
    planted = heel[1] | ball[1]
    begins = np.diff(planted.astype(np.int8), prepend=0) == 1
    before, after = _around(planted)
    near = _nearer(time_s, before, after)
    stance = (np.cumsum(begins) - 1)[near]
    away = np.where(ball[1][:, None], -ball[0], -heel[0])
    if ball[1].any():
        next_ball = _nearer(time_s, *_around(ball[1]))
        on_heel = planted & ~ball[1] & (stance[next_ball] == stance)
        away[on_heel] += (heel[0] - ball[0])[next_ball[on_heel]]
    gap_s = np.where(before == after, np.inf, time_s[after] - time_s[before])
    # Half-way from one stance to the next, neither counts.
    blend_s = np.clip(0.5 * gap_s, 1e-9, _BLEND_S)
    return Foot(
        stance,
        ball[1][near],
        away[near],
        valid * np.clip(1.0 - np.abs(time_s - time_s[near]) / blend_s, 0.0, 1.0) ** 2,
        np.array([np.median(height_m[planted & (stance == s)]) for s in range(stance.max() + 1)]),
    )


def levels(feet: Sequence[Foot]) -> list[Floats]:
    """Tell how high stances are above the floor: that nearest to the ground of the take.

    Args:
        feet: The feet.

    Returns:
        (S,) by foot, metres for the person; 0 for what is on the floor.
    """
    every = np.concatenate([foot.height_m for foot in feet])
    above = [foot.height_m - every[np.argmin(np.abs(every))] for foot in feet]
    return [np.where(np.abs(height) < _STEP_M, 0.0, height) for height in above]


def settle_stances(
    feet: Sequence[Foot], height_m: Sequence[Floats], compliance: Sequence[Floats], leg_m: float
) -> list[Floats]:
    """Choose where the ball of each foot stands in each stance.

    What two feet at one time are apart from where they should be is up to the legs, by their
    compliance; that ties each stance to the next. All together stay where the moving body puts
    them: least squares in the places of all.

    Args:
        feet: One or two feet.
        height_m: (S,) how high the ball is in each stance, by foot.
        compliance: (T, 3, 3) of each leg, square metres.
        leg_m: Length of a leg.

    Returns:
        (S, 3) places, by foot.
    """
    first = np.cumsum([0, *(len(height) for height in height_m)])
    blocks, right = [], np.zeros((first[-1], 2))
    own = _OWN / leg_m**2
    for foot, start in zip(feet, first[:-1], strict=True):
        stands = foot.near >= 1.0
        rows = start + foot.stance[stands]
        blocks.append((rows, rows, np.broadcast_to(own * np.eye(2), (len(rows), 2, 2))))
        np.add.at(right, rows, -own * foot.away[stands, :2])
    if len(feet) == 2:
        near = np.stack([foot.near for foot in feet])
        both = (near > 0.0).all(axis=0)
        give = [c[both] / n[both, None, None] for c, n in zip(compliance, near, strict=True)]
        stiff = inverse(give[0] + give[1])
        one, other = (start + foot.stance[both] for foot, start in zip(feet, first, strict=False))
        apart = feet[0].away[both] - feet[1].away[both]
        heights = np.concatenate(height_m)
        apart[:, 2] += heights[one] - heights[other]
        pull = np.einsum("tij,tj->ti", stiff, apart)[:, :2]
        for here, there, sign in ((one, other, 1.0), (other, one, -1.0)):
            blocks += [(here, here, stiff[:, :2, :2]), (here, there, -stiff[:, :2, :2])]
            np.add.at(right, here, -sign * pull)
    level = _solve(blocks, right)
    return [
        np.concatenate([level[start:end], height[:, None]], axis=-1)
        for start, end, height in zip(first[:-1], first[1:], height_m, strict=True)
    ]


def _around(on: Bools) -> tuple[Ints, Ints]:
    """Give the rows of the last frame that is on and of the next, for every frame (T,)."""
    rows = np.flatnonzero(on)
    after = np.searchsorted(rows, np.arange(len(on)))
    before = np.searchsorted(rows, np.arange(len(on)), side="right") - 1
    return rows[np.maximum(before, 0)], rows[np.minimum(after, len(rows) - 1)]


def _nearer(time_s: Floats, before: Ints, after: Ints) -> Ints:
    """Choose the nearer in time of two rows, for every frame (T,)."""
    sooner = np.abs(time_s - time_s[before]) < np.abs(time_s[after] - time_s)
    return np.asarray(np.where(sooner, before, after))


def _solve(blocks: Sequence[tuple[Ints, Ints, Floats]], right: Floats) -> Floats:
    """Solve for (S, 2) places, given (N,) rows and columns of (N, 2, 2) blocks that add up."""
    parts = [
        (values[:, i, j], 2 * rows + i, 2 * columns + j)
        for rows, columns, values in blocks
        for i in (0, 1)
        for j in (0, 1)
    ]
    values, rows, columns = (np.concatenate(part) for part in zip(*parts, strict=True))
    matrix = coo_matrix((values, (rows, columns)), shape=(right.size, right.size))
    return np.asarray(spsolve(matrix.tocsc(), right.ravel())).reshape(right.shape)
