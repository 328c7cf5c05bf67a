# SPDX-License-Identifier: GPL-3.0-or-later
"""Keys in bulk: a retargeted motion becomes a new action of an armature."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final

import bpy
import numpy as np
from numpy.typing import NDArray

from ..rigging.retarget import PoseMotion
from ..rigging.rotation import continuous, quaternions_to_euler
from .compat import assign_new_action

# A shorter gap is bridged between its two keys; over a longer one the last pose holds.
LONG_GAP_S: Final = 0.25

LOST = "Lost"
FOUND = "Found"

_INTERPOLATION: Final = {
    item.identifier: item.value
    for item in bpy.types.Keyframe.bl_rna.properties["interpolation"].enum_items
}

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Keys:
    """When the keys of all curves of an action are, and how the curve goes on from each.

    Attributes:
        frames: (N,) scene frames, increasing.
        interpolation: (N,) Blender's interpolation numbers.
    """

    frames: Floats
    interpolation: NDArray[np.int32]


def key_pose(
    armature: bpy.types.Object, pose: PoseMotion, frames: Floats, name: str
) -> bpy.types.Action:
    """Write a motion as a new action and make it the one that animates the armature.

    The action that was there stays in the file.

    Args:
        armature: Object with the bones of the motion, none of them rotating by axis and angle.
        pose: The motion, at least one valid frame.
        frames: (T,) scene frame of each moment of the motion.
        name: Wanted name of the action.

    Returns:
        The action.
    """
    if armature.animation_data and armature.animation_data.action:
        armature.animation_data.action.use_fake_user = True
    action, channels = assign_new_action(armature, name)
    seen = np.flatnonzero(pose.valid)
    lost = _lost_after(seen, pose.time_s)
    interpolation = np.full(len(seen), _INTERPOLATION["LINEAR"], dtype=np.int32)
    interpolation[lost] = _INTERPOLATION["CONSTANT"]
    keys = Keys(frames[seen], interpolation)
    for number, bone in enumerate(pose.bones):
        pose_bone = armature.pose.bones[bone]
        path, values = _rotation_values(pose_bone, pose.rotation_basis[seen, number])
        _write(channels, bone, path_from(pose_bone, path), values, keys)
    root = armature.pose.bones[pose.root_bone]
    _write(channels, root.name, path_from(root, "location"), pose.location_basis[seen], keys)
    for pose_bone, path, value in _strays(armature, pose):
        still = Keys(keys.frames[:1], keys.interpolation[:1])
        _write(channels, pose_bone.name, path_from(pose_bone, path), np.array([value]), still)
    _mark_gaps(action, frames, seen, lost)
    bpy.context.view_layer.update()
    return action


def path_from(pose_bone: bpy.types.PoseBone, property_name: str) -> str:
    """Write the data path of a bone's property.

    Args:
        pose_bone: The bone.
        property_name: For example "location".

    Returns:
        The path from the object, quotes in the bone's name escaped.
    """
    return f'pose.bones["{bpy.utils.escape_identifier(pose_bone.name)}"].{property_name}'


def _rotation_values(pose_bone: bpy.types.PoseBone, quaternions: Floats) -> tuple[str, Floats]:
    if pose_bone.rotation_mode == "QUATERNION":
        return "rotation_quaternion", continuous(quaternions)
    return "rotation_euler", quaternions_to_euler(quaternions, pose_bone.rotation_mode)


def _write(channels: Any, group_name: str, path: str, values: Floats, keys: Keys) -> None:
    group = channels.groups.get(group_name) or channels.groups.new(group_name)
    count = len(keys.frames)
    co = np.empty((count, 2), dtype=np.float32)
    co[:, 0] = keys.frames
    for index in range(values.shape[1]):
        co[:, 1] = values[:, index]
        curve = channels.fcurves.new(path, index=index)
        curve.group = group
        curve.keyframe_points.add(count)
        curve.keyframe_points.foreach_set("co", co.ravel())
        curve.keyframe_points.foreach_set("interpolation", keys.interpolation)
        curve.update()


def _lost_after(seen: NDArray[np.intp], time_s: Floats) -> NDArray[np.intp]:
    long = (np.diff(seen) > 1) & (np.diff(time_s[seen]) > LONG_GAP_S)
    return np.flatnonzero(long)


def _mark_gaps(
    action: bpy.types.Action, frames: Floats, seen: NDArray[np.intp], lost: NDArray[np.intp]
) -> None:
    marks = [(LOST, seen[number]) for number in lost] + [
        (FOUND, seen[number + 1]) for number in lost
    ]
    if seen[0] > 0:
        marks.append((FOUND, seen[0]))
    if seen[-1] < len(frames) - 1:
        marks.append((LOST, seen[-1]))
    for label, row in sorted(marks, key=lambda mark: mark[1]):
        action.pose_markers.new(label).frame = round(float(frames[row]))


def _strays(
    armature: bpy.types.Object, pose: PoseMotion
) -> Iterator[tuple[bpy.types.PoseBone, str, tuple[float, ...]]]:
    """Find properties that the motion does not key but that an earlier pose has moved off rest.

    Yields:
        Bone, property and its value at rest.
    """
    moved = set(pose.bones)
    for pose_bone in _with_ancestors(armature.pose.bones[name] for name in pose.bones):
        if pose_bone.name != pose.root_bone and any(pose_bone.location):
            yield pose_bone, "location", (0.0, 0.0, 0.0)
        if any(factor != 1.0 for factor in pose_bone.scale):
            yield pose_bone, "scale", (1.0, 1.0, 1.0)
        turned = any(abs(angle) > 1e-6 for angle in pose_bone.matrix_basis.to_euler())
        if pose_bone.name in moved or not turned:
            continue
        if pose_bone.rotation_mode == "QUATERNION":
            yield pose_bone, "rotation_quaternion", (1.0, 0.0, 0.0, 0.0)
        elif pose_bone.rotation_mode == "AXIS_ANGLE":
            yield pose_bone, "rotation_axis_angle", (0.0, 0.0, 1.0, 0.0)
        else:
            yield pose_bone, "rotation_euler", (0.0, 0.0, 0.0)


def _with_ancestors(bones: Iterable[bpy.types.PoseBone]) -> list[bpy.types.PoseBone]:
    found: dict[str, bpy.types.PoseBone] = {}
    for bone in bones:
        climber: bpy.types.PoseBone | None = bone
        while climber is not None and climber.name not in found:
            found[climber.name] = climber
            climber = climber.parent
    return list(found.values())
