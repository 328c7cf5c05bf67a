# SPDX-License-Identifier: GPL-3.0-or-later
"""Armatures: a new one built from the solved skeleton, and an existing one read as plain data."""

import contextlib
from collections.abc import Mapping
from types import MappingProxyType

import bpy
import numpy as np
from numpy.typing import NDArray

from ..rigging.errors import RigError
from ..rigging.matching import Match, Roles, identify
from ..rigging.presets import assignment, roles_from
from ..rigging.skeleton import Skeleton
from ..rigging.target import TargetRig
from .errors import TargetError
from .held import require_no_tweaking
from .rig_reading import free_handles, parent_indices
from .scene_camera import metres_per_unit
from .spline_ik import with_guides
from .steering import with_controls
from .workspace import object_mode

# Blender stores transforms as float32: a rotated, scaled object is uniform to about 1e-6.
UNIFORM_SCALE = 1e-4
CONNECTED_M = 1e-6
SPINE_COLOUR = "THEME04"


def build_armature(context: bpy.types.Context, skeleton: Skeleton, name: str) -> bpy.types.Object:
    """Add an armature object in the skeleton's rest pose.

    Args:
        context: Context with a view layer; mode and selection stay as they are.
        skeleton: The skeleton, metres.
        name: Wanted name.

    Returns:
        The object, at the origin, in the active collection.
    """
    armature = bpy.data.objects.new(name, bpy.data.armatures.new(name))
    context.collection.objects.link(armature)
    if armature.name not in context.view_layer.objects:  # the active collection is excluded
        context.collection.objects.unlink(armature)
        context.scene.collection.objects.link(armature)
    with object_mode(context):
        context.view_layer.objects.active = armature
        bpy.ops.object.mode_set(mode="EDIT")
        _add_bones(armature.data, skeleton, 1.0 / metres_per_unit(context.scene))
        bpy.ops.object.mode_set(mode="OBJECT")
    for bone in armature.data.bones:
        if bone.name.startswith("spine_"):
            bone.color.palette = SPINE_COLOUR
    armature.show_in_front = True  # it is looked at over the footage
    return armature


def find_armature(context: bpy.types.Context, name: str) -> bpy.types.Object:
    """Find the armature object that a run shall animate, and make sure that it can be keyed.

    Args:
        context: Context with a view layer.
        name: Name of the object.

    Returns:
        The object.

    Raises:
        TargetError: It is not there, is no armature, or cannot be keyed.
    """
    armature = context.view_layer.objects.get(name)
    if armature is None:
        raise TargetError(f"There is no object {name!r} in this scene to animate")
    if armature.type != "ARMATURE":
        raise TargetError(f"Object {name!r} is no armature but {armature.type.lower()}")
    override = armature.override_library
    if armature.library or (override and override.is_system_override):
        raise TargetError(
            f"Armature {name!r} is linked from another file and cannot be animated as it is: "
            "use Object > Library Override > Make on it, or append it instead of linking"
        )
    require_no_tweaking(armature)
    if armature.mode == "EDIT":
        raise TargetError(f"Armature {name!r} is in edit mode: leave it first")
    return armature


def read_target(
    armature: bpy.types.Object,
    scene: bpy.types.Scene,
    table: Mapping[str, str | list[str]] = MappingProxyType({}),
) -> TargetRig:
    """Read an armature object into plain data.

    Args:
        armature: The object, not in edit mode.
        scene: The scene, whose units give the rig its size in metres.
        table: Bone or bones by role, as the user edited it; empty to find out.

    Returns:
        Its bones, rest pose and place in the world, and what its bones are.

    Raises:
        RigError: Bones are missing; the message names them.
        TargetError: The object's scale cannot carry the motion.
    """
    bones = list(armature.data.bones)
    names, parents = tuple(bone.name for bone in bones), parent_indices(bones)
    world = np.array(armature.matrix_world, dtype=np.float64)
    _require_uniform_scale(armature, world)
    world[:3] *= metres_per_unit(scene)
    roles = _roles(armature, scene, table) if table else identify_bones(armature, scene).roles
    return TargetRig(
        bones=names,
        parents=np.array(parents),
        rest=np.array([bone.matrix_local for bone in bones], dtype=np.float64),
        length=np.array([bone.length for bone in bones], dtype=np.float64),
        world_from_armature=world,
        roles=with_guides(armature, with_controls(armature, roles)),
        inherits=np.array([bone.use_inherit_rotation for bone in bones]),
        local_location=np.array([bone.use_local_location for bone in bones]),
        connected=np.array([bone.use_connect for bone in bones]),
        bendy=free_handles(bones),
        ease=np.array([(bone.bbone_easein, bone.bbone_easeout) for bone in bones]),
    )


def identify_bones(armature: bpy.types.Object, scene: bpy.types.Scene) -> Match:
    """Find out which bone of an armature plays which part, and how surely.

    Args:
        armature: The object.
        scene: The scene, whose units give the rig its size in metres.

    Returns:
        The guess.

    Raises:
        RigError: The armature is no body.
        TargetError: It has no bones.
    """
    bones = list(armature.data.bones)
    if not bones:
        raise TargetError(f"Armature {armature.name!r} has no bones: choose another one")
    place = metres_per_unit(scene) * np.array(armature.matrix_world, dtype=np.float64)[:3]
    heads = np.array([bone.head_local for bone in bones], dtype=np.float64).reshape(-1, 3)
    names = [bone.name for bone in bones]
    return identify(names, parent_indices(bones), heads @ place[:, :3].T + place[:, 3])


def _roles(
    armature: bpy.types.Object, scene: bpy.types.Scene, table: Mapping[str, str | list[str]]
) -> Roles:
    """Take the table's word, unless it is what was guessed: that knows more of control rigs."""
    with contextlib.suppress(RigError):
        guess = identify_bones(armature, scene).roles
        if assignment(guess) == table:
            return guess
    bones = list(armature.data.bones)
    return roles_from(table, [bone.name for bone in bones], parent_indices(bones), "by hand")


def _add_bones(data: bpy.types.Armature, skeleton: Skeleton, units_per_m: float) -> None:
    made: list[bpy.types.EditBone] = []
    for number, name in enumerate(skeleton.bones):
        bone = data.edit_bones.new(name)
        bone.head = skeleton.head_m[number] * units_per_m
        bone.tail = skeleton.tail_m[number] * units_per_m
        bone.align_roll(skeleton.z_axis[number])
        parent = int(skeleton.parents[number])
        if parent >= 0:
            bone.parent = made[parent]
            gap_m = np.linalg.norm(skeleton.head_m[number] - skeleton.tail_m[parent])
            bone.use_connect = bool(gap_m < CONNECTED_M)
        made.append(bone)


def _require_uniform_scale(armature: bpy.types.Object, world: NDArray[np.float64]) -> None:
    axes = world[:3, :3]
    volume = float(np.linalg.det(axes))
    if volume > 0:
        turn = axes / np.cbrt(volume)
        if np.abs(turn @ turn.T - np.eye(3)).max() <= UNIFORM_SCALE:
            return
    lengths = " x ".join(f"{length:.4g}" for length in np.linalg.norm(axes, axis=0))
    raise TargetError(
        f"Armature {armature.name!r} is scaled unevenly, mirrored or sheared (scale {lengths}): "
        "apply its scale (Ctrl+A, Scale) and that of its parents first"
    )
