# SPDX-License-Identifier: GPL-3.0-or-later
"""Bends a limb of two bones so that its end comes where it should."""

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np

from .rotation import Floats, from_axis_angle, multiply, rotate, swing_between, unit

_HINGE: Final = 0.02
"""How much the hinge counts against the plane of a bent limb; it decides where the limb is straight
and the plane unknown."""
STRETCHED: Final = 0.9999
"""Most a limb is stretched, as a share of its length, if it was not stretched further before."""


def reach(upper: Floats, lower: Floats, goal: Floats, hinge: Floats) -> tuple[Floats, Floats]:
    """Find the turns that bring the end of a limb to a goal.

    Args:
        upper: (T, 3) way from the root of the limb to its middle, metres.
        lower: (T, 3) way from its middle to its end.
        goal: (T, 3) way from its root to where the end should be.
        hinge: (T, 3) unit axis about which it flexes: a positive turn of the lower bone bends it.

    Returns:
        (T, 4) turns in the world to be made after those that the upper and lower bone have.
    """
    a, b = (np.linalg.norm(v, axis=-1) for v in (upper, lower))
    now = np.linalg.norm(upper + lower, axis=-1)
    shortest, longest = np.abs(a - b), np.maximum(STRETCHED * (a + b), now)
    distance = np.clip(np.linalg.norm(goal, axis=-1), shortest + 1e-9, longest)
    normal = unit(np.cross(upper, lower) + _HINGE * (a * b)[..., None] * hinge)
    bend = _bend(a, b, distance) - _bend(a, b, now)
    flex = from_axis_angle(normal, bend)
    aim = swing_between(unit(upper + rotate(flex, lower)), unit(goal))
    return aim, multiply(aim, flex)


def bend_limb(
    bones: Sequence[str],
    turns: dict[str, Floats],
    at: Mapping[str, Floats],
    move: Floats,
    hinge: Floats,
) -> None:
    """Turn the two bones of a limb so that its end is moved.

    Args:
        bones: Upper bone, lower bone and end.
        turns: (T, 4) turn of each bone; those of the two are replaced.
        at: (T, 3) where bones begin.
        move: (T, 3) how far the end is to be moved, metres.
        hinge: (T, 3) axis about which the limb flexes.
    """
    upper, lower, end = bones
    moved = (np.abs(move) > 1e-7).any(axis=-1)
    thigh, shin = at[lower] - at[upper], at[end] - at[lower]
    first, second = reach(thigh[moved], shin[moved], (thigh + shin + move)[moved], hinge[moved])
    for bone, more in ((upper, first), (lower, second)):
        turn = turns[bone].copy()
        turn[moved] = multiply(more, turn[moved])
        turns[bone] = turn


def _bend(a: Floats, b: Floats, distance: Floats) -> Floats:
    """Give the angle between two bones whose ends are so far apart; 0 where they are in line."""
    cosine = (distance**2 - a**2 - b**2) / np.maximum(2.0 * a * b, 1e-12)
    return np.asarray(np.arccos(np.clip(cosine, -1.0, 1.0)))
