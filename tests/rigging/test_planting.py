# SPDX-License-Identifier: GPL-3.0-or-later
"""Feet of rigs of other proportions stay on the floor, hands reach where they should."""

from dataclasses import replace

import numpy as np
import pytest
from track_spine.rigging.retarget import Retargeting, TargetRig, retarget
from track_spine.rigging.rotation import angle_between, multiply, rotate, unit
from track_spine.rigging.skeleton import DEFAULT_LENGTHS_M, canonical_skeleton, fk
from track_spine.rigging.solve import Solved
from track_spine.rigging.two_bone import reach

FRAMES = 60
SHAPES = {
    "same": {},
    "long thighs": {"thigh": 0.52, "shin": 0.36},
    "short legs": {"thigh": 0.26, "shin": 0.22, "ankle_height": 0.05},
    "wide hips": {"hip_width": 0.3},
}


@pytest.fixture(scope="module")
def squat(turn_about, pose):
    """Squats with both feet flat, one ahead of the other: closed form, legs of equal parts."""
    skeleton = canonical_skeleton({"shin": DEFAULT_LENGTHS_M["thigh"]})
    time_s = np.arange(FRAMES) / 30.0
    bend = 0.5 - 0.5 * np.cos(np.pi * time_s)
    lean = np.arcsin(0.12 / np.cos(bend))
    local = {}
    for side, ahead in (("L", lean), ("R", -lean)):
        local[f"thigh.{side}"] = turn_about("x", -(bend + ahead))
        local[f"shin.{side}"] = turn_about("x", 2.0 * bend)
        local[f"foot.{side}"] = turn_about("x", -(bend - ahead))
    thigh, shin = (skeleton.length_m[skeleton.index(b)] for b in ("thigh.L", "shin.L"))
    # Feet stay where they are, thigh times 0.24 before and behind the hips, and level.
    leg = thigh * np.cos(bend + lean) + shin * np.cos(bend - lean)
    root = np.zeros((FRAMES, 3))
    root[:, 2] = leg + DEFAULT_LENGTHS_M["ankle_height"]
    motion = pose(skeleton, time_s, local, root)
    contacts = {
        f"{s}_{p}": np.ones(FRAMES, bool) for s in ("left", "right") for p in ("heel", "ball")
    }
    return Solved(skeleton, motion, *fk(skeleton, motion), contacts)


def balls(target, heads):
    return np.stack([heads[:, target.bones.index(f"toe.{side}")] for side in "LR"], axis=1)


@pytest.mark.parametrize("shape", SHAPES)
def test_planted_feet_stay_on_the_floor(squat, shape, own_rig, play):
    target = own_rig(canonical_skeleton(SHAPES[shape]), np.eye(4))
    heads, _ = play(target, retarget(squat, target))
    at = balls(target, heads)
    at_rest = target.rest[target.bones.index("toe.L"), 2, 3]
    assert np.abs(at[..., 2] - at_rest).max() < 0.003
    assert np.ptp(at[..., :2], axis=0).max() < 0.003


def test_without_planting_long_thighs_lift_or_sink_the_feet(squat, own_rig, play):
    """The other tests would pass on their own if nothing had to be done."""
    target = own_rig(canonical_skeleton(SHAPES["long thighs"]), np.eye(4))
    heads, _ = play(target, retarget(squat, target, Retargeting(plant_feet=False)))
    assert np.ptp(balls(target, heads)[..., 2]) > 0.02


def test_the_own_skeleton_is_not_changed_by_planting(squat, own_rig):
    target = own_rig(squat.skeleton, np.eye(4))
    free = retarget(squat, target, Retargeting(plant_feet=False)).rotation_basis
    planted = retarget(squat, target).rotation_basis
    assert np.degrees(angle_between(free, planted).max()) < 0.05


def test_legs_do_not_jump_when_feet_are_planted_and_lifted(squat, own_rig, play):
    on = np.zeros(FRAMES, bool)
    on[20:40] = True
    stepping = replace(squat, contacts={"left_heel": on, "left_ball": on, "right_ball": ~on})
    target = own_rig(canonical_skeleton(SHAPES["long thighs"]), np.eye(4))
    _, rotations = play(target, retarget(stepping, target))
    _, free = play(target, retarget(squat, target, Retargeting(plant_feet=False)))
    step = np.degrees(angle_between(rotations[1:], rotations[:-1]))
    own = np.degrees(angle_between(free[1:], free[:-1]))
    assert (step - own).max() < 5.0


def test_hands_reach_as_the_persons_do_when_asked(squat, turn_about, pose, own_rig, play):
    skeleton = canonical_skeleton({})
    time_s = squat.motion.time_s
    swing = np.sin(2.0 * np.pi * time_s / 2.0)
    local = {
        f"{part}.{side}": turn_about("x", 0.7 + 0.3 * swing)
        for part in ("upper_arm", "forearm")
        for side in "LR"
    }
    motion = pose(skeleton, time_s, local)
    solved = Solved(skeleton, motion, *fk(skeleton, motion))
    target = own_rig(canonical_skeleton({"upper_arm": 0.27, "forearm": 0.31}), np.eye(4))
    hand = target.bones.index("hand.L")
    wanted = solved.heads_m[:, skeleton.index("hand.L")]
    near, _ = play(target, retarget(solved, target, Retargeting(hands_reach=1.0)))
    far, _ = play(target, retarget(solved, target))
    assert np.abs(near[:, hand] - wanted).max() < 1e-4
    assert np.abs(far[:, hand] - wanted).max() > 0.01


def test_two_bones_reach_any_goal_within_reach():
    rng = np.random.default_rng(5)
    upper, lower = rng.normal(size=(2, 200, 3))
    hinge = unit(np.cross(upper, lower))
    a, b = (np.linalg.norm(v, axis=-1) for v in (upper, lower))
    length = np.abs(a - b) + rng.uniform(0.05, 0.95, 200) * (a + b - np.abs(a - b))
    goal = unit(rng.normal(size=(200, 3))) * length[:, None]
    first, second = reach(upper, lower, goal, hinge)
    assert np.abs(rotate(first, upper) + rotate(second, lower) - goal).max() < 1e-9


def test_straight_limbs_bend_the_way_their_hinge_says():
    down, hinge = np.array([[0.0, 0.0, -0.4]]), np.array([[1.0, 0.0, 0.0]])
    first, second = reach(down, down, 1.6 * down, hinge)
    knee, foot = rotate(first, down), rotate(first, down) + rotate(second, down)
    assert knee[0, 1] < -0.1, "a knee goes forward, to -Y"
    assert np.allclose(foot, 1.6 * down, atol=1e-9)


def test_goals_out_of_reach_stretch_the_limb_and_no_more():
    down = np.array([[0.0, 0.0, -0.4]])
    first, second = reach(down, down, 5.0 * down, np.array([[1.0, 0.0, 0.0]]))
    assert np.linalg.norm(rotate(first, down) + rotate(second, down)) == pytest.approx(
        0.8, abs=1e-3
    )
    assert np.allclose(multiply(first, first), multiply(second, second), atol=0.1)


def test_bones_without_size_are_named(own_rig):
    rig = own_rig(canonical_skeleton({}), np.eye(4))
    rest = rig.rest.copy()
    rest[3, :3, :3] = 0.0
    with pytest.raises(Exception, match=rig.bones[3]):
        TargetRig(rig.bones, rig.parents, rest, rig.length, np.eye(4), rig.roles)
