# SPDX-License-Identifier: GPL-3.0-or-later
"""Clip time on Blender's timeline."""

import numpy as np
import pytest
from track_spine.addon.timing import key_frames, rational_rate, same_rate


@pytest.mark.parametrize(
    ("fps", "split"),
    [
        (24.0, (24, 1.0)),
        (30000 / 1001, (30, 1.001)),
        (24000 / 1001, (24, 1.001)),
        (60000 / 1001, (60, 1.001)),
        (29.970029830932617, (30, 1.001)),  # the float that MovieClip.fps gives
        (12.5, (13, 13 / 12.5)),
        (0.5, (1, 2.0)),
    ],
)
def test_rates_keep_their_value(fps, split):
    whole, base = rational_rate(fps)
    assert (whole, base) == pytest.approx(split)
    assert whole / base == pytest.approx(fps, rel=1e-6)


def test_the_ntsc_rate_is_not_thirty():
    assert same_rate(29.97003, 30000 / 1001)
    assert not same_rate(30.0, 30000 / 1001)


def test_the_clips_own_rate_gives_whole_frames_from_the_first():
    time_s = np.arange(50) * 1001 / 30000
    assert key_frames(time_s, 11, 30 / 1.001).tolist() == list(range(11, 61))


def test_milliseconds_of_a_container_do_not_leave_the_frame():
    time_s = np.round(np.arange(500) / 30, 3)
    assert key_frames(time_s, 1, 30.0).tolist() == list(range(1, 501))


def test_another_rate_keeps_the_true_time():
    frames = key_frames(np.arange(5) / 30, 1, 24.0)
    assert frames == pytest.approx([1.0, 1.8, 2.6, 3.4, 4.2])


def test_variable_rate_keeps_its_gaps():
    frames = key_frames(np.array([0.0, 0.04, 0.12]), 1, 25.0)
    assert frames == pytest.approx([1.0, 2.0, 4.0])


def test_high_speed_footage_keeps_one_key_a_picture():
    frames = key_frames(np.arange(100) / 1000, 1, 24.0)
    assert (np.diff(frames) > 0).all()
