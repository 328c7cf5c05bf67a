# SPDX-License-Identifier: GPL-3.0-or-later
"""Rays of several cameras: where they meet, what it costs that they do not, and its gradient."""

import pytest

pytest.importorskip("torch", reason="training has its own environment, see training/README.md")

import torch
from track_spine.training.multi_view import multi_view_loss, nearest_points, rays_of

EYES = torch.tensor([[0.0, 0.0, 0.0], [4.0, 0.0, 4.0], [-4.0, 0.0, 4.0]], dtype=torch.float64)
BODY = torch.tensor([[0.1, -0.2, 4.0], [0.0, 0.3, 4.2], [0.2, 0.0, 3.9]], dtype=torch.float64)


def looking(turn_deg):
    """Ray matrix of a camera that looks along +z turned about y, focal length 500 px."""
    turn = torch.deg2rad(torch.tensor(turn_deg, dtype=torch.float64))
    cos, sin, one = turn.cos(), turn.sin(), torch.ones(())
    turned = torch.stack([cos, 0 * one, sin, 0 * one, one, 0 * one, -sin, 0 * one, cos]).reshape(
        3, 3
    )
    inverse = torch.tensor(
        [[1 / 500, 0, -128 / 500], [0, 1 / 500, -128 / 500], [0, 0, 1]], dtype=torch.float64
    )
    return turned, turned @ inverse


TURNS = (0.0, -90.0, 90.0)
RAY = torch.stack([looking(turn)[1] for turn in TURNS])


def seen():
    views = []
    for eye, turn in zip(EYES, TURNS, strict=True):
        camera = (BODY - eye) @ looking(turn)[0]
        views.append(128 + 500 * camera[:, :2] / camera[:, 2:])
    return torch.stack(views)


ONES, MOMENT = torch.ones((3, 3), dtype=torch.float64), torch.zeros(3, dtype=torch.long)
TRUNK = torch.full((3,), 0.5, dtype=torch.float64)


def test_rays_meet_at_the_points_they_come_from():
    points, way = nearest_points(EYES, rays_of(seen(), RAY), ONES, MOMENT)
    # The ridge of 1e-6 draws by about 1e-6 of the 4 m to the cameras.
    assert torch.allclose(points[0], BODY, atol=1e-5)
    assert float(way.abs().max()) < 1e-5
    assert float(multi_view_loss(seen(), ONES, RAY, EYES, TRUNK, MOMENT)) < 2e-5


def test_two_views_that_miss_each_other_share_the_gap():
    """Lines along x and along z whose shortest distance is 0.2 m: each ray is 0.1 m away."""
    eye = torch.tensor([[-3.0, 0.0, 0.0], [0.0, 0.2, -3.0]], dtype=torch.float64)
    ahead = torch.tensor([[[1.0, 0.0, 0.0]], [[0.0, 0.0, 1.0]]], dtype=torch.float64)
    weight = torch.ones((2, 1), dtype=torch.float64)
    points, way = nearest_points(eye, ahead, weight, MOMENT[:2])
    assert torch.allclose(points[0, 0], torch.tensor([0.0, 0.1, 0.0]).double(), atol=1e-5)
    assert torch.allclose(way.norm(dim=-1), torch.full((2, 1), 0.1).double(), atol=1e-5)
    ray = torch.stack([_matrix_to(ahead[0, 0]), _matrix_to(ahead[1, 0])])
    pixel = torch.zeros((2, 1, 2), dtype=torch.float64)
    loss = multi_view_loss(pixel, weight, ray, eye, TRUNK[:2], MOMENT[:2])
    assert float(loss) == pytest.approx(0.1 / 0.5, abs=1e-4)


def _matrix_to(direction):
    """(0, 0, 1), the pixel at the origin, goes to the direction."""
    matrix = torch.eye(3, dtype=torch.float64)
    matrix[:, 2] = direction
    return matrix


def test_a_weight_of_nothing_takes_a_view_out():
    wrong = seen()
    wrong[2] += 40.0
    assert float(multi_view_loss(wrong, ONES, RAY, EYES, TRUNK, MOMENT)) > 0.02
    without = ONES.clone()
    without[2] = 0.0
    assert float(multi_view_loss(wrong, without, RAY, EYES, TRUNK, MOMENT)) < 2e-5


def test_moments_are_apart_and_a_single_view_costs_nothing():
    shifted = torch.cat([seen(), seen() + 30.0, seen()[:1] + 90.0])
    moments = torch.tensor([0, 0, 0, 1, 1, 1, 2])
    many = [torch.cat([part, part, part[:1]]) for part in (ONES, RAY, EYES, TRUNK)]
    whole = float(multi_view_loss(shifted, *many, moments))
    second = float(multi_view_loss(seen() + 30.0, ONES, RAY, EYES, TRUNK, MOMENT))
    assert whole == pytest.approx(second / 2, rel=1e-3)


def test_the_gradient_is_that_of_finite_differences():
    torch.manual_seed(1)
    off = (seen() + 5 * torch.randn(3, 3, 2, dtype=torch.float64)).requires_grad_()
    weight = torch.rand(3, 3, dtype=torch.float64) + 0.2
    assert torch.autograd.gradcheck(
        lambda points: multi_view_loss(points, weight, RAY, EYES, TRUNK, MOMENT),
        (off,),
        eps=1e-4,
        atol=1e-6,
        rtol=1e-4,
    )


def test_descending_brings_the_rays_together():
    points = (seen() + torch.tensor([[[6.0, 0.0]], [[-6.0, 0.0]], [[0.0, 8.0]]])).requires_grad_()
    first = float(multi_view_loss(points.detach(), ONES, RAY, EYES, TRUNK, MOMENT))
    optimiser = torch.optim.Adam([points], 0.3)
    for _ in range(80):
        optimiser.zero_grad()
        multi_view_loss(points, ONES, RAY, EYES, TRUNK, MOMENT).backward()
        optimiser.step()
    assert float(multi_view_loss(points.detach(), ONES, RAY, EYES, TRUNK, MOMENT)) < first / 10
