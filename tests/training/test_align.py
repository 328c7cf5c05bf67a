# SPDX-License-Identifier: GPL-3.0-or-later
"""The figures of an alignment on hand-made numbers, and how poses are gathered."""

import numpy as np
import pytest

pytest.importorskip("anny", reason="training has its own environment, see training/README.md")

from scipy.spatial.transform import Rotation
from track_spine.inference.keypoints import INDEX, NAMES, SPINE
from track_spine.training.align_picture import draw_alignment
from track_spine.training.align_poses import (
    poses_of_bodies,
    read_labels,
    rest_points,
    rotation_chain,
    upright,
)
from track_spine.training.align_posture import resting_turns
from track_spine.training.align_ranges import BOUND_DEG, MEAN_DEG
from track_spine.training.align_statistics import (
    couplings,
    levels,
    line,
    regions,
    residuals,
    sharing,
)
from track_spine.training.anatomy import JOINT_ARC, JOINTS, LUMBAR, THORACIC
from track_spine.training.backbone import Backbone
from track_spine.training.errors import TrainingError
from track_spine.training.posing import make_figure, put_on

KINDS = np.array(["stand", "lift"])


def test_residuals_are_root_mean_squares_in_centimetres():
    distance = np.full((2, len(NAMES)), 0.03)
    distance[1] = 0.04
    figures = residuals(distance, KINDS)
    assert figures["all_rmse_cm"] == pytest.approx(np.sqrt(12.5), abs=0.01)
    assert figures["families"]["lift"]["spine_rmse_cm"] == pytest.approx(4.0)
    assert figures["points"]["hip"]["median_cm"] == pytest.approx(3.5)


def test_only_points_of_the_spine_over_ten_centimetres_are_rejected():
    distance = np.full((2, len(NAMES)), 0.01)
    distance[0, INDEX["left_wrist"]] = 0.4
    distance[1, INDEX["spine_04"]] = 0.101
    rejected = residuals(distance, KINDS)["rejected"]
    assert rejected["points"] == 1
    assert rejected["poses"] == 1
    assert rejected["poses_percent"] == pytest.approx(50.0)
    assert rejected["points_percent"] == pytest.approx(100 / (2 * len(SPINE)), abs=0.01)


def test_a_line_has_slope_correlation_bias_and_spread():
    x = np.array([-10.0, 0.0, 10.0, 20.0])
    assert line(x, 2 * x + 3) == {"r": 1.0, "slope": 2.0, "bias": 8.0, "rmse": 11.18}


def test_a_joint_that_swings_more_than_the_literature_knows_is_named():
    rng = np.random.default_rng(1)
    angles = rng.uniform(-1.0, 1.0, (2000, 25, 3))
    angles[:, JOINTS.index("T8-T9"), 0] *= 6.0
    found = levels(angles)["flexion"]
    assert [joint for joint in JOINTS if found[joint]["too_wide"]] == ["T8-T9"]
    assert found["T8-T9"]["p99"] == pytest.approx(5.9, abs=0.1)


def test_bounds_hold_the_means():
    assert MEAN_DEG.shape == BOUND_DEG.shape == (25, 3)
    assert np.all(MEAN_DEG < BOUND_DEG)
    thorax = MEAN_DEG[JOINTS.index("T12-L1") : JOINTS.index("T1-T2") + 1, 0]
    assert thorax.sum() == pytest.approx(31.7, abs=0.3)  # Morita's total


def test_regions_add_the_joints_and_count_who_goes_beyond_two_deviations():
    angles = np.zeros((4, 25, 3))
    angles[0, LUMBAR, 0] = 10.0
    angles[1, LUMBAR, 0] = 14.0
    flexion = regions(angles)["lumbar"]["flexion"]
    assert flexion["p99"] == pytest.approx(84 - 0.03 * 24, abs=0.01)
    assert flexion["beyond_two_sd_percent"] == pytest.approx(25.0)  # 84 is over 1.5 times 51


def test_the_lumbar_share_counts_bent_backs_only():
    angles = np.zeros((3, 25, 3))
    angles[:2, LUMBAR, 0] = 40.0 / 6
    angles[:2, THORACIC, 0] = 20.0 / 12
    angles[2, THORACIC, 0] = 2.0
    found = sharing(angles)
    assert found["poses"] == 2
    assert found["p50"] == pytest.approx(66.67)


def test_coupling_is_the_turn_that_comes_with_a_bend():
    rng = np.random.default_rng(2)
    angles = np.zeros((500, 25, 3))
    angles[..., 1] = rng.normal(0.0, 3.0, (500, 25))
    angles[:, LUMBAR, 2] = -0.2 * angles[:, LUMBAR, 1]
    assert couplings(angles)["lumbar"]["slope"] == pytest.approx(-0.2)
    assert couplings(angles)["neck"]["slope"] == pytest.approx(0.0)


def test_points_seen_by_a_camera_come_back_upright():
    rng = np.random.default_rng(3)
    upright_points = rng.normal(0.0, 0.5, (6, 37, 3))
    pelvis = Rotation.random(6, random_state=4).as_matrix()
    camera = np.tile(np.eye(4), (6, 1, 1))
    camera[:, :3, :3] = Rotation.random(6, random_state=5).as_matrix()
    camera[:, :3, 3] = rng.normal(0.0, 3.0, (6, 3))
    world = np.einsum("nij,nkj->nki", pelvis, upright_points)
    seen = np.einsum("nji,nkj->nki", camera[:, :3, :3], world - camera[:, None, :3, 3])
    shift = upright(seen, camera, pelvis) - upright_points
    assert np.allclose(shift, shift[:, :1], atol=1e-12)


def test_joints_chain_from_the_bottom_up():
    same_axis = np.array([[[10.0, 0.0, 0.0], [15.0, 0.0, 0.0]]])
    assert rotation_chain(same_axis)[0] == pytest.approx([25.0, 0.0, 0.0])
    quarter = np.array([[[90.0, 0.0, 0.0], [0.0, 90.0, 0.0]]])
    turned = Rotation.from_rotvec(rotation_chain(quarter)[0], degrees=True).apply([0.0, 0.0, 1.0])
    assert turned == pytest.approx([1.0, 0.0, 0.0])


def test_bodies_with_enough_poses_are_drawn_first():
    count = {4: 1, 7: 5, 9: 4}
    ids = np.repeat(list(count), list(count.values()))
    labels = {
        "xyz_m": np.zeros((10, 37, 3)),
        "world_from_camera": np.tile(np.eye(4), (10, 1, 1)),
        "pelvis": np.tile(np.eye(3), (10, 1, 1)),
        "spine_deg": np.arange(10)[:, None, None] * np.ones((10, 25, 3)),
        "body_id": ids,
        "source": np.array(["random"] * 5 + ["cmu"] * 5),
        "subject": np.array(["stand"] * 5 + ["02"] * 5),
    }
    drawn = poses_of_bodies(labels, 2, 4, np.random.default_rng(0))
    assert sorted(part.body_id for part in drawn) == [7, 9]
    assert [len(part.points) for part in drawn] == [4, 4]
    for part in drawn:
        rows = part.spine_deg[:, 0, 0].astype(int)
        assert np.all(ids[rows] == part.body_id)
        assert list(part.family) == ["stand" if row < 5 else "cmu" for row in rows]


def test_a_folder_without_shards_says_so(tmp_path):
    with pytest.raises(TrainingError, match="render some first"):
        read_labels(tmp_path, 3, np.random.default_rng(0))


def test_the_turns_of_a_wave_are_its_lordosis_and_kyphosis():
    arc = np.linspace(0.0, 1.2, 400)
    ends = JOINT_ARC[[JOINTS.index(name) for name in ("L5-S1", "T12-L1", "C7-T1")]]
    lean = np.radians(np.interp(arc, ends, [20.0, -15.0, 25.0]))
    step = np.column_stack([np.zeros(400), -np.sin(lean), np.cos(lean)]) * 0.6 * arc[1]
    spine = Backbone(np.cumsum(step, axis=0), arc, *(np.empty(0),) * 4)
    assert resting_turns(spine) == pytest.approx((35.0, 40.0), abs=0.5)


def test_points_at_rest_are_those_of_a_standing_body(model, standing):
    figure = make_figure(model, 20)
    posed = put_on(figure, model, standing).points
    rest = rest_points(figure)
    rest -= rest[[INDEX["left_hip"], INDEX["right_hip"]]].mean(axis=0)
    still = [INDEX[name] for name in (*SPINE, "head", "left_clavicle", "left_hip")]
    assert np.allclose(rest[still], posed[still], atol=1e-9)
    assert np.all(np.isfinite(rest))


def test_the_picture_is_small(tmp_path):
    rng = np.random.default_rng(6)
    path = tmp_path / "picture.png"
    distance = rng.gamma(2.0, 0.007, (60, 37))
    draw_alignment(distance, levels(rng.normal(0.0, 2.0, (60, 25, 3))), path)
    assert 20_000 < path.stat().st_size < 300_000
