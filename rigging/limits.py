# SPDX-License-Identifier: GPL-3.0-or-later
"""How far joints turn: limits that give way a little, and how a spine bends."""

from collections.abc import Mapping
from typing import Final

import numpy as np

from . import spine_curve
from .rotation import Floats, conjugate, rotate, rotation_vector, vector_slope
from .skeleton import Skeleton

_GIVE: Final = np.radians(2.0)
"""How far beyond its limit a joint goes at the price of a standard deviation."""

_LIMB_DEG: Final[Mapping[str, tuple[tuple[float, float], ...]]] = {
    # About X, Y and Z, left side; the right mirrors Y and Z. Chosen wide by hand, after no table:
    # they are to stop what no joint does, not to say what is usual. Thighs sideways and in twist
    # have what crossed legs and splits need, as the parts of one rotation vector share a large
    # turn. Upper arms have no limits.
    "forearm": ((-5.0, 150.0), (0.0, 0.0), (0.0, 0.0)),
    "shin": ((-5.0, 160.0), (0.0, 0.0), (0.0, 0.0)),
    "thigh": ((-140.0, 30.0), (-80.0, 80.0), (-80.0, 80.0)),
    "foot": ((-35.0, 60.0), (-40.0, 40.0), (-40.0, 40.0)),
    "clavicle": ((-40.0, 40.0), (0.0, 0.0), (-40.0, 40.0)),
}

_STIFFNESS: Final = spine_curve.turn_stiffness()


def bend_ranges(skeleton: Skeleton) -> tuple[Floats, Floats]:
    """Give how far each bone turns against its parent, from rest.

    Args:
        skeleton: The canonical skeleton.

    Returns:
        Least and most (B, 3), radians about the bone's X, Y and Z; infinite where nothing is known
        or the joint does not turn.
    """
    least = np.full((len(skeleton.bones), 3), -np.inf)
    most = np.full((len(skeleton.bones), 3), np.inf)
    for bone, name in enumerate(skeleton.bones):
        part = name.partition(".")[0]
        if part in _LIMB_DEG:
            least[bone], most[bone] = np.radians(_LIMB_DEG[part]).T
    spine = [skeleton.index(name) for name in spine_curve.BONES[1:]]
    forward, backward, aside = np.radians(spine_curve.turn_limits_deg()).T
    least[spine], most[spine] = (
        np.stack([edge, np.full_like(edge, side * np.inf), side * aside], axis=-1)
        for edge, side in ((-backward, -1.0), (forward, 1.0))
    )
    return least, most


def limit_cost(
    local: Floats, rest: Floats, least: Floats, most: Floats
) -> tuple[float, Floats, Floats]:
    """Price joints that go beyond their limits.

    Args:
        local: (T, B, 4) turn of each bone from rest, seen from its parent.
        rest: (B, 4) orientation of the bones at rest.
        least: (B, 3) least turn about the bone's axes, radians.
        most: (B, 3) most.

    Returns:
        The cost; its slope (T, B, 3) by rotation vectors in the bone's own axes; and its curvature
        (T, B, 3, 3) about X, Y and Z of the bone at rest.
    """
    vector = rotation_vector(local)
    bend = rotate(conjugate(rest), vector)
    beyond = bend - np.clip(bend, least, most)
    slope = vector_slope(vector, rotate(rest, beyond / _GIVE**2))
    broken = (beyond != 0.0).any(axis=-1)
    curve = np.zeros((*bend.shape, 3))
    by_turn = np.stack([vector_slope(-bend[broken], axis) for axis in np.eye(3)], axis=-1)
    past = (beyond[broken] != 0.0) / _GIVE**2
    curve[broken] = np.swapaxes(by_turn, -1, -2) @ (past[..., None] * by_turn)
    return 0.5 * float(np.sum(beyond**2)) / _GIVE**2, slope, curve


def curve_cost(local: Floats, rest: Floats, neutral: Floats) -> tuple[float, Floats]:
    """Price spines that bend as spines seldom do.

    Args:
        local: (T, 8, 4) turns of the segments above L5 from rest, each seen from the one below.
        rest: (8, 4) their orientation at rest.
        neutral: (8, 2) the person's own neutral bends about X and Z, radians from rest.

    Returns:
        The cost, and its slope (T, 8, 3) by rotation vectors in the bones' own axes.
    """
    vector = rotation_vector(local)
    bend = rotate(conjugate(rest), vector)
    turn = bend[..., ::2] - neutral
    by_turn = np.einsum("aij,tja->tia", _STIFFNESS, turn)
    by_bend = np.stack([by_turn[..., 0], np.zeros(turn.shape[:2]), by_turn[..., 1]], axis=-1)
    return 0.5 * float(np.sum(turn * by_turn)), vector_slope(vector, rotate(rest, by_bend))
