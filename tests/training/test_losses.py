# SPDX-License-Identifier: GPL-3.0-or-later
"""Losses are least where they should be, and each can be turned off."""

import math
from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("torch", reason="see training/README.md")

import torch
from track_spine.inference.keypoints import SPINE
from track_spine.inference.spine import POINTS
from track_spine.training.config import Config
from track_spine.training.losses import (
    NEUTRAL_TURN_DEG,
    position_loss,
    spine_loss,
    structure_loss,
    total_loss,
    turn_ranges,
)


def spine_with(turns_deg, lean_deg=0.0):
    """(1, P, 2) points whose spine turns by given angles, upwards in the picture."""
    heading = np.radians(lean_deg + np.concatenate([[0.0], np.cumsum(turns_deg)]))
    steps = 0.05 * np.column_stack([np.sin(heading), -np.cos(heading)])
    chain = np.cumsum([[0.5, 0.9], *steps], axis=0)
    points = np.full((len(POINTS), 2), 0.3)
    points[[POINTS.index(name) for name in SPINE]] = chain
    return torch.tensor(points[None], dtype=torch.float32)


SIDE_ON = torch.tensor([[1.0, 1.0]])
FRONT_ON = torch.tensor([[0.0, 1.0]])


def test_the_scale_that_costs_least_is_half_the_error():
    points, target, weight = torch.zeros(1, 1, 2), torch.tensor([[[0.06, 0.08]]]), torch.ones(1, 1)
    scales = torch.linspace(0.01, 0.2, 191)
    cost = [float(position_loss(points, s.view(1, 1), target, weight)) for s in scales]
    assert float(scales[int(np.argmin(cost))]) == pytest.approx(0.05, abs=1e-3)


def test_structure_counts_directions_only():
    points = spine_with([0.0] * 7)
    weight = torch.ones(1, len(POINTS))
    assert float(structure_loss(points * 2.0 + 1.0, points, weight)) == pytest.approx(0, abs=1e-4)
    turned = points @ torch.tensor([[0.0, 1.0], [-1.0, 0.0]])
    mine = float(structure_loss(turned, points, weight))
    bones = 13  # of which two pairs of points lie on each other's place in this figure: no matter
    assert 0.5 * 8 / bones < mine < 0.51


@pytest.mark.parametrize("side", [1.0, -1.0])
def test_a_neutral_or_bent_spine_costs_nothing_and_a_kink_does(side):
    axes = SIDE_ON * torch.tensor([side, 1.0])
    forward, _, lateral = (np.degrees(limit) for limit in turn_ranges())
    neutral = np.array(NEUTRAL_TURN_DEG)
    assert float(spine_loss(spine_with(side * neutral), axes)) == 0.0
    assert float(spine_loss(spine_with(side * (neutral + forward)), axes)) == 0.0
    assert float(spine_loss(spine_with(side * lateral), FRONT_ON)) == 0.0
    kink = np.zeros(7)
    kink[2] = side * 80.0
    assert float(spine_loss(spine_with(kink), axes)) > 0.01
    assert float(spine_loss(spine_with(kink), FRONT_ON)) > 0.01


def test_a_trunk_that_points_at_the_camera_is_not_judged():
    kink = np.zeros(7)
    kink[2] = 80.0
    assert float(spine_loss(spine_with(kink), torch.tensor([[1.0, 0.3]]))) == 0.0


def test_it_is_not_a_pull_towards_straight():
    """Seen from the side, the neutral curve lies further inside its range than a ruler does."""
    neutral = np.array(NEUTRAL_TURN_DEG)
    wrong_way = -2.5 * neutral
    assert float(spine_loss(spine_with(2.5 * neutral), SIDE_ON)) < float(
        spine_loss(spine_with(wrong_way), SIDE_ON)
    )


def test_each_part_can_be_turned_off():
    points = spine_with([30.0] * 7).requires_grad_()
    answers = (points, torch.full((1, len(POINTS)), 0.05), points)
    batch = {
        "weight": torch.ones(6, len(POINTS)),
        "target": spine_with([0.0] * 7),
        "torso": torch.tensor([0.4]),
        "axes": FRONT_ON,
    }
    config = Config()
    for name in ("position", "structure", "spine"):
        _, parts = total_loss(answers, batch, replace(config, **{f"{name}_weight": 0.0}))
        assert name not in parts and len(parts) == 2
    loss, parts = total_loss(answers, batch, config)
    weights = config.as_dict()
    expected = sum(weights[f"{name}_weight"] * value for name, value in parts.items())
    assert float(loss.detach()) == pytest.approx(expected, rel=1e-5)
    loss.backward()
    assert torch.isfinite(points.grad).all()
    assert math.isfinite(expected)
