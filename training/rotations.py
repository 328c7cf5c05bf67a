# SPDX-License-Identifier: GPL-3.0-or-later
"""Rotation matrices from directions; a body stands facing -Y."""

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

Floats = NDArray[np.float64]

LEFT = np.array([1.0, 0.0, 0.0])
FORWARD = np.array([0.0, -1.0, 0.0])
UP = np.array([0.0, 0.0, 1.0])


def unit(vector: Floats) -> Floats:
    """Scale vectors (..., 3) to length 1."""
    return np.asarray(vector / np.maximum(np.linalg.norm(vector, axis=-1, keepdims=True), 1e-9))


def about(axis: Floats, degrees: float) -> Floats:
    """Rotation matrix (3, 3) about a unit axis."""
    return np.asarray(Rotation.from_rotvec(np.radians(degrees) * axis).as_matrix())


def frame(first: Floats, second: Floats) -> Floats:
    """Right-handed axes (3, 3) in columns: `first`, then `second` made orthogonal to it."""
    x = unit(first)
    y = unit(second - (second @ x) * x)
    return np.column_stack([x, y, np.cross(x, y)])


def align(first: Floats, second: Floats, to_first: Floats, to_second: Floats) -> Floats:
    """Rotation matrix that brings one direction exactly, a second one as well as possible."""
    return np.asarray(frame(to_first, to_second) @ frame(first, second).T)


def swing(start: Floats, end: Floats) -> Floats:
    """Smallest rotation matrix from one direction to another."""
    a, b = unit(start), unit(end)
    axis = np.cross(a, b)
    sine, cosine = float(np.linalg.norm(axis)), float(a @ b)
    if sine < 1e-8:
        return np.eye(3) if cosine > 0 else about(unit(np.cross(a, a[[1, 2, 0]] + 0.1)), 180.0)
    return about(axis / sine, float(np.degrees(np.arctan2(sine, cosine))))


def between(start: Floats, end: Floats, share: float) -> Floats:
    """Rotation matrix a share of the way from one to another."""
    step = Rotation.from_matrix(start.T @ end).as_rotvec()
    return np.asarray(start @ Rotation.from_rotvec(share * step).as_matrix())
