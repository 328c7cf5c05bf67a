# SPDX-License-Identifier: GPL-3.0-or-later
"""There and back over other rest poses, bones that do not inherit, and no flips."""

import numpy as np
import pytest
from scipy.spatial.transform import Rotation
from track_spine.rigging.motion import BoneMotion
from track_spine.rigging.retarget import TargetRig, retarget
from track_spine.rigging.rotation import (
    IDENTITY,
    angle_between,
    conjugate,
    from_axis_angle,
    from_matrix,
    multiply,
    rotate,
    to_matrix,
)
from track_spine.rigging.skeleton import Skeleton, fk
from track_spine.rigging.solve import Solved

X, Y, Z = np.eye(3)


def reposed(skeleton, **degrees):
    """The same body in another rest pose: arms turned about -Y by so much, knees about X."""
    heads, tails, rests = skeleton.head_m.copy(), skeleton.tail_m.copy(), skeleton.rest.copy()

    def swing(bone, axis, angle):
        root = skeleton.index(bone)
        moved = [root]
        for b, parent in enumerate(skeleton.parents.tolist()):
            if parent in moved:
                moved.append(b)
        q = np.roll(Rotation.from_rotvec(np.radians(angle) * axis).as_quat(), 1)
        pivot = heads[root].copy()
        heads[moved] = pivot + rotate(q, heads[moved] - pivot)
        tails[moved] = pivot + rotate(q, tails[moved] - pivot)
        rests[moved] = multiply(q, rests[moved])

    for side, sign in (("L", 1.0), ("R", -1.0)):
        swing(f"upper_arm.{side}", sign * Y, degrees.get("arms", 0.0))
        swing(f"forearm.{side}", -sign * Z, degrees.get("elbows", 0.0))
        swing(f"thigh.{side}", X, -degrees.get("knees", 0.0))
        swing(f"shin.{side}", X, 2.0 * degrees.get("knees", 0.0))
        swing(f"foot.{side}", X, -degrees.get("knees", 0.0))
    return Skeleton(skeleton.bones, skeleton.parents, heads, tails, rests)


POSES = {
    "A": {"arms": 45.0},
    "I": {"arms": 85.0},
    "bent knees": {"knees": 15.0, "elbows": 20.0},
}


def back_again(dancer, there, rolls, own_rig, play):
    """Largest errors, metres and degrees, after a motion was on another body and back.

    What the other rig does is read with the first's rest: the same bones point the same ways.
    """
    heads, rotations = play(there, retarget(dancer, there))
    unrolled = multiply(rotations, conjugate(rolls))
    roll = multiply(conjugate(dancer.motion.rotation[0]), unrolled[0])
    motion = BoneMotion(
        dancer.skeleton.bones,
        dancer.motion.time_s,
        multiply(unrolled, conjugate(roll)),
        heads[:, 0],
        dancer.motion.valid,
    )
    again = Solved(dancer.skeleton, motion, *fk(dancer.skeleton, motion))
    back = own_rig(dancer.skeleton, np.eye(4))
    heads, rotations = play(back, retarget(again, back))
    turned = angle_between(rotations, dancer.motion.rotation).max()
    return np.abs(heads - dancer.heads_m).max(), np.degrees(turned)


@pytest.mark.parametrize("rest", POSES)
def test_there_and_back_over_another_rest_pose_changes_nothing(dancer, rest, own_rig, play):
    there = own_rig(reposed(dancer.skeleton, **POSES[rest]), np.eye(4))
    off_m, off_deg = back_again(dancer, there, IDENTITY, own_rig, play)
    assert off_m < 1e-4, "0.01 cm"
    assert off_deg < 0.001


@pytest.mark.parametrize("seed", range(12))
def test_there_and_back_over_any_rest_pose_rolls_and_object(dancer, seed, own_rig, rig_of, play):
    """Random arms, elbows, knees and rolls; the object turned, moved and scaled by 0.01 to 100."""
    rng = np.random.default_rng(seed)
    other = reposed(
        dancer.skeleton,
        arms=rng.uniform(-20.0, 88.0),
        elbows=rng.uniform(0.0, 50.0),
        knees=rng.uniform(0.0, 35.0),
    )
    world = np.eye(4)
    turn = Rotation.random(random_state=int(rng.integers(1_000_000))).as_matrix()
    world[:3, :3] = 10.0 ** rng.uniform(-2.0, 2.0) * turn
    world[:3, 3] = rng.normal(size=3)
    rolls = from_axis_angle(Y, rng.uniform(-np.pi, np.pi, len(other.bones)))
    axes = to_matrix(multiply(other.rest, rolls))
    parents = other.parents.tolist()
    there = rig_of(other.bones, parents, other.head_m, axes, other.length_m, world)
    off_m, off_deg = back_again(dancer, there, rolls, own_rig, play)
    assert off_m < 1e-4, "0.01 cm"
    assert off_deg < 0.001


@pytest.mark.parametrize("rest", POSES)
def test_no_bone_turns_faster_than_the_persons(dancer, rest, own_rig, play):
    target = own_rig(reposed(dancer.skeleton, **POSES[rest]), np.eye(4))
    _, rotations = play(target, retarget(dancer, target))
    step = np.degrees(angle_between(rotations[1:], rotations[:-1]))
    own = np.degrees(angle_between(dancer.motion.rotation[1:], dancer.motion.rotation[:-1]))
    assert (step - own).max() < 0.1


def test_bones_that_do_not_turn_with_their_parent_are_keyed_for_that(dancer, own_rig):
    rig = own_rig(dancer.skeleton, np.eye(4))
    free = np.ones(len(rig.bones), bool)
    head = rig.bones.index("spine_09_head")
    free[head] = False
    target = TargetRig(
        rig.bones, rig.parents, rig.rest, rig.length, np.eye(4), rig.roles, inherits=free
    )
    keys = retarget(dancer, target)
    got = multiply(
        from_matrix(rig.rest[head, :3, :3]),
        keys.rotation_basis[:, keys.bones.index("spine_09_head")],
    )
    assert angle_between(got, dancer.motion.rotation[:, head]).max() < 1e-6


def test_travel_along_the_armatures_axes_where_a_bone_asks_for_that(dancer, own_rig):
    rig = own_rig(dancer.skeleton, np.eye(4))
    target = TargetRig(
        rig.bones,
        rig.parents,
        rig.rest,
        rig.length,
        np.eye(4),
        rig.roles,
        local_location=np.zeros(len(rig.bones), bool),
    )
    moved = dancer.motion.root_m - dancer.skeleton.head_m[0]
    assert np.abs(retarget(dancer, target).location_basis - moved).max() < 1e-6
