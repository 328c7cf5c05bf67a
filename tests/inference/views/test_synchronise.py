# SPDX-License-Identifier: GPL-3.0-or-later
"""Clocks are found from a motion in closed form, at equal and unequal frame rates."""

from dataclasses import replace

import numpy as np
import pytest
from track_spine.inference.errors import CalibrationError
from track_spine.inference.views.synchronise import sample, synchronise

from .conftest import clip


def test_offsets_come_back_to_a_fifth_of_a_frame(views):
    late = [0.0, 0.217, -0.35, 0.104]
    clips = [
        clip(view, rate_hz=rate, late_s=one, noise_px=1.5, seed=seed)
        for seed, (view, one, rate) in enumerate(
            zip(views, late, (30.0, 25.0, 60.0, 29.97), strict=True)
        )
    ]
    clocks = synchronise(views, clips, 1.0)
    np.testing.assert_allclose(clocks.offset_s, late, atol=0.007)
    assert clocks.clearness[1:].max() < 0.3


def test_what_each_camera_takes_for_a_point_may_lie_beside_it(views):
    """Networks place a point differently from each side, by more than it moves in a frame."""
    rng = np.random.default_rng(7)
    late = [0.0, 0.217, -0.35, 0.104]
    clips = [clip(view, late_s=one) for view, one in zip(views, late, strict=True)]
    beside = [replace(one, xy_px=one.xy_px + rng.normal(0.0, 15.0, (37, 2))) for one in clips]
    np.testing.assert_allclose(synchronise(views, beside, 1.0).offset_s, late, atol=0.007)


def test_two_swapped_clips_are_named(views):
    clips = [clip(view) for view in views]
    clips[1], clips[2] = clips[2], clips[1]
    with pytest.raises(CalibrationError, match="Cameras b and c are swapped"):
        synchronise(views, clips, 0.5)


def test_cameras_that_never_see_the_person_together_are_joined_by_a_third(views):
    """A walk along a corridor: a sees the first half, d the last, b and c all of it."""
    late = [0.0, 0.217, -0.35, 0.104]
    clips = [clip(view, late_s=one, seconds=6.0) for view, one in zip(views, late, strict=True)]
    half = len(clips[0].time_s) // 2
    for index, seen in ((0, slice(0, half)), (3, slice(half, None))):
        score = np.zeros_like(clips[index].score)
        score[seen] = clips[index].score[seen]
        clips[index] = replace(clips[index], score=score)
    np.testing.assert_allclose(synchronise(views, clips, 0.5).offset_s, late, atol=0.007)


def test_nobody_moves_and_no_offset_is_claimed(views):
    still = [
        replace(one, xy_px=np.repeat(one.xy_px[:1], len(one.xy_px), axis=0))
        for one in (clip(view, noise_px=0.0) for view in views)
    ]
    rng = np.random.default_rng(1)
    still = [replace(one, xy_px=one.xy_px + rng.normal(0.0, 1.0, one.xy_px.shape)) for one in still]
    with pytest.raises(CalibrationError, match="Camera b cannot be synchronised by motion"):
        synchronise(views, still, 1.0)


def test_a_clip_of_another_motion_is_named(views):
    clips = [clip(view) for view in views]
    clips[2] = replace(clips[2], xy_px=clips[2].xy_px[::-1].copy())
    with pytest.raises(CalibrationError, match="Camera c cannot be synchronised"):
        synchronise(views, clips, 1.0)


def test_a_camera_that_never_sees_the_person_is_named(views):
    clips = [clip(view) for view in views]
    clips[1] = replace(clips[1], score=np.zeros_like(clips[1].score))
    with pytest.raises(CalibrationError, match="Camera b and the others never see"):
        synchronise(views, clips, 1.0)


def test_samples_lie_on_the_line_between_frames_and_never_across_gaps():
    time_s = np.array([0.0, 0.1, 0.2, 1.0, 1.1])
    values = np.column_stack([3.0 * time_s, -time_s])[:, None]
    found = sample(time_s, values, np.array([-0.1, 0.0, 0.05, 0.2, 0.5, 1.05, 1.2]))[:, 0]
    np.testing.assert_allclose(found[[1, 2, 3, 5], 0], [0.0, 0.15, 0.6, 3.15], atol=1e-12)
    assert np.isnan(found[[0, 4, 6]]).all()


def test_a_missing_point_is_missing_between_its_frames():
    values = np.array([[[0.0, 0.0]], [[np.nan, np.nan]], [[2.0, 2.0]]])
    found = sample(np.array([0.0, 0.1, 0.2]), values, np.array([0.05, 0.15]))
    assert np.isnan(found).all()
