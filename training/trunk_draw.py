# SPDX-License-Identifier: GPL-3.0-or-later
"""Draws the shape of a spine: the person's own neutral curve, and bends shared among the joints."""

import numpy as np
from numpy.random import Generator

from .anatomy import (
    AXIAL_DEG,
    COUPLED_AXIAL,
    EXTENSION_DEG,
    FLEXION_DEG,
    LATERAL_DEG,
    LUMBAR,
    NECK,
    RANGE_SLACK,
    THORACIC,
    Floats,
)

TRUNK = slice(0, 18)

MORE_LORDOSIS_DEG = 10.0
"""Mean lordosis of people beyond that of the body model's back, which is flat: with it the tangents
at L5-S1 and T12-L1 lie 38 degrees apart, radiographs' 46 less the 8 that tangents read short."""

MORE_KYPHOSIS_DEG = 2.0
LORDOSIS_SD_DEG = 8.0
KYPHOSIS_SD_DEG = 9.0
NECK_SD_DEG = 6.0
"""Spread of the standing curves among people (lumbar lordosis, thoracic kyphosis about 10 degrees
in the studies of the project's facts; a part of it is in the bodies' own backs already)."""


def standing_curve() -> Floats:
    """How the mean person's standing curve differs from the body model's: (25, 3) degrees."""
    return _curve(MORE_LORDOSIS_DEG, MORE_KYPHOSIS_DEG, 0.0)


def personal_curve(rng: Generator) -> Floats:
    """Draw how a person's standing curve differs from the body model's.

    Args:
        rng: Source of chance.

    Returns:
        (25, 3) degrees, as posing.Pose.spine_deg; a small scoliosis in one person of eight.
    """
    kyphosis = rng.normal(MORE_KYPHOSIS_DEG, KYPHOSIS_SD_DEG)
    lordosis = rng.normal(MORE_LORDOSIS_DEG, LORDOSIS_SD_DEG)
    curve = _curve(lordosis, kyphosis, rng.normal(0.0, NECK_SD_DEG))
    if rng.random() < 0.125:
        size = rng.normal(0.0, 7.0)
        level = np.arange(18)
        curve[TRUNK, 1] = _spread(size, np.exp(-(((level - 4) / 2.5) ** 2)))
        curve[TRUNK, 1] -= _spread(size, np.exp(-(((level - 11) / 3.0) ** 2)))
    return curve


def _curve(lordosis: float, kyphosis: float, nod: float) -> Floats:
    """Sagittal curve of more lordosis and kyphosis, the neck against the latter, and of a nod."""
    curve = np.zeros((25, 3))
    curve[LUMBAR, 0] = _spread(-lordosis - 0.3 * kyphosis, FLEXION_DEG[LUMBAR])
    curve[THORACIC, 0] = _spread(kyphosis, np.ones(12))
    curve[NECK, 0] = _spread(-0.7 * kyphosis + nod, FLEXION_DEG[NECK])
    return curve


def bend_trunk(angles_deg: Floats, rng: Generator) -> Floats:
    """Share a bend of the trunk among its joints, each person and movement in its own way.

    Args:
        angles_deg: (3,) flexion, lateral bend and axial turn of the chest against the pelvis.
        rng: Source of chance.

    Returns:
        (25, 3) degrees, the neck's rows 0; every joint within its range, so that a sum beyond
        the whole range is cut.
    """
    flexion, lateral, axial = (float(angle) for angle in angles_deg)
    result = np.zeros((25, 3))
    reach = FLEXION_DEG if flexion > 0 else EXTENSION_DEG
    result[TRUNK, 0] = _share(flexion, reach[TRUNK], rng)
    result[TRUNK, 1] = _share(lateral, LATERAL_DEG[TRUNK], rng)
    result[TRUNK, 2] = _share(axial, AXIAL_DEG[TRUNK], rng)
    result[TRUNK, 2] += COUPLED_AXIAL[TRUNK] * result[TRUNK, 1]
    wave = rng.normal(0.0, [5.0, 3.5, 1.5], (3,))
    level = np.linspace(0.0, 1.0, 18)
    centre, width = rng.uniform(0.15, 0.85), rng.uniform(0.12, 0.3)
    bump = np.exp(-(((level - centre) / width) ** 2))
    bump -= bump.mean()
    result[TRUNK] += wave * bump[:, None] * 0.5
    result[TRUNK] += rng.normal(0.0, 0.06, (18, 3)) * _range(TRUNK)
    return result


def bend_neck(angles_deg: Floats, rng: Generator) -> Floats:
    """Share a movement of the head against the chest among the joints of the neck.

    Args:
        angles_deg: (3,) flexion, lateral bend and axial turn.
        rng: Source of chance.

    Returns:
        (25, 3) degrees, the trunk's rows 0.
    """
    flexion, lateral, axial = (float(angle) for angle in angles_deg)
    result = np.zeros((25, 3))
    reach = FLEXION_DEG if flexion > 0 else EXTENSION_DEG
    result[NECK, 0] = _share(flexion, reach[NECK], rng)
    result[NECK, 1] = _share(lateral, LATERAL_DEG[NECK], rng)
    result[NECK, 2] = _share(axial, AXIAL_DEG[NECK], rng)
    result[NECK, 2] += COUPLED_AXIAL[NECK] * result[NECK, 1]
    result[NECK] += rng.normal(0.0, 0.06, (7, 3)) * np.minimum(_range(NECK), 10.0)
    return result


def within_range(spine_deg: Floats) -> Floats:
    """Cut every joint to its range with the slack of supple people.

    Args:
        spine_deg: (25, 3) degrees against the neutral curve.

    Returns:
        (25, 3) degrees.
    """
    low = -RANGE_SLACK * np.column_stack([EXTENSION_DEG, LATERAL_DEG, AXIAL_DEG])
    high = RANGE_SLACK * np.column_stack([FLEXION_DEG, LATERAL_DEG, AXIAL_DEG])
    return np.clip(spine_deg, low, high)


def _spread(total: float, shares: Floats) -> Floats:
    return total * shares / np.sum(shares)


def _range(part: slice) -> Floats:
    return np.column_stack([FLEXION_DEG[part], LATERAL_DEG[part], AXIAL_DEG[part]])


def _share(total: float, reach: Floats, rng: Generator) -> Floats:
    """Parts of a total in proportion to the ranges times a chance for each region and joint."""
    size = len(reach)
    emphasis = np.exp(rng.normal(0.0, 0.45) * np.linspace(-1.0, 1.0, size))
    weight = reach * emphasis * rng.gamma(6.0, 1.0 / 6.0, size)
    parts = total * weight / np.sum(weight)
    limit = RANGE_SLACK * reach
    for _ in range(3):
        parts = np.clip(parts, -limit, limit)
        missing = total - np.sum(parts)
        room = limit - np.abs(parts)
        if abs(missing) < 0.1 or np.sum(room) < 0.1:
            break
        parts = parts + missing * room / np.sum(room)
    return np.asarray(np.clip(parts, -limit, limit))
