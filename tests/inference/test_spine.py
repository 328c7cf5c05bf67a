# SPDX-License-Identifier: GPL-3.0-or-later
"""Reading the spine head: pixels of the frame, and scores that are probabilities, gated."""

import numpy as np
import pytest
from track_spine.inference.crop import Crop
from track_spine.inference.keypoints import NAMES, SPINE
from track_spine.inference.spine import (
    POINTS,
    PRESENCE_GATE,
    ROWS,
    SURE_WITHIN,
    presence_gate,
    probability_within,
    read_spine,
)

COUNT = len(POINTS)
CROP = Crop(np.array([300.0, 200.0]), 512.0, np.pi / 2)
FRAME = (600, 400)


def read(points=None, scale=4.0, crop=CROP, trunk_px=160.0, presence=1.0, frame=FRAME):
    points = np.full((COUNT, 2), 128.0) if points is None else np.asarray(points)
    scales = np.full(COUNT, scale, np.float32)
    return read_spine(points.astype(np.float32), scales, crop, 256, trunk_px, presence, frame)


def test_the_head_s_points_are_spine_head_top_clavicles_and_latissimus():
    assert POINTS[:9] == SPINE
    assert POINTS[9] == "head"
    assert set(POINTS[10:]) == {
        f"{side}_{part}" for side in ("left", "right") for part in ("clavicle", "latissimus")
    }
    assert [NAMES[row] for row in ROWS] == list(POINTS)


def test_points_are_carried_into_the_frame():
    points = np.random.default_rng(0).uniform(90, 160, (COUNT, 2))
    # Twice as large, and turned clockwise: crop right is frame down, crop down is frame left.
    right, down = (points - 128).T * 2
    expected = np.column_stack([300 - down, 200 + right])
    np.testing.assert_allclose(read(points).xy_px, expected, atol=1e-3)


@pytest.mark.parametrize("share", [0.02, 0.05, 0.2])
def test_a_score_is_how_often_points_of_that_scale_come_near(share):
    rng = np.random.default_rng(1)
    # A density of exp(-r / b) over the plane is a gamma distribution of the distance, shape 2.
    near = rng.gamma(2.0, share, 200_000) < SURE_WITHIN
    # 160 px of trunk are 80 px in the crop's picture.
    score = read(scale=80 * share).score
    np.testing.assert_allclose(score, near.mean(), atol=0.004)


def test_a_score_depends_on_the_error_in_trunks_not_in_pixels():
    np.testing.assert_allclose(read(scale=8.0, trunk_px=320).score, read(scale=4.0).score)
    smaller = Crop(CROP.centre_px, 256.0, 0.0)
    np.testing.assert_allclose(read(crop=smaller, trunk_px=80).score, read().score)


def test_a_larger_scale_scores_less_down_to_nothing():
    scores = [read(scale=scale).score[0] for scale in (0.0, 1.0, 4.0, 16.0, 64.0, 1e6)]
    assert scores[0] == pytest.approx(1.0)
    assert (np.diff(scores) < 0).all()
    assert scores[-1] < 1e-6


@pytest.mark.parametrize("presence", [0.0, PRESENCE_GATE[0]])
def test_where_the_network_sees_nobody_no_spine_is_sure(presence):
    assert (read(scale=0.1, presence=presence).score == 0.0).all()


def test_the_gate_opens_evenly_and_takes_nothing_from_sure_bodies():
    gate = [presence_gate(presence) for presence in np.linspace(*PRESENCE_GATE, 5)]
    np.testing.assert_allclose(gate, [0.0, 0.25, 0.5, 0.75, 1.0])
    assert presence_gate(1.0) == 1.0
    np.testing.assert_allclose(read(presence=0.575).score, 0.5 * read().score)


def test_points_outside_the_picture_lose_their_score_with_distance():
    crop = Crop(np.array([300.0, 200.0]), 512.0, 0.0)
    inside, at_edge, out, far = [128.0, 128.0], [128.0, 228.0], [128.0, 236.0], [128.0, 328.0]
    points = np.tile([inside], (COUNT, 1))
    points[1:4] = [at_edge, out, far]
    score = read(points, crop=crop).score
    assert score[1] == score[0]
    # 8 crop pixels are 16 of the frame, a tenth of the trunk.
    np.testing.assert_allclose(score[2], score[0] * np.exp(-1.0))
    assert score[3] < 1e-4


def test_a_body_without_a_trunk_has_a_spine_of_no_score():
    spine = read(trunk_px=0.0)
    assert np.isfinite(spine.xy_px).all()
    np.testing.assert_allclose(spine.score, 0.0, atol=1e-9)


def test_half_of_the_points_lie_within_the_median_distance():
    # 1.678 scales: the median of the gamma distribution of shape 2.
    assert probability_within(1.678, np.array(1.0)) == pytest.approx(0.5, abs=0.001)
