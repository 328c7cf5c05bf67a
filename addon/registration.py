# SPDX-License-Identifier: GPL-3.0-or-later
"""Everything that the extension adds to Blender, in order, and its removal."""

import bpy

from . import cli
from .export_operators import TRACKSPINE_OT_export
from .fetch_operator import TRACKSPINE_OT_fetch_model
from .mapping_operators import (
    TRACKSPINE_OT_edit_table,
    TRACKSPINE_OT_guess_bones,
    TRACKSPINE_OT_load_bones,
    TRACKSPINE_OT_save_bones,
)
from .modal import end_current_run
from .operators import (
    TRACKSPINE_OT_pick_person,
    TRACKSPINE_OT_stop,
    TRACKSPINE_OT_track,
)
from .panels import (
    TRACKSPINE_PT_clip_editor,
    TRACKSPINE_PT_clip_editor_footage,
    TRACKSPINE_PT_view3d,
    TRACKSPINE_PT_view3d_footage,
)
from .preferences import TRACKSPINE_AP_preferences
from .properties import TRACKSPINE_PG_settings
from .rig_operators import TRACKSPINE_OT_restore_action, TRACKSPINE_OT_retarget
from .rig_panel import (
    TRACKSPINE_PT_clip_editor_bones,
    TRACKSPINE_PT_clip_editor_rig,
    TRACKSPINE_PT_view3d_bones,
    TRACKSPINE_PT_view3d_rig,
)
from .rig_settings import TRACKSPINE_PG_rig, TRACKSPINE_PG_role

CLASSES = (
    TRACKSPINE_AP_preferences,
    TRACKSPINE_PG_settings,
    TRACKSPINE_PG_role,
    TRACKSPINE_PG_rig,
    TRACKSPINE_OT_track,
    TRACKSPINE_OT_stop,
    TRACKSPINE_OT_pick_person,
    TRACKSPINE_OT_fetch_model,
    TRACKSPINE_OT_export,
    TRACKSPINE_OT_retarget,
    TRACKSPINE_OT_restore_action,
    TRACKSPINE_OT_guess_bones,
    TRACKSPINE_OT_edit_table,
    TRACKSPINE_OT_save_bones,
    TRACKSPINE_OT_load_bones,
    TRACKSPINE_PT_view3d,
    TRACKSPINE_PT_clip_editor,
    TRACKSPINE_PT_view3d_footage,
    TRACKSPINE_PT_clip_editor_footage,
    TRACKSPINE_PT_view3d_rig,
    TRACKSPINE_PT_clip_editor_rig,
    TRACKSPINE_PT_view3d_bones,
    TRACKSPINE_PT_clip_editor_bones,
)

_command_handles: list[object] = []


def register() -> None:
    """Add classes, the scene's settings and the command."""
    for cls in CLASSES:
        bpy.utils.register_class(cls)
    bpy.types.Scene.track_spine = bpy.props.PointerProperty(type=TRACKSPINE_PG_settings)
    bpy.types.Scene.track_spine_rig = bpy.props.PointerProperty(type=TRACKSPINE_PG_rig)
    _command_handles.append(bpy.utils.register_cli_command(cli.COMMAND, cli.main))


def unregister() -> None:
    """Remove them, and end a worker that is still running."""
    end_current_run(bpy.context)
    while _command_handles:
        bpy.utils.unregister_cli_command(_command_handles.pop())
    del bpy.types.Scene.track_spine_rig
    del bpy.types.Scene.track_spine
    for cls in reversed(CLASSES):
        bpy.utils.unregister_class(cls)
