# SPDX-License-Identifier: GPL-3.0-or-later
"""The way out of Blender."""

from pathlib import Path
from typing import ClassVar

import bpy
from bpy_extras.io_utils import ExportHelper

from .export import WRITERS, export_people
from .export_presets import PRESETS
from .modal import ReportsErrors

_FORMATS = (
    (".fbx", "FBX", "Game engines and most animation programs"),
    (".glb", "glTF", "Godot, the web, and game engines"),
    (".usd", "USD", "Film pipelines"),
    (".bvh", "BVH", "Motion only, a plain text format; Z up, metres"),
)
_AS_IT_IS = "AS_IT_IS"
_PRESETS = (
    (_AS_IT_IS, "As It Is", "The armature's own bones, at the scene's frame rate"),
    *((key, preset.label, preset.description) for key, preset in PRESETS.items()),
)


class TRACKSPINE_OT_export(ReportsErrors, ExportHelper, bpy.types.Operator):
    """Write the armatures that are selected, a file each."""

    bl_idname = "track_spine.export"
    bl_label = "Export Motion"
    bl_description = "Write the selected armatures and their animation, a file each"
    bl_options: ClassVar = {"PRESET"}

    format: bpy.props.EnumProperty(
        name="Format",
        description="Format of the file. A suffix that is given counts more",
        items=_FORMATS,
        default=".fbx",
    )
    preset: bpy.props.EnumProperty(
        name="For",
        description="The program that the file is for",
        items=_PRESETS,
        default=_AS_IT_IS,
    )
    filter_glob: bpy.props.StringProperty(
        default=";".join(f"*{suffix}" for suffix in WRITERS), options={"HIDDEN"}
    )

    @property
    def filename_ext(self) -> str:
        """What the file browser appends."""
        return self.format

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Say why the button is grey."""
        active = context.active_object
        if active is None or active.type != "ARMATURE":
            cls.poll_message_set("Make the armature to export the active object")
            return False
        return True

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Write the files."""
        return self.attempt(lambda: self._write(context))

    def _write(self, context: bpy.types.Context) -> set[str]:
        path = Path(bpy.path.abspath(self.filepath))
        if path.suffix.lower() not in WRITERS:
            path = path.with_name(path.name + self.format)
        active = context.active_object
        others = [
            one for one in context.selected_objects if one.type == "ARMATURE" and one != active
        ]
        written = export_people(context, [active, *others], path, PRESETS.get(self.preset))
        self.report({"INFO"}, f"Wrote {', '.join(map(str, written))}")
        return {"FINISHED"}
