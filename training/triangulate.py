# SPDX-License-Identifier: GPL-3.0-or-later
"""One moment seen by several cameras: points in space from what each of them says."""

from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray

from .calibrated import Pinhole
from .multi_view import nearest_points, rays_of

Floats = NDArray[np.float64]

ROUNDS: Final = 8
"""Rounds of reweighting; the points stand still after about five."""

SOFT: Final = 1.5
"""Answers further off than this many times the error expected of them lose weight fast."""


def triangulate(cameras: list[Pinhole], xy_px: Floats, error_px: Floats) -> tuple[Floats, Floats]:
    """Place points where the views together put them; a view that is off loses its say.

    Args:
        cameras: V cameras.
        xy_px: (V, P, 2) pixels of each view.
        error_px: (V, P) how far off each view's answer is expected to be, pixels.

    Returns:
        (P, 3) points, metres, and (V, P, 2) where each camera sees them, pixels.

    Source: iteratively reweighted least squares with the weights of the Geman-McClure loss.
    """
    eye = torch.from_numpy(np.stack([camera.eye() for camera in cameras]))
    ray = torch.from_numpy(np.stack([camera.ray() for camera in cameras]))
    ahead = rays_of(torch.from_numpy(xy_px), ray)
    moment = torch.zeros(len(cameras), dtype=torch.long)
    angle = error_px / np.array([camera.matrix[0, 0] for camera in cameras])[:, None]
    trust = angle**-2
    weight = trust
    for _ in range(ROUNDS):
        found, _ = nearest_points(eye, ahead, torch.from_numpy(weight), moment)
        points = found[0].numpy()
        seen = np.stack([camera.project(points) for camera in cameras])
        off = np.linalg.norm(seen - xy_px, axis=2) / error_px
        distance = np.linalg.norm(points - eye.numpy()[:, None], axis=2)
        # A radian is further away for a far camera, and the closed form counts metres.
        weight = trust / distance**2 / (1.0 + (off / SOFT) ** 2) ** 2
    return points, seen
