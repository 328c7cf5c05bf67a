# SPDX-License-Identifier: GPL-3.0-or-later
"""Read exported files back through Blender's own importers."""

import bpy
import numpy as np

RATE_HZ = 25


def import_file(path, rate_hz=RATE_HZ):
    """Read a file into an empty scene; returns its armature and the frame of the file's time 0."""
    bpy.ops.wm.read_factory_settings(use_empty=True)
    bpy.context.scene.render.fps = rate_hz
    match path.suffix:
        case ".fbx":
            bpy.ops.import_scene.fbx(filepath=str(path), anim_offset=0.0)  # else a frame late
        case ".glb":
            bpy.ops.import_scene.gltf(filepath=str(path))
        case ".bvh":
            # Blender writes its own axes into BVH.
            bpy.ops.import_anim.bvh(filepath=str(path), axis_forward="Y", axis_up="Z")
        case _:
            bpy.ops.wm.usd_import(filepath=str(path))
    (armature,) = (obj for obj in bpy.data.objects if obj.type == "ARMATURE")
    return armature


def joints_at(armature, frame, bones):
    """(B, 3) where bones begin in the world at a frame, fractions allowed."""
    whole = int(np.floor(frame))
    bpy.context.scene.frame_set(whole, subframe=frame - whole)
    posed = armature.pose.bones
    return np.array([armature.matrix_world @ posed[bone].head for bone in bones])
