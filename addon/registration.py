# SPDX-License-Identifier: GPL-3.0-or-later
"""Everything that the extension adds to Blender, in order, and its removal."""

import bpy

from . import cli
from .modal import end_current_run
from .operators import (
    TRACKSPINE_OT_export_fbx,
    TRACKSPINE_OT_pick_person,
    TRACKSPINE_OT_stop,
    TRACKSPINE_OT_track,
)
from .panels import TRACKSPINE_PT_clip_editor, TRACKSPINE_PT_view3d
from .preferences import TRACKSPINE_AP_preferences
from .properties import TRACKSPINE_PG_settings

CLASSES = (
    TRACKSPINE_AP_preferences,
    TRACKSPINE_PG_settings,
    TRACKSPINE_OT_track,
    TRACKSPINE_OT_stop,
    TRACKSPINE_OT_pick_person,
    TRACKSPINE_OT_export_fbx,
    TRACKSPINE_PT_view3d,
    TRACKSPINE_PT_clip_editor,
)

_command_handles: list[object] = []


def register() -> None:
    """Add classes, the scene's settings and the command."""
    for cls in CLASSES:
        bpy.utils.register_class(cls)
    bpy.types.Scene.track_spine = bpy.props.PointerProperty(type=TRACKSPINE_PG_settings)
    _command_handles.append(bpy.utils.register_cli_command(cli.COMMAND, cli.main))


def unregister() -> None:
    """Remove them, and end a worker that is still running."""
    end_current_run(bpy.context)
    while _command_handles:
        bpy.utils.unregister_cli_command(_command_handles.pop())
    del bpy.types.Scene.track_spine
    for cls in reversed(CLASSES):
        bpy.utils.unregister_class(cls)
