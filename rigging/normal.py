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
    frames, bones = len(points), len(free.skeleton.bones)
    curve, slope = np.zeros((frames, bones, 6, 6)), np.zeros((frames, bones, 6))
    lever = skew(points)
    turned = lever @ weight
    moment = cross(points, force)
    square = turned @ np.swapaxes(lever, -1, -2)
    for n, b in enumerate(bone):
        curve[:, b, :3, :3] += square[:, n]
        curve[:, b, :3, 3:] += turned[:, n]
        curve[:, b, 3:, 3:] += weight[:, n]
        slope[:, b, :3] += moment[:, n]
        slope[:, b, 3:] += force[:, n]
    for b in range(bones - 1, 0, -1):
        parent = free.skeleton.parents[b]
        curve[:, parent] += curve[:, b]
        slope[:, parent] += slope[:, b]
    curve[..., 3:, :3] = np.swapaxes(curve[..., :3, 3:], -1, -2)
    return curve, slope


def joint_equations(
    free: Freedoms, screw: Floats, curve: Floats, slope: Floats
) -> tuple[Floats, Floats]:
    """Give the pulls on the turns of single bones.

    Args:
        free: The freedoms.
        screw: (T, E, 6) of `screws`.
        curve: (T, B, 6, 6) of `spatial`.
        slope: (T, B, 6) of `spatial`.

    Returns:
        (T, E, E) curvature and (T, E) slope of half the cost.
    """
    held = (curve[:, free.bone] @ screw[..., None])[..., 0]
    # Of turns of one bone both halves hold the whole.
    upper = (screw @ np.swapaxes(held, -1, -2)) * (free.above + 0.5 * free.same)
    return upper + np.swapaxes(upper, -1, -2), np.sum(screw * slope[:, free.bone], axis=-1)


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
