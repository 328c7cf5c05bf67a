# SPDX-License-Identifier: GPL-3.0-or-later
"""A small rig of a chain of bones, a motion for it, and how Blender plays it."""

import bpy
import numpy as np
from mathutils import Quaternion
from scipy.spatial.transform import Rotation
from track_spine.rigging.target import PoseMotion

FRAMES = 30
RATE_HZ = 25.0
BONES = ("hips", 'say "cheese"', "spine")


def add_chain():
    """Add an armature: "root" and the three BONES above it, a unit each."""
    data = bpy.data.armatures.new("Rig")
    armature = bpy.data.objects.new("Rig", data)
    bpy.context.collection.objects.link(armature)
    bpy.context.view_layer.objects.active = armature
    bpy.ops.object.mode_set(mode="EDIT")
    parent = None
    for height, name in enumerate(("root", *BONES)):
        bone = data.edit_bones.new(name)
        bone.head, bone.tail, bone.parent = (0, 0, height), (0, 0, height + 1), parent
        parent = bone
    bpy.ops.object.mode_set(mode="OBJECT")
    return armature


def swaying(angle=0.6, **changes):
    """A smooth motion of the chain: every bone sways, the hips travel."""
    time_s = np.arange(FRAMES) / RATE_HZ
    phase = np.sin(4.0 * time_s[:, None] + np.arange(len(BONES)))
    turns = Rotation.from_rotvec(angle * phase.reshape(-1, 1) * [0.8, 0.5, 0.3]).as_quat()
    quaternions = np.roll(turns, 1, axis=-1).reshape(FRAMES, len(BONES), 4)
    location = np.stack([time_s, np.sin(time_s), 0.1 * time_s], axis=-1)
    parts = dict(
        bones=BONES,
        time_s=time_s,
        rotation_basis=quaternions,
        root_bone="hips",
        location_basis=location,
        valid=np.ones(FRAMES, bool),
    )
    return PoseMotion(**{**parts, **changes})


def frames_of(pose, start=1.0):
    return start + pose.time_s * RATE_HZ


def turns_at(armature, frame):
    """Rotation matrices that bones have against their rest at a frame, by name."""
    whole = int(np.floor(frame))
    bpy.context.scene.frame_set(whole, subframe=float(frame - whole))
    return {bone.name: np.array(bone.matrix_basis.to_3x3()) for bone in armature.pose.bones}


def wanted(quaternion):
    return np.array(Quaternion(quaternion).to_matrix())


def angle_off(a, b):
    """Angle between two rotation matrices, radians."""
    return np.arccos(np.clip((np.trace(a.T @ b) - 1.0) / 2.0, -1.0, 1.0))
