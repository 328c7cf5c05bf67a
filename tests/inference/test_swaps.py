# SPDX-License-Identifier: GPL-3.0-or-later
"""Swapped sides on a walker seen by a camera: undone where they were made, and only there."""

import numpy as np
import pytest
from track_spine.inference.keypoints import INDEX, NAMES
from track_spine.inference.swaps import find_swaps, unswapped

from .walking import walker

LEGS = ("knee", "ankle", "heel", "big_toe", "small_toe")


@pytest.fixture(name="rng")
def _rng():
    return np.random.default_rng(11)


def swap(xy_px, rows, parts):
    """Exchange left and right of some points in some frames."""
    harmed = xy_px.copy()
    for part in parts:
        left, right = INDEX[f"left_{part}"], INDEX[f"right_{part}"]
        harmed[np.ix_(rows, [left, right])] = xy_px[np.ix_(rows, [right, left])]
    return harmed


def found(xy_px, time_s, rng):
    noisy = xy_px + 3.0 * rng.normal(size=xy_px.shape)
    return find_swaps(noisy, np.full(xy_px.shape[:2], 0.9), time_s)


PARTS = sorted({name.partition("_")[2] for name in NAMES if name.startswith("left")})


@pytest.mark.parametrize("turn_deg", [0.0, 30.0, 150.0])
@pytest.mark.parametrize("rows", [[40], [40, 41], list(range(40, 58)), [30, 33, 34, 50]])
def test_a_body_swapped_whole_is_found_in_just_those_frames(rng, turn_deg, rows):
    time_s = np.arange(90) / 30.0
    xy_px = walker(time_s, turn_deg)
    told = found(swap(xy_px, rows, PARTS), time_s, rng)
    wanted = np.zeros((90, 3), dtype=bool)
    wanted[rows] = True
    assert (told == wanted).all(axis=1).mean() >= 0.97
    assert not told[:25].any()


@pytest.mark.parametrize("rows", [[40], [40, 41, 42], list(range(36, 46))])
def test_legs_that_are_swapped_alone_are_found_alone(rng, rows):
    time_s = np.arange(90) / 30.0
    told = found(swap(walker(time_s, 45.0), rows, LEGS), time_s, rng)
    assert not told[:, :2].any()
    assert set(rows) == set(np.flatnonzero(told[:, 2]).tolist())


@pytest.mark.parametrize("rate_hz", [10.0, 24.0, 30.0, 60.0, 240.0])
@pytest.mark.parametrize("turn_deg", [0.0, 45.0, 90.0, -90.0, 180.0])
def test_limbs_that_pass_each_other_are_left_alone(rng, rate_hz, turn_deg):
    time_s = np.arange(0.0, 4.0, 1.0 / rate_hz)
    assert not found(walker(time_s, turn_deg), time_s, rng).any()


def test_who_turns_round_is_left_alone(rng):
    time_s = np.arange(0.0, 4.0, 1.0 / 30.0)
    assert not found(walker(time_s, 180.0 * time_s), time_s, rng).any()


def test_everything_comes_back_under_its_name_and_depths_turn_over(rng):
    time_s = np.arange(60) / 30.0
    true = walker(time_s, 20.0)[:, None]
    rows = [20, 21, 22]
    score = rng.uniform(0.5, 1.0, size=true.shape[:3])
    depth = rng.normal(size=(*true.shape[:3], 3))
    harmed = {"time_s": time_s, "xy_px": swap(true[:, 0], rows, PARTS)[:, None]}
    harmed["raw_score"] = swap(score[:, 0, :, None], rows, PARTS)[:, None, :, 0]
    harmed["score"] = harmed["raw_score"]
    turned = depth.copy()
    turned[rows, ..., 2] *= -1.0
    harmed["relative_m"] = swap(turned[:, 0], rows, PARTS)[:, None]
    harmed["xy_px"][50:] = np.nan
    right = unswapped(harmed)
    assert np.array_equal(right["xy_px"][:50], true[:50])
    assert np.array_equal(right["raw_score"], score)
    assert np.array_equal(right["relative_m"][:50], depth[:50])
    assert np.isnan(right["xy_px"][50:]).all()


@pytest.mark.parametrize("frames", [0, 1, 2, 3, 4])
def test_few_frames_are_named_as_they_came(rng, frames):
    time_s = np.arange(frames) / 30.0
    told = found(walker(time_s, 0.0), time_s, rng)
    assert told.shape == (frames, 3)
    assert not told.any()
