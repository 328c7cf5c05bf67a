# SPDX-License-Identifier: GPL-3.0-or-later
"""What the panel asks for, as one run of the worker."""

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import bpy

from ..inference.protocol import TrackRequest
from .clip_lens import Lens, clip_lens, clip_size_px
from .errors import SourceError
from .footage import first_frame, scene_rate
from .models import SHIPPED
from .part import clip_part, scene_range
from .run import Run, active_clip, clip_path, takes_home
from .scene_camera import metres_per_unit
from .scene_frames import NOTHING_RENDERED, SceneFrames, renders_something, scene_frames
from .scene_view import scene_lens
from .solved_camera import require_solved
from .take_folder import take_folder

SAME_LENS: Final = 0.01
"""Share by which the focal lengths of scene camera and clip may differ to be of one lens."""


@dataclass(frozen=True)
class _Footage:
    """Where the frames come from: a file, with its clip where it is open, or Blender itself."""

    video: str
    clip: bpy.types.MovieClip | None = None
    frames: SceneFrames | None = None


def gather(context: bpy.types.Context, file: str, take: str, height: float, target: str) -> Run:
    """Gather a run from the scene's settings and what a script gives besides.

    Args:
        context: Where the operator was called.
        file: Footage to track instead of the panel's; empty for the panel's.
        take: Take folder; empty chooses one for the footage.
        height: Height of the person in scene units; 0 for the panel's.
        target: Name of the armature object to animate; empty for a new one.

    Returns:
        The run.

    Raises:
        SourceError: There is no footage, or no frame in the part that is wanted.
        ProtocolError: A setting is out of its range.
    """
    scene = context.scene
    settings = scene.track_spine
    footage = _footage(context, file)
    one = settings.people == "ONE"
    # No editor shows rendered frames, so nobody was picked in them.
    picked = one and settings.use_subject_point and not footage.frames
    request = TrackRequest(
        video=footage.video,
        take=str(Path(bpy.path.abspath(take)).resolve() if take else takes_home()),
        subject_height_m=(height or settings.subject_height) * metres_per_unit(scene),
        **_lens(scene, footage),
        subject_px=tuple(settings.subject_point) if picked else None,
        trim=None if footage.frames else clip_part(scene, footage.clip, settings),
        rate_hz=_sequence_rate(scene, footage.clip),
        model=None if settings.model == SHIPPED else settings.model,
        people="one" if one else "all",
        subject_s=_picked_s(scene, footage.clip) if picked else 0.0,
    )
    if not take:
        identity = footage.frames.identity if footage.frames else ""
        folder = take_folder(request, Path(request.take), identity)
        request = dataclasses.replace(request, take=str(folder))
    clip = footage.clip.name if footage.clip else ""
    return Run(request, clip, target, footage.frames, settings.filmed_by == "SCENE")


def missing_footage(context: bpy.types.Context) -> str:
    """Say what the panel lacks before a run can begin.

    Args:
        context: Where the panel is drawn.

    Returns:
        What to do; empty where nothing is missing.
    """
    if context.scene.track_spine.source == "CLIP":
        return "" if active_clip(context) else "Open or choose a clip first"
    return "" if renders_something(context.scene) else NOTHING_RENDERED


def _footage(context: bpy.types.Context, file: str) -> _Footage:
    scene = context.scene
    if file:
        return _Footage(str(Path(bpy.path.abspath(file)).resolve()))
    if scene.track_spine.source == "RENDER":
        first, last = scene_range(scene, scene.track_spine)
        return _Footage(scene.name, frames=scene_frames(scene, first, last))
    clip = active_clip(context)
    if clip is None:
        raise SourceError("No movie clip is open: open one, or give filepath")
    return _Footage(str(clip_path(clip)), clip)


def _lens(scene: bpy.types.Scene, footage: _Footage) -> dict[str, Any]:
    """What is known of the lens, as fields of a request."""
    filmed_by = scene.track_spine.filmed_by
    if filmed_by == "NEW":
        return {}
    if filmed_by == "CLIP":
        return dataclasses.asdict(clip_lens(_open(footage))) | {"focal_source": "movie clip"}
    if footage.frames:
        lens = scene_lens(scene, footage.frames.size_px)
    else:
        require_solved(scene)
        lens = _of_one_lens(scene_lens(scene, clip_size_px(_open(footage))), footage.clip)
    return dataclasses.asdict(lens) | {"focal_source": "scene camera"}


def _open(footage: _Footage) -> bpy.types.MovieClip:
    if footage.clip is None:
        raise SourceError("Open the footage as a clip first: the camera's lens is told for a clip")
    return footage.clip


def _of_one_lens(lens: Lens, clip: bpy.types.MovieClip) -> Lens:
    """The scene camera's lens, with the clip's distortion where the camera was solved from it."""
    own = clip_lens(clip)
    solved = abs(lens.focal_px / own.focal_px - 1.0) < SAME_LENS
    return dataclasses.replace(lens, distortion=own.distortion) if solved else lens


def _sequence_rate(scene: bpy.types.Scene, clip: bpy.types.MovieClip | None) -> float | None:
    if clip is None or clip.source != "SEQUENCE":
        return None
    return scene.track_spine.sequence_rate or scene_rate(scene)


def _picked_s(scene: bpy.types.Scene, clip: bpy.types.MovieClip | None) -> float:
    """Time in the clip at which the person was picked, half a frame early to be sure of it."""
    if clip is None:
        return 0.0
    rate_hz = _sequence_rate(scene, clip) or clip.fps
    frame = scene.track_spine.subject_frame - first_frame(scene, clip)
    return max(frame - 0.5, 0.0) / rate_hz if rate_hz > 0 else 0.0
