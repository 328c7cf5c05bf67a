# SPDX-License-Identifier: GPL-3.0-or-later
"""The rigs of the data folder, read with Blender: files of its importers, and MPFB's own."""

import json
from pathlib import Path
from typing import Final

import bpy
import numpy as np
from track_spine.addon.rig_reading import parent_indices
from track_spine.rigging.matching import BY_STRUCTURE, Match, identify
from track_spine.rigging.target import TargetRig

ARCHIVE: Final = Path(__file__).resolve().parents[2] / "shared" / "data" / "rigs" / "rigs.zip"

_M2M: Final = "mesh2motion/"
_STANDARD: Final = "mpfb2/src/mpfb/data/rigs/standard/rig.%s.json"
UPRIGHT: Final = {
    "kaykit/addons/kaykit_character_pack_adventures/Characters/gltf/Barbarian.glb": BY_STRUCTURE,
    "xbot_ybot/models/Xbot.glb": "Mixamo",
    "xbot_ybot/models/Ybot.glb": "Mixamo",
    "godot/3d/ragdoll_physics/characters/mannequiny.glb": "Unreal",
    "godot/3d/platformer/player/player.glb": BY_STRUCTURE,
    _M2M + "animation-converters/bvh/input.bvh": "CMU",
    _M2M + "static/blender/skeleton-mecanim-full.blend": "Mixamo",
    _M2M + "static/blender/human.blend": "Mesh2Motion",
    _M2M + "static/skeletons/human-skeleton.glb": "Mesh2Motion",
    _M2M + "static/animations/CarnegieMellonAnimations/91_48.fbx": "Poser and CMU",
    _STANDARD % "default": "MakeHuman",
    _STANDARD % "default_no_toes": "MakeHuman",
    _STANDARD % "game_engine": "Unreal",
    _STANDARD % "game_engine_with_breast": "Unreal",
    _STANDARD % "cmu_mb": "CMU",
    _STANDARD % "mixamo": "Mixamo",
    _STANDARD % "mixamo_unity": "Mixamo",
    "mpfb2/src/mpfb/data/rigs/rigify/rig.human.json": "Rigify",
    "mpfb2/src/mpfb/data/rigs/rigify/rig.human_toes.json": "Rigify",
}
"""The family that each is told as."""
REFUSED: Final = {
    "fox/assets/models/animated/Fox.glb": "upright",
    _M2M + "static/blender/bird.blend": "upright",
    _M2M + "static/skeletons/skeleton-bird.glb": "upright",
    _M2M + "static/skeletons/skeleton-quadraped.glb": "upright",
    # Its shins end at the ankle and its feet hang from the root, moved by constraints.
    "brainstem_robotexpressive/public/RobotExpressive.glb": "two legs",
    # Points of a picture, which hang from several roots.
    _STANDARD % "openpose": "two legs",
}
"""What the refusal of each says."""


def open_rig(path: Path) -> bpy.types.Object:
    """Open the armature of a file, alone or with what else is in it.

    Args:
        path: A .blend, .glb, .fbx, .bvh, or .json of MPFB.

    Returns:
        The armature object.
    """
    if path.suffix == ".blend":
        bpy.ops.wm.open_mainfile(filepath=str(path))
    else:
        bpy.ops.wm.read_factory_settings(use_empty=True)
        if path.suffix == ".json":
            return _build(json.loads(path.read_text("utf-8")))
        reader = {".glb": bpy.ops.import_scene.gltf, ".fbx": bpy.ops.import_scene.fbx}
        reader.get(path.suffix, bpy.ops.import_anim.bvh)(filepath=str(path))
    bpy.context.view_layer.update()
    return next(o for o in bpy.data.objects if o.type == "ARMATURE")


def read_rig(armature: bpy.types.Object) -> tuple[TargetRig, Match]:
    """Read an armature and find out what its bones are.

    Args:
        armature: The armature object.

    Returns:
        The rig, and how sure its roles are.

    Raises:
        RigError: It is no upright body.
    """
    bones = list(armature.data.bones)
    names = tuple(bone.name for bone in bones)
    parents = parent_indices(bones)
    rest = np.array([bone.matrix_local for bone in bones], dtype=np.float64)
    world = np.array(armature.matrix_world, dtype=np.float64)
    found = identify(names, parents, rest[:, :3, 3] @ world[:3, :3].T + world[:3, 3])
    length = np.array([bone.length for bone in bones])
    return TargetRig(names, np.array(parents), rest, length, world, found.roles), found


def _build(content: dict) -> bpy.types.Object:
    """Make an armature of MPFB's table of bones, in the shape of its basic figure."""
    table = content.get("bones", content)
    armature = bpy.data.objects.new("MPFB", bpy.data.armatures.new("MPFB"))
    bpy.context.collection.objects.link(armature)
    bpy.context.view_layer.objects.active = armature
    bpy.ops.object.mode_set(mode="EDIT")
    edit = armature.data.edit_bones
    for name, bone in table.items():
        made = edit.new(name)
        made.head, made.tail = (bone[end]["default_position"] for end in ("head", "tail"))
        made.roll = bone["roll"]
    for name, bone in table.items():
        edit[name].parent = edit.get(bone["parent"]) if bone.get("parent") else None
    bpy.ops.object.mode_set(mode="OBJECT")
    bpy.context.view_layer.update()
    return armature
