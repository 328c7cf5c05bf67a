# SPDX-License-Identifier: GPL-3.0-or-later
"""What a run is asked to do: gathered and checked before the worker starts."""

from dataclasses import dataclass
from pathlib import Path

import bpy

from .. import __package__ as base_package
from ..inference.protocol import TrackRequest
from ..rigging.errors import RigError
from .armature import find_armature, read_target
from .errors import AddonError, TargetError
from .frame_feed import FrameFeed
from .job import TrackJob
from .preferences import ROOT, worker_command, worker_settings
from .process import Worker
from .rig_mapping import assignment_of
from .scene_frames import SceneFrames
from .take_folder import make_folder

LOG_NAME = "worker.log"
TAKES_NAME = "track_spine_takes"


@dataclass(frozen=True)
class Run:
    """A run, told by names and paths: references to Blender's data die with undo.

    Attributes:
        request: What the worker is asked.
        clip: Name of the movie clip; empty when the footage is not loaded yet.
        target: Name of the armature object to animate; empty for a new one.
        frames: What Blender renders for the worker; None where it reads a file.
        by_scene_camera: Whether the scene's camera filmed it.
    """

    request: TrackRequest
    clip: str
    target: str
    frames: SceneFrames | None = None
    by_scene_camera: bool = False

    @property
    def name(self) -> str:
        """Name of the footage, which the things made are named for."""
        return Path(self.request.video).stem


def clip_path(clip: bpy.types.MovieClip) -> Path:
    """Find the file of a movie clip.

    Args:
        clip: The clip.

    Returns:
        Its absolute path; of an image sequence, that of its first picture.
    """
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


def takes_home() -> Path:
    """Find the folder that holds takes: beside the .blend, or the user's.

    Returns:
        Absolute path; not created yet.
    """
    if bpy.data.filepath:
        return Path(bpy.data.filepath).parent / TAKES_NAME
    if base_package.startswith("bl_ext."):
        return Path(bpy.utils.extension_path_user(base_package, path="takes"))
    # Run from a source checkout, which has no folder of an extension.
    return Path(bpy.utils.user_resource("DATAFILES"), TAKES_NAME)


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
        SourceError: There is no room for the frames.
        WorkerError: The worker cannot be started.
    """
    if run.target:
        _require_fit(context, run.target)
    take = Path(run.request.take)
    make_folder(take)
    command, python_path = worker_command()
    feed = FrameFeed(run.frames) if run.frames else None
    inherited = feed.inherited if feed else ()
    try:
        worker = Worker(command, ROOT, take / LOG_NAME, worker_settings(python_path), inherited)
    except AddonError:
        if feed:
            feed.close()
        raise
    return TrackJob(worker, run.request, feed)


def _require_fit(context: bpy.types.Context, name: str) -> None:
    try:
        armature = find_armature(context, name)
        table = assignment_of(context.scene.track_spine_rig, name)
        read_target(armature, context.scene, table)
    except RigError as error:
        raise TargetError(
            f"Armature {name!r} cannot take the motion: {error} To get a new armature instead, "
            "leave the field empty and no armature selected"
        ) from error
