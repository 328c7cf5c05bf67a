# SPDX-License-Identifier: GPL-3.0-or-later
"""Scores of points that were not seen where they are: beyond the picture, copies, excursions."""

import numpy as np
import pytest
from track_spine.inference.doubts import doubted, find_lost
from track_spine.inference.keypoints import INDEX, NAMES

from .walking import TRUNK_PX, walker

LEG = [INDEX[f"left_{part}"] for part in ("knee", "ankle", "heel", "big_toe", "small_toe")]
OTHER = [INDEX[f"right_{part}"] for part in ("knee", "ankle", "heel", "big_toe", "small_toe")]
TIME_S = np.arange(90) / 30.0
SIZE_PX = (1200, 1200)


@pytest.fixture(name="rng")
def _rng():
    return np.random.default_rng(17)


def seen(xy_px, time_s=TIME_S, score=0.9):
    scores = np.full((len(xy_px), 1, len(NAMES)), score)
    arrays = {"xy_px": xy_px[:, None], "time_s": time_s, "raw_score": scores, "score": scores}
    return doubted(arrays, SIZE_PX)["raw_score"][:, 0]


def copied(xy_px, rows, rng):
    """The left leg put on the right one in some frames, as a network that sees but one does."""
    harmed = xy_px + 3.0 * rng.normal(size=xy_px.shape)
    harmed[np.ix_(rows, LEG)] = harmed[np.ix_(rows, OTHER)]
    harmed[np.ix_(rows, LEG)] += 3.0 * rng.normal(size=(len(rows), len(LEG), 2))
    return harmed


@pytest.mark.parametrize("rows", [range(20, 23), range(22, 31), range(79, 90), range(0, 9)])
def test_a_leg_that_jumps_onto_the_other_is_not_believed_there(rng, rows):
    """Legs are furthest apart at 0.25 and 0.75 of each second."""
    lost = find_lost(copied(walker(TIME_S, 90.0), list(rows), rng), TIME_S)
    wanted = np.zeros(lost.shape, dtype=bool)
    wanted[np.ix_(list(rows), LEG)] = True
    assert np.array_equal(lost, wanted)


def test_a_leg_that_wavers_beside_a_copy_is_not_believed_either(rng):
    """It comes back for a frame, and is between the two for another."""
    xy_px = copied(walker(TIME_S, 90.0), [*range(20, 24), *range(26, 31)], rng)
    xy_px[np.ix_([24], LEG)] += 0.5 * (xy_px[np.ix_([24], OTHER)] - xy_px[np.ix_([24], LEG)])
    lost = find_lost(xy_px, TIME_S)
    assert lost[20:31, LEG].all()
    assert not np.delete(lost, np.arange(20, 31), axis=0).any()
    assert not lost[:, OTHER].any()


@pytest.mark.parametrize("rate_hz", [10.0, 24.0, 30.0, 60.0, 240.0])
@pytest.mark.parametrize("turn_deg", [0.0, 45.0, 90.0, -90.0, 180.0])
def test_limbs_that_come_together_of_themselves_are_believed(rng, rate_hz, turn_deg):
    time_s = np.arange(0.0, 4.0, 1.0 / rate_hz)
    xy_px = walker(time_s, turn_deg, 1.5)
    assert not find_lost(xy_px + 3.0 * rng.normal(size=xy_px.shape), time_s).any()


def test_legs_seen_on_one_another_all_the_time_are_believed(rng):
    """Somebody who stands sideways to the camera."""
    xy_px = copied(walker(TIME_S, 90.0, 0.0), list(range(90)), rng)
    assert not find_lost(xy_px, TIME_S).any()


def test_a_cut_is_no_jump_of_a_limb(rng):
    """Standing with legs apart, then, elsewhere in the picture, with legs together."""
    xy_px = walker(TIME_S, 0.0, 0.0) + 3.0 * rng.normal(size=(90, len(NAMES), 2))
    middle = 0.5 * (xy_px[40:, LEG] + xy_px[40:, OTHER])
    xy_px[40:, LEG], xy_px[40:, OTHER] = middle, middle
    xy_px[40:] += [300.0, 100.0]
    assert not find_lost(xy_px, TIME_S).any()


@pytest.mark.parametrize("rows", [[40], [40, 41]])
def test_a_leg_is_not_where_it_could_not_come_back_from(rng, rows):
    xy_px = walker(TIME_S, 45.0) + 3.0 * rng.normal(size=(90, len(NAMES), 2))
    xy_px[np.ix_(rows, OTHER)] += [1.2 * TRUNK_PX, 0.0]
    lost = find_lost(xy_px, TIME_S)
    assert np.array_equal(np.flatnonzero(lost[:, OTHER].all(axis=1)), rows)
    assert lost.sum() == len(rows) * len(OTHER)


@pytest.mark.parametrize("frames", [0, 1, 2, 3])
def test_of_a_few_frames_nothing_is_lost(frames):
    assert not find_lost(walker(TIME_S[:frames], 90.0), TIME_S[:frames]).any()


def test_points_beyond_the_picture_count_less_the_further_they_are_out():
    """A tenth of a trunk beyond the edge 0.3 of the score is left, half of that way 0.65."""
    xy_px = walker(TIME_S, 0.0, 0.0)
    nose = INDEX["nose"]
    for out, share in ((-0.2, 1.0), (0.0, 1.0), (0.05, 0.65), (0.1, 0.3), (2.0, 0.3)):
        for corner in ([-out * TRUNK_PX, 500.0], [500.0, SIZE_PX[1] + out * TRUNK_PX]):
            xy_px[:, nose] = corner
            score = seen(xy_px)
            assert score[:, nose] == pytest.approx(0.9 * share)
            assert (np.delete(score, nose, axis=1) == 0.9).all()


def test_who_is_not_seen_in_some_frames_keeps_what_was_there(rng):
    xy_px = copied(walker(TIME_S, 90.0), list(range(22, 31)), rng)
    xy_px[50:60] = np.nan
    score = seen(xy_px)
    assert (score[22:31][:, LEG] < 0.02).all()
    assert (score[50:60] == 0.9).all()
    assert (seen(np.full((90, len(NAMES), 2), np.nan)) == 0.9).all()
