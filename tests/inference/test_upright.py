# SPDX-License-Identifier: GPL-3.0-or-later
"""Which way is up: known tilts must be found, and people who tell nothing must be ignored."""

import numpy as np
import pytest
from scipy.spatial.transform import Rotation
from track_spine.inference.camera import LEVEL_UP
from track_spine.inference.keypoints import INDEX, NAMES
from track_spine.inference.upright import MAX_SLOPE, find_up, standing_up, walked_up

FRAMES = 24
ALL_SURE = np.ones((FRAMES, 1, len(NAMES)))


def lean_from(up, expected):
    return np.degrees(np.arccos(np.clip(up @ expected, -1, 1)))


@pytest.mark.parametrize("degrees", [(5.0, 0.0), (0.0, 5.0), (-5.0, 5.0), (15.0, -10.0)])
def test_the_tilt_of_the_camera_is_read_off_a_standing_person(upright, degrees):
    tilt = Rotation.from_euler("xz", degrees, degrees=True)
    sway = np.sin(np.linspace(0, 4 * np.pi, FRAMES, endpoint=False))
    leaning = [
        tilt.apply(Rotation.from_euler("xz", [3 * s, 2 * s], degrees=True).apply(upright))
        for s in sway
    ]
    up = standing_up(np.array(leaning)[:, None], ALL_SURE)
    assert lean_from(up, tilt.apply(LEVEL_UP)) < 0.1
    assert np.linalg.norm(up) == pytest.approx(1.0, abs=1e-12)


@pytest.mark.parametrize("axis", ["x", "z"])
def test_nobody_lying_or_hanging_upside_down_tells_what_is_up(upright, axis):
    for degrees in (90, 180, -90, 30):
        lying = Rotation.from_euler(axis, degrees, degrees=True).apply(upright)
        assert standing_up(np.tile(lying, (FRAMES, 1, 1, 1)), ALL_SURE) is None


def test_nobody_bowing_tells_what_is_up(upright):
    bowing = upright.copy()
    above = [INDEX[name] for name in ("neck", "neck_03", "head")]
    bowing[above] = Rotation.from_euler("x", 65, degrees=True).apply(upright[above])
    # The neck stays within 25 degrees of straight above the feet; the bend alone tells.
    body = bowing[INDEX["neck"]] - [0, 0.9, 0]
    assert lean_from(body / np.linalg.norm(body), LEVEL_UP) < 25
    assert standing_up(np.tile(bowing, (FRAMES, 1, 1, 1)), ALL_SURE) is None


def test_nobody_squatting_tells_what_is_up(upright):
    squatting = upright.copy()
    for side in ("left", "right"):
        squatting[INDEX[f"{side}_knee"]] += [0, -0.2, -0.4]
        for part in ("ankle", "heel", "big_toe"):
            squatting[INDEX[f"{side}_{part}"]] += [0, -0.4, 0]
    assert standing_up(np.tile(squatting, (FRAMES, 1, 1, 1)), ALL_SURE) is None


def test_nobody_sitting_tells_what_is_up(upright):
    sitting = upright.copy()
    for side in ("left", "right"):
        sitting[INDEX[f"{side}_knee"]] = sitting[INDEX[f"{side}_hip"]] + [0, 0, -0.45]
        for part in ("ankle", "heel", "big_toe"):
            sitting[INDEX[f"{side}_{part}"]] += [0, -0.45, -0.45]
    assert standing_up(np.tile(sitting, (FRAMES, 1, 1, 1)), ALL_SURE) is None


def test_a_few_frames_or_hidden_feet_tell_nothing(upright):
    relative = np.tile(upright, (FRAMES, 1, 1, 1))
    assert standing_up(relative[:10], ALL_SURE[:10]) is not None
    assert standing_up(relative[:9], ALL_SURE[:9]) is None
    hidden = ALL_SURE.copy()
    hidden[..., INDEX["left_ankle"]] = 0.2
    assert standing_up(relative, hidden) is None


def walk(upright, length_m, slope_deg, frames=60, tilt=None):
    """(frames, 1, 37, 3) a walk to the right that rises, one foot lifted; camera frame."""
    along = np.linspace(0.0, length_m, frames)
    rise = np.tan(np.radians(slope_deg)) * along
    roots = np.column_stack([along, -rise, np.full(frames, 5.0)])
    body = upright + roots[:, None]
    for frame in range(frames):
        lifted = ("left", "right")[frame % 2]
        body[frame, [INDEX[f"{lifted}_heel"], INDEX[f"{lifted}_big_toe"]], 1] -= 0.15
    return (tilt.apply(body.reshape(-1, 3)).reshape(body.shape) if tilt else body)[:, None]


def walked(body):
    return walked_up(body, np.ones(body.shape[:3]), LEVEL_UP)


@pytest.mark.parametrize("slope_deg", [-6.0, -2.0, 0.0, 3.0, 7.0])
def test_a_walker_stays_on_level_ground(upright, slope_deg):
    up = walked(walk(upright, 4.0, slope_deg))
    # Going up to the right by so much means that up leans to the left by as much.
    wanted = Rotation.from_euler("z", -slope_deg, degrees=True).apply(LEVEL_UP)
    assert lean_from(up, wanted) < 0.2
    assert np.linalg.norm(up) == pytest.approx(1.0, abs=1e-12)


@pytest.mark.parametrize("slope_deg", [np.degrees(MAX_SLOPE) + 1.0, -12.0, 30.0])
def test_stairs_and_hills_are_not_flattened(upright, slope_deg):
    assert walked(walk(upright, 4.0, slope_deg)) is None


def test_who_does_not_walk_tells_nothing_of_the_ground(upright):
    assert walked(walk(upright, 1.5, 3.0)) is None
    assert walked(walk(upright, 4.0, 3.0)[:9]) is None
    assert walked_up(np.full((FRAMES, 1, len(NAMES), 3), np.nan), 0 * ALL_SURE, LEVEL_UP) is None


def test_a_few_wild_feet_do_not_tilt_the_ground(upright):
    body = walk(upright, 5.0, 0.0, frames=100)
    body[3, 0, INDEX["left_heel"], 1] += 0.5
    up = walked(body)
    assert lean_from(up, LEVEL_UP) < 1.0


@pytest.mark.parametrize("degrees", [(6.0, 4.0), (-5.0, 7.0)])
def test_standing_and_walking_together_find_the_camera_s_tilt(upright, degrees):
    tilt = Rotation.from_euler("xz", degrees, degrees=True)
    body = walk(upright, 4.0, 0.0, tilt=tilt)
    up, source = find_up(body, np.ones(body.shape[:3]))
    assert lean_from(up, tilt.apply(LEVEL_UP)) < 1.0
    assert source == "standing person and walked ground"


def test_one_frame_far_off_is_no_walk(upright):
    body = np.tile(upright + np.array([0.0, 0.0, 5.0]), (150, 1, 1, 1))
    body[40] += [0.0, 0.6, 3.2]
    assert walked(body) is None


def test_feet_that_are_not_seen_tell_nothing_of_the_ground(upright):
    body = walk(upright, 4.0, 3.0)
    score = np.ones(body.shape[:3])
    score[..., INDEX["left_ankle"]] = 0.2
    assert walked_up(body, score, LEVEL_UP) is None
