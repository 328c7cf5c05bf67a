# SPDX-License-Identifier: GPL-3.0-or-later
"""The spine of many bodies at rest: depth under the skin, arc, order, symmetry, curvature."""

import numpy as np
import pytest

pytest.importorskip("anny", reason="training has its own environment, see training/README.md")

from track_spine.training.anatomy import CONTRACT_ARC, JOINT_ARC, JOINTS, STATURE_M, VERTEBRAE
from track_spine.training.backbone import build_backbone, vertebra_weights
from track_spine.training.bodies import body_at_rest

BODIES = range(0, 3000, 75)


@pytest.fixture(scope="module")
def spines(model):
    bodies = [body_at_rest(model, row) for row in BODIES]
    return [(body, build_backbone(body, model)) for body in bodies]


def test_there_are_25_joints_between_26_vertebrae():
    assert len(VERTEBRAE) == 26
    assert len(JOINTS) == len(JOINT_ARC) == 25
    assert np.all(np.diff(JOINT_ARC) > 0)


def test_points_lie_5_to_8_cm_under_the_skin_for_an_adult_of_average_height(spines):
    depth = np.array([spine.depth * STATURE_M / body.stature_m for body, spine in spines])
    inner = depth[:, 1:]  # The lowest point lies at the level of the hip joints, before the cleft.
    assert np.all(inner > 0.050)
    assert np.all(inner < 0.088)
    assert 0.055 < np.median(inner) < 0.070
    assert np.all((depth[:, 0] > 0.03) & (depth[:, 0] < 0.09))


def test_points_lie_at_the_contracts_shares_of_the_arc(spines):
    for _, spine in spines:
        row = np.linspace(0, len(spine.curve) - 1, 4001)
        fine = np.stack([np.interp(row, np.arange(len(spine.curve)), c) for c in spine.curve.T], 1)
        arc = np.concatenate([[0], np.cumsum(np.linalg.norm(np.diff(fine, axis=0), axis=1))])
        at = [np.argmin(np.linalg.norm(fine - point, axis=1)) for point in spine.points]
        assert np.allclose(arc[at] / arc[at[6]], CONTRACT_ARC, atol=0.003)


def test_points_go_upwards_in_the_plane_of_symmetry(spines):
    for _, spine in spines:
        assert np.all(np.diff(spine.points[:, 2]) > 0)
        assert np.allclose(spine.points[:, 0], 0.0, atol=1e-9)
        assert np.allclose(spine.joints[:, 0], 0.0, atol=1e-9)


def test_the_back_is_hollow_below_and_round_above(spines):
    step = np.array([np.diff(spine.points, axis=0) for _, spine in spines])
    lean = np.degrees(np.arctan2(-step[..., 1], step[..., 2]))
    turn = np.diff(lean, axis=1)
    assert np.all(np.abs(turn) < 35)
    assert np.mean(turn[:, :3].sum(axis=1)) < -8  # lordosis
    assert np.mean(turn[:, 3:5].sum(axis=1)) > 15  # kyphosis


def test_skin_weights_stay_a_partition_of_one_and_change_sides_with_the_mirror(model):
    body = body_at_rest(model, 5)
    weights = vertebra_weights(body, model, build_backbone(body, model))
    total = np.asarray(weights.sum(axis=1)).ravel()
    assert np.allclose(total, 1.0, atol=1e-6)
    assert weights.min() >= -1e-12
