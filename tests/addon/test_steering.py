# SPDX-License-Identifier: GPL-3.0-or-later
"""Control rigs made by hand: IK with poles and foot rolls, and layers that copy controls."""

import bpy
import numpy as np
import pytest
from mathutils import Vector
from track_spine.addon.armature import build_armature, read_target
from track_spine.addon.held import held_back
from track_spine.addon.keyframes import key_pose
from track_spine.rigging.motion import BoneMotion
from track_spine.rigging.retarget import retarget
from track_spine.rigging.rotation import angle_between, from_axis_angle, from_matrix, multiply, unit
from track_spine.rigging.skeleton import canonical_skeleton, fk
from track_spine.rigging.solve import Solved

FRAMES = 12
X, Y, Z = np.eye(3)
BACK = Vector((0.0, 0.1, 0.0))
PARTS = (("upper_arm", "forearm"), ("forearm", "hand"), ("thigh", "shin"), ("shin", "foot"))


@pytest.fixture
def rig():
    return build_armature(bpy.context, canonical_skeleton({}), "Hero")


def moving():
    """A person turns, leans and squats while knees and elbows bend from 0 to 80 degrees."""
    skeleton = canonical_skeleton({})
    amount = np.linspace(0.0, 0.7, FRAMES)
    turn = {
        "pelvis": from_axis_angle(Z, 0.8 * amount),
        "spine_03": from_axis_angle(X, 0.4 * amount),
        "spine_05": from_axis_angle(Y, 0.3 * amount),
    }
    for side in "LR":
        turn[f"thigh.{side}"] = from_axis_angle(X, -amount)
        turn[f"shin.{side}"] = from_axis_angle(X, 2.0 * amount)
        turn[f"upper_arm.{side}"] = from_axis_angle(X, 0.5 * amount)
        turn[f"forearm.{side}"] = from_axis_angle(Z, amount if side == "L" else -amount)
    rotation = np.empty((FRAMES, len(skeleton.bones), 4))
    for bone, (name, parent) in enumerate(zip(skeleton.bones, skeleton.parents, strict=True)):
        own = np.broadcast_to(turn.get(name, [1.0, 0.0, 0.0, 0.0]), (FRAMES, 4))
        rotation[:, bone] = own if parent < 0 else multiply(rotation[:, parent], own)
    root = skeleton.head_m[0] - np.outer(amount, 0.3 * Z - 0.2 * X)
    motion = BoneMotion(
        skeleton.bones,
        np.arange(FRAMES) / 24.0,
        multiply(rotation, skeleton.rest),
        root,
        np.ones(FRAMES, bool),
    )
    return Solved(skeleton, motion, *fk(skeleton, motion))


def add_bone(rig, name, head, tail, parent=None, like=None, **flags):
    """Add a bone; `like` gives it the place and axes of another."""
    bpy.context.view_layer.objects.active = rig
    bpy.ops.object.mode_set(mode="EDIT")
    bones = rig.data.edit_bones
    bone = bones.new(name)
    bone.head, bone.tail = head, tail
    if like:
        bone.head, bone.tail, bone.roll = bones[like].head, bones[like].tail, bones[like].roll
    bone.parent = bones[parent] if parent else None
    for flag, value in flags.items():
        setattr(bone, flag, value)
    bpy.ops.object.mode_set(mode="OBJECT")


def add_ik(rig, lower, target, pole):
    """Move two bones by IK, with the pole angle that leaves the rest pose as it is."""
    held = rig.pose.bones[lower].constraints.new("IK")
    held.target, held.subtarget, held.chain_count = rig, target, 2
    if not pole:
        return
    held.pole_target, held.pole_subtarget = rig, pole
    wanted = rig.data.bones[lower].matrix_local

    def off(degrees):
        held.pole_angle = np.radians(degrees)
        bpy.context.view_layer.update()
        posed = rig.pose.bones[lower].matrix
        return sum(abs(posed[i][j] - wanted[i][j]) for i in range(3) for j in range(3))

    held.pole_angle = np.radians(min(range(-180, 180), key=off))


def keyed(rig):
    solved = moving()
    keys = retarget(solved, read_target(rig, bpy.context.scene))
    key_pose(rig, keys, np.arange(1.0, FRAMES + 1.0), "Take")
    return solved, keys


def off_deg(rig, solved, frame, prefix=""):
    """Largest angle between a limb's part as Blender plays it and the person's."""
    bpy.context.scene.frame_set(frame + 1)
    skeleton, bones, most = solved.skeleton, rig.pose.bones, 0.0
    for side in "LR":
        for here, onward in PARTS:
            a, b = (np.array(bones[f"{prefix}{part}.{side}"].head) for part in (here, onward))
            i, j = (skeleton.index(f"{part}.{side}") for part in (here, onward))
            wanted = unit(solved.heads_m[frame, j] - solved.heads_m[frame, i])
            most = max(most, float(np.degrees(np.arccos(min(1.0, unit(b - a) @ wanted)))))
    return most


def test_plain_ik_legs_are_moved_by_their_controls(rig):
    for side in "LR":
        foot, knee = (
            rig.data.bones[f"{part}.{side}"].head_local.copy() for part in ("foot", "shin")
        )
        add_bone(rig, f"roll.{side}", foot + 0.5 * BACK, foot + BACK)
        add_bone(rig, f"target.{side}", foot, foot + BACK, f"roll.{side}")
        add_bone(rig, f"pole.{side}", knee - 4.0 * BACK, knee - 5.0 * BACK)
        add_ik(rig, f"shin.{side}", f"target.{side}", f"pole.{side}")
    solved, keys = keyed(rig)
    assert {"roll.L", "roll.R"} <= set(keys.bones) and {"pole.L", "roll.R"} <= set(keys.locations)
    assert not {"target.L", "target.R"} & set(keys.bones), "the roll carries the target"
    assert max(off_deg(rig, solved, frame) for frame in range(FRAMES)) < 0.1


@pytest.mark.parametrize(
    "flags",
    [
        {},
        {"use_local_location": False},
        {"use_inherit_rotation": False},
        {"use_local_location": False, "use_inherit_rotation": False},
    ],
    ids=lambda flags: ", ".join(flags) or "plain",
)
def test_ik_controls_that_hang_from_the_chest_are_keyed_for_that(rig, flags):
    for side in "LR":
        hand = rig.data.bones[f"hand.{side}"].head_local.copy()
        name = f"hand control.{side}"
        ahead = hand + Vector((0.03, -0.1, 0.05))
        add_bone(rig, name, hand, ahead, "spine_04", **flags)
        add_ik(rig, f"forearm.{side}", name, "")
    solved, keys = keyed(rig)
    assert {"hand control.L", "hand control.R"} <= set(keys.locations)
    assert max(off_deg(rig, solved, frame) for frame in range(FRAMES)) < 0.1


def test_a_hand_that_turns_as_the_control_of_its_arm_goes_with_it(rig):
    for side in "LR":
        add_bone(rig, f"control.{side}", (0, 0, 0), (0, 0, 1), None, f"hand.{side}")
        add_ik(rig, f"forearm.{side}", f"control.{side}", "")
        held = rig.pose.bones[f"hand.{side}"].constraints.new("COPY_ROTATION")
        held.target, held.subtarget = rig, f"control.{side}"
    solved, keys = keyed(rig)
    assert {"control.L", "control.R"} <= set(keys.locations)
    assert max(off_deg(rig, solved, frame) for frame in range(FRAMES)) < 0.1
    bpy.context.scene.frame_set(FRAMES)
    turned = from_matrix(np.array(rig.pose.bones["hand.L"].matrix)[:3, :3])
    wanted = solved.motion.rotation[-1, solved.skeleton.index("hand.L")]
    assert np.degrees(angle_between(turned, wanted)) < 0.1
    assert not any("forearm" in sentence for sentence in held_back(rig, keys))


def test_of_a_layer_that_copies_controls_the_controls_are_keyed(rig):
    """The rig as modelled is the deform layer; controls lie in the same places."""
    names = rig.data.bones.keys()
    for name in names:
        parent = rig.data.bones[name].parent
        add_bone(rig, f"FK {name}", (0, 0, 0), (0, 0, 1), parent and f"FK {parent.name}", name)
    for name in names:
        kind = "COPY_TRANSFORMS" if name == "pelvis" else "COPY_ROTATION"
        held = rig.pose.bones[name].constraints.new(kind)
        held.target, held.subtarget = rig, f"FK {name}"
    solved, keys = keyed(rig)
    assert keys.root_bone == "FK pelvis"
    assert all(name.startswith("FK ") for name in keys.bones)
    assert max(off_deg(rig, solved, frame) for frame in range(FRAMES)) < 0.05
    rig.pose.bones["thigh.L"].constraints[0].influence = 0.2
    assert "thigh.L" in read_target(rig, bpy.context.scene).roles.limbs.values()


@pytest.mark.parametrize("ik", [0.0, 1.0], ids=["FK", "IK"])
def test_of_an_fk_and_an_ik_chain_the_one_in_force_is_keyed(rig, ik):
    """Deform legs copy both; the thigh's and shin's copies of the IK chain have the influence."""
    for side in "LR":
        parent = {"FK ": "pelvis", "IK ": "pelvis"}
        for part in ("thigh", "shin", "foot"):
            for kind in ("FK ", "IK "):
                bone = f"{kind}{part}.{side}"
                above = None if bone.startswith("IK foot") else parent[kind]
                add_bone(rig, bone, (0, 0, 0), (0, 0, 1), above, f"{part}.{side}")
                parent[kind] = bone
                held = rig.pose.bones[f"{part}.{side}"].constraints.new("COPY_TRANSFORMS")
                held.target, held.subtarget = rig, bone
                held.influence = ik if kind == "IK " else 1.0
        knee = rig.data.bones[f"shin.{side}"].head_local.copy()
        add_bone(rig, f"pole.{side}", knee - 4.0 * BACK, knee - 5.0 * BACK)
        add_ik(rig, f"IK shin.{side}", f"IK foot.{side}", f"pole.{side}")
    solved, keys = keyed(rig)
    assert ("FK thigh.L" in keys.bones) == (ik == 0.0)
    assert {"IK foot.L", "IK foot.R", "pole.L"} <= set(keys.locations) or ik == 0.0
    assert max(off_deg(rig, solved, frame) for frame in range(FRAMES)) < 0.1


def test_ik_that_aims_at_another_object_is_left_alone_and_named(rig):
    empty = bpy.data.objects.new("aim", None)
    bpy.context.collection.objects.link(empty)
    held = rig.pose.bones["shin.L"].constraints.new("IK")
    held.target, held.chain_count = empty, 2
    _, keys = keyed(rig)
    assert read_target(rig, bpy.context.scene).roles.ik == {}
    assert any("shin.L" in sentence for sentence in held_back(rig, keys))
