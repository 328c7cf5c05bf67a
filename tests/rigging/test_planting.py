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
    assert np.abs(at[..., 2] - at_rest).max() < 0.004
    assert np.ptp(at[..., :2], axis=0).max() < 0.001


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


def rolling(skeleton, pose, turn_about):
    """A person lifts the heel of the foot behind while the other comes down on its heel."""
    time_s = np.arange(FRAMES) / 30.0
    share = np.clip((time_s - 0.5) / 0.6, 0.0, 1.0)
    local = {
        "thigh.L": turn_about("x", np.full(FRAMES, 0.35)),
        "foot.L": turn_about("x", -0.35 + 0.6 * share),
        "thigh.R": turn_about("x", np.full(FRAMES, -0.35)),
        "foot.R": turn_about("x", 0.35 - 0.3 * (1.0 - share)),
    }
    motion = pose(skeleton, time_s, local)
    return Solved(skeleton, motion, *fk(skeleton, motion))


def test_feet_that_roll_stay_where_they_stand(turn_about, pose, own_rig, play):
    """Heel and ball are planted in turns, on a rig with longer feet and shorter shins."""
    solved = rolling(canonical_skeleton({}), pose, turn_about)
    late = np.arange(FRAMES) >= 15
    contacts = {
        "left_heel": ~late,
        "left_ball": np.ones(FRAMES, bool),
        "right_heel": np.arange(FRAMES) >= 10,
        "right_ball": np.arange(FRAMES) >= 35,
    }
    target = own_rig(canonical_skeleton({"foot": 0.19, "shin": 0.38}), np.eye(4))
    keys = retarget(replace(solved, contacts=contacts), target)
    heads, rotations = play(target, keys)
    at = balls(target, heads)
    assert np.ptp(at[:, 0, :2], axis=0).max() < 0.001
    assert np.ptp(at[contacts["right_ball"], 1, :2], axis=0).max() < 0.001
    assert np.ptp(at[:, 0, 2]) < 0.008, "within 4 mm of the floor either way"
    _, free = play(target, retarget(solved, target, Retargeting(plant_feet=False)))
    step = np.degrees(angle_between(rotations[1:], rotations[:-1]))
    assert (step - np.degrees(angle_between(free[1:], free[:-1]))).max() < 5.0


def test_frames_that_show_nobody_do_not_spoil_the_others(squat, own_rig):
    target = own_rig(canonical_skeleton(SHAPES["long thighs"]), np.eye(4))
    seen = np.ones(FRAMES, bool)
    seen[25:30] = False
    motion = replace(
        squat.motion,
        valid=seen,
        rotation=np.where(seen[:, None, None], squat.motion.rotation, np.nan),
        root_m=np.where(seen[:, None], squat.motion.root_m, np.nan),
    )
    gone = np.where(seen[:, None, None], squat.heads_m, np.nan)
    holed = replace(squat, motion=motion, heads_m=gone, tails_m=gone)
    keys, whole = retarget(holed, target), retarget(squat, target)
    assert np.isfinite(keys.rotation_basis[seen]).all()
    assert np.isfinite(keys.location_basis[seen]).all()
    off = angle_between(keys.rotation_basis[seen], whole.rotation_basis[seen])
    assert np.degrees(off.max()) < 1.0


def test_a_rig_whose_one_leg_is_longer_keeps_both_directions(squat, own_rig, play):
    """Each foot stands as high as it does at rest, so neither leg must bend for the other."""
    rig = own_rig(canonical_skeleton({"shin": DEFAULT_LENGTHS_M["thigh"]}), np.eye(4))
    rest = rig.rest.copy()
    for part in ("foot", "toe"):
        rest[rig.bones.index(f"{part}.L"), 2, 3] -= 0.01
    target = TargetRig(rig.bones, rig.parents, rest, rig.length, np.eye(4), rig.roles)
    _, rotations = play(target, retarget(squat, target))
    _, free = play(target, retarget(squat, target, Retargeting(plant_feet=False)))
    assert np.degrees(angle_between(rotations, free).max()) < 1.0


@pytest.mark.parametrize(("step_m", "kept"), [(0.05, False), (0.2, True)])
def test_stairs_are_climbed_and_small_steps_are_errors(squat, own_rig, play, step_m, kept):
    """In the second half of the clip the person stands higher, with lifted feet in between."""
    on = np.ones(FRAMES, bool)
    on[25:35] = False
    rise = step_m * np.clip((np.arange(FRAMES) - 25) / 10.0, 0.0, 1.0)[:, None] * [0.0, 0.0, 1.0]
    motion = replace(squat.motion, root_m=squat.motion.root_m + rise)
    contacts = {f"{s}_{p}": on for s in ("left", "right") for p in ("heel", "ball")}
    climbing = Solved(squat.skeleton, motion, *fk(squat.skeleton, motion), contacts)
    target = own_rig(canonical_skeleton(SHAPES["short legs"]), np.eye(4))
    heads, _ = play(target, retarget(climbing, target))
    at = balls(target, heads)[..., 2]
    legs = [
        sum(s.length_m[s.index(f"{part}.L")] for part in ("thigh", "shin"))
        for s in (canonical_skeleton(SHAPES["short legs"]), squat.skeleton)
    ]
    wanted = step_m * legs[0] / legs[1] if kept else 0.0
    assert np.abs(at[35:].mean() - at[:25].mean() - wanted) < 0.004
