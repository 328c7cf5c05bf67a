# SPDX-License-Identifier: GPL-3.0-or-later
"""Rotations in the other ways that a bone can store them."""

import numpy as np
from scipy.spatial.transform import Rotation

from .rotation import Floats, continuous

_STILL = 1e-9
"""Half the sine of an angle below which the axis is taken from the frames around."""


def quaternions_to_axis_angle(quaternions: Floats) -> Floats:
    """Write rotations as Blender's axis-angle channels, continuous in time.

    Angles may exceed a full turn and be negative: the axis never flips between frames.

    Args:
        quaternions: (T, 4) unit quaternions (w, x, y, z) without gaps.

    Returns:
        (T, 4) angle in radians and unit axis (angle, x, y, z).
    """
    signed = continuous(quaternions)
    sine = np.linalg.norm(signed[:, 1:], axis=-1)
    turning = np.flatnonzero(sine > _STILL)
    if not len(turning):
        return np.tile([0.0, 0.0, 1.0, 0.0], (len(signed), 1))
    axes = signed[turning, 1:] / sine[turning, None]
    along = np.where(np.sum(axes[1:] * axes[:-1], axis=-1) < 0.0, -1.0, 1.0)
    flips = np.cumprod(np.concatenate([[1.0], along]))
    latest = np.maximum(np.searchsorted(turning, np.arange(len(signed)), side="right") - 1, 0)
    angle = 2.0 * np.arctan2(sine, signed[:, 0]) * flips[latest]
    # Signs are continuous, so whole turns of the half angle are what is ambiguous.
    angle = np.unwrap(angle, period=4.0 * np.pi)
    return np.concatenate([angle[:, None], (axes * flips[:, None])[latest]], axis=-1)


def euler_to_quaternions(angles: Floats, order: str) -> Floats:
    """Convert Euler angles to rotations.

    Args:
        angles: (T, 3) angles about X, Y and Z as Blender stores them, radians.
        order: Blender's rotation mode: 'XYZ', 'XZY', 'YXZ', 'YZX', 'ZXY' or 'ZYX'.

    Returns:
        (T, 4) unit quaternions (w, x, y, z).
    """
    columns = ["XYZ".index(letter) for letter in order]
    turns = Rotation.from_euler(order.lower(), angles[:, columns])
    return np.asarray(np.roll(turns.as_quat(), 1, axis=-1))


def euler_near(quaternions: Floats, order: str, near: Floats) -> Floats:
    """Convert rotations to the Euler angles closest to given ones.

    Args:
        quaternions: (T, 4) unit quaternions.
        order: Blender's rotation mode.
        near: (T, 3) angles about X, Y and Z as Blender stores them, radians.

    Returns:
        (T, 3) angles about X, Y and Z: of the triples that give each rotation the nearest.
    """
    columns = ["XYZ".index(letter) for letter in order]
    wanted = near[:, columns]
    first = Rotation.from_quat(np.roll(quaternions, -1, axis=-1)).as_euler(order.lower())
    triples = np.stack([first, first * [1.0, -1.0, 1.0] + np.pi])
    triples += 2.0 * np.pi * np.round((wanted - triples) / (2.0 * np.pi))
    distance = np.abs(triples - wanted).sum(axis=-1)
    angles = np.empty_like(wanted)
    angles[:, columns] = np.where((distance[0] <= distance[1])[:, None], triples[0], triples[1])
    return angles
