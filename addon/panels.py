# SPDX-License-Identifier: GPL-3.0-or-later
"""The sidebar tab, the same in the 3D View and in the Clip Editor."""

import textwrap
from typing import Final

import bpy

from .export_operators import TRACKSPINE_OT_export
from .modal import current_job
from .operators import (
    TRACKSPINE_OT_pick_person,
    TRACKSPINE_OT_stop,
    TRACKSPINE_OT_track,
)
from .run import active_clip, chosen_target
from .sidebar import SidebarPanel, SubPanel, in_columns

LINE_CHARS: Final = 38
"""Characters in a line of a sidebar as wide as Blender opens it."""


class TrackPanel(SidebarPanel):
    """What both editors show."""

    bl_label = "Track Spine"

    def draw_source(self, context: bpy.types.Context, layout: bpy.types.UILayout) -> None:
        """Draw which clip is tracked."""
        raise NotImplementedError

    def draw(self, context: bpy.types.Context) -> None:
        """Draw settings, button or progress, and the report of the last run."""
        layout = in_columns(self.layout)
        settings = context.scene.track_spine
        fields = layout.column()
        fields.enabled = current_job() is None
        fields.row().prop(settings, "source", expand=True)
        if settings.source == "CLIP":
            self.draw_source(context, fields)
            _draw_sequence_rate(fields, settings, active_clip(context))
        fields.prop(settings, "subject_height")
        fields.prop(settings, "people")
        if settings.source == "CLIP" and settings.people == "ONE":
            _draw_subject_point(fields, settings)
        fields.prop(settings, "target", placeholder=_target_hint(context))
        _draw_run(layout)
        _draw_report(layout, settings)


class TRACKSPINE_PT_view3d(TrackPanel, bpy.types.Panel):
    """The tab in the 3D View."""

    bl_space_type = "VIEW_3D"

    def draw_source(self, context: bpy.types.Context, layout: bpy.types.UILayout) -> None:
        """Choose the clip, since no clip is in sight here."""
        layout.template_ID(context.scene.track_spine, "clip", open="clip.open")


class TRACKSPINE_PT_clip_editor(TrackPanel, bpy.types.Panel):
    """The tab in the Clip Editor."""

    bl_space_type = "CLIP_EDITOR"

    def draw_source(self, context: bpy.types.Context, layout: bpy.types.UILayout) -> None:
        """Nothing to choose: the editor's own clip is tracked."""
        layout.template_ID(context.space_data, "clip", open="clip.open")


class FootagePanel(SubPanel):
    """Which part is tracked, and with what."""

    bl_label = "Footage and Model"

    def draw(self, context: bpy.types.Context) -> None:
        """Draw the part of the footage."""
        layout = in_columns(self.layout)
        layout.enabled = current_job() is None
        settings = context.scene.track_spine
        _draw_part(layout, settings)
        layout.prop(settings, "filmed_by")
        layout.prop(settings, "model")
        if settings.last_engine:
            column = layout.column(align=True)
            _draw_text(column, f"Last run: {settings.last_engine}")


class TRACKSPINE_PT_view3d_footage(FootagePanel, bpy.types.Panel):
    """The sub-panel in the 3D View."""

    bl_space_type = "VIEW_3D"
    bl_parent_id = "TRACKSPINE_PT_view3d"


class TRACKSPINE_PT_clip_editor_footage(FootagePanel, bpy.types.Panel):
    """The sub-panel in the Clip Editor."""

    bl_space_type = "CLIP_EDITOR"
    bl_parent_id = "TRACKSPINE_PT_clip_editor"


def _draw_sequence_rate(
    layout: bpy.types.UILayout,
    settings: bpy.types.PropertyGroup,
    clip: bpy.types.MovieClip | None,
) -> None:
    if clip is not None and clip.source == "SEQUENCE":
        layout.prop(settings, "sequence_rate")


def _draw_part(layout: bpy.types.UILayout, settings: bpy.types.PropertyGroup) -> None:
    column = layout.column()
    column.prop(settings, "part")
    if settings.part == "FRAMES":
        column.prop(settings, "part_frames", text="First, Last")
    elif settings.part == "SECONDS":
        column.prop(settings, "part_seconds", text="From, To")


def _target_hint(context: bpy.types.Context) -> str:
    selected = chosen_target(context)
    return f"{selected} (selected)" if selected else "New armature"


def _draw_subject_point(layout: bpy.types.UILayout, settings: bpy.types.PropertyGroup) -> None:
    row = layout.row(heading="Choose")
    row.prop(settings, "use_subject_point", text="Pick")
    row.operator(TRACKSPINE_OT_pick_person.bl_idname, text="", icon="EYEDROPPER")
    if settings.use_subject_point:
        layout.prop(settings, "subject_point")
        layout.prop(settings, "subject_frame")


def _draw_run(layout: bpy.types.UILayout) -> None:
    job = current_job()
    if job is None:
        row = layout.row()
        row.scale_y = 1.6
        row.operator(TRACKSPINE_OT_track.bl_idname, icon="ARMATURE_DATA")
        return
    row = layout.row(align=True)
    row.progress(factor=job.fraction, text=job.status)
    row.operator(TRACKSPINE_OT_stop.bl_idname, text="", icon="CANCEL")


def _draw_report(layout: bpy.types.UILayout, settings: bpy.types.PropertyGroup) -> None:
    if settings.last_report:
        box = layout.box().column(align=True)
        for line in settings.last_report.splitlines():
            _draw_text(box, line)
        box.operator("wm.path_open", text="Open Take Folder").filepath = settings.last_take
    layout.operator(TRACKSPINE_OT_export.bl_idname)


def _draw_text(layout: bpy.types.UILayout, text: str) -> None:
    for line in textwrap.wrap(text, LINE_CHARS):
        layout.label(text=line)
