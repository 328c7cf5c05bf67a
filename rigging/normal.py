# SPDX-License-Identifier: GPL-3.0-or-later
"""Pulls on points of a skeleton, gathered into equations for its joints without large Jacobians."""

import numpy as np

from .freedoms import ROOT, Freedoms, Ints
from .rotation import Floats, cross, rotate


def skew(v: Floats) -> Floats:
    """Give the matrices (..., 3, 3) that multiply by v (..., 3) as the cross product does."""
    matrix = np.zeros((*v.shape, 3))
    for i, j, k in ((0, 1, 2), (1, 2, 0), (2, 0, 1)):
        matrix[..., i, j], matrix[..., j, i] = -v[..., k], v[..., k]
    return matrix


def screws(free: Freedoms, heads: Floats, turn: Floats) -> Floats:
    """Give how turns move the bones beyond them.

    Args:
        free: The freedoms.
        heads: (T, B, 3) where bones begin, metres.
        turn: (T, B, 4) turns of the bones from rest.

    Returns:
        (T, E, 6) angular velocity, and the velocity of what passes the root joint.
    """
    axis = rotate(turn[:, free.bone], free.direction)
    pivot = heads[:, free.bone] - heads[:, :1]
    return np.concatenate([axis, cross(pivot, axis)], axis=-1)


def spatial(
    free: Freedoms, bone: Ints, points: Floats, weight: Floats, force: Floats
) -> tuple[Floats, Floats]:
    """Sum up, for each bone, what pulls on it and on all bones beyond it.

    Args:
        free: The freedoms.
        bone: (N,) bone that carries each point.
        points: (T, N, 3) from the root joint, metres.
        weight: (T, N, 3, 3) how strongly each is held.
        force: (T, N, 3) weight times its distance from where it should be.

    Returns:
        (T, B, 6, 6) curvature and (T, B, 6) slope of half the cost, by `screws`.

    Source: the composite-rigid-body algorithm, Featherstone, Rigid Body Dynamics Algorithms (2008),
    section 6.2, with weights in the place of masses.
    """
    lever = skew(points)
    turned = lever @ weight
    # Curvature and, in a last column, slope; bones before frames: what is summed lies together.
    pulls = np.empty((len(bone), len(points), 6, 7))
    pulls[..., :3, :3] = np.swapaxes(turned @ np.swapaxes(lever, -1, -2), 0, 1)
    pulls[..., :3, 3:6] = np.swapaxes(turned, 0, 1)
    pulls[..., 3:, :3] = np.swapaxes(pulls[..., :3, 3:6], -1, -2)
    pulls[..., 3:, 3:6] = np.swapaxes(weight, 0, 1)
    pulls[..., :3, 6] = np.swapaxes(cross(points, force), 0, 1)
    pulls[..., 3:, 6] = np.swapaxes(force, 0, 1)
    total = np.zeros((len(free.skeleton.bones), *pulls.shape[1:]))
    for n, b in enumerate(bone):
        total[b] += pulls[n]
    for b in range(len(total) - 1, 0, -1):
        total[free.skeleton.parents[b]] += total[b]
    by_frame = np.swapaxes(total, 0, 1)
    return by_frame[..., :6], by_frame[..., 6]


def joint_equations(
    free: Freedoms, screw: Floats, curve: Floats, slope: Floats
) -> tuple[Floats, Floats]:
    """Give the pulls on the columns of the joints.

    Args:
        free: The freedoms.
        screw: (T, E, 6) of `screws`.
        curve: (T, B, 6, 6) of `spatial`.
        slope: (T, B, 6) of `spatial`.

    Returns:
        (T, R, R) curvature and (T, R) slope of half the cost, by column.
    """
    held = (curve[:, free.bone] @ screw[..., None])[..., 0]
    half = free.collect_halves(screw @ np.swapaxes(held, -1, -2))
    lever = free.collect(np.sum(screw * slope[:, free.bone], axis=-1))
    return half + np.swapaxes(half, -1, -2), lever


def root_equations(
    free: Freedoms, screw: Floats, curve: Floats, slope: Floats
) -> tuple[Floats, Floats, Floats]:
    """Give the pulls on the root's place, and how they hang together with the turns.

    Args:
        free: The freedoms.
        screw: (T, E, 6) of `screws`.
        curve: (T, B, 6, 6) of `spatial`.
        slope: (T, B, 6) of `spatial`.

    Returns:
        (T, 3, 3) curvature, (T, 3) slope, and (T, 3, E) curvature between root and turns.
    """
    between = np.einsum("teij,tej->tie", curve[:, free.bone, ROOT:], screw)
    return curve[:, 0, ROOT:, ROOT:], slope[:, 0, ROOT:], between
