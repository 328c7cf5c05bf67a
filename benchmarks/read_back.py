# SPDX-License-Identifier: GPL-3.0-or-later
"""What files of an animated skeleton hold, read by a Blender of its own.

Run by exports.py and the tests: python benchmarks/read_back.py READER FILE..., which writes
FILE.npz beside each: names, parents ("" for none), time_s (T,), xyz_m (T, B, 3) heads of the bones
in the world.
"""

import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

import bpy
import numpy as np

RATE_HZ: Final = 30


def _fbx(path: str) -> None:
    bpy.ops.import_scene.fbx(filepath=path, anim_offset=0.0)


def _fbx_by_ufbx(path: str) -> None:
    bpy.ops.wm.fbx_import(filepath=path, anim_offset=0.0)


def _bvh(path: str) -> None:
    bpy.ops.import_anim.bvh(filepath=path, axis_forward="Y", axis_up="Z")


READERS: Final[Mapping[str, Mapping[str, Callable[[str], object]]]] = {
    "importer": {
        ".fbx": _fbx,
        ".glb": lambda path: bpy.ops.import_scene.gltf(filepath=path),
        ".usd": lambda path: bpy.ops.wm.usd_import(filepath=path),
        ".bvh": _bvh,
    },
    "second_reader": {".fbx": _fbx_by_ufbx},  # Blender has it from 4.5 on
}
"""Importers by suffix, by reader."""


def read(reader: str, path: Path) -> None:
    """Import a file into an empty scene and write down what it holds.

    Args:
        reader: One of READERS.
        path: The file, with one armature that has one action.

    Raises:
        ValueError: The file holds several armatures or actions.
    """
    bpy.ops.wm.read_factory_settings(use_empty=True)
    scene = bpy.context.scene
    scene.render.fps, scene.render.fps_base = RATE_HZ, 1.0
    READERS[reader][path.suffix](str(path))
    (armature,) = (obj for obj in bpy.data.objects if obj.type == "ARMATURE")
    (action,) = bpy.data.actions
    first, last = action.frame_range
    bones = list(armature.data.bones)
    heads = joints(armature, round(first), round(last))
    np.savez(
        f"{path}.npz",
        names=[bone.name for bone in bones],
        parents=[bone.parent.name if bone.parent else "" for bone in bones],
        time_s=np.linspace(first, last, len(heads)) / RATE_HZ,
        xyz_m=heads,
    )


def joints(armature: bpy.types.Object, first: int, last: int) -> np.ndarray:
    """Play an armature.

    Args:
        armature: The object.
        first: First scene frame.
        last: Last scene frame.

    Returns:
        (T, B, 3) heads of its bones in the world.
    """
    heads = []
    for frame in range(first, last + 1):
        bpy.context.scene.frame_set(frame)
        heads.append([armature.matrix_world @ bone.head for bone in armature.pose.bones])
    return np.array(heads)


if __name__ == "__main__":
    own = sys.argv[sys.argv.index("--") + 1 :] if "--" in sys.argv else sys.argv[1:]
    for file in own[1:]:
        read(own[0], Path(file))
