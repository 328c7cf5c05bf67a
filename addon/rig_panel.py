# SPDX-License-Identifier: GPL-3.0-or-later
"""The part of the sidebar tab that says how motion goes onto rigs."""

from typing import Final

import bpy

from .mapping_operators import (
    TRACKSPINE_OT_edit_table,
    TRACKSPINE_OT_guess_bones,
    TRACKSPINE_OT_load_bones,
    TRACKSPINE_OT_save_bones,
)
from .rig_mapping import CHAINS
from .rig_operators import TRACKSPINE_OT_restore_action, TRACKSPINE_OT_retarget
from .sidebar import SubPanel, in_columns

_SURE: Final = 0.75
"""Certainty below which a guess is shown in red with its alternatives; where to ask is a choice."""


class RigPanel(SubPanel):
    """What both editors show."""

    bl_label = "Rig and Keys"

    def draw(self, context: bpy.types.Context) -> None:
        """Draw where motion goes, how it is keyed, and the way back."""
        layout = in_columns(self.layout)
        settings = context.scene.track_spine_rig
        layout.prop(settings, "layer")
        if settings.layer != "NONE":
            layout.column().prop(settings, "regions")
        if settings.layer == "ADD":
            layout.prop(settings, "from_first")
        layout.prop(settings, "keep_stages")
        layout.prop(settings, "reduce")
        if settings.reduce:
            layout.prop(settings, "angle_error")
            layout.prop(settings, "location_error")
        _draw_fit(layout, settings)
        row = layout.row(align=True)
        row.operator(TRACKSPINE_OT_retarget.bl_idname)
        row.operator(TRACKSPINE_OT_restore_action.bl_idname, text="", icon="LOOP_BACK")


class BonesPanel(SubPanel):
    """The table of bones."""

    bl_label = "Bones"

    def draw(self, context: bpy.types.Context) -> None:
        """Draw the guess, how sure it is, and what can be done with it."""
        layout = self.layout
        settings = context.scene.track_spine_rig
        row = layout.row(align=True)
        row.operator(TRACKSPINE_OT_guess_bones.bl_idname, icon="VIEWZOOM")
        row.operator(TRACKSPINE_OT_load_bones.bl_idname, text="", icon="FILE_FOLDER")
        row.operator(TRACKSPINE_OT_save_bones.bl_idname, text="", icon="FILE_TICK")
        row.operator(TRACKSPINE_OT_edit_table.bl_idname, text="", icon="X").row = -1
        if settings.table_of is None:
            layout.label(text="Bones are found out when motion is applied")
            return
        layout.label(text=f"{settings.table_of.name}: {settings.table_family}")
        for note in settings.table_notes.splitlines():
            layout.label(text=note, icon="INFO")
        _draw_table(layout, settings)


class TRACKSPINE_PT_view3d_rig(RigPanel, bpy.types.Panel):
    """The sub-panel in the 3D View."""

    bl_space_type = "VIEW_3D"
    bl_parent_id = "TRACKSPINE_PT_view3d"


class TRACKSPINE_PT_clip_editor_rig(RigPanel, bpy.types.Panel):
    """The sub-panel in the Clip Editor."""

    bl_space_type = "CLIP_EDITOR"
    bl_parent_id = "TRACKSPINE_PT_clip_editor"


class TRACKSPINE_PT_view3d_bones(BonesPanel, bpy.types.Panel):
    """The table in the 3D View."""

    bl_space_type = "VIEW_3D"
    bl_parent_id = "TRACKSPINE_PT_view3d"


class TRACKSPINE_PT_clip_editor_bones(BonesPanel, bpy.types.Panel):
    """The table in the Clip Editor."""

    bl_space_type = "CLIP_EDITOR"
    bl_parent_id = "TRACKSPINE_PT_clip_editor"


def _draw_fit(layout: bpy.types.UILayout, settings: bpy.types.PropertyGroup) -> None:
    # A column of sliders has no heading: its first name says what all are.
    column = layout.column(align=True)
    column.prop(settings, "lumbar", text="Bending Lumbar", slider=True)
    for name in ("thoracic", "cervical"):
        column.prop(settings, name, slider=True)
    column = layout.column(heading="Controls")
    for name in ("ik_arms", "ik_legs", "plant_feet"):
        column.prop(settings, name)
    layout.prop(settings, "hands_reach", slider=True)


def _draw_table(layout: bpy.types.UILayout, settings: bpy.types.PropertyGroup) -> None:
    column = layout.column(align=True)
    for number, row in enumerate(settings.table):
        unsure = row.certainty < _SURE
        line = column.row(align=True)
        line.alert = unsure
        split = line.split(factor=0.35, align=True)
        split.label(text=row.role)
        split.prop_search(row, "bone", settings.table_of.data, "bones", text="")
        if row.role in CHAINS:
            adds = line.operator(TRACKSPINE_OT_edit_table.bl_idname, text="", icon="ADD")
            adds.row, adds.add = number, True
        line.operator(TRACKSPINE_OT_edit_table.bl_idname, text="", icon="REMOVE").row = number
        if unsure and row.alternatives:
            column.label(text=f"or {row.alternatives}", icon="QUESTION")
