# SPDX-License-Identifier: GPL-3.0-or-later
"""Time to key 60 bones over 10,000 frames in bulk, against `keyframe_insert` on one of them.

Run: .venv/bin/python benchmarks/keyframes.py
"""

import os
import platform
import sys
import time

import bpy
import numpy as np
from scipy.spatial.transform import Rotation
from track_spine.addon.keyframes import key_pose
from track_spine.rigging.retarget import PoseMotion

BONES = 60
FRAMES = 10_000
INSERTED_BONES = 1
LIMIT_S = 5.0


def make_rig() -> bpy.types.Object:
    """Make an armature of one long chain.

    Returns:
        The object.
    """
    bpy.ops.wm.read_factory_settings(use_empty=True)
    armature = bpy.data.objects.new("Rig", bpy.data.armatures.new("Rig"))
    bpy.context.collection.objects.link(armature)
    bpy.context.view_layer.objects.active = armature
    bpy.ops.object.mode_set(mode="EDIT")
    parent = None
    for number in range(BONES):
        bone = armature.data.edit_bones.new(f"bone_{number:02}")
        bone.head, bone.tail, bone.parent = (0, 0, number), (0, 0, number + 1), parent
        parent = bone
    bpy.ops.object.mode_set(mode="OBJECT")
    return armature


def make_motion() -> PoseMotion:
    """Make smooth rotations of every bone.

    Returns:
        The motion.
    """
    time_s = np.arange(FRAMES) / 30.0
    phase = np.linspace(0.0, 6.0, BONES)
    angle = np.sin(time_s[:, None] + phase)
    turns = Rotation.from_rotvec(angle.reshape(-1, 1) * np.array([0.3, 0.2, 0.1]))
    quaternions = np.roll(turns.as_quat(), 1, axis=-1).reshape(FRAMES, BONES, 4)
    names = tuple(f"bone_{number:02}" for number in range(BONES))
    location = np.stack([np.sin(time_s)] * 3, axis=-1)
    return PoseMotion(names, time_s, quaternions, names[0], location, np.ones(FRAMES, bool))


def insert_keys(armature: bpy.types.Object, pose: PoseMotion) -> None:
    """Key the first bones one frame at a time, as the manual does.

    Args:
        armature: The rig.
        pose: The motion.
    """
    for row in range(FRAMES):
        for number, name in enumerate(pose.bones[:INSERTED_BONES]):
            bone = armature.pose.bones[name]
            bone.rotation_quaternion = pose.rotation_basis[row, number]
            bone.keyframe_insert("rotation_quaternion", frame=row + 1)


def main() -> int:
    """Measure and print.

    Returns:
        Exit status: 1 when the bulk way is over its limit.
    """
    pose = make_motion()
    rig = make_rig()
    started = time.perf_counter()
    key_pose(rig, pose, 1.0 + np.arange(FRAMES), "Bulk")
    bulk_s = time.perf_counter() - started
    rig = make_rig()
    started = time.perf_counter()
    insert_keys(rig, pose)
    inserted_s = (time.perf_counter() - started) * BONES / INSERTED_BONES
    print(f"Blender {bpy.app.version_string}, {platform.machine()}, {os.cpu_count()} cores")
    print(f"{BONES} bones x {FRAMES:,} frames in bulk: {bulk_s:.2f} s (limit {LIMIT_S:.0f} s)")
    print(
        f"keyframe_insert in a loop: {inserted_s:.0f} s, measured on {INSERTED_BONES} bone: "
        f"{inserted_s / bulk_s:.0f} times as long"
    )
    return int(bulk_s > LIMIT_S)


if __name__ == "__main__":
    sys.exit(main())
