# SPDX-License-Identifier: GPL-3.0-or-later
"""Keys in bulk: a retargeted motion becomes an action of an armature."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import bpy
import numpy as np
from numpy.typing import NDArray

from ..rigging.reduce_keys import keys_to_keep
from ..rigging.rotation import quaternions_to_euler
from ..rigging.rotation_modes import quaternions_to_axis_angle
from ..rigging.target import PoseMotion
from .compat import assign_new_action
from .curves import INTERPOLATION, Floats, Keys, path_from, write_curves
from .held import driven_channels, unlocked_rotations
from .restore import remember
from .switches import has_switch, switch_path

# A shorter gap is bridged between its two keys; over a longer one the last pose holds.
LONG_GAP_S: Final = 0.25

HANDLES: Final = (
    "bbone_curveinx",
    "bbone_curveinz",
    "bbone_rollin",
    "bbone_curveoutx",
    "bbone_curveoutz",
    "bbone_rollout",
)
"""Properties of a B-bone in the order of `PoseMotion.handles`."""

LOST = "Lost"
FOUND = "Found"


@dataclass(frozen=True)
class Tolerance:
    """How far curves may be off for having fewer keys.

    Attributes:
        angle_rad: Of a bone's rotation against its parent.
        location: Of a bone's location, in the scene's units.
    """

    angle_rad: float
    location: float


def key_pose(
    armature: bpy.types.Object,
    pose: PoseMotion,
    frames: Floats,
    name: str,
    tolerance: Tolerance | None = None,
) -> bpy.types.Action:
    """Write a motion as a new action and make it the one that animates the armature.

    The action that was there stays in the file.

    Args:
        armature: Object with the bones of the motion.
        pose: The motion, at least one valid frame.
        frames: (T,) scene frame of each moment of the motion.
        name: Wanted name of the action.
        tolerance: Leaves out keys that are not needed to stay within it; None keeps all.

    Returns:
        The action.
    """
    before = remember(armature, pose)
    action, channels = assign_new_action(armature, name)
    before.attach(action)
    keys = write_pose(armature, channels, pose, frames, tolerance)
    for pose_bone, path, value in _strays(armature, pose):
        indices = range(len(value))
        data_path = path_from(pose_bone, path)
        write_curves(
            channels, pose_bone.name, data_path, indices, np.array([value]), keys.at(slice(1))
        )
    _mark_gaps(action, pose, frames)
    bpy.context.view_layer.update()
    return action


def write_pose(
    armature: bpy.types.Object,
    channels: Any,
    pose: PoseMotion,
    frames: Floats,
    tolerance: Tolerance | None = None,
) -> Keys:
    """Write a motion into empty channels: rotations, locations and switches.

    Channels that are locked or driven are left out.

    Args:
        armature: Object with the bones of the motion.
        channels: What holds the curves (`compat.new_action`).
        pose: The motion, at least one valid frame.
        frames: (T,) scene frame of each moment of the motion.
        tolerance: Leaves out keys that are not needed to stay within it; None keeps all.

    Returns:
        The keys that curves have where none is left out.
    """
    seen = np.flatnonzero(pose.valid)
    keys = Keys.linear(frames[seen])
    lost = _lost_after(seen, pose.time_s)
    keys.interpolation[lost] = INTERPOLATION["CONSTANT"]
    pen = _Pen(armature, channels, keys, tolerance)
    for number, bone in enumerate(pose.bones):
        pen.rotation(armature.pose.bones[bone], pose.rotation_basis[seen, number])
    for bone, location in pose.travels().items():
        pen.location(armature.pose.bones[bone], location[seen])
    for bone, handles in pose.handles.items():
        pen.handles(armature.pose.bones[bone], handles[seen])
    for (bone, name), values in pose.properties.items():
        pen.switch(bone, name, np.broadcast_to(values, len(frames))[seen])
    return keys


def rotation_channels(pose_bone: bpy.types.PoseBone, quaternions: Floats) -> tuple[str, Floats]:
    """Write rotations the way a bone stores them.

    Args:
        pose_bone: The bone.
        quaternions: (T, 4) rotations, signs continuous.

    Returns:
        Name of the property, and (T, C) values of its channels, without jumps.
    """
    match pose_bone.rotation_mode:
        case "QUATERNION":
            return "rotation_quaternion", quaternions
        case "AXIS_ANGLE":
            return "rotation_axis_angle", quaternions_to_axis_angle(quaternions)
        case order:
            return "rotation_euler", quaternions_to_euler(quaternions, order)


class _Pen:
    """Writes the channels of bones, except those that are locked or driven."""

    def __init__(
        self, armature: bpy.types.Object, channels: Any, keys: Keys, tolerance: Tolerance | None
    ) -> None:
        self._bones = armature.pose.bones
        self._channels = channels
        self._keys = keys
        self._tolerance = tolerance
        self._driven = driven_channels(armature)
        self._scale = armature.matrix_world.median_scale

    def rotation(self, bone: bpy.types.PoseBone, quaternions: Floats) -> None:
        name, values = rotation_channels(bone, unlocked_rotations(bone, quaternions))
        keys, allowed = self._keys, self._tolerance
        if allowed:
            keys, values = self._reduced(values, _distance(name, allowed.angle_rad))
        free = list(range(values.shape[1]))
        if name == "rotation_euler":
            free = [axis for axis in free if not bone.lock_rotation[axis]]
        self._write(bone.name, path_from(bone, name), free, values, keys)

    def location(self, bone: bpy.types.PoseBone, location: Floats) -> None:
        keys, allowed = self._keys, self._tolerance
        if allowed:
            keys, location = self._reduced(location, allowed.location / self._scale)
        free = [axis for axis in range(3) if not bone.lock_location[axis]]
        self._write(bone.name, path_from(bone, "location"), free, location, keys)

    def handles(self, bone: bpy.types.PoseBone, values: Floats) -> None:
        for column, name in enumerate(HANDLES):
            self._write(bone.name, path_from(bone, name), [0], values[:, column, None], self._keys)

    def switch(self, bone_name: str, name: str, values: Floats) -> None:
        bone = self._bones.get(bone_name)
        if not has_switch(bone, name):
            return  # `held.held_back` says so
        changed = np.flatnonzero(np.diff(values, prepend=np.nan))
        keys = self._keys.at(changed).stepped()
        path = switch_path(bone, name)
        self._write(bone_name, path, [0], values[changed, None], keys)

    def _reduced(self, values: Floats, distance: float) -> tuple[Keys, Floats]:
        held = self._keys.interpolation == INTERPOLATION["CONSTANT"]
        fixed = held | np.roll(held, 1)  # both edges of a gap
        keep = keys_to_keep(self._keys.frames, values, distance, fixed)
        return self._keys.at(keep), values[keep]

    def _write(
        self, group: str, path: str, indices: Sequence[int], values: Floats, keys: Keys
    ) -> None:
        free = [index for index in indices if (path, index) not in self._driven]
        write_curves(self._channels, group, path, free, values[:, free], keys)


def _distance(property_name: str, angle_rad: float) -> float:
    """Give how far channels may be off, as a distance, for a rotation to stay within an angle."""
    match property_name:
        case "rotation_quaternion":  # a unit quaternion this far off is that far turned
            return float(np.sin(angle_rad / 2.0))
        case "rotation_axis_angle":
            # An axis off by d turns by 2 d at most, whatever the angle, and the angle by itself.
            return angle_rad / np.sqrt(5.0)
        case _:  # three turns, one after the other
            return angle_rad / np.sqrt(3.0)


def _lost_after(seen: NDArray[np.intp], time_s: Floats) -> NDArray[np.intp]:
    long = (np.diff(seen) > 1) & (np.diff(time_s[seen]) > LONG_GAP_S)
    return np.flatnonzero(long)


def _mark_gaps(action: bpy.types.Action, pose: PoseMotion, frames: Floats) -> None:
    seen = np.flatnonzero(pose.valid)
    lost = _lost_after(seen, pose.time_s)
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
        if pose_bone.name not in pose.travels() and any(pose_bone.location):
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
