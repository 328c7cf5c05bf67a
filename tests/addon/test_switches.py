# SPDX-License-Identifier: GPL-3.0-or-later
"""A generated Rigify rig, keyed with IK: played by Blender, and put back as it was."""

import bpy
import numpy as np
import pytest
from track_spine.addon.armature import read_target
from track_spine.addon.held import held_back
from track_spine.addon.keyframes import key_pose
from track_spine.addon.restore import restore
from track_spine.rigging.motion import BoneMotion
from track_spine.rigging.retarget import Retargeting, retarget
from track_spine.rigging.rotation import from_axis_angle, multiply, unit
from track_spine.rigging.skeleton import canonical_skeleton, fk
from track_spine.rigging.solve import Solved

FRAMES = 12
X = np.array([1.0, 0.0, 0.0])
PARTS = (("upper_arm", "forearm"), ("forearm", "hand"), ("thigh", "shin"), ("shin", "foot"))


@pytest.fixture
def rig():
    try:
        bpy.ops.preferences.addon_enable(module="rigify")
        bpy.ops.object.armature_basic_human_metarig_add()
        bpy.ops.pose.rigify_generate()
    except (AttributeError, RuntimeError) as error:
        pytest.skip(f"this Blender has no Rigify: {error}")
    return next(o for o in bpy.data.objects if o.type == "ARMATURE" and "torso" in o.data.bones)


def squat():
    """Knees and elbows bend from 2 to 100 degrees: closed form."""
    skeleton = canonical_skeleton({})
    angle = np.radians(np.linspace(1.0, 50.0, FRAMES))
    rotation = np.tile(skeleton.rest, (FRAMES, 1, 1))
    for side in "LR":
        for part, sign in (("thigh", -1.0), ("shin", 1.0), ("upper_arm", 1.0), ("forearm", -1.0)):
            index = skeleton.index(f"{part}.{side}")
            turn = from_axis_angle(np.broadcast_to(X, (FRAMES, 3)), sign * angle)
            rotation[:, index] = multiply(turn, rotation[:, index])
    root = np.tile(skeleton.head_m[0], (FRAMES, 1))
    motion = BoneMotion(
        skeleton.bones, np.arange(FRAMES) / 24.0, rotation, root, np.ones(FRAMES, bool)
    )
    return Solved(skeleton, motion, *fk(skeleton, motion))


def off_deg(rig, solved, frame):
    """Largest angle between a limb's part as Blender plays it and the person's."""
    skeleton, bones = solved.skeleton, rig.pose.bones
    most = 0.0
    for side in "LR":
        for here, onward in PARTS:
            a, b = (np.array(bones[f"ORG-{part}.{side}"].head) for part in (here, onward))
            i, j = (skeleton.index(f"{part}.{side}") for part in (here, onward))
            wanted = unit(solved.heads_m[frame, j] - solved.heads_m[frame, i])
            most = max(most, float(np.degrees(np.arccos(min(1.0, unit(b - a) @ wanted)))))
    return most


def test_knees_and_elbows_of_ik_limbs_point_as_the_persons_and_stretch_is_put_back(rig):
    solved, scene = squat(), bpy.context.scene
    target = read_target(rig, scene)
    pose = retarget(solved, target, Retargeting(ik_arms=True, ik_legs=True))
    key_pose(rig, pose, np.arange(1.0, FRAMES + 1.0), "Squat")
    assert "switches" not in " ".join(held_back(rig, pose))
    for frame in range(FRAMES):
        scene.frame_set(frame + 1)
        assert off_deg(rig, solved, frame) < 0.2
    chain = [rig.pose.bones[name] for name in ("thigh_ik.L", "MCH-shin_ik.L")]
    assert [bone.ik_stretch for bone in chain] == [0.0, 0.0]
    restore(rig)
    assert [bone.ik_stretch for bone in chain] == pytest.approx([0.1, 0.1])
    assert rig.pose.bones["thigh_parent.L"]["IK_FK"] == 0.0


def test_fk_leaves_the_stretch_of_ik_alone(rig):
    pose = retarget(squat(), read_target(rig, bpy.context.scene))
    assert "ik_stretch" not in {name for _, name in pose.properties}
