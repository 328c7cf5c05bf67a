# SPDX-License-Identifier: GPL-3.0-or-later
"""Files for other programs through Blender's own exporters, under their name only once whole."""

import contextlib
import math
import os
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import bpy
import numpy as np

from ..rigging.errors import RigError
from ..rigging.matching import match
from .bake import plain_armature, sample_poses
from .compat import action_channels
from .errors import OutputError
from .export_names import BoneNames, renamed
from .export_presets import ExportPreset
from .footage import scene_rate
from .rig_reading import parent_indices
from .workspace import frame_range, object_mode

OWN_FAMILY: Final = "Track Spine"


def require_writable(path: Path) -> None:
    """Find out whether a file can be written before the work whose result it will hold.

    Args:
        path: The file to be written.

    Raises:
        OutputError: Its folder is missing or cannot be written.
    """
    if not path.parent.is_dir():
        raise OutputError(f"Cannot write {path}: there is no folder {path.parent}")
    if path.is_dir():
        raise OutputError(f"Cannot write {path}: it is a folder, name a file in it")
    try:
        with tempfile.TemporaryFile(dir=path.parent):
            pass
    except OSError as error:
        raise OutputError(
            f"Cannot write {path}: {error.strerror or error}. Choose another folder"
        ) from error


def require_format(path: Path) -> None:
    """Find out whether a file's suffix names a format that can be written.

    Args:
        path: The file to be written.

    Raises:
        OutputError: It does not.
    """
    if path.suffix.lower() not in WRITERS:
        raise OutputError(f"Cannot write {path}: its name must end in {', '.join(WRITERS)}")


def export_people(
    context: bpy.types.Context,
    armatures: Sequence[bpy.types.Object],
    path: Path,
    preset: ExportPreset | None = None,
) -> list[Path]:
    """Write armatures with their animation, a file each.

    Args:
        context: Context with a view layer that holds the armatures.
        armatures: The armature objects, at least one.
        path: File of a single one; several add their names to it.
        preset: The program that the files are for; None writes the armature as it is.

    Returns:
        The files.

    Raises:
        OutputError: A file cannot be written.
    """
    paths = [path]
    if len(armatures) > 1:
        named = [bpy.path.clean_name(armature.name) for armature in armatures]
        paths = [path.with_name(f"{path.stem}_{name}{path.suffix}") for name in named]
    for armature, target in zip(armatures, paths, strict=True):
        export_armature(context, armature, target, preset)
    return paths


def export_armature(
    context: bpy.types.Context,
    armature: bpy.types.Object,
    path: Path,
    preset: ExportPreset | None = None,
) -> None:
    """Write one armature with its animation, in the format that the file's suffix names.

    Without a preset it is sampled at every frame of the scene within its animation.

    Args:
        context: Context with a view layer that holds the armature.
        armature: The armature object.
        path: The file; replaced when it exists.
        preset: The program that the file is for; None writes the armature as it is.

    Raises:
        OutputError: The file cannot be written.
    """
    require_format(path)
    require_writable(path)
    partial = path.with_name(f".{path.stem}.partial{path.suffix.lower()}")
    first, last = animated_range(context.scene, armature)
    try:
        with object_mode(context):
            if preset:
                _write_for(context, armature, partial, (first, last), preset)
            else:
                _write_seen(context, armature, partial, math.floor(first), math.ceil(last))
        if not partial.is_file():
            raise OutputError(f"Cannot write {path}: Blender's exporter wrote nothing")
        os.replace(partial, path)
    except (OSError, RuntimeError) as error:
        raise OutputError(f"Cannot write {path}: {str(error).strip().splitlines()[-1]}") from error
    finally:
        partial.unlink(missing_ok=True)


def animated_range(scene: bpy.types.Scene, armature: bpy.types.Object) -> tuple[float, float]:
    """Find the frames between which an armature moves.

    Args:
        scene: The scene, whose range counts when nothing animates the armature.
        armature: The armature object.

    Returns:
        First and last frame of its action and its NLA strips.
    """
    animation = armature.animation_data
    ranges = []
    if animation and animation.action:
        ranges.append(tuple(animation.action.frame_range))
    if animation and animation.use_nla:
        ranges += [
            (strip.frame_start, strip.frame_end)
            for track in animation.nla_tracks
            if not track.mute
            for strip in track.strips
            if not strip.mute
        ]
    if not ranges:
        return scene.frame_start, scene.frame_end
    return min(first for first, _ in ranges), max(last for _, last in ranges)


def _write_for(
    context: bpy.types.Context,
    armature: bpy.types.Object,
    path: Path,
    frames: tuple[float, float],
    preset: ExportPreset,
) -> None:
    step = scene_rate(context.scene) / preset.rate_hz
    count = math.floor((frames[1] - frames[0]) / step + 1e-6) + 1
    deforming = [bone.name for bone in armature.data.bones if bone.use_deform]
    poses = sample_poses(
        context,
        armature,
        frames[0] + step * np.arange(count),
        deforming or [bone.name for bone in armature.data.bones],
    )
    names = _names_for(armature, preset.names)
    name = preset.object_name or armature.name
    with (
        plain_armature(context, poses, name, names, preset.root_bone) as plain,
        _rate(context.scene, preset.rate_hz),
    ):
        _write(context, plain, path, (0, count - 1), preset.fbx)


def _write_seen(
    context: bpy.types.Context, armature: bpy.types.Object, path: Path, first: int, last: int
) -> None:
    """Write what is seen, or a plain copy of it where an exporter cannot.

    That of BVH leaves out where the object is and wants one root; no other writes a bone that is
    scaled to nothing.
    """
    frames = np.arange(first, last + 1, dtype=np.float64)
    poses = sample_poses(context, armature, frames, [bone.name for bone in armature.data.bones])
    start, root = first, ""
    if path.suffix == ".bvh":
        start, root = 0, "root" if poses.parents.count(-1) > 1 else ""
    elif not poses.shrunk:
        _write(context, armature, path, (first, last), {})
        return
    with plain_armature(context, poses, armature.name, {}, root, start) as plain:
        _write(context, plain, path, (start, start + last - first), {})


def _names_for(armature: bpy.types.Object, names: BoneNames) -> dict[str, str]:
    bones = list(armature.data.bones)
    try:
        roles = match([bone.name for bone in bones], parent_indices(bones))
    except RigError:
        return {}  # a rig of the user's own, which keeps its names
    return renamed(roles, names) if roles.family == OWN_FAMILY else {}


def _write(
    context: bpy.types.Context,
    armature: bpy.types.Object,
    path: Path,
    frames: tuple[int, int],
    fbx: Mapping[str, Any],
) -> None:
    write = WRITERS[path.suffix]
    with frame_range(context.scene, *frames), _alone(context, armature):
        write(path, frames, fbx)


def _write_fbx(path: Path, _frames: tuple[int, int], settings: Mapping[str, Any]) -> None:
    scene = bpy.context.scene
    name = scene.name
    scene.name = bpy.context.view_layer.objects.active.name  # which the exporter calls the motion
    try:
        bpy.ops.export_scene.fbx(
            filepath=str(path),
            use_selection=True,
            object_types={"ARMATURE"},
            add_leaf_bones=False,
            bake_anim_use_all_bones=True,
            bake_anim_use_nla_strips=False,
            bake_anim_use_all_actions=False,
            bake_anim_simplify_factor=0.0,
            **settings,
        )
    finally:
        scene.name = name


def _write_gltf(path: Path, _frames: tuple[int, int], _fbx: Mapping[str, Any]) -> None:
    bpy.ops.export_scene.gltf(
        filepath=str(path),
        export_format="GLB",
        use_selection=True,
        use_active_scene=True,
        export_animation_mode="SCENE",  # what is seen, NLA layers and all
        export_anim_scene_split_object=True,
        export_force_sampling=True,
        export_frame_range=True,
        export_optimize_animation_size=False,
    )


def _write_usd(path: Path, _frames: tuple[int, int], _fbx: Mapping[str, Any]) -> None:
    bpy.ops.wm.usd_export(
        filepath=str(path),
        selected_objects_only=True,
        export_animation=True,
        export_armatures=True,
        export_materials=False,
    )


def _write_bvh(path: Path, frames: tuple[int, int], _fbx: Mapping[str, Any]) -> None:
    armature = bpy.context.view_layer.objects.active
    bpy.ops.export_anim.bvh(
        filepath=str(path),
        frame_start=frames[0],
        frame_end=frames[1],
        root_transform_only=not _joints_travel(armature),
    )


WRITERS: Final[Mapping[str, Callable[[Path, tuple[int, int], Mapping[str, Any]], None]]] = {
    ".fbx": _write_fbx,
    ".glb": _write_gltf,
    ".usd": _write_usd,
    ".usdc": _write_usd,
    ".usda": _write_usd,
    ".bvh": _write_bvh,
}
"""What writes a file, by its suffix."""


def _joints_travel(armature: bpy.types.Object) -> bool:
    """Tell whether a bone may leave its joint, which most readers of BVH do not expect."""
    channels = action_channels(armature)
    keyed = {curve.data_path for curve in channels.fcurves} if channels else set()
    return any(
        bone.parent and bone.path_from_id("location") in keyed for bone in armature.pose.bones
    )


@contextlib.contextmanager
def _alone(context: bpy.types.Context, armature: bpy.types.Object) -> Iterator[None]:
    """Show and select one object only; the caller puts the selection back."""
    hidden = armature.hide_viewport, armature.hide_get()
    armature.hide_viewport = False
    armature.hide_set(False)
    for obj in context.view_layer.objects:
        obj.select_set(obj == armature)
    context.view_layer.objects.active = armature
    try:
        yield
    finally:
        armature.hide_viewport = hidden[0]
        armature.hide_set(hidden[1])


@contextlib.contextmanager
def _rate(scene: bpy.types.Scene, rate_hz: int) -> Iterator[None]:
    before = scene.render.fps, scene.render.fps_base
    scene.render.fps, scene.render.fps_base = rate_hz, 1.0
    try:
        yield
    finally:
        scene.render.fps, scene.render.fps_base = before
