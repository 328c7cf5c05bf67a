# SPDX-License-Identifier: GPL-3.0-or-later
"""Switches of bones: custom properties, and settings of Blender's own such as IK stretch."""

import bpy

from .curves import custom_path_from, path_from


def has_switch(pose_bone: bpy.types.PoseBone | None, name: str) -> bool:
    """Tell whether a bone is there and has a switch.

    Args:
        pose_bone: The bone, None where the rig lacks it.
        name: A custom property, or one of Blender's own.

    Returns:
        True where it can be set.
    """
    return pose_bone is not None and (name in pose_bone or name in pose_bone.bl_rna.properties)


def switch_value(pose_bone: bpy.types.PoseBone, name: str) -> float:
    """Read a switch.

    Args:
        pose_bone: A bone that has it.
        name: The property.

    Returns:
        Its value.
    """
    return float(pose_bone[name] if name in pose_bone else getattr(pose_bone, name))


def set_switch(pose_bone: bpy.types.PoseBone, name: str, value: float) -> None:
    """Set a switch, in its own type.

    Args:
        pose_bone: A bone that has it.
        name: The property.
        value: The value.
    """
    if name in pose_bone:
        pose_bone[name] = type(pose_bone[name])(value)
    else:
        setattr(pose_bone, name, value)


def switch_path(pose_bone: bpy.types.PoseBone, name: str) -> str:
    """Write the data path of a switch.

    Args:
        pose_bone: A bone that has it.
        name: The property.

    Returns:
        The path from the object.
    """
    return (custom_path_from if name in pose_bone else path_from)(pose_bone, name)
