# SPDX-License-Identifier: GPL-3.0-or-later
"""Quaternion arithmetic on whole arrays, (w, x, y, z) as Blender's; leading axes broadcast."""

from typing import TypeAlias

import numpy as np
import numpy.typing as npt
from scipy.spatial.transform import Rotation

Floats: TypeAlias = npt.NDArray[np.float64]
Bools: TypeAlias = npt.NDArray[np.bool_]

IDENTITY: Floats = np.array([1.0, 0.0, 0.0, 0.0])
IDENTITY.flags.writeable = False


def unit(v: Floats) -> Floats:
    """Scale vectors to length one; a zero vector stays zero.

    Args:
        v: (..., N) vectors.

    Returns:
        (..., N) vectors of length one.
    """
    length = np.linalg.norm(v, axis=-1, keepdims=True)
    return np.asarray(v / np.where(length > 0.0, length, 1.0))


def multiply(a: Floats, b: Floats) -> Floats:
    """Compose rotations: the result turns by b first, then by a.

    Args:
        a: (..., 4) quaternions.
        b: (..., 4) quaternions.

    Returns:
        (..., 4) quaternions.
    """
    aw, ax, ay, az = (a[..., i] for i in range(4))
    bw, bx, by, bz = (b[..., i] for i in range(4))
    product = np.empty(np.broadcast_shapes(a.shape, b.shape))
    product[..., 0] = aw * bw - ax * bx - ay * by - az * bz
    product[..., 1] = aw * bx + ax * bw + ay * bz - az * by
    product[..., 2] = aw * by - ax * bz + ay * bw + az * bx
    product[..., 3] = aw * bz + ax * by - ay * bx + az * bw
    return product


def conjugate(q: Floats) -> Floats:
    """Invert unit quaternions.

    Args:
        q: (..., 4) unit quaternions.

    Returns:
        (..., 4) unit quaternions.
    """
    return np.asarray(q * np.array([1.0, -1.0, -1.0, -1.0]))


def cross(a: Floats, b: Floats) -> Floats:
    """Multiply vectors crosswise, with less overhead a call than `numpy.cross`.

    Args:
        a: (..., 3) vectors.
        b: (..., 3) vectors.

    Returns:
        (..., 3) vectors across both.
    """
    ax, ay, az = (a[..., i] for i in range(3))
    bx, by, bz = (b[..., i] for i in range(3))
    product = np.empty(np.broadcast_shapes(a.shape, b.shape))
    product[..., 0] = ay * bz - az * by
    product[..., 1] = az * bx - ax * bz
    product[..., 2] = ax * by - ay * bx
    return product


def rotate(q: Floats, v: Floats) -> Floats:
    """Turn vectors.

    Args:
        q: (..., 4) unit quaternions.
        v: (..., 3) vectors.

    Returns:
        (..., 3) vectors.
    """
    axis = q[..., 1:]
    half = cross(axis, v)
    return np.asarray(v + 2.0 * (q[..., :1] * half + cross(axis, half)))


def from_axis_angle(axis: Floats, angle: Floats) -> Floats:
    """Make rotations about unit axes.

    Args:
        axis: (..., 3) unit vectors.
        angle: (...) radians.

    Returns:
        (..., 4) unit quaternions.
    """
    half = 0.5 * np.asarray(angle)[..., None]
    cosine = np.broadcast_to(np.cos(half), (*np.broadcast(axis[..., :1], half).shape[:-1], 1))
    return np.concatenate([cosine, np.sin(half) * axis], axis=-1)


def rotation_vector(q: Floats) -> Floats:
    """Give rotations as axis times angle, the short way round.

    Args:
        q: (..., 4) unit quaternions.

    Returns:
        (..., 3) radians, no longer than pi.
    """
    q = np.where(q[..., :1] < 0.0, -q, q)
    sine = np.linalg.norm(q[..., 1:], axis=-1)
    angle = 2.0 * np.arctan2(sine, q[..., 0])
    return np.asarray(q[..., 1:] * (angle / np.maximum(sine, 1e-300))[..., None])


def from_matrix(m: Floats) -> Floats:
    """Convert rotation matrices.

    Args:
        m: (..., 3, 3) rotation matrices (columns are the turned axes).

    Returns:
        (..., 4) unit quaternions.
    """
    xyzw = Rotation.from_matrix(np.reshape(m, (-1, 3, 3))).as_quat()
    return np.asarray(np.roll(xyzw, 1, axis=-1).reshape((*m.shape[:-2], 4)))


def to_matrix(q: Floats) -> Floats:
    """Convert unit quaternions to rotation matrices.

    Args:
        q: (..., 4) unit quaternions.

    Returns:
        (..., 3, 3) rotation matrices (columns are the turned axes).
    """
    return np.stack([rotate(q, axis) for axis in np.eye(3)], axis=-1)


def from_axes(x: Floats, y: Floats) -> Floats:
    """Make the rotation that takes +Y to `y` and +X as near to `x` as it can.

    Where `x` is parallel to `y` or has no length, its direction is not determined and some one
    perpendicular to `y` is chosen; where `y` has no length, it is taken for +Y.

    Args:
        x: (..., 3) wanted directions of the X axis.
        y: (..., 3) directions of the Y axis, any length.

    Returns:
        (..., 4) unit quaternions.
    """
    x, y = np.broadcast_arrays(unit(x), unit(y))
    y = np.where((y == 0.0).all(axis=-1, keepdims=True), np.eye(3)[1], y)
    z = np.cross(x, y)
    parallel = np.linalg.norm(z, axis=-1, keepdims=True) < 1e-9
    z = unit(np.where(parallel, np.cross(np.eye(3)[np.argmin(np.abs(y), axis=-1)], y), z))
    return from_matrix(np.stack([np.cross(y, z), y, z], axis=-1))


def swing_between(a: Floats, b: Floats) -> Floats:
    """Find the smallest rotations that take directions to directions.

    For opposite directions the axis is not determined; one perpendicular to `a` is chosen.

    Args:
        a: (..., 3) unit vectors.
        b: (..., 3) unit vectors.

    Returns:
        (..., 4) unit quaternions.
    """
    a, b = np.broadcast_arrays(a, b)
    w = 1.0 + np.sum(a * b, axis=-1, keepdims=True)
    least = np.eye(3)[np.argmin(np.abs(a), axis=-1)]
    opposite = w < 1e-12
    w = np.where(opposite, 0.0, w)
    axis = np.where(opposite, np.cross(a, least), np.cross(a, b))
    return unit(np.concatenate([w, axis], axis=-1))


def slerp(a: Floats, b: Floats, fraction: Floats) -> Floats:
    """Turn from rotations towards rotations, the short way, at constant speed.

    Args:
        a: (..., 4) unit quaternions, where fraction is 0.
        b: (..., 4) unit quaternions, where fraction is 1.
        fraction: (...) between 0 and 1.

    Returns:
        (..., 4) unit quaternions.
    """
    cosine = np.sum(a * b, axis=-1)
    b = np.where(cosine[..., None] < 0.0, -b, b)
    # atan2 of chord lengths keeps its precision where arccos does not: near 0 and near half a turn.
    angle = 2.0 * np.arctan2(np.linalg.norm(a - b, axis=-1), np.linalg.norm(a + b, axis=-1))
    sine = np.where(angle > 1e-9, np.sin(angle), 1.0)
    start = np.where(angle > 1e-9, np.sin((1.0 - fraction) * angle) / sine, 1.0 - fraction)
    end = np.where(angle > 1e-9, np.sin(fraction * angle) / sine, fraction)
    return unit(start[..., None] * a + end[..., None] * b)


def angle_between(a: Floats, b: Floats) -> Floats:
    """Measure the rotations that lead from one orientation to another.

    Args:
        a: (..., 4) unit quaternions.
        b: (..., 4) unit quaternions.

    Returns:
        (...) radians, 0 to pi.
    """
    sign = np.where(np.sum(a * b, axis=-1, keepdims=True) < 0.0, -1.0, 1.0)
    gap, total = np.linalg.norm(a - sign * b, axis=-1), np.linalg.norm(a + sign * b, axis=-1)
    return np.asarray(4.0 * np.arctan2(gap, total))


def continuous(q: Floats) -> Floats:
    """Choose signs so that quaternions change least from sample to sample.

    Rows of NaN (gaps) are left alone and do not count as neighbours.

    Args:
        q: (T, ..., 4) unit quaternions over time.

    Returns:
        (T, ..., 4) the same rotations.
    """
    flat = q.reshape(len(q), -1, 4).copy()
    for column in range(flat.shape[1]):
        seen = np.isfinite(flat[:, column, 0])
        track = flat[seen, column]
        steps = np.sum(track[1:] * track[:-1], axis=-1)
        signs = np.cumprod(np.where(steps < 0.0, -1.0, 1.0))
        flat[seen, column] = np.concatenate([track[:1], track[1:] * signs[:, None]])
    return flat.reshape(q.shape)


def quaternions_to_euler(q: Floats, order: str) -> Floats:
    """Convert rotations over time to Euler angles without jumps.

    Of the two triples that give a rotation, the one nearer to the sample before is taken, whole
    turns included. Blender's order 'XYZ' turns about X first, in fixed axes: SciPy's extrinsic
    'xyz'.

    Args:
        q: (T, 4) unit quaternions; rows of NaN (gaps) stay NaN.
        order: Blender's rotation mode: 'XYZ', 'XZY', 'YXZ', 'YZX', 'ZXY' or 'ZYX'.

    Returns:
        (T, 3) angles about X, Y and Z (as Blender stores them, whatever the order), radians.
    """
    angles = np.full((len(q), 3), np.nan)
    seen = np.isfinite(q).all(axis=-1)
    if not seen.any():
        return angles
    first = Rotation.from_quat(np.roll(q[seen], -1, axis=-1)).as_euler(order.lower())
    other = first * [1.0, -1.0, 1.0] + np.pi
    # Taking the other triple keeps distances, so whether to change over does not depend on which
    # one is held.
    stay = np.abs(_wrap(first[1:] - first[:-1])).sum(axis=-1)
    change = np.abs(_wrap(other[1:] - first[:-1])).sum(axis=-1)
    use_other = np.concatenate([[0], np.cumsum(change < stay)]) % 2 == 1
    picked = np.unwrap(np.where(use_other[:, None], other, first), axis=0)
    angles[np.ix_(seen, ["XYZ".index(letter) for letter in order])] = picked
    return angles


def _wrap(angle: Floats) -> Floats:
    return np.asarray((angle + np.pi) % (2.0 * np.pi) - np.pi)


def vector_slope(vector: Floats, slope: Floats) -> Floats:
    """Carry slopes by a rotation vector over to slopes by a turn made before the rotation.

    Args:
        vector: (..., 3) rotation vectors r of rotations R, shorter than 2 pi.
        slope: (..., 3) slope of some value by r.

    Returns:
        (..., 3) slope of the value by d, where R becomes R exp(d).

    Source: transpose of the inverse right Jacobian of SO(3), Sola et al., A micro Lie theory
    (arXiv 1812.01537), equation 144.
    """
    angle = np.linalg.norm(vector, axis=-1, keepdims=True)
    small = angle < 1e-3
    safe = np.where(small, 1.0, angle)
    factor = np.where(small, 1.0 / 12.0, 1.0 / safe**2 - 0.5 / (safe * np.tan(0.5 * safe)))
    once = cross(vector, slope)
    return np.asarray(slope - 0.5 * once + factor * cross(vector, once))
