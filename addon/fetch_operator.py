# SPDX-License-Identifier: GPL-3.0-or-later
"""The button that downloads a network which others publish."""

import textwrap
from pathlib import Path

import bpy

from ..inference.protocol import Fetched, FetchRequest
from .errors import SourceError
from .job import TrackJob
from .modal import RunsWorker, current_job
from .models import POINT_MODELS, is_accepted, is_installed, published
from .preferences import ROOT, worker_command, worker_settings
from .process import Worker


class TRACKSPINE_OT_fetch_model(RunsWorker, bpy.types.Operator):
    """A download that the user has asked for and whose licence the user has seen."""

    bl_idname = "track_spine.fetch_model"
    bl_label = "Download Model"
    bl_description = "Download a network that others publish, after you have accepted its licence"

    model: bpy.props.EnumProperty(
        name="Model",
        description="Which network",
        items=[(model.name, model.name, str(model.terms)) for model in POINT_MODELS],
        options={"SKIP_SAVE"},
    )
    accept: bpy.props.BoolProperty(
        name="I Accept the Licence",
        description="Needed once for each licence of a publisher",
        options={"SKIP_SAVE"},
    )

    @classmethod
    def poll(cls, _context: bpy.types.Context) -> bool:
        """Say why the button is grey."""
        if current_job() is not None:
            cls.poll_message_set("The worker is busy")
        elif not bpy.app.online_access:
            cls.poll_message_set("Allow online access first: Preferences, System, Network")
        else:
            return True
        return False

    def invoke(self, context: bpy.types.Context, _event: bpy.types.Event) -> set[str]:
        """Show the licence, unless it was accepted before."""
        model = published(self.model)
        if is_accepted(model):
            self.accept = True
            return self.execute(context)
        return context.window_manager.invoke_props_dialog(self, width=460)

    def draw(self, _context: bpy.types.Context) -> None:
        """Draw the licence."""
        model = published(self.model)
        column = self.layout.column(align=True)
        column.label(text=f"{model.name}: {model.terms}", icon="INFO")
        for line in textwrap.wrap(model.terms.note, 72):
            column.label(text=line)
        column.label(text=model.url[:76])
        self.layout.operator("wm.url_open", text="Read the Licence").url = model.terms.address
        self.layout.prop(self, "accept")

    def start(self, _context: bpy.types.Context) -> TrackJob:
        """Start the worker on the download."""
        model = published(self.model)
        if not (self.accept or is_accepted(model)):
            raise SourceError(f"The licence {model.terms} was not accepted: nothing is downloaded")
        if not bpy.app.online_access:
            raise SourceError("Online access is off: allow it in Preferences, System, Network")
        command, python_path = worker_command()
        log = Path(bpy.app.tempdir, "track_spine_fetch.log")
        worker = Worker(command, ROOT, log, worker_settings(python_path))
        return TrackJob(worker, FetchRequest(model.name, str(model.terms)))

    def deliver(self, _context: bpy.types.Context, job: TrackJob) -> None:
        """Report where the network is."""
        if not isinstance(job.outcome, Fetched):
            job.result()  # raises what went wrong
        self.report({"INFO"}, f"{self.model} is here: choose it in the panel, Footage and Model")


def draw_models(layout: bpy.types.UILayout) -> None:
    """Draw the networks of others with their buttons, for the preferences.

    Args:
        layout: Where to.
    """
    job = current_job()
    if job is not None:
        row = layout.row(align=True)
        row.progress(factor=job.fraction, text=job.status)
        row.operator("track_spine.stop", text="", icon="CANCEL")
    layout.label(text="Models of others, not for commercial use (see each licence):")
    column = layout.column(align=True)
    for model in POINT_MODELS:
        row = column.row()
        row.label(text=model.name, icon="CHECKMARK" if is_installed(model) else "BLANK1")
        row.label(text=model.terms.licence)
        if is_installed(model):
            row.label(text="Installed")
        else:
            row.operator(TRACKSPINE_OT_fetch_model.bl_idname, text="Download").model = model.name
