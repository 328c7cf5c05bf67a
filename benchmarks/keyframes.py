# SPDX-License-Identifier: GPL-3.0-or-later
"""Time to key 60 bones over 10,000 frames in bulk, against `keyframe_insert` in a loop.

Times are the process's own, on one core, so that other programs do not count. The loop is timed on
fewer bones and frames and multiplied up; a key costs it more the more keys there are, so its time
is not overstated.

Run: .venv/bin/python benchmarks/keyframes.py
"""

import os
import platform
import sys
import time
from pathlib import Path

import bpy
import numpy as np
from record import record
from scipy.spatial.transform import Rotation
from track_spine.addon.keyframes import key_pose
from track_spine.rigging.target import PoseMotion

BONES = 60
FRAMES = 10_000
INSERTED_BONES = 2
INSERTED_FRAMES = 2_000
LIMIT_S = 2.0
REPEATS = 3
LEAST_RATIO = 100.0
FIGURES = Path("out/bench.json")
COMMAND = "make bench"


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
    for row in range(INSERTED_FRAMES):
        for number, name in enumerate(pose.bones[:INSERTED_BONES]):
            bone = armature.pose.bones[name]
            bone.rotation_quaternion = pose.rotation_basis[row, number]
            bone.keyframe_insert("rotation_quaternion", frame=row + 1)


def key_in_bulk(pose: PoseMotion) -> float:
    """Time the bulk way once, on a rig of its own.

    Args:
        pose: The motion.

    Returns:
        Seconds of processor time.
    """
    rig = make_rig()
    started = time.process_time()
    key_pose(rig, pose, 1.0 + np.arange(FRAMES), "Bulk")
    return time.process_time() - started


def main() -> int:
    """Measure and print.

    Returns:
        Exit status: 1 when the bulk way is over its limit.
    """
    pose = make_motion()
    bulk_s = min(key_in_bulk(pose) for _ in range(REPEATS))
    rig = make_rig()
    started = time.process_time()
    insert_keys(rig, pose)
    keys = INSERTED_BONES * INSERTED_FRAMES
    inserted_s = (time.process_time() - started) / keys * BONES * FRAMES
    ratio = inserted_s / bulk_s
    print(f"Blender {bpy.app.version_string}, {platform.machine()}, {os.cpu_count()} cores")
    print(f"{BONES} bones x {FRAMES:,} frames in bulk, best of {REPEATS}: {bulk_s:.2f} s")
    print(
        f"keyframe_insert in a loop: {inserted_s:.0f} s, from {INSERTED_BONES} bones x "
        f"{INSERTED_FRAMES:,} frames: {ratio:.0f} times as long"
    )
    record(FIGURES, "keys_seconds", round(bulk_s, 3), "s", LIMIT_S, COMMAND)
    record(FIGURES, "keys_vs_keyframe_insert", round(ratio, 1), "ratio", LEAST_RATIO, COMMAND)
    return int(bulk_s > LIMIT_S or ratio < LEAST_RATIO)


if __name__ == "__main__":
    sys.exit(main())
