# SPDX-License-Identifier: GPL-3.0-or-later
"""Poses keep every joint of the spine within its range, and the skeleton its lengths."""

from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("anny", reason="training has its own environment, see training/README.md")

from track_spine.inference.keypoints import INDEX, SPINE
from track_spine.training.anatomy import (
    AXIAL_DEG,
    EXTENSION_DEG,
    FLEXION_DEG,
    LATERAL_DEG,
    RANGE_SLACK,
)
from track_spine.training.poses import draw_pose, mirror, with_curve
from track_spine.training.posing import make_figure, put_on
from track_spine.training.trunk_draw import bend_trunk, personal_curve


def test_every_joint_stays_within_its_range(motions):
    rng = np.random.default_rng(3)
    for _ in range(150):
        bend = with_curve(draw_pose(motions, rng).pose, np.zeros((25, 3))).spine_deg
        assert np.all(bend[:, 0] <= RANGE_SLACK * FLEXION_DEG + 1e-9)
        assert np.all(bend[:, 0] >= -RANGE_SLACK * EXTENSION_DEG - 1e-9)
        assert np.all(np.abs(bend[:, 1]) <= RANGE_SLACK * LATERAL_DEG + 1e-9)
        assert np.all(np.abs(bend[:, 2]) <= RANGE_SLACK * AXIAL_DEG + 1e-9)


def test_a_bend_is_shared_without_loss_and_mostly_below_as_in_people():
    rng = np.random.default_rng(4)
    bends = np.array([bend_trunk(np.array([50.0, 0.0, 0.0]), rng) for _ in range(200)])
    assert np.mean(bends[..., 0].sum(axis=1)) == pytest.approx(50.0, abs=2.0)
    lumbar = bends[:, :6, 0].sum(axis=1).mean()
    assert 0.5 < lumbar / 50.0 < 0.8


def test_people_differ_in_their_standing_curves():
    rng = np.random.default_rng(5)
    curves = np.array([personal_curve(rng) for _ in range(300)])
    assert 5 < curves[:, :6, 0].sum(axis=1).std() < 13
    assert 5 < curves[:, 6:18, 0].sum(axis=1).std() < 13


def test_bending_keeps_the_length_of_the_spine(model, motions):
    figure = make_figure(model, 11)
    rows = [INDEX[name] for name in SPINE]
    rest = np.linalg.norm(np.diff(figure.spine.points, axis=0), axis=1)
    rng = np.random.default_rng(6)
    for _ in range(20):
        points = put_on(figure, model, draw_pose(motions, rng).pose).points[rows]
        length = np.linalg.norm(np.diff(points, axis=0), axis=1)
        # Chords shorten a little where several joints bend between two points.
        assert np.all(length < 1.06 * rest)
        assert np.all(length > 0.88 * rest)


def test_standing_is_symmetric_and_limbs_keep_their_lengths(model, motions, standing):
    figure = make_figure(model, 21)
    points = put_on(figure, model, standing).points
    for name, row in INDEX.items():
        if name.startswith("left_"):
            other = points[INDEX[name.replace("left", "right")]] * [-1, 1, 1]
            assert np.allclose(points[row], other, atol=4e-3), name
    pose = draw_pose(motions, np.random.default_rng(8)).pose
    turned = put_on(figure, model, pose).points
    swapped = put_on(figure, model, mirror(pose)).points
    assert np.allclose(
        turned[INDEX["spine_04"]], swapped[INDEX["spine_04"]] * [-1, 1, 1], atol=1e-6
    )


def test_a_flexed_spine_bends_forwards_and_a_left_bend_to_the_left(model, standing):
    figure = make_figure(model, 2)
    still = put_on(figure, model, standing).points[INDEX["neck"]]
    for axis, check in ((0, lambda move: move[1] < -0.1), (1, lambda move: move[0] > 0.05)):
        bend = np.zeros((25, 3))
        bend[:18, axis] = 2.0
        pose = replace(standing, spine_deg=bend)
        moved = put_on(figure, model, pose).points[INDEX["neck"]]
        assert check(moved - still)
