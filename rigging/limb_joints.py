# SPDX-License-Identifier: GPL-3.0-or-later
"""Which bones of a chain are the joints of a leg or an arm."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from itertools import combinations, pairwise
from typing import Final

import numpy as np

from .chains import Chains, Pair
from .rotation import Floats

PARTS: Final = ("clavicle", "upper_arm", "forearm", "hand", "thigh", "shin", "foot", "toe")
"""Parts of the limbs of one side."""

_LEG: Final = 1.0
_ARM: Final = 0.9
"""Length of the lower part over the upper's: the middle of 0.7 to 1.1, which arms of the data
folder's rigs have. With a palm they would have 0.85 to 1.6."""
_EQUAL: Final = 0.6
_LONG: Final = 0.3
_STRAIGHT: Final = 2.0
_NEAR: Final = 0.5
_EVEN: Final = 0.4
"""What counts for the joints of a limb: its parts in proportion, long and straight, its root near
the trunk, and bones within a part evenly apart, as twist bones are and a palm's is not.

The rigs of the data folder that have names chose them: with these, structure finds the joints that
the names say (`tests/rigging/test_real_rigs.py`).
"""
_COINCIDENT: Final = 1e-3
"""Joints nearer than this share of a limb's reach are one place, of which the first is taken."""
_CLAVICLE: Final = 0.25
"""Most width between two clavicles' heads as a share of the reach; between shoulders it is more.
A choice, tried on generated bodies (`tests/rigging/test_structure.py`)."""


@dataclass(frozen=True)
class Limb:
    """A limb.

    Attributes:
        joints: Its joints by part.
        path: All bones on the way.
        certainty: How sure the joints are, 0..1.
    """

    joints: Mapping[str, int]
    path: tuple[int, ...]
    certainty: float


def both_legs(chains: Chains, legs: Pair) -> list[Limb]:
    """Tell thigh, shin, foot and toe of both legs."""
    return [_leg(chains, first) for first in legs.first]


def both_arms(chains: Chains, arms: Pair) -> list[Limb]:
    """Tell the joints of both arms: what begins close to the other side is a clavicle."""
    clavicles = chains.far(*arms.first) < _CLAVICLE * arms.reach
    return [_arm(chains, first, clavicles) for first in arms.first]


def _leg(chains: Chains, first: int) -> Limb:
    path = chains.way(first)
    (hip, knee, ankle), sure = _joints(chains.heads_m, path, _LEG, path)
    joints = {"thigh": hip, "shin": knee, "foot": ankle}
    after = path[path.index(ankle) + 1 :]
    if after:
        joints["toe"] = after[0]
    return Limb(joints, path, sure)


def _arm(chains: Chains, first: int, clavicle: bool) -> Limb:
    """Tell clavicle, upper arm, forearm and hand on the way to the end of an arm."""
    path = chains.way(first)
    if len(path) == 2:
        return Limb({"upper_arm": path[0], "forearm": path[1]}, path, 0.5)
    # Fingers branch off at the wrist or in the palm.
    forks = [a for a, b in pairwise(path[2:]) if chains.branches(a, b)]
    # A clavicle leaves three joints at least.
    start = int(clavicle and len(path) > 3 and path[2] not in forks)
    (shoulder, elbow, wrist), sure = _joints(chains.heads_m, path[start:], _ARM, forks or path)
    joints = {"upper_arm": shoulder, "forearm": elbow, "hand": wrist}
    before = path[: path.index(shoulder)]
    if before:
        joints["clavicle"] = before[-1]
    return Limb(joints, path, sure)


def _joints(
    heads_m: Floats, path: tuple[int, ...], ratio: float, ends: Collection[int]
) -> tuple[tuple[int, int, int], float]:
    """Choose root, middle and end of a limb, the end among some, and tell how sure they are."""
    at = heads_m[list(path)]
    reach = max(float(np.linalg.norm(at - at[0], axis=-1).max()), 1e-9)
    best, chosen = -np.inf, (0, 1, 2)
    for triple in combinations(range(len(path)), 3):
        upper, lower = np.linalg.norm(np.diff(at[list(triple)], axis=0), axis=-1)
        if min(upper, lower) < _COINCIDENT * reach or path[triple[2]] not in ends:
            continue
        parts = [at[a : b + 1] for a, b in pairwise(triple)]
        score = _LONG * (upper + lower) / reach
        score -= _STRAIGHT * max(map(_bend, parts)) + _EVEN * max(map(_unevenness, parts))
        score -= _EQUAL * abs(np.log(lower / upper / ratio))
        score -= _NEAR * float(np.linalg.norm(at[triple[0]] - at[0])) / reach
        if score > best + _COINCIDENT:
            best, chosen = score, triple
    root, middle, end = (path[k] for k in chosen)
    return (root, middle, end), float(np.clip(0.7 + best, 0.1, 0.9))


def _bend(at: Floats) -> float:
    """Give how far joints lie from the line through the first and the last, as a share of it."""
    line = at[-1] - at[0]
    length = max(float(np.linalg.norm(line)), 1e-9)
    return float(np.linalg.norm(np.cross(at - at[0], line / length), axis=-1).max()) / length


def _unevenness(at: Floats) -> float:
    """Give how far joints are from dividing the way evenly, as a share of it."""
    along = np.linalg.norm(at - at[0], axis=-1)
    along /= max(along[-1], 1e-9)
    between = along[(along > _COINCIDENT) & (along < 1.0 - _COINCIDENT)]
    even = np.arange(1, len(between) + 1) / (len(between) + 1)
    return float(np.abs(between - even).max(initial=0.0))
