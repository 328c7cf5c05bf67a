# SPDX-License-Identifier: GPL-3.0-or-later
"""A motion as a layer over what animates an armature already, which stays as it is."""

from typing import Any

import bpy
import numpy as np

from ..rigging.rotation import multiply
from ..rigging.rotation_modes import euler_near, euler_to_quaternions
from ..rigging.target import PoseMotion
from .compat import HAS_ACTION_SLOTS, action_slot_name, add_strip, new_action
from .curves import Floats, path_from, write_curves
from .errors import TargetError
from .held import driven_channels
from .keyframes import Tolerance, write_pose
from .workspace import played_frames


def add_layer(
    armature: bpy.types.Object,
    pose: PoseMotion,
    frames: Floats,
    name: str,
    added: bool,
    tolerance: Tolerance | None = None,
) -> bpy.types.NlaStrip:
    """Write a motion as an NLA strip of its own, on top of all that is there.

    An action that animates the armature goes into a strip below, as Blender's Push Down does; its
    keys are not touched.

    Args:
        armature: Object with the bones of the motion.
        pose: The motion, at least one valid frame; only what it holds is keyed.
        frames: (T,) scene frame of each moment of the motion.
        name: Wanted name of action, track and strip.
        added: It is added onto the pose below (Blender's Combine) instead of replacing it.
        tolerance: Leaves out keys that are not needed to stay within it; None keeps all.

    Returns:
        The strip.

    Raises:
        TargetError: The armature's NLA is switched off or a track plays solo, or bones that rotate
            by axis and angle cannot be added to.
    """
    _require_playing(armature)
    action, channels = new_action(armature, name)
    if added:
        _write_added(armature, channels, pose, frames, tolerance)
    else:
        write_pose(armature, channels, pose, frames, tolerance)
    if armature.animation_data.action:
        _push_down(armature, action.frame_range)
    strip = _lay(armature, action)
    strip.blend_type = "COMBINE" if added else "REPLACE"
    bpy.context.view_layer.update()
    return strip


def keep_aside(
    armature: bpy.types.Object, pose: PoseMotion, frames: Floats, name: str
) -> bpy.types.NlaStrip:
    """Write a motion as an NLA strip on a muted track, to be looked at or switched on later.

    Args:
        armature: Object with the bones of the motion.
        pose: The motion, at least one valid frame.
        frames: (T,) scene frame of each moment of the motion.
        name: Wanted name of action, track and strip.

    Returns:
        The strip.
    """
    action, channels = new_action(armature, name)
    write_pose(armature, channels, pose, frames)
    strip = _lay(armature, action)
    armature.animation_data.nla_tracks[-1].mute = True
    return strip


def _require_playing(armature: bpy.types.Object) -> None:
    animation = armature.animation_data or armature.animation_data_create()
    if not animation.use_nla:
        raise TargetError(
            f"The NLA of armature {armature.name!r} is switched off, so a layer would not play: "
            "switch it on in the Nonlinear Animation editor"
        )
    solo = [track.name for track in animation.nla_tracks if track.is_solo]
    if solo:
        raise TargetError(
            f"NLA track {solo[0]!r} of armature {armature.name!r} plays solo, so a layer would not "
            "play: take its star away in the Nonlinear Animation editor"
        )


def _lay(armature: bpy.types.Object, action: bpy.types.Action) -> bpy.types.NlaStrip:
    track = armature.animation_data.nla_tracks.new()
    track.name = action.name
    strip = add_strip(track, action, action.slots[0].identifier if HAS_ACTION_SLOTS else "")
    strip.extrapolation = "NOTHING"  # before and after it what is below plays alone
    return strip


def _push_down(armature: bpy.types.Object, reach: tuple[float, float]) -> None:
    """Put the action of an armature into a strip that plays it as before, at least over a range."""
    animation = armature.animation_data
    action, slot = animation.action, action_slot_name(armature)
    settings = animation.action_blend_type, animation.action_influence
    bpy.context.view_layer.update()  # see compat.assign_action
    animation.action = None
    track = animation.nla_tracks.new()
    track.name = action.name
    strip = add_strip(track, action, slot)
    strip.blend_type, strip.influence = settings
    strip.extrapolation = "HOLD"
    # What curves do beyond their keys (cycles) is played inside a strip only.
    first, last = min(strip.frame_start, reach[0]), max(strip.frame_end, reach[1])
    strip.frame_start, strip.frame_end = first, last
    strip.action_frame_start, strip.action_frame_end = first, last


def _write_added(
    armature: bpy.types.Object,
    channels: Any,
    pose: PoseMotion,
    frames: Floats,
    tolerance: Tolerance | None,
) -> None:
    """Write what Combine adds: quaternions multiply, angles are summed."""
    bones = armature.pose.bones
    refused = [name for name in pose.bones if bones[name].rotation_mode == "AXIS_ANGLE"]
    if refused:
        raise TargetError(
            f"Bones {', '.join(refused)} of armature {armature.name!r} rotate by axis and angle, "
            "which layers cannot add to: set their rotation mode to quaternion or Euler"
        )
    multiplied = [name for name in pose.bones if bones[name].rotation_mode == "QUATERNION"]
    summed = [name for name in pose.bones if name not in multiplied]
    keys = write_pose(armature, channels, pose.turning_only(multiplied), frames, tolerance)
    if not summed:
        return
    driven = driven_channels(armature)
    angles = _angles_below([bones[name] for name in summed], keys.frames)
    for name, below in zip(summed, np.moveaxis(angles, 1, 0), strict=True):
        turn = pose.rotation_basis[pose.valid, pose.bones.index(name)]
        path, order = path_from(bones[name], "rotation_euler"), bones[name].rotation_mode
        wanted = multiply(euler_to_quaternions(below, order), turn)
        free = [
            axis
            for axis in range(3)
            if not bones[name].lock_rotation[axis] and (path, axis) not in driven
        ]
        change = euler_near(wanted, order, below) - below
        write_curves(channels, name, path, free, change[:, free], keys)


def _angles_below(bones: list[bpy.types.PoseBone], frames: Floats) -> Floats:
    """Play what is there, and give the Euler angles (N, B, 3) that bones have.

    A channel that nothing animates counts as 0, as the NLA counts it.
    """
    angles = np.empty((len(frames), len(bones), 3))
    for bone in bones:
        bone.rotation_euler = (0.0, 0.0, 0.0)
    for row, _ in enumerate(played_frames(bpy.context.scene, frames)):
        for column, bone in enumerate(bones):
            angles[row, column] = bone.rotation_euler
            bone.rotation_euler = (0.0, 0.0, 0.0)
    return angles
