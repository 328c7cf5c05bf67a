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

_WIDER_DEG: Final = 15.0
"""How much is added to the ranges of joints that turn every way: twice 7.5 degrees, by which people
usually differ and by which joints seem to turn where points are mistaken. Hinges get nothing."""

_LIMB_DEG: Final[Mapping[str, tuple[tuple[float, float], ...]]] = {
    # About X, Y and Z, left side; the right mirrors Y and Z. AAOS: American Academy of Orthopaedic
    # Surgeons, Joint Motion, 1965, as in Norkin and White, Measurement of Joint Motion, appendix.
    # Soucie: Haemophilia 2011;17:500, passive, means of the group that moves furthest, girls.
    # Flexion AAOS 150; extension as of knees.
    "forearm": ((-5.4, 150.0), (0.0, 0.0), (0.0, 0.0)),
    # Extension Soucie 5.4; flexion 152.6 there, up to 160 getting out of a bath (Walker et al., as
    # in ASME SBC 2007, 659).
    "shin": ((-5.4, 160.0), (0.0, 0.0), (0.0, 0.0)),
    # Flexion Soucie 140.8, extension AAOS 30, both wider. Aside and twist AAOS 45, wider, and by 20
    # more, as parts of one rotation vector mix: 120 of flexion and 45 aside hold 47 of twist.
    "thigh": ((-155.8, 45.0), (-80.0, 80.0), (-80.0, 80.0)),
    # Dorsiflexion AAOS 20, plantar flexion 50, inversion 35, all wider; which of Y and Z inverts
    # depends on the bend.
    "foot": ((-35.0, 65.0), (-50.0, 50.0), (-50.0, 50.0)),
    # Protraction and retraction 30, elevation 45 (Neumann, Kinesiology of the Musculoskeletal
    # System, chapter 5), wider; downwards as far, as networks differ in where they see shoulders.
    "clavicle": ((-45.0, 45.0), (0.0, 0.0), (-60.0, 60.0)),
}

_ARM_DEG: Final = (180.0, 60.0, 45.0, 135.0)
"""How far an upper arm is lifted forward, and back from hanging; how far back, and how far across
the chest, from straight out: AAOS; the latter two Norkin and White, chapter 4. They are meant
against the chest. Here they hold against the clavicle, which moves besides."""

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
    spine = [skeleton.index(name) for name in spine_curve.BENDING]
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


def arm_caps(side: float) -> tuple[Floats, Floats]:
    """Give where an upper arm cannot point: two caps, behind the back and through the chest.

    The rim of the first passes through the arm lifted as far as it goes, stretched back as far as
    it goes from hanging, and as far back as it goes from straight out. That of the second is as far
    across the chest as the arm goes.

    Args:
        side: 1 for the left arm, -1 for the right.

    Returns:
        Their middles (2, 3), world axes at rest, and radii (2,), radians.

    Source: a cone that holds the arm, as Engin and Chen, J. Biomech. 1986;19:215.
    """
    lifted, stretched, behind, across = np.radians(_ARM_DEG)
    # To the left, backwards and up.
    rim = np.array(
        [
            [0.0, -np.sin(lifted), -np.cos(lifted)],
            [0.0, np.sin(stretched), -np.cos(stretched)],
            [np.cos(behind), np.sin(behind), 0.0],
        ]
    )
    normal = np.cross(rim[1] - rim[0], rim[2] - rim[0])
    back = normal / np.copysign(np.linalg.norm(normal), normal[1])
    middles = np.stack([back, [-1.0, 0.0, 0.0]]) * [side, 1.0, 1.0]
    radii = np.array([np.arccos(back @ rim[0]), np.pi - across])
    return middles, radii - np.radians(_WIDER_DEG)


def arm_cost(local: Floats, rest: Floats) -> tuple[float, Floats, Floats]:
    """Price upper arms that point where they cannot.

    Args:
        local: (T, 2, 4) turn of the left and the right upper arm from rest, seen from the clavicle.
        rest: (2, 4) their orientation at rest.

    Returns:
        The cost; its slope (T, 2, 3) by rotation vectors in the bones' own axes; and its curvature
        (T, 2, 3, 3) about X, Y and Z of the bones at rest.
    """
    along = rotate(rest, np.array([0.0, 1.0, 0.0]))
    cost, slope, curve = 0.0, np.zeros((len(local), 2, 3)), np.zeros((len(local), 2, 3, 3))
    for arm, side in enumerate((1.0, -1.0)):
        for middle, radius in zip(*arm_caps(side), strict=True):
            inwards = rotate(conjugate(local[:, arm]), middle)
            lever = np.cross(along[arm], inwards)
            sine = np.linalg.norm(lever, axis=-1)
            beyond = np.maximum(radius - np.arctan2(sine, inwards @ along[arm]), 0.0)
            # At the very middle no way leads out sooner than another.
            axis = lever / np.maximum(sine, 1e-6)[:, None]
            cost += 0.5 * float(np.sum(beyond**2)) / _GIVE**2
            slope[:, arm] += beyond[:, None] / _GIVE**2 * axis
            own = (beyond > 0.0)[:, None] / _GIVE * rotate(conjugate(rest[arm]), axis)
            curve[:, arm] += own[:, :, None] * own[:, None]
    return cost, slope, curve


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
