# SPDX-License-Identifier: GPL-3.0-or-later
"""What holds bones against keys: locked channels, drivers, constraints, other animation."""

from collections.abc import Iterator

import bpy
import numpy as np
from numpy.typing import NDArray

from ..rigging.rotation import continuous, quaternions_to_euler
from ..rigging.rotation_modes import euler_to_quaternions
from ..rigging.target import PoseMotion
from .curves import path_from
from .errors import TargetError
from .spline_ik import unsteered
from .steering import follows
from .switches import has_switch, switch_path

_ROTATION = ("rotation_quaternion", "rotation_axis_angle", "rotation_euler")


def require_no_tweaking(armature: bpy.types.Object) -> None:
    """Find out whether Blender lets another action be given to an object.

    Args:
        armature: The object.

    Raises:
        TargetError: One of its NLA strips is being edited.
    """
    if armature.animation_data and armature.animation_data.use_tweak_mode:
        raise TargetError(
            f"An NLA strip of armature {armature.name!r} is being edited: leave tweak mode (Tab in "
            "the Nonlinear Animation editor) first"
        )


def driven_channels(armature: bpy.types.Object) -> set[tuple[str, int]]:
    """List the channels of an object that working drivers set, whatever is keyed there.

    Args:
        armature: The object.

    Returns:
        Data path and index of each.
    """
    animation = armature.animation_data
    drivers = animation.drivers if animation else ()
    return {(driver.data_path, driver.array_index) for driver in drivers if not driver.mute}


def unlocked_rotations(
    pose_bone: bpy.types.PoseBone, quaternions: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Take out of rotations what a bone's locks do not let it do.

    A locked axis keeps the angle that the bone has now. Locks count for Euler angles, in the bone's
    own order or XYZ, as Blender's Rotate tool counts them.

    Args:
        pose_bone: The bone.
        quaternions: (T, 4) rotations relative to rest.

    Returns:
        (T, 4) the same with the locked axes held, signs continuous.
    """
    locked = np.array(pose_bone.lock_rotation)
    if not locked.any():
        return continuous(quaternions)
    mode = pose_bone.rotation_mode
    order = "XYZ" if mode in ("QUATERNION", "AXIS_ANGLE") else mode
    angles = quaternions_to_euler(quaternions, order)
    angles[:, locked] = np.array(pose_bone.matrix_basis.to_euler(order))[locked]
    return continuous(euler_to_quaternions(angles, order))


def held_back(armature: bpy.types.Object, pose: PoseMotion) -> Iterator[str]:
    """Tell what of a motion an armature will not do, and why.

    Args:
        armature: The object.
        pose: The motion that was keyed.

    Yields:
        Sentences for the user.
    """
    bones = armature.pose.bones
    travelling = pose.travels()
    locked = [
        name
        for name in dict.fromkeys((*pose.bones, *travelling))
        if (name in pose.bones and any(bones[name].lock_rotation))
        or (name in travelling and any(bones[name].lock_location))
    ]
    if locked:
        yield f"Locked channels stay as they are: {_listed(locked)}. Unlock them to key them"
    driven = _driven_bones(armature, pose)
    if driven:
        yield (
            f"Drivers set channels of {_listed(driven)}, which were not keyed: "
            "disable the drivers to see the motion there"
        )
    lacking = [
        f"{bone}: {name}" for bone, name in pose.properties if not has_switch(bones.get(bone), name)
    ]
    if lacking:
        yield f"The rig has no such switches, which its kind should have: {_listed(lacking)}"
    yield from unsteered(armature)
    constrained = _constrained_bones(armature, pose)
    if constrained:
        yield (
            f"Constraints may hold bones of {armature.name!r} against the new keys: "
            f"{_listed(constrained)}. Mute the constraints to see the motion"
        )
    tracks = armature.animation_data.nla_tracks if armature.animation_data else ()
    playing = [track.name for track in tracks if not track.mute and len(track.strips)]
    if playing:
        yield f"NLA tracks of {armature.name!r} play as well: {_listed(playing)}"


def _driven_bones(armature: bpy.types.Object, pose: PoseMotion) -> list[str]:
    driven = {path for path, _ in driven_channels(armature)}
    bones = armature.pose.bones
    names = [
        name for name in pose.bones if any(path_from(bones[name], p) in driven for p in _ROTATION)
    ]
    names += [name for name in pose.travels() if path_from(bones[name], "location") in driven]
    names += [
        bone
        for bone, name in pose.properties
        if has_switch(bones.get(bone), name) and switch_path(bones[bone], name) in driven
    ]
    return list(dict.fromkeys(names))


def _constrained_bones(armature: bpy.types.Object, pose: PoseMotion) -> list[str]:
    controls = pose.travels()
    keyed = {*pose.bones, *controls, *pose.handles}
    return [
        bone.name
        for bone in armature.pose.bones
        if bone.name in keyed
        and any(
            not held.mute and held.influence > 0.0 and not follows(held, armature, controls)
            for held in bone.constraints
        )
    ]


def _listed(names: list[str], most: int = 8) -> str:
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more
