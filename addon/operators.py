# SPDX-License-Identifier: GPL-3.0-or-later
"""The user's actions."""

from typing import ClassVar

import bpy

from .delivery import deliver
from .footage import footage_pixel
from .job import TrackJob
from .modal import SIDEBAR_EDITORS, RunsWorker, current_job
from .request import gather, missing_footage
from .run import chosen_target, start_worker


class TRACKSPINE_OT_track(RunsWorker, bpy.types.Operator):
    """The one big button."""

    bl_idname = "track_spine.track"
    bl_label = "Track Spine"
    bl_description = "Track the person in a clip and animate an armature with the motion"
    bl_options: ClassVar = {"REGISTER", "UNDO"}

    filepath: bpy.props.StringProperty(
        name="File Path",
        description="Movie file to track. Empty tracks the active movie clip",
        subtype="FILE_PATH",
        options={"SKIP_SAVE", "HIDDEN"},
    )
    subject_height: bpy.props.FloatProperty(
        name="Subject Height",
        description="Standing height of the person. 0 takes the one of the panel",
        min=0.0,
        subtype="DISTANCE",
        unit="LENGTH",
        options={"SKIP_SAVE", "HIDDEN"},
    )
    target: bpy.props.StringProperty(
        name="Armature",
        description="Name of the armature object to animate. Empty makes a new one",
        options={"SKIP_SAVE", "HIDDEN"},
    )
    take: bpy.props.StringProperty(
        name="Take Folder",
        description="Folder that keeps what is computed. Empty chooses one for the clip",
        subtype="DIR_PATH",
        options={"SKIP_SAVE", "HIDDEN"},
    )

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Say why the button is grey."""
        in_panel = context.area is not None and context.area.type in SIDEBAR_EDITORS
        missing = missing_footage(context) if in_panel else ""  # a script may name a file
        if current_job() is not None:
            missing = "A clip is being tracked already"
        if missing:
            cls.poll_message_set(missing)
        return not missing

    def invoke(self, context: bpy.types.Context, _event: bpy.types.Event) -> set[str]:
        """Take what the panel shows as the settings of this run."""
        self.target = self.target or chosen_target(context)
        return self.execute(context)

    def start(self, context: bpy.types.Context) -> TrackJob:
        """Start the worker on what the properties and the panel say."""
        given = self.filepath, self.take, self.subject_height, self.target
        self._run_order = gather(context, *given)
        return start_worker(context, self._run_order)

    def deliver(self, context: bpy.types.Context, job: TrackJob) -> None:
        """Animate the armature and report what was made."""
        result = job.result()
        report = deliver(context, self._run_order, result)
        context.scene.track_spine.last_engine = result.engine
        for warning in report.warnings:
            self.report({"WARNING"}, warning)
        self.report({"INFO"}, f"{report.summary}: {', '.join(report.armatures)}")


class TRACKSPINE_OT_stop(bpy.types.Operator):
    """The end of the run that is going on."""

    bl_idname = "track_spine.stop"
    bl_label = "Stop"
    bl_description = "Stop tracking. What was computed is kept, and the next run goes on from there"

    @classmethod
    def poll(cls, _context: bpy.types.Context) -> bool:
        """There is something to stop."""
        return current_job() is not None

    def execute(self, _context: bpy.types.Context) -> set[str]:
        """Ask the worker to stop; a second time, end it."""
        job = current_job()
        if job is not None:
            job.request_stop()
        return {"FINISHED"}


class TRACKSPINE_OT_pick_person(bpy.types.Operator):
    """The eyedropper of the subject point."""

    bl_idname = "track_spine.pick_person"
    bl_label = "Pick Person"
    bl_description = (
        "Click on the person to follow, in a frame that shows it clearly: tracking begins there"
    )
    bl_options: ClassVar = {"REGISTER", "UNDO"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Points can be picked where the footage is shown."""
        space = context.space_data
        if space is None or space.type != "CLIP_EDITOR" or space.clip is None:
            cls.poll_message_set("Open the clip in the Clip Editor to pick a person in it")
            return False
        return True

    def invoke(self, context: bpy.types.Context, _event: bpy.types.Event) -> set[str]:
        """Wait for the click."""
        context.window.cursor_modal_set("EYEDROPPER")
        context.workspace.status_text_set("Click on the person to follow   |   Esc: Cancel")
        context.window_manager.modal_handler_add(self)
        return {"RUNNING_MODAL"}

    def modal(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        """Take the point that is clicked."""
        if event.type in {"ESC", "RIGHTMOUSE"}:
            self.cancel(context)
            return {"CANCELLED"}
        if event.type != "LEFTMOUSE" or event.value != "PRESS":
            return {"PASS_THROUGH"}
        region = next(region for region in context.area.regions if region.type == "WINDOW")
        mouse = event.mouse_x - region.x, event.mouse_y - region.y
        view = region.view2d.region_to_view(*mouse)
        if not (0.0 <= view[0] <= 1.0 and 0.0 <= view[1] <= 1.0):
            return {"RUNNING_MODAL"}  # beside the picture: wait for a click in it
        self.cancel(context)
        settings = context.scene.track_spine
        settings.subject_point = footage_pixel(view, context.space_data.clip.size)
        settings.subject_frame = context.scene.frame_current
        settings.use_subject_point = True
        context.area.tag_redraw()
        return {"FINISHED"}

    def cancel(self, context: bpy.types.Context) -> None:
        """Put the cursor and the status bar back."""
        context.window.cursor_modal_restore()
        context.workspace.status_text_set(None)
