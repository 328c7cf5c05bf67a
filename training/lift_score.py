# SPDX-License-Identifier: GPL-3.0-or-later
"""Distances of lifted points from the truth: as they lie, and after the best similarity."""

import numpy as np

from .anatomy import Floats


def mpjpe(points: Floats, truth: Floats) -> Floats:
    """Mean distance of the points in each frame.

    Args:
        points: (T, K, 3) metres.
        truth: (T, K, 3) metres, same axes and origin.

    Returns:
        (T,) metres.
    """
    return np.asarray(np.linalg.norm(points - truth, axis=-1).mean(axis=-1))


def p_mpjpe(points: Floats, truth: Floats) -> Floats:
    """Mean distance in each frame after the rotation, scale and shift that fit it best.

    Args:
        points: (T, K, 3).
        truth: (T, K, 3) metres.

    Returns:
        (T,) metres.

    Source: Umeyama 1991, doi 10.1109/34.88573; without reflections.
    """
    mine = points - points.mean(axis=1, keepdims=True)
    own = truth - truth.mean(axis=1, keepdims=True)
    left, size, right = np.linalg.svd(mine.transpose(0, 2, 1) @ own)
    sign = np.ones_like(size)
    sign[:, 2] = np.sign(np.linalg.det(left @ right))
    turn = (left * sign[:, None]) @ right
    scale = (size * sign).sum(axis=1) / (mine**2).sum(axis=(1, 2))
    return mpjpe(scale[:, None, None] * mine @ turn, own)
