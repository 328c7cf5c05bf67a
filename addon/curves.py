# SPDX-License-Identifier: GPL-3.0-or-later
"""Curves written whole: all keys of a channel in one call."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import bpy
import numpy as np
from numpy.typing import NDArray

INTERPOLATION: Final = {
    item.identifier: item.value
    for item in bpy.types.Keyframe.bl_rna.properties["interpolation"].enum_items
}

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Keys:
    """When the keys of some curves are, and how the curves go on from each.

    Attributes:
        frames: (N,) scene frames, increasing.
        interpolation: (N,) Blender's interpolation numbers.
    """

    frames: Floats
    interpolation: NDArray[np.int32]

    @classmethod
    def linear(cls, frames: Floats) -> "Keys":
        """Make keys with straight lines between them."""
        return cls(frames, np.full(len(frames), INTERPOLATION["LINEAR"], dtype=np.int32))

    def at(self, rows: NDArray[Any] | slice) -> "Keys":
        """Give some of the keys."""
        return Keys(self.frames[rows], self.interpolation[rows])

    def stepped(self) -> "Keys":
        """Give the same keys holding their value until the next."""
        held = np.full(len(self.frames), INTERPOLATION["CONSTANT"], dtype=np.int32)
        return Keys(self.frames, held)


def write_curves(
    channels: Any, group_name: str, path: str, indices: Sequence[int], values: Floats, keys: Keys
) -> None:
    """Add curves that do not exist yet.

    Args:
        channels: What holds the curves (`compat.action_channels`).
        group_name: Group that they are listed under.
        path: Data path from the object.
        indices: Which channels of the property, one for each column of values.
        values: (N, C) values at the keys.
        keys: The N keys.
    """
    group = channels.groups.get(group_name) or channels.groups.new(group_name)
    count = len(keys.frames)
    co = np.empty((count, 2), dtype=np.float32)
    co[:, 0] = keys.frames
    for column, index in enumerate(indices):
        co[:, 1] = values[:, column]
        curve = channels.fcurves.new(path, index=index)
        curve.group = group
        curve.keyframe_points.add(count)
        curve.keyframe_points.foreach_set("co", co.ravel())
        curve.keyframe_points.foreach_set("interpolation", keys.interpolation)
        curve.update()


def path_from(pose_bone: bpy.types.PoseBone, property_name: str) -> str:
    """Write the data path of a bone's own property, such as "location".

    Args:
        pose_bone: The bone.
        property_name: The property.

    Returns:
        The path from the object, quotes in the bone's name escaped.
    """
    return f"{_bone_path(pose_bone)}.{property_name}"


def custom_path_from(pose_bone: bpy.types.PoseBone, property_name: str) -> str:
    """Write the data path of a bone's custom property, such as Rigify's "IK_FK".

    Args:
        pose_bone: The bone.
        property_name: The property.

    Returns:
        The path from the object, quotes in both names escaped.
    """
    return f'{_bone_path(pose_bone)}["{bpy.utils.escape_identifier(property_name)}"]'


def _bone_path(pose_bone: bpy.types.PoseBone) -> str:
    return f'pose.bones["{bpy.utils.escape_identifier(pose_bone.name)}"]'
