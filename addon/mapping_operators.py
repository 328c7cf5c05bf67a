# SPDX-License-Identifier: GPL-3.0-or-later
"""The user's actions on the table of bones: guess, edit, save, load."""

from pathlib import Path
from typing import ClassVar

import bpy
from bpy_extras.io_utils import ExportHelper, ImportHelper

from ..rigging.presets import preset_text, read_preset
from .armature import find_armature, identify_bones, read_target
from .errors import OutputError, SourceError
from .export import require_writable
from .modal import ReportsErrors
from .rig_mapping import CHAINS, assignment_of, show_match, show_roles
from .rig_reading import parent_indices
from .run import chosen_target


class NeedsRig(ReportsErrors):
    """Mix-in of operators on the bones of the chosen armature."""

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Say why the button is grey."""
        if not chosen_target(context):
            cls.poll_message_set("Choose or select an armature first")  # type: ignore[attr-defined]
            return False
        return True


class TRACKSPINE_OT_guess_bones(NeedsRig, bpy.types.Operator):
    """Which bone plays which part."""

    bl_idname = "track_spine.guess_bones"
    bl_label = "Guess Bones"
    bl_description = "Find out which bone plays which part, and how sure that is"
    bl_options: ClassVar = {"REGISTER", "UNDO"}

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Fill the table."""
        return self.attempt(lambda: self._guess(context))

    def _guess(self, context: bpy.types.Context) -> set[str]:
        armature = find_armature(context, chosen_target(context))
        match = identify_bones(armature, context.scene)
        show_match(context.scene.track_spine_rig, armature, match)
        self.report({"INFO"}, f"{armature.name} looks like a {match.family} rig")
        return {"FINISHED"}


class TRACKSPINE_OT_edit_table(bpy.types.Operator):
    """Rows of the spine and the neck come and go; the whole table can be dropped."""

    bl_idname = "track_spine.edit_table"
    bl_label = "Edit Table"
    bl_description = "Add or take away a row of the table, or drop the table"
    bl_options: ClassVar = {"REGISTER", "UNDO", "INTERNAL"}

    row: bpy.props.IntProperty(
        name="Row", description="The row; -1 drops the table", default=-1, options={"SKIP_SAVE"}
    )
    add: bpy.props.BoolProperty(
        name="Add", description="Add a row of the same part above it", options={"SKIP_SAVE"}
    )

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Change the table."""
        settings = context.scene.track_spine_rig
        if not 0 <= self.row < len(settings.table):
            settings.table.clear()
            settings.table_of = None
        elif self.add and settings.table[self.row].role in CHAINS:
            role = settings.table[self.row].role
            settings.table.add().role = role
            settings.table.move(len(settings.table) - 1, self.row + 1)
        else:
            settings.table.remove(self.row)
        return {"FINISHED"}


class TRACKSPINE_OT_save_bones(NeedsRig, ExportHelper, bpy.types.Operator):
    """The table as a file to share."""

    bl_idname = "track_spine.save_bones"
    bl_label = "Save Bone Table"
    bl_description = "Save which bone plays which part, to load it for rigs of the same kind"
    filename_ext = ".json"
    filter_glob: bpy.props.StringProperty(default="*.json", options={"HIDDEN"})

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Write the file."""
        return self.attempt(lambda: self._save(context))

    def _save(self, context: bpy.types.Context) -> set[str]:
        armature = find_armature(context, chosen_target(context))
        table = assignment_of(context.scene.track_spine_rig, armature.name)
        roles = read_target(armature, context.scene, table).roles
        path = Path(bpy.path.abspath(self.filepath))
        require_writable(path)
        partial = path.with_name(f".{path.name}.partial")
        try:
            partial.write_text(preset_text(roles, path.stem), "utf-8")
            partial.replace(path)
        except OSError as error:
            raise OutputError(f"Cannot write {path}: {error.strerror or error}") from error
        finally:
            partial.unlink(missing_ok=True)
        self.report({"INFO"}, f"Wrote {path}")
        return {"FINISHED"}


class TRACKSPINE_OT_load_bones(NeedsRig, ImportHelper, bpy.types.Operator):
    """A table that somebody saved."""

    bl_idname = "track_spine.load_bones"
    bl_label = "Load Bone Table"
    bl_description = "Load which bone plays which part from a file"
    bl_options: ClassVar = {"REGISTER", "UNDO"}
    filename_ext = ".json"
    filter_glob: bpy.props.StringProperty(default="*.json", options={"HIDDEN"})

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Read the file."""
        return self.attempt(lambda: self._load(context))

    def _load(self, context: bpy.types.Context) -> set[str]:
        armature = find_armature(context, chosen_target(context))
        path = Path(bpy.path.abspath(self.filepath))
        try:
            text = path.read_text("utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise SourceError(f"Cannot read {path}: {error}") from error
        bones = list(armature.data.bones)
        roles = read_preset(text, [bone.name for bone in bones], parent_indices(bones))
        show_roles(context.scene.track_spine_rig, armature, roles)
        return {"FINISHED"}
