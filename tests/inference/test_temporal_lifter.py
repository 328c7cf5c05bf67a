# SPDX-License-Identifier: GPL-3.0-or-later
"""What the temporal lifter is told, how windows are laid and joined, and the shipped one."""

import numpy as np
import pytest
from scipy.spatial.transform import Rotation
from track_spine.inference.camera import ray_rotation
from track_spine.inference.keypoints import INDEX, NAMES
from track_spine.inference.lifter import FrameLifter, Track
from track_spine.inference.models import LIFTER
from track_spine.inference.prior import complete
from track_spine.inference.session import Session
from track_spine.inference.temporal_lifter import (
    FEATURES,
    STATURE_M,
    WINDOW,
    TemporalLifter,
    features_of,
    trunk_axes,
)

COUNT = len(NAMES)
SINGLE = slice(2 * COUNT, 5 * COUNT)


class Echo:
    """In place of the network: answers the single frame's points and keeps what it was told."""

    def __init__(self):
        """Nothing was told yet."""
        self.told = []

    def run(self, batch, outputs):
        assert outputs == ("points", "sigma")
        self.told.append(batch)
        frames = batch.shape[:2]
        return [batch[..., SINGLE].reshape(*frames, COUNT, 3), np.full((*frames, COUNT), 0.05)]


def track(upright, time_s, unit=1.0, ray=(0.3, -0.1), distance=4.0):
    """A body that rises and falls a little before a camera, as the single frame sees it."""
    wave = 0.02 * np.sin(3.0 * time_s)[:, None, None] * [0.0, 1.0, 0.5]
    points = (upright + wave) / unit
    turn = ray_rotation(np.array(ray))
    seen = points @ turn.T * unit + distance * np.array([*ray, 1.0])
    score = np.full(points.shape[:2], 0.9)
    rays = np.tile(ray, (len(time_s), 1))
    return Track(seen[..., :2] / seen[..., 2:], rays, points, score, time_s)


def swinging(person, time_s, ray=(0.3, -0.1), distance=4.0):
    """Somebody who turns to and fro by 35 degrees and swings the arms, seen without error."""
    turns = Rotation.from_euler("y", 35.0 * np.sin(4.4 * time_s)[:, None], degrees=True)
    points = np.einsum("tij,kj->tki", turns.as_matrix(), person)
    arms = [INDEX[f"{side}_{part}"] for side in ("left", "right") for part in ("elbow", "wrist")]
    points[:, arms, 2] -= 0.3 * np.sin(6.9 * time_s)[:, None]
    seen = points @ ray_rotation(np.array(ray)).T + distance * np.array([*ray, 1.0])
    score, rays = np.full(points.shape[:2], 0.9), np.tile(ray, (len(time_s), 1))
    return Track(seen[..., :2] / seen[..., 2:], rays, points, score, time_s)


def turned(one):
    return np.einsum("tij,tkj->tki", ray_rotation(one.ray), one.relative_m)


@pytest.mark.parametrize("frames", [1, 2, WINDOW - 1, WINDOW, WINDOW + 1, 100])
@pytest.mark.parametrize("hertz", [10.0, 30.0, 240.0])
def test_any_number_of_frames_at_any_rate_is_answered(upright, frames, hertz):
    one = track(upright, np.arange(frames) / hertz)
    answer = TemporalLifter(Echo()).lift(one)
    # 1e-6 m: float32 inside.
    np.testing.assert_allclose(answer.relative_m, turned(one), atol=1e-6)
    np.testing.assert_allclose(answer.sigma_m, 0.05, rtol=0.1)


def test_points_and_deviations_come_back_in_the_unit_they_were_given_in(upright):
    one, other = (track(upright, np.arange(40) / 30.0, unit) for unit in (1.0, 2.5))
    answers = [TemporalLifter(Echo()).lift(each) for each in (one, other)]
    np.testing.assert_allclose(answers[1].relative_m, answers[0].relative_m / 2.5, atol=1e-6)
    np.testing.assert_allclose(answers[1].sigma_m, answers[0].sigma_m / 2.5, rtol=1e-6)


def test_what_is_told_depends_neither_on_the_lens_nor_on_the_place_in_the_picture(upright):
    flat = upright[None, :, :2]
    relative = upright[None] * STATURE_M
    score, time_s = np.full((1, COUNT), 0.8), np.zeros(1)
    told = [
        features_of(flat * zoom + shift, relative, score, time_s)
        for zoom, shift in ((0.2, 0.0), (0.05, 0.4))
    ]
    assert told[0].shape == (1, FEATURES)
    np.testing.assert_allclose(told[1], told[0], atol=1e-5)
    # Of a flat body the pixels in metres are the points across.
    expected = relative[..., :2].reshape(1, -1)
    np.testing.assert_allclose(told[0][:, : 2 * COUNT], expected, atol=1e-5)


def test_nobody_is_told_of_frames_across_a_gap(upright):
    time_s = np.concatenate([np.arange(20), np.arange(20) + 60]) / 30.0
    echo = Echo()
    TemporalLifter(echo).lift(track(upright, time_s))
    assert sorted(batch.shape[1] for batch in echo.told) == [20]
    assert sum(len(batch) for batch in echo.told) == 2


def test_fast_footage_is_seen_in_steps_the_network_knows(upright):
    echo = Echo()
    TemporalLifter(echo).lift(track(upright, np.arange(480) / 240.0))
    steps = np.concatenate([batch[:, 1:, -1].ravel() for batch in echo.told])
    np.testing.assert_allclose(steps, 0.0, atol=1e-5)  # log2 of the step over 1/30 s


def test_axes_of_the_trunk_turn_with_it(upright):
    quarter = np.array([[0.0, 0.0, 1.0], [0.0, 1.0, 0.0], [-1.0, 0.0, 0.0]])
    before, after = trunk_axes(upright), trunk_axes(upright @ quarter.T)
    np.testing.assert_allclose(after, quarter @ before, atol=1e-12)
    np.testing.assert_allclose(before.T @ before, np.eye(3), atol=1e-12)


@pytest.fixture(scope="module")
def shipped():
    return TemporalLifter(Session(LIFTER, threads=1))


@pytest.fixture
def person(standing, make_body):
    """(37, 3) somebody who stands before the camera, as BlazePose gives them and the prior adds."""
    return complete(make_body(standing)).relative_m


def test_the_shipped_network_keeps_a_body_that_was_guessed_well(person, shipped):
    one = track(person, np.arange(60) / 30.0)
    answer = shipped.lift(one)
    assert answer.denoised
    away = np.linalg.norm(answer.relative_m - turned(one), axis=-1)
    assert away.mean() < 0.08
    frame_by_frame = np.linalg.norm(np.diff(answer.relative_m, axis=0), axis=-1)
    # At the ends too, where a filter that took what is beyond for zeros moved points by 3 cm.
    assert frame_by_frame.max() < 0.015


@pytest.mark.parametrize("start_s", [0.0, 0.3, 0.7])
def test_the_ends_of_a_known_motion_err_no_more_than_its_middle(person, shipped, start_s):
    one = swinging(person, start_s + np.arange(60) / 30.0)
    off = np.linalg.norm(shipped.lift(one).relative_m - turned(one), axis=-1).mean(axis=1)
    ends = np.r_[off[:4], off[-4:]].mean()
    assert ends < 1.3 * off[8:-8].mean()


def test_deviations_grow_for_points_that_are_hardly_seen(person, shipped):
    one = track(person, np.arange(60) / 30.0)
    before = shipped.lift(one).sigma_m
    legs = [INDEX[f"{side}_{part}"] for side in ("left", "right") for part in ("knee", "ankle")]
    one.score[:, legs] = 0.03
    after = shipped.lift(one).sigma_m
    assert (after[:, legs].mean(axis=0) > 1.1 * before[:, legs].mean(axis=0)).all()


def test_one_frame_is_answered_much_as_many(person, shipped):
    many, single = (
        shipped.lift(track(person, time_s)) for time_s in (np.arange(60) / 30.0, np.zeros(1))
    )
    away = np.linalg.norm(many.relative_m[0] - single.relative_m[0], axis=-1)
    assert away.mean() < 0.05
    assert 0.01 < single.sigma_m.mean() < 0.2


def test_the_single_frame_is_unsure_where_its_score_is_low(upright):
    one = track(upright, np.arange(3) / 30.0)
    one.score[1] = 0.1
    answer = FrameLifter().lift(one)
    np.testing.assert_allclose(answer.relative_m, turned(one), atol=1e-12)
    assert (answer.sigma_m[1] > 1.5 * answer.sigma_m[0]).all()
