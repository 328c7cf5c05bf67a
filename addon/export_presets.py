# SPDX-License-Identifier: GPL-3.0-or-later
"""What other programs expect of a file with an animated skeleton."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from .export_names import BoneNames


@dataclass(frozen=True)
class ExportPreset:
    """How a program wants a skeleton.

    Attributes:
        label: Name in menus.
        description: What it does, for menus.
        object_name: Name of the armature node in the file; empty keeps the object's.
        root_bone: Bone at the armature's origin that is put above all others; empty for none.
        rate_hz: Frames a second to sample at.
        names: Bone names for rigs that Track Spine made.
        fbx: Settings of Blender's FBX exporter.
    """

    label: str
    description: str
    object_name: str
    root_bone: str
    rate_hz: int
    names: BoneNames
    fbx: Mapping[str, Any]


# Names: Epic's mannequin skeleton (SK_Mannequin), extra segments numbered on.
_UNREAL_NAMES: Final = BoneNames(
    pelvis="pelvis",
    spine=("spine_01", "spine_02", "spine_03", "spine_04", "spine_05", "spine_06"),
    neck=("neck_01", "neck_02"),
    head="head",
    limbs={
        "clavicle": "clavicle_{side}",
        "upper_arm": "upperarm_{side}",
        "forearm": "lowerarm_{side}",
        "hand": "hand_{side}",
        "thigh": "thigh_{side}",
        "shin": "calf_{side}",
        "foot": "foot_{side}",
        "toe": "ball_{side}",
    },
    sides=("l", "r"),
)
# Names: Unity's HumanBodyBones and Godot's SkeletonProfileHumanoid, which agree but for the toes.
_HUMANOID_LIMBS: Final = {
    "clavicle": "{side}Shoulder",
    "upper_arm": "{side}UpperArm",
    "forearm": "{side}LowerArm",
    "hand": "{side}Hand",
    "thigh": "{side}UpperLeg",
    "shin": "{side}LowerLeg",
    "foot": "{side}Foot",
    "toe": "{side}Toes",
}
_HUMANOID_NAMES: Final = BoneNames(
    pelvis="Hips",
    spine=("Spine", "Chest", "UpperChest"),
    neck=("Neck",),
    head="Head",
    limbs=_HUMANOID_LIMBS,
    sides=("Left", "Right"),
)

PRESETS: Final[Mapping[str, ExportPreset]] = {
    "UNREAL": ExportPreset(
        label="Unreal",
        description="Mannequin names, a root bone, 30 frames a second",
        object_name="Armature",  # Unreal's importer drops a node of this name, no other
        root_bone="root",
        rate_hz=30,
        names=_UNREAL_NAMES,
        fbx={},  # its importer turns the file's axes and units into its own
    ),
    "UNITY": ExportPreset(
        label="Unity",
        description="Humanoid names, metres as the file's unit, 30 frames a second",
        object_name="",
        root_bone="",
        rate_hz=30,
        names=_HUMANOID_NAMES,
        # Unity reads the file's unit only so; otherwise every object arrives scaled by 100.
        fbx={"apply_scale_options": "FBX_SCALE_UNITS"},
    ),
    "GODOT": ExportPreset(
        label="Godot",
        description="Humanoid profile names, a root bone, 30 frames a second",
        object_name="",
        root_bone="Root",
        rate_hz=30,
        names=_HUMANOID_NAMES,
        fbx={},
    ),
}
