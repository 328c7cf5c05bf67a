# SPDX-License-Identifier: GPL-3.0-or-later
"""Bridging what was not seen."""

import numpy as np
from track_spine.rigging.gaps import fill_rotations, fill_values
from track_spine.rigging.rotation import IDENTITY, angle_between, from_axis_angle

X = np.array([1.0, 0.0, 0.0])


def test_values_are_interpolated_over_true_time_and_held_at_the_ends():
    time_s = np.array([0.0, 1.0, 2.0, 5.0, 6.0])
    seen = np.array([False, True, False, True, False])
    values = np.array([[np.nan], [10.0], [np.nan], [30.0], [np.nan]])
    assert np.allclose(fill_values(time_s, values, seen)[:, 0], [10.0, 10.0, 15.0, 30.0, 30.0])


def test_rotations_turn_evenly_over_true_time_and_are_held_at_the_ends():
    time_s = np.array([0.0, 1.0, 2.0, 5.0, 6.0])
    seen = np.array([False, True, False, True, False])
    rotations = np.full((5, 4), np.nan)
    rotations[seen] = from_axis_angle(X, np.array([0.2, 1.0]))
    expected = from_axis_angle(X, np.array([0.2, 0.2, 0.4, 1.0, 1.0]))
    filled = fill_rotations(time_s, rotations, seen)
    assert np.allclose(angle_between(filled, expected), 0.0, atol=1e-7)


def test_what_is_seen_stays_as_it_is():
    time_s = np.arange(4.0)
    rotations = from_axis_angle(X, np.array([0.1, -0.4, 2.0, 3.0]))
    assert np.array_equal(fill_rotations(time_s, rotations, np.ones(4, dtype=bool)), rotations)


def test_a_part_never_seen_does_not_turn():
    filled = fill_rotations(np.arange(3.0), np.full((3, 4), np.nan), np.zeros(3, dtype=bool))
    assert np.array_equal(filled, np.tile(IDENTITY, (3, 1)))
