# SPDX-License-Identifier: GPL-3.0-or-later
"""Consistency of views: the rays of one point at one moment, from several cameras, should meet."""

from typing import Final

import torch
from torch import Tensor

RIDGE: Final = 1e-6
"""Added to the mean projector of the rays, so that parallel rays give a finite point."""


def rays_of(points: Tensor, ray: Tensor) -> Tensor:
    """Directions of points.

    Args:
        points: (N, P, 2) in the units that `ray` takes, such as those of the torso's square.
        ray: (N, 3, 3) carries (x, y, 1) to a direction in the world, of any length.

    Returns:
        (N, P, 3) unit vectors.
    """
    ahead = torch.cat([points, torch.ones_like(points[..., :1])], dim=-1)
    return torch.nn.functional.normalize(ahead @ ray.transpose(1, 2), dim=-1)


def nearest_points(
    eye: Tensor, direction: Tensor, weight: Tensor, group: Tensor
) -> tuple[Tensor, Tensor]:
    """Find the points nearest to the rays of each group, in closed form.

    The point of least weighted sum of squares of distances to the lines solves a linear equation of
    three unknowns: sum w (I - d d') x = sum w (I - d d') e.

    Args:
        eye: (N, 3) where the rays begin, metres.
        direction: (N, P, 3) unit vectors.
        weight: (N, P) not negative.
        group: (N,) number of the moment that a view belongs to, 0..G-1.

    Returns:
        (G, P, 3) points, metres, and (N, P, 3) the shortest way from each ray to its point.
    """
    groups = int(group.max()) + 1
    across = torch.eye(3, dtype=eye.dtype) - direction[..., :, None] * direction[..., None, :]
    weighted = weight[..., None, None] * across
    shape = (groups, *weight.shape[1:])
    total = torch.zeros(shape, dtype=eye.dtype).index_add(0, group, weight).clamp(min=1e-12)
    matrix = torch.zeros((*shape, 3, 3), dtype=eye.dtype).index_add(0, group, weighted)
    right = torch.zeros((*shape, 3), dtype=eye.dtype)
    right = right.index_add(0, group, (weighted @ eye[:, None, :, None])[..., 0])
    matrix = matrix / total[..., None, None] + RIDGE * torch.eye(3, dtype=eye.dtype)
    # The pull of the ridge goes to the mean of the eyes, which scales with the scene.
    middle = _mean_of_groups(eye, group, groups)[:, None]
    points = torch.linalg.solve(matrix, right / total[..., None] + RIDGE * middle)
    way = (across @ (points[group] - eye[:, None])[..., None])[..., 0]
    return points, way


def multi_view_loss(
    points: Tensor, trust: Tensor, ray: Tensor, eye: Tensor, trunk_m: Tensor, group: Tensor
) -> Tensor:
    """Mean distance between the rays of a point and the point nearest to them, in trunk lengths.

    Args:
        points: (N, P, 2) answers, in the units that `ray` takes.
        trust: (N, P) how much each draws the nearest point, such as 1 / scale squared: unsure
            views follow sure ones. 0 leaves an answer out.
        ray: (N, 3, 3) from such units to directions in the world.
        eye: (N, 3) places of the cameras, metres.
        trunk_m: (N,) length of the person's trunk, metres.
        group: (N,) number of the moment, 0..G-1. A moment with a single view costs nothing.

    Returns:
        0 where all rays meet.

    Source: after the multi-view consistency of Rhodin et al., CVPR 2018, with lines in place of 3D
    poses.
    """
    used = (trust > 0) * (torch.bincount(group)[group] > 1)[:, None]
    _, way = nearest_points(eye, rays_of(points, ray), used * trust, group)
    distance = (way.square().sum(dim=-1) + 1e-12).sqrt() / trunk_m[:, None]
    return (used * distance).sum() / used.sum().clamp(min=1)


def _mean_of_groups(values: Tensor, group: Tensor, groups: int) -> Tensor:
    sums = torch.zeros((groups, values.shape[1]), dtype=values.dtype).index_add(0, group, values)
    count = torch.bincount(group, minlength=groups).clamp(min=1)
    return sums / count[:, None]
