# SPDX-License-Identifier: GPL-3.0-or-later
"""FBX files through Blender's own exporter, under their name only once they are whole."""

import contextlib
import math
import os
import tempfile
from pathlib import Path

import bpy

from .errors import OutputError
from .workspace import frame_range, object_mode


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


def export_fbx(context: bpy.types.Context, armature: bpy.types.Object, path: Path) -> None:
    """Write one armature with its animation, sampled at every frame of its action.

    Args:
        context: Context with a view layer that holds the armature.
        armature: The armature object.
        path: The .fbx file; replaced when it exists.

    Raises:
        OutputError: The file cannot be written.
    """
    require_writable(path)
    partial = path.with_name(f".{path.stem}.partial.fbx")
    try:
        with object_mode(context), _animated_range(context.scene, armature):
            _run_exporter(context, armature, partial)
        os.replace(partial, path)
    except (OSError, RuntimeError) as error:
        raise OutputError(f"Cannot write {path}: {str(error).strip().splitlines()[-1]}") from error
    finally:
        partial.unlink(missing_ok=True)


def _run_exporter(context: bpy.types.Context, armature: bpy.types.Object, path: Path) -> None:
    with context.temp_override(
        active_object=armature, object=armature, selected_objects=[armature]
    ):
        bpy.ops.export_scene.fbx(
            filepath=str(path),
            use_selection=True,
            object_types={"ARMATURE"},
            add_leaf_bones=False,
            bake_anim_use_all_bones=True,
            bake_anim_use_nla_strips=False,
            bake_anim_use_all_actions=False,
            bake_anim_simplify_factor=0.0,
        )


def _animated_range(
    scene: bpy.types.Scene, armature: bpy.types.Object
) -> contextlib.AbstractContextManager[None]:
    animation = armature.animation_data
    if animation is None or animation.action is None:
        return contextlib.nullcontext()
    first, last = animation.action.frame_range
    return frame_range(scene, math.floor(first), math.ceil(last))
