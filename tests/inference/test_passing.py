# SPDX-License-Identifier: GPL-3.0-or-later
"""Who is left out of a take, and who is not."""

import numpy as np
import pytest
from track_spine.inference.keypoints import NAMES
from track_spine.inference.passing import confirmed, passing_note, without_passing
from track_spine.inference.take import chunk_arrays

FRAMES = 90


def take(people, rate_hz=30.0):
    """Arrays of a take: of each person the first frame, how many, and the score."""
    arrays = chunk_arrays(FRAMES, range(len(people)))
    arrays["time_s"][:] = np.arange(FRAMES) / rate_hz
    for column, (first, count, score) in enumerate(people):
        seen = slice(first, first + count)
        arrays["score"][seen, column] = score
        arrays["raw_score"][seen, column] = score
        arrays["xy_px"][seen, column] = 100.0 * column
    return arrays


@pytest.mark.parametrize(
    ("count", "score", "is_person"),
    [
        (3, 0.33, False),  # joined hands at a handshake
        (75, 0.15, False),  # a cook's second sight
        (20, 0.85, True),  # who walks through within a second
        (3, 0.45, True),
        (29, 0.39, False),
        (31, 0.39, True),  # a second: hardly seen, but seen
        (90, 0.19, False),
    ],
)
def test_visitors_must_be_seen_surely(count, score, is_person):
    arrays = take([(0, 90, 0.95), (10 if count < 80 else 0, count, score)])
    assert confirmed(arrays["score"], arrays["time_s"]).tolist() == [True, is_person]


def test_a_second_is_a_second_at_any_rate():
    for rate_hz, is_person in (12.0, True), (60.0, False):
        arrays = take([(0, 20, 0.3)], rate_hz)
        assert confirmed(arrays["score"], arrays["time_s"]).tolist() == [is_person]


def test_frames_without_the_person_do_not_count():
    arrays = take([(0, 10, 0.9)])
    arrays["score"][60:70, 0] = 0.9
    assert confirmed(arrays["score"], arrays["time_s"]).tolist() == [True]


def test_the_others_keep_their_ids_and_points():
    arrays = take([(0, 3, 0.3), (0, 90, 0.9), (40, 2, 0.1), (5, 60, 0.8)])
    kept, left_out = without_passing(arrays)
    assert left_out == 2
    assert kept["person"].tolist() == [1, 3]
    np.testing.assert_array_equal(kept["xy_px"], arrays["xy_px"][:, [1, 3]])
    assert kept["raw_score"].shape == (FRAMES, 2, len(NAMES))
    np.testing.assert_array_equal(kept["time_s"], arrays["time_s"])


def test_nobody_may_be_left():
    kept, left_out = without_passing(take([(0, 3, 0.3)]))
    assert (left_out, kept["xy_px"].shape[1]) == (1, 0)


def test_a_clip_of_one_frame_is_told_by_its_score():
    arrays = {name: value[:1] for name, value in take([(0, 1, 0.5)]).items()}
    assert confirmed(arrays["score"], arrays["time_s"]).tolist() == [True]


def test_the_user_is_told():
    assert passing_note(0) == ""
    assert passing_note(1).startswith("One was")
    assert passing_note(3).startswith("3 were")
