# SPDX-License-Identifier: GPL-3.0-or-later
"""What a run is asked to do: gathered and checked before the worker starts."""

from dataclasses import dataclass
from pathlib import Path

import bpy

from .. import __package__ as base_package
from ..inference.protocol import TrackRequest
from ..rigging.errors import RigError
from .armature import find_armature, read_target
from .errors import SourceError, TargetError
from .job import TrackJob
from .preferences import ROOT, worker_command
from .process import Worker, worker_environment
from .take_folder import make_folder, take_folder

LOG_NAME = "worker.log"
TAKES_NAME = "track_spine_takes"


@dataclass(frozen=True)
class Run:
    """A run, told by names and paths: references to Blender's data die with undo.

    Attributes:
        request: What the worker is asked.
        clip: Name of the movie clip; empty when the footage is not loaded yet.
        target: Name of the armature object to animate; empty for a new one.
    """

    request: TrackRequest
    clip: str
    target: str

    @property
    def name(self) -> str:
        """Name of the footage, which the things made are named for."""
        return Path(self.request.video).stem


def clip_path(clip: bpy.types.MovieClip) -> Path:
    """Find the file of a movie clip.

    Args:
        clip: The clip.

    Returns:
        Its absolute path.

    Raises:
        SourceError: It is an image sequence.
    """
    if clip.source != "MOVIE":
        raise SourceError(
            f"Clip {clip.name!r} is an image sequence, and only movie files can be tracked: "
            "render it to a movie file first"
        )
    return Path(bpy.path.abspath(clip.filepath, library=clip.library)).resolve()


def active_clip(context: bpy.types.Context) -> bpy.types.MovieClip | None:
    """Find the clip that the user means: the editor's own, the panel's, or the scene's.

    Args:
        context: Any context.

    Returns:
        The clip, if there is one.
    """
    space = context.space_data
    in_editor = space.clip if space is not None and space.type == "CLIP_EDITOR" else None
    return in_editor or context.scene.track_spine.clip or context.scene.active_clip


def chosen_target(context: bpy.types.Context) -> str:
    """Find the armature that the user means: the panel's, or the active one if it is selected.

    Args:
        context: Any context.

    Returns:
        Its name; empty for a new armature.
    """
    active = context.view_layer.objects.active
    selected = active if active and active.type == "ARMATURE" and active.select_get() else None
    chosen = context.scene.track_spine.target
    if chosen is not None and chosen.name not in context.view_layer.objects:
        chosen = None  # deleted since, though the setting keeps it in the file
    target = chosen or selected
    return target.name if target else ""


def default_take(video: Path, subject_px: tuple[float, float] | None) -> Path:
    """Name the take folder of a clip: beside the .blend, or in the user's folder.

    Args:
        video: Absolute path of the clip.
        subject_px: The point that picks the person.

    Returns:
        Absolute path; not created yet.
    """
    if bpy.data.filepath:
        home = Path(bpy.data.filepath).parent / TAKES_NAME
    elif base_package.startswith("bl_ext."):
        home = Path(bpy.utils.extension_path_user(base_package, path="takes"))
    else:  # run from a source checkout, which has no folder of an extension
        home = Path(bpy.utils.user_resource("DATAFILES"), TAKES_NAME)
    return take_folder(video, subject_px, home)


def start_worker(context: bpy.types.Context, run: Run) -> TrackJob:
    """Check what can be checked at once, then start the worker.

    Args:
        context: Any context.
        run: What to do.

    Returns:
        The job to step.

    Raises:
        TargetError: The armature is not there, lacks bones or cannot be animated.
        OutputError: The take folder cannot be made.
        WorkerError: The worker cannot be started.
    """
    if run.target:
        _require_fit(context, run.target)
    take = Path(run.request.take)
    make_folder(take)
    command, python_path = worker_command()
    worker = Worker(command, ROOT, take / LOG_NAME, worker_environment(python_path))
    return TrackJob(worker, run.request)


def _require_fit(context: bpy.types.Context, name: str) -> None:
    try:
        read_target(find_armature(context, name), context.scene)
    except RigError as error:
        raise TargetError(
            f"Armature {name!r} cannot take the motion: {error} To get a new armature instead, "
            "leave the field empty and no armature selected"
        ) from error
