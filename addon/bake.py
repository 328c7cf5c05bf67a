# SPDX-License-Identifier: GPL-3.0-or-later
"""A plain copy of a moving armature for another program: no constraints, no controls, new names."""

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import bpy
import numpy as np
from mathutils import Matrix
from numpy.typing import NDArray

from ..rigging.rotation import continuous, from_matrix
from .compat import assign_new_action
from .curves import Keys, path_from, write_curves
from .workspace import object_mode, played_frames

Floats = NDArray[np.float64]

_STILL: Final = 1e-4
"""Share of a bone's length, or of its size, below which a change is Blender's float32 rounding."""

_TRACE: Final = 1e-3
"""Size left to a bone that is scaled to nothing; less than that enlarges rounding below it."""


@dataclass(frozen=True)
class Poses:
    """Where bones are in the world over time, the object's scale applied.

    Attributes:
        bones: B names, parents before children.
        parents: Index of each bone's nearest ancestor among them, -1 for none.
        rest: (B, 4, 4) rest matrices, the object placed as in the first sample.
        length: (B,) lengths.
        matrix: (N, B, 4, 4) posed matrices.
        shrunk: A bone was scaled to nothing in some sample; it got a trace of size here.
    """

    bones: tuple[str, ...]
    parents: tuple[int, ...]
    rest: Floats
    length: Floats
    matrix: Floats
    shrunk: bool


def sample_poses(
    context: bpy.types.Context, armature: bpy.types.Object, frames: Floats, bones: Sequence[str]
) -> Poses:
    """Play an armature and write down its bones, whatever moves them.

    Args:
        context: Context whose scene is played; its current frame is put back.
        armature: The object.
        frames: (N,) frames, fractions allowed.
        bones: Which bones.

    Returns:
        Their poses.
    """
    wanted = set(bones)
    kept = [bone for bone in _parents_first(armature.data) if bone.name in wanted]
    index = {bone.name: number for number, bone in enumerate(kept)}
    matrix = np.empty((len(frames), len(kept), 4, 4))
    world = np.empty((len(frames), 4, 4))
    for row, _ in enumerate(played_frames(context.scene, frames)):
        played = armature.evaluated_get(context.evaluated_depsgraph_get())
        matrix[row] = [played.pose.bones[bone.name].matrix for bone in kept]
        world[row] = played.matrix_world
    scale = float(np.cbrt(np.linalg.det(world[0, :3, :3])))
    rest = world[0] @ np.array([bone.matrix_local for bone in kept], dtype=np.float64)
    matrix = world[:, None] @ matrix
    for placed in (rest, matrix):
        placed[..., :3, :3] /= scale
    shrunk = _give_size(matrix, rest)
    return Poses(
        bones=tuple(index),
        parents=tuple(_kept_parent(bone, index) for bone in kept),
        rest=rest,
        length=scale * np.array([bone.length for bone in kept]),
        matrix=matrix,
        shrunk=shrunk,
    )


@contextlib.contextmanager
def plain_armature(
    context: bpy.types.Context,
    poses: Poses,
    name: str,
    names: Mapping[str, str],
    root: str,
    start: int = 0,
) -> Iterator[bpy.types.Object]:
    """Make an armature that moves as sampled, one key a frame; then remove it.

    Args:
        context: Context in object mode.
        poses: What it does.
        name: Name of the object.
        names: New name of a bone, where it gets one.
        root: Name of a bone at the origin above all others; empty for none.
        start: Frame of the first key.

    Yields:
        The armature object, at the origin.
    """
    data = bpy.data.armatures.new(name)
    armature = bpy.data.objects.new(name, data)
    usurped = bpy.data.objects.get(name)
    action = None
    try:
        context.scene.collection.objects.link(armature)
        if usurped != armature:
            usurped.name = f"{name} (exporting)"
            armature.name = name
        _add_bones(context, armature, poses, names, root)
        action = _key(armature, poses, names, start)
        yield armature
    finally:
        bpy.data.objects.remove(armature)
        bpy.data.armatures.remove(data)
        if action:
            bpy.data.actions.remove(action)
        if usurped != armature:
            usurped.name = name


def _give_size(matrix: Floats, rest: Floats) -> bool:
    """Let bones that are scaled to nothing keep a trace of size, turned as they rest.

    Without one their children have no place against them. Tells whether there were any.
    """
    gone = np.linalg.norm(matrix[..., :3, :3], axis=-2).min(axis=-1) < _STILL
    turns = np.broadcast_to(rest[:, :3, :3], matrix[..., :3, :3].shape)
    matrix[..., :3, :3][gone] = _TRACE * turns[gone]
    return bool(gone.any())


def _parents_first(data: bpy.types.Armature) -> Iterator[bpy.types.Bone]:
    for bone in data.bones:
        if bone.parent is None:
            yield bone
            yield from bone.children_recursive


def _kept_parent(bone: bpy.types.Bone, index: Mapping[str, int]) -> int:
    return next((index[above.name] for above in bone.parent_recursive if above.name in index), -1)


def _add_bones(
    context: bpy.types.Context,
    armature: bpy.types.Object,
    poses: Poses,
    names: Mapping[str, str],
    root: str,
) -> None:
    with object_mode(context):
        context.view_layer.objects.active = armature
        bpy.ops.object.mode_set(mode="EDIT")
        edit = armature.data.edit_bones
        base = edit.new(root) if root else None
        if base:
            base.head, base.tail = (0.0, 0.0, 0.0), (0.0, float(poses.length.max()), 0.0)
        made: list[bpy.types.EditBone] = []
        for number, name in enumerate(poses.bones):
            bone = edit.new(names.get(name, name))
            bone.length = poses.length[number]
            bone.matrix = Matrix(poses.rest[number].tolist())
            parent = poses.parents[number]
            bone.parent = made[parent] if parent >= 0 else base
            made.append(bone)
        bpy.ops.object.mode_set(mode="OBJECT")


def _key(
    armature: bpy.types.Object, poses: Poses, names: Mapping[str, str], start: int
) -> bpy.types.Action:
    """Key the bones relative to their parents."""
    action, channels = assign_new_action(armature, armature.name)
    keys = Keys.linear(start + np.arange(len(poses.matrix), dtype=np.float64))
    for number, name in enumerate(poses.bones):
        parent = poses.parents[number]
        rest, posed = poses.rest[number], poses.matrix[:, number]
        if parent >= 0:
            rest = np.linalg.inv(poses.rest[parent]) @ rest
            posed = np.linalg.inv(poses.matrix[:, parent]) @ posed
        basis = np.linalg.inv(rest) @ posed
        scale = np.linalg.norm(basis[:, :3, :3], axis=1)
        turn = continuous(from_matrix(basis[:, :3, :3] / scale[:, None, :]))
        moves = {"rotation_quaternion": turn}
        if parent < 0 or np.abs(basis[:, :3, 3]).max() > _STILL * poses.length[number]:
            moves["location"] = basis[:, :3, 3]
        if np.abs(scale - 1.0).max() > _STILL:
            moves["scale"] = scale
        bone = armature.pose.bones[names.get(name, name)]
        for path, values in moves.items():
            indices = range(values.shape[1])
            write_curves(channels, bone.name, path_from(bone, path), indices, values, keys)
    return action
