# SPDX-License-Identifier: GPL-3.0-or-later
"""How far shoulders, elbows, knees, hips and ankles turn, whichever way up the person is."""

import numpy as np
import pytest
from track_spine.rigging.clip import refine
from track_spine.rigging.limits import arm_caps, arm_cost, bend_ranges
from track_spine.rigging.motion import Motion3D
from track_spine.rigging.reconstruct import reconstruct
from track_spine.rigging.rotation import (
    angle_between,
    conjugate,
    from_axis_angle,
    multiply,
    rotate,
    rotation_vector,
    swing_between,
    unit,
)
from track_spine.rigging.skeleton import canonical_skeleton
from track_spine.rigging.solve import solve

SKELETON = canonical_skeleton({})
ARMS = [SKELETON.index(f"upper_arm.{side}") for side in "LR"]
REST = SKELETON.rest[ARMS]
TIME_S = np.arange(30) / 30.0
UPRIGHT = np.eye(3)
HANDSTAND = np.diag([1.0, -1.0, -1.0])

# Directions of the left upper arm: to the left, backwards, up.
REACHED = {
    "out": (1, 0, 0),
    "forward": (0, -1, 0),
    "hanging": (0, 0, -1),
    "overhead": (0.1, 0, 1),
    "stretched back by 60": (0, np.sin(np.radians(60)), -np.cos(np.radians(60))),
    "behind by 45": (1, 1, 0),
    "across the chest": (-1, -1, 0),
    "hand on the other shoulder": (-0.6, -0.8, -0.2),
}
NOT_REACHED = {"backwards": (0, 1, 0), "back and up": (0, 1, 1), "through the chest": (-1, 0, -0.2)}


def pointing(direction):
    """(1, 2, 4) both arms pointing alike, the right one mirrored."""
    turns = [
        swing_between(np.array([side, 0.0, 0.0]), unit(np.multiply(direction, (side, 1.0, 1.0))))
        for side in (1.0, -1.0)
    ]
    return np.stack(turns)[None]


@pytest.mark.parametrize("name", REACHED)
def test_arms_go_where_arms_go(name):
    assert arm_cost(pointing(REACHED[name]), REST)[0] == 0.0


@pytest.mark.parametrize("name", NOT_REACHED)
def test_arms_do_not_go_where_none_goes_left_and_right_alike(name):
    cost, slope, _ = arm_cost(pointing(NOT_REACHED[name]), REST)
    assert cost > 20.0
    assert np.linalg.norm(slope[0, 0]) == pytest.approx(np.linalg.norm(slope[0, 1]))


def test_the_rims_are_those_of_the_published_ranges_and_15_degrees_further():
    middles, radii = arm_caps(1.0)
    rim = [unit(np.array(REACHED[name])) for name in ("stretched back by 60", "behind by 45")]
    for place in (*rim, np.array([0.0, 0.0, 1.0])):
        apart = np.degrees(np.arccos(middles[0] @ place) - radii[0])
        assert apart == pytest.approx(15.0, abs=1e-6)
    assert np.degrees(radii[1]) == pytest.approx(180.0 - 135.0 - 15.0)


def test_the_slope_is_that_of_finite_differences():
    rng = np.random.default_rng(3)
    turns = unit(rng.normal(size=(300, 2, 4)))
    cost, slope, curve = arm_cost(turns, REST)
    assert cost > 1000.0
    assert np.array_equal(curve, np.swapaxes(curve, -1, -2))
    for arm, axis in np.ndindex(2, 3):
        angle = np.zeros((300, 2))
        angle[:, arm] = 1e-6
        ahead, behind = (
            arm_cost(multiply(turns, from_axis_angle(np.eye(3)[axis], way * angle)), REST)[0]
            for way in (1.0, -1.0)
        )
        assert (ahead - behind) / 2e-6 == pytest.approx(slope[:, arm, axis].sum(), abs=1e-3)


@pytest.mark.parametrize("way_up", [UPRIGHT, HANDSTAND], ids=["upright", "handstand"])
def test_an_arm_seen_behind_the_back_is_brought_forward_again(pose, key_points, way_up):
    back = swing_between(np.array([1.0, 0.0, 0.0]), unit(np.array([0.1, 1.0, 0.4])))
    own = multiply(multiply(conjugate(REST[0]), back), REST[0])
    raw = key_points(SKELETON, pose(SKELETON, TIME_S, {"upper_arm.L": np.tile(own, (30, 1))}))
    xyz = raw.xyz_m @ way_up.T
    motion = Motion3D(raw.names, TIME_S, xyz, 0.9 * raw.score)
    for solved, least in ((solve(motion, {}), 0.0), (refine(motion, solve(motion, {})), 38.0)):
        turn = multiply(solved.motion.rotation, conjugate(solved.skeleton.rest))
        chest = turn[:, SKELETON.index("clavicle.L")]
        along = rotate(multiply(conjugate(chest), turn[:, ARMS[0]]), np.array([1.0, 0.0, 0.0]))
        away = np.degrees(np.arccos(along @ arm_caps(1.0)[0][0]))
        # The rim is 45 degrees from the middle, and gives way by a few.
        assert away.min() > least
        assert least > 0.0 or away.max() < 30.0


@pytest.mark.parametrize("way_up", [UPRIGHT, HANDSTAND], ids=["upright", "handstand"])
def test_hinges_and_hips_keep_their_ranges(pose, key_points, turn_about, way_up):
    """Knees and elbows seen bent backwards by 40 degrees, a thigh led back by 80."""
    local = {
        "shin.L": turn_about("x", -0.7),
        "forearm.R": turn_about("x", -0.7),
        "thigh.R": turn_about("x", 1.4),
    }
    raw = key_points(SKELETON, pose(SKELETON, TIME_S, local))
    solved = reconstruct(Motion3D(raw.names, TIME_S, raw.xyz_m @ way_up.T, 0.9 * raw.score))
    turn = multiply(solved.motion.rotation, conjugate(SKELETON.rest))
    own = multiply(conjugate(turn[:, SKELETON.parents[1:]]), turn[:, 1:])
    bend = np.degrees(rotate(conjugate(SKELETON.rest[1:]), rotation_vector(own)))
    least, most = (np.degrees(edge[1:]) for edge in bend_ranges(SKELETON))
    assert np.maximum(least - bend, bend - most).max() < 10.0
    upper, lower = (SKELETON.index(f"{part}.L") for part in ("thigh", "shin"))
    assert np.degrees(angle_between(turn[:, upper], turn[:, lower])).max() < 15.0
