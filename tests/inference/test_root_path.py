# SPDX-License-Identifier: GPL-3.0-or-later
"""The path of the hips: found from the projection, smooth in distance, true in a jump."""

import numpy as np
import pytest
from track_spine.inference.root_path import root_path

HERTZ = 30.0


def seen(upright, path, rng=None, noise=0.0):
    """Slopes of a body on a path; noise in metres at the body, the same for parts of it."""
    points = upright + path[:, None]
    slopes = points[..., :2] / points[..., 2:]
    if rng is not None:
        slopes = slopes + rng.normal(0.0, noise, slopes.shape) / path[:, None, 2:]
    return slopes, np.ones(slopes.shape[:2]), np.broadcast_to(upright, points.shape)


def walk(frames):
    time_s = np.arange(frames) / HERTZ
    sway = 0.02 * np.sin(2 * np.pi * 2.0 * time_s)
    return time_s, np.column_stack([-1.0 + time_s, 0.2 + sway, 5.0 - 0.5 * time_s])


def test_noise_hardly_moves_the_distance(upright):
    time_s, path = walk(90)
    slopes, score, body = seen(upright, path, np.random.default_rng(1), 0.03)
    found = root_path(slopes, score, body, time_s)
    alone = np.concatenate(
        [
            root_path(slopes[row : row + 1], score[:1], body[:1], time_s[:1])
            for row in range(len(time_s))
        ]
    )
    off, off_alone = (np.diff(one[:, 2] - path[:, 2], 3).std() for one in (found, alone))
    assert off < 0.02 * off_alone
    assert np.abs(found - path)[:, 2].mean() < np.abs(alone - path)[:, 2].mean()
    assert np.abs(found - path)[:, :2].max() < 0.03


def test_a_jump_stays_as_high_as_it_was(upright):
    time_s, path = walk(60)
    flight = np.clip(time_s - 0.8, 0.0, 0.5)
    path[:, 1] -= 2.0 * flight - 4.0 * flight**2
    slopes, score, body = seen(upright, path)
    found = root_path(slopes, score, body, time_s)
    assert np.ptp(found[:, 1]) == pytest.approx(np.ptp(path[:, 1]), abs=0.005)
    # Feet that leave the ground at once would need endless force: there it is a centimetre off.
    assert np.abs(found - path)[:, 1].max() < 0.015


def test_frames_in_which_everything_is_elsewhere_do_not_drag_the_path(upright):
    time_s, path = walk(60)
    slopes, score, body = seen(upright, path)
    slopes[30:32] += 0.2  # a metre
    found = root_path(slopes, score, body, time_s)
    rest = np.delete(np.arange(60), [29, 30, 31, 32])
    assert np.linalg.norm(found - path, axis=1)[rest].max() < 0.05


def test_a_path_may_jump_where_half_a_second_is_unseen(upright):
    time_s, path = walk(60)
    time_s[30:] += 1.0
    path[30:] += [1.0, 0.0, 2.0]
    slopes, score, body = seen(upright, path)
    np.testing.assert_allclose(root_path(slopes, score, body, time_s), path, atol=5e-3)


@pytest.mark.parametrize("frames", [1, 2, 3])
def test_a_few_frames_are_enough(upright, frames):
    time_s, path = walk(frames)
    slopes, score, body = seen(upright, path)
    # 1e-3 m: three frames bend by the sway, which the prior hardly allows.
    np.testing.assert_allclose(root_path(slopes, score, body, time_s), path, atol=1e-3)


def test_frames_that_score_nothing_are_bridged(upright):
    time_s, path = walk(60)
    slopes, score, body = seen(upright, path)
    score[20:26] = 1e-3
    slopes[20:26] += np.random.default_rng(2).normal(0.0, 0.1, slopes[20:26].shape)
    found = root_path(slopes, score, body, time_s)
    assert np.linalg.norm(found - path, axis=1).max() < 0.05


def test_points_on_a_line_give_finite_paths(upright):
    time_s, path = walk(10)
    line = upright * [0.0, 1.0, 0.0]
    slopes, score, body = seen(line, path)
    found = root_path(slopes, score, body, time_s)
    np.testing.assert_allclose(found, path, atol=5e-3)
