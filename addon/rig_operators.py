# SPDX-License-Identifier: GPL-3.0-or-later
"""The user's actions on rigs: put a take on another one, and go back to what was there."""

from pathlib import Path
from typing import ClassVar

import bpy

from .delivery import LIFTED, apply_take
from .modal import ReportsErrors
from .restore import RECORD, restore
from .run import chosen_target


class TRACKSPINE_OT_retarget(ReportsErrors, bpy.types.Operator):
    """The same motion on another rig, or on the same one with other settings."""

    bl_idname = "track_spine.retarget"
    bl_label = "Apply Take"
    bl_description = "Put the motion of the last take on the armature, without tracking again"
    bl_options: ClassVar = {"REGISTER", "UNDO"}

    take: bpy.props.StringProperty(
        name="Take Folder",
        description="Folder of a finished take. Empty takes the last one",
        subtype="DIR_PATH",
        options={"SKIP_SAVE", "HIDDEN"},
    )
    target: bpy.props.StringProperty(
        name="Armature",
        description="Name of the armature object to animate. Empty takes the selected one",
        options={"SKIP_SAVE", "HIDDEN"},
    )

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Say why the button is grey."""
        last = context.scene.track_spine.last_take
        if context.area is not None and not (last and Path(last, LIFTED).is_file()):
            cls.poll_message_set("Track a clip first")
            return False
        return True

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Animate the armature."""
        return self.attempt(lambda: self._apply(context))

    def _apply(self, context: bpy.types.Context) -> set[str]:
        take = Path(bpy.path.abspath(self.take or context.scene.track_spine.last_take))
        played, warnings = apply_take(context, take, self.target or chosen_target(context))
        for warning in (*warnings, *(warning for one in played for warning in one.warnings)):
            self.report({"WARNING"}, warning)
        self.report({"INFO"}, f"Made {', '.join(one.action for one in played)}")
        return {"FINISHED"}


class TRACKSPINE_OT_restore_action(ReportsErrors, bpy.types.Operator):
    """The way back to the earlier action."""

    bl_idname = "track_spine.restore_action"
    bl_label = "Restore Earlier Action"
    bl_description = (
        "Put back the action that moved the armature before, and its switches as they stood. "
        "The tracked action stays in the file"
    )
    bl_options: ClassVar = {"REGISTER", "UNDO"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Say why the button is grey."""
        active = context.active_object
        animation = active.animation_data if active else None
        if not (animation and animation.action and RECORD in animation.action):
            cls.poll_message_set("The active object has no action that Track Spine made")
            return False
        return True

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Put it back."""
        return self.attempt(lambda: self._restore(context))

    def _restore(self, context: bpy.types.Context) -> set[str]:
        name = restore(context.active_object)
        self.report({"INFO"}, f"Back to {name}" if name else "There was no action before: none now")
        return {"FINISHED"}
