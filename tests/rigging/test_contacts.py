# SPDX-License-Identifier: GPL-3.0-or-later
"""Contacts of feet, hands and seat, and that what rests stays where it is."""

from dataclasses import replace

import numpy as np
import pytest
from track_spine.rigging.attachments import attach
from track_spine.rigging.contacts import FEET, find_contacts
from track_spine.rigging.filters import smooth
from track_spine.rigging.holding import hold, kept, slides
from track_spine.rigging.motion import Motion3D
from track_spine.rigging.reconstruct import Reconstruction, reconstruct
from track_spine.rigging.rotation import rotate
from track_spine.rigging.skeleton import canonical_skeleton, fk
from track_spine.rigging.solve import solve

TIME_S = np.arange(90) / 30.0


@pytest.fixture(name="rng")
def _rng():
    return np.random.default_rng(9)


@pytest.fixture(name="squat")
def _squat(pose, turn_about):
    """Two squats with both feet on the ground, the left foot lifted from 1.2 to 1.8 s."""
    skeleton = canonical_skeleton({})
    depth = 0.5 * (1.0 - np.cos(2.0 * np.pi * TIME_S / 1.5))
    hip, knee, ankle = 1.2 * depth, 1.4 * depth, 0.4 * depth
    lift = np.clip(1.0 - ((TIME_S - 1.5) / 0.35) ** 2, 0.0, 1.0)
    local = {"pelvis": turn_about("x", hip - (knee - ankle))}
    for side, raised in (("L", lift), ("R", 0.0 * lift)):
        local[f"thigh.{side}"] = turn_about("x", -hip - raised)
        local[f"shin.{side}"] = turn_about("x", knee + raised)
        local[f"foot.{side}"] = turn_about("x", -ankle)
    still = pose(skeleton, TIME_S, local)
    heads, _ = fk(skeleton, still)
    ankles = heads[:, skeleton.index("foot.R")]
    return skeleton, pose(skeleton, TIME_S, local, skeleton.head_m[0] - (ankles - ankles[0]))


def contacts_of(points):
    return find_contacts(smooth(points), solve(smooth(points)))


def test_a_lifted_foot_is_off_the_ground_and_the_other_stays_on(squat, key_points):
    contacts = contacts_of(key_points(*squat))
    assert contacts["right_heel"].all()
    assert contacts["right_ball"].all()
    off = ~contacts["left_heel"] & ~contacts["left_ball"]
    # The foot is more than 5 cm up, or fast, from 1.2 to 1.8 s.
    assert off[(TIME_S > 1.3) & (TIME_S < 1.7)].all()
    assert not off[(TIME_S < 1.1) | (TIME_S > 1.95)].any()


@pytest.mark.parametrize("floor_m", [-0.7, 2.0])
def test_the_floor_may_lie_anywhere(squat, key_points, floor_m):
    points = key_points(*squat)
    moved = replace(points, xyz_m=points.xyz_m + np.array([0.0, 0.0, floor_m]))
    here, there = contacts_of(points), contacts_of(moved)
    assert all(np.array_equal(here[name], there[name]) for name in FEET)


def test_resting_feet_do_not_slide_and_knees_do_not_pop(squat, key_points, rng):
    """The whole body drifts by 8 cm in depth, as one camera mistakes it, and points are noisy."""
    skeleton, truth = squat
    points = key_points(skeleton, truth)
    drift = 0.08 * np.sin(2.0 * np.pi * TIME_S / 2.3)
    xyz = points.xyz_m + drift[:, None, None] * [0.0, 1.0, 0.0]
    xyz += 0.008 * rng.normal(size=xyz.shape)
    raw = Motion3D(points.names, TIME_S, xyz, 0.9 * points.score)
    free = reconstruct(raw, Reconstruction(contacts=False))
    held = reconstruct(raw)
    where = attach(smooth(raw), free)
    before, after = (slides(one, held.contacts, where) for one in (free, held))
    assert len(after) >= 4
    assert before.max() > 0.03
    assert after.max() < 0.005
    bend = []
    for solved in (held, free):
        thigh, shin = (solved.skeleton.index(f"{part}.L") for part in ("thigh", "shin"))
        along = rotate(solved.motion.rotation[:, [thigh, shin]], np.array([0.0, 1.0, 0.0]))
        bend.append(np.arccos(np.clip(np.sum(along[:, 0] * along[:, 1], axis=-1), -1.0, 1.0)))
    jerk = [np.abs(np.diff(angle, 2)).max() for angle in bend]
    assert jerk[0] < 1.5 * jerk[1]
    assert np.degrees(jerk[0]) < 6.0


def test_a_foot_that_drifts_too_far_to_be_held_is_let_go(squat, key_points):
    """The left foot is said to rest while the whole body travels 1.5 m."""
    skeleton, truth = squat
    points = key_points(skeleton, truth)
    xyz = points.xyz_m - 0.5 * TIME_S[:, None, None] * [0.0, 1.0, 0.0]
    raw = Motion3D(points.names, TIME_S, xyz, 0.9 * points.score)
    solved = solve(smooth(raw))
    told = {name: np.ones(len(TIME_S), dtype=bool) for name in find_contacts(raw, solved)}
    where = attach(smooth(raw), solved)
    locks = hold(solved, told, where)
    left = kept(solved, told, locks)
    assert left["left_ball"].mean() < 0.1
    assert max(slides(solved, left, where), default=0.0) <= 0.005


def test_without_feet_neither_hands_nor_seat_rest(pose, key_points):
    """Somebody seen to the hips, whose hanging hands are the lowest there is."""
    skeleton = canonical_skeleton({})
    points = key_points(skeleton, pose(skeleton, TIME_S, {}))
    legs = [k for k, n in enumerate(points.names) if n.endswith(("knee", "ankle", "heel", "toe"))]
    xyz, score = points.xyz_m.copy(), points.score.copy()
    xyz[:, legs], score[:, legs] = np.nan, 0.0
    found = contacts_of(Motion3D(points.names, TIME_S, xyz, score))
    assert not any(contact.any() for contact in found.values())


def test_hands_that_rest_stay_where_they_are(pose, key_points, turn_about, rng):
    """A handstand: the body sways and drifts by 3 cm, points are noisy."""
    skeleton = canonical_skeleton({})
    local = {"pelvis": turn_about("x", np.pi + 0.0 * TIME_S)}
    for side, sign in (("L", 1.0), ("R", -1.0)):
        local[f"upper_arm.{side}"] = turn_about("z", 0.5 * sign * np.pi)
    raw = key_points(skeleton, pose(skeleton, TIME_S, local))
    drift = 0.03 * np.sin(2.0 * TIME_S)
    xyz = raw.xyz_m + drift[:, None, None] * [1.0, 0.0, 0.0]
    xyz += 0.004 * rng.normal(size=xyz.shape)
    motion = Motion3D(raw.names, TIME_S, xyz, 0.9 * raw.score)
    hand = skeleton.index("hand.L")
    ways = [reconstruct(motion, Reconstruction(contacts=on)) for on in (False, True)]
    free, held = (np.ptp(one.heads_m[:, hand, 0]) for one in ways)
    assert ways[1].contacts["left_hand"].mean() > 0.9
    assert held < 0.01 < 0.03 < free


def test_who_jumps_is_in_the_air(pose, key_points):
    skeleton = canonical_skeleton({})
    flight = np.clip(TIME_S - 1.0, 0.0, 0.6)
    height = 2.943 * flight - 4.905 * flight**2
    root = skeleton.head_m[0] + height[:, None] * [0.0, 0.0, 1.0]
    raw = key_points(skeleton, pose(skeleton, TIME_S, {}, root))
    solved = reconstruct(raw)
    in_air = height > 0.1
    for name in FEET:
        assert not solved.contacts[name][in_air].any()
        assert solved.contacts[name][TIME_S < 0.9].all()
    # The jump is 44 cm high, and keeps 97 % of that.
    rise = solved.motion.root_m[:, 2] - solved.motion.root_m[0, 2]
    assert rise.max() > 0.97 * height.max()


def test_hands_rest_in_a_handstand_and_feet_do_not(pose, key_points, turn_about):
    skeleton = canonical_skeleton({})
    sway = turn_about("x", np.pi + 0.03 * np.sin(2.0 * TIME_S))
    local = {"pelvis": sway}
    for side, sign in (("L", 1.0), ("R", -1.0)):
        local[f"upper_arm.{side}"] = turn_about("z", 0.5 * sign * np.pi)
    raw = key_points(skeleton, pose(skeleton, TIME_S, local))
    contacts = contacts_of(raw)
    assert not any(contacts[name].any() for name in FEET)
    assert contacts["left_hand"].mean() > 0.9
    solved = reconstruct(raw)
    assert np.degrees(np.abs(solved.sigma[solved.motion.valid]).max()) < 60.0
    up = rotate(solved.motion.rotation[:, 0], np.array([0.0, 1.0, 0.0]))
    assert (up[:, 2] < -0.9).all()


def test_who_sits_rests_on_the_seat(pose, key_points, turn_about):
    skeleton = canonical_skeleton({})
    local = {f"thigh.{s}": turn_about("x", -1.5) for s in "LR"}
    local |= {f"shin.{s}": turn_about("x", 1.5) for s in "LR"}
    raw = key_points(skeleton, pose(skeleton, TIME_S, local))
    assert contacts_of(raw)["seat"].all()
    standing = key_points(skeleton, pose(skeleton, TIME_S, {}))
    assert not contacts_of(standing)["seat"].any()


def test_walking_feet_rest_in_turn(pose, key_points, turn_about):
    """Feet on a treadmill that runs away under the body: each rests while it goes back."""
    skeleton = canonical_skeleton({})
    phase = 2.0 * np.pi * TIME_S
    local = {}
    for side, shift in (("L", 0.0), ("R", np.pi)):
        swing = np.sin(phase + shift)
        local[f"thigh.{side}"] = turn_about("x", 0.45 * np.cos(phase + shift))
        local[f"shin.{side}"] = turn_about("x", np.clip(0.9 * -swing, 0.0, None))
        local[f"foot.{side}"] = turn_about(
            "x", -0.45 * np.cos(phase + shift) - np.clip(0.9 * -swing, 0.0, None)
        )
    still = pose(skeleton, TIME_S, local)
    heads, _ = fk(skeleton, still)
    feet = heads[:, [skeleton.index("foot.L"), skeleton.index("foot.R")]]
    lower = np.argmin(feet[..., 2], axis=1)
    step = np.diff(feet, axis=0)[np.arange(len(TIME_S) - 1), lower[1:]]
    root = skeleton.head_m[0] - np.concatenate([[np.zeros(3)], np.cumsum(step, axis=0)])
    contacts = contacts_of(key_points(skeleton, pose(skeleton, TIME_S, local, root)))
    for name in ("left_ball", "right_ball"):
        assert 0.25 < contacts[name].mean() < 0.8
    assert (contacts["left_ball"] | contacts["right_ball"])[5:-5].mean() > 0.75
