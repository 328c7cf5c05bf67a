# SPDX-License-Identifier: GPL-3.0-or-later
"""Keys left out never cost more than the tolerance."""

import time

import numpy as np
import pytest
from track_spine.rigging.errors import RigError
from track_spine.rigging.reduce_keys import keys_to_keep


def error_of(at, values, keep):
    line = np.stack([np.interp(at, at[keep], channel[keep]) for channel in values.T], axis=-1)
    return np.linalg.norm(values - line, axis=-1).max()


def waves(count=2000, seed=1):
    random = np.random.default_rng(seed)
    at = np.cumsum(random.uniform(0.3, 1.7, count))
    return at, np.stack([np.sin(at / 20), np.cos(at / 33), random.normal(0, 0.002, count)], -1)


@pytest.mark.parametrize("tolerance", [0.001, 0.01, 0.1])
def test_the_error_stays_within_the_tolerance(tolerance):
    at, values = waves()
    keep = keys_to_keep(at, values, tolerance, np.zeros(len(at), bool))
    assert error_of(at, values, keep) <= tolerance
    assert keep[0] and keep[-1]


def test_smooth_motion_needs_few_keys():
    at, values = waves()
    assert keys_to_keep(at, values, 0.01, np.zeros(len(at), bool)).sum() < len(at) / 4


def test_a_straight_line_needs_its_ends_and_what_is_fixed():
    at = np.array([0.0, 1.0, 1.5, 4.0, 9.0])
    fixed = np.array([False, False, True, False, False])
    keep = keys_to_keep(at, at[:, None] * [2.0, -1.0], 1e-9, fixed)
    assert keep.tolist() == [True, False, True, False, True]


def test_no_tolerance_keeps_every_key_that_bends():
    at = np.arange(50.0)
    values = np.random.default_rng(2).normal(size=(50, 4))
    assert keys_to_keep(at, values, 0.0, np.zeros(50, bool)).all()


@pytest.mark.parametrize("count", [1, 2])
def test_clips_of_a_frame_or_two_keep_them(count):
    keep = keys_to_keep(np.arange(float(count)), np.ones((count, 3)), 1.0, np.zeros(count, bool))
    assert keep.all()


@pytest.mark.parametrize("tolerance", [-0.1, float("nan")])
def test_a_tolerance_that_is_none_is_refused(tolerance):
    with pytest.raises(RigError, match="tolerance"):
        keys_to_keep(np.arange(3.0), np.zeros((3, 1)), tolerance, np.zeros(3, bool))


def test_ten_thousand_frames_take_a_moment():
    at, values = waves(10_000)
    started = time.perf_counter()
    keys_to_keep(at, values, 0.004, np.zeros(len(at), bool))
    assert time.perf_counter() - started < 0.5
