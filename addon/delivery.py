# SPDX-License-Identifier: GPL-3.0-or-later
"""From a finished take to a moving armature, seen from where the footage was filmed."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import bpy

from ..inference.protocol import Result
from ..rigging.motion import Motion3D, load_lifted
from ..rigging.trunk import spine_confidence
from .casting import Part, Played, cast_people, longest_wins, play
from .clip_lens import require_as_tracked
from .curves import Floats
from .footage import (
    adopt_timeline,
    drift_warning,
    first_frame,
    frame_rate,
    is_unanimated,
    load_clip,
    scene_rate,
    slow_warning,
)
from .rig_mapping import assignment_of
from .rig_settings import chosen_placement, chosen_retargeting
from .run import Run
from .scene_camera import (
    FilmedFrom,
    look_through,
    place_camera,
    read_camera,
    show_footage,
    shows_upright,
)
from .scene_view import seen_by_scene
from .timing import key_frames
from .workspace import select_only

LIFTED: Final = "lifted.npz"
"""Name of the 3D points in a take's folder."""


@dataclass(frozen=True)
class Delivery:
    """What a run added to the file.

    Attributes:
        armatures: Names of the armature objects that move.
        actions: Name of the new action of each.
        earlier_actions: Names of the actions that moved them before; they stay in the file.
        camera: Name of the camera that matches the footage.
        summary: What was found in the clip.
        lens: The focal length, and what told it.
        spine_error: Of each armature, how far its spine is from the measured curve, as a share of
            its length: in the middle frame and in the worst.
        spine_confidence: Mean score of the spine's points, 0..1, of the person seen least surely.
        warnings: What the user should know besides.
    """

    armatures: tuple[str, ...]
    actions: tuple[str, ...]
    earlier_actions: tuple[str, ...]
    camera: str
    summary: str
    lens: str
    spine_error: tuple[tuple[float, float], ...]
    spine_confidence: float
    warnings: tuple[str, ...]


def deliver(context: bpy.types.Context, run: Run, result: Result) -> Delivery:
    """Put a finished take into the scene, and note in the scene's settings what was made.

    Args:
        context: Context with a view layer.
        run: What was asked.
        result: What the worker made.

    Returns:
        The report.

    Raises:
        RigError: The take cannot be solved, or the armature lacks bones.
        TargetError: The armature is gone or cannot be keyed.
        SourceError: The scene's camera or the clip is not what the lens was told for.
    """
    scene = context.scene
    filmed = replace(read_camera(Path(result.lifted)), centre_px=run.request.centre_px)
    motions = list(load_lifted(Path(result.lifted)).values())
    clip = None if run.frames else load_clip(run.clip, run.request.video)
    _require_as_tracked(run, clip, filmed)
    lens = motions[0].camera.lens if motions[0].camera else ""
    unanimated = is_unanimated(scene)
    frames, warnings = _timed(scene, run, clip, motions[0].time_s)
    if run.by_scene_camera:
        motions, unsure = seen_by_scene(scene, motions, frames)
        warnings += unsure
    parts = _cast(context, motions, run.target, run.name)
    played = _play(context, parts, frames, run.name)
    if context.mode == "OBJECT":
        select_only(context, [part.armature for part in parts])
    scene.frame_set(scene.frame_current)
    delivery = Delivery(
        armatures=tuple(part.armature.name for part in parts),
        actions=tuple(one.action for one in played),
        earlier_actions=tuple(one.earlier for one in played if one.earlier),
        camera=_film(context, run, filmed, clip, unanimated),
        summary=summary(result),
        lens=lens,
        spine_error=tuple(one.spine_error for one in played),
        spine_confidence=min(spine_confidence(motion) for motion in motions),
        warnings=(
            *filter(None, (result.note, *warnings)),
            *_footage_warnings(run, filmed, clip),
            *longest_wins(motions, run.target),
            *(warning for one in played for warning in one.warnings),
        ),
    )
    _remember(scene.track_spine, delivery, clip, result.take)
    return delivery


def apply_take(
    context: bpy.types.Context, take: Path, target: str
) -> tuple[list[Played], tuple[str, ...]]:
    """Put a take that was delivered before onto an armature, as the panel's settings now say.

    Args:
        context: Context with a view layer.
        take: The take's folder.
        target: Name of the armature object; empty makes a new one for each person.

    Returns:
        What was made of each person; what the user should know of the scene besides.

    Raises:
        RigError: The take is damaged or cannot be solved, or the armature lacks bones.
        TargetError: The armature is gone or cannot be keyed.
    """
    scene = context.scene
    motions = list(load_lifted(take / LIFTED).values())
    clip = scene.track_spine.clip
    name = Path(clip.filepath).stem if clip else take.name
    time_s, by_scene = motions[0].time_s, scene.track_spine.filmed_by == "SCENE"
    rate_hz = frame_rate(clip, time_s) if by_scene and clip else scene_rate(scene)
    frames = key_frames(time_s, first_frame(scene, clip), rate_hz)
    warnings = [*longest_wins(motions, target)]
    if by_scene:
        motions, unsure = seen_by_scene(scene, motions, frames)
        warnings += unsure
    parts = _cast(context, motions, target, name)
    return _play(context, parts, frames, name), tuple(warnings)


def summary(result: Result) -> str:
    """Tell in words what a run found.

    Args:
        result: The worker's result.

    Returns:
        For example "Tracked 182 of 230 frames, 48 without the person".
    """
    missed = result.frames - result.tracked
    gap = f", {missed} without the person" if missed else ""
    return f"Tracked {result.tracked} of {result.frames} frames{gap}"


def _cast(
    context: bpy.types.Context, motions: Sequence[Motion3D], target: str, name: str
) -> list[Part]:
    """Cast people as the panel says."""
    scene = context.scene
    table = assignment_of(scene.track_spine_rig, target)
    return cast_people(context, motions, target, name, chosen_retargeting(scene), table)


def _play(
    context: bpy.types.Context, parts: Sequence[Part], frames: Floats, name: str
) -> list[Played]:
    """Write parts onto their armatures where the panel says."""
    placement = chosen_placement(context.scene)
    return [play(context, part, frames, name, placement) for part in parts]


def _require_as_tracked(run: Run, clip: bpy.types.MovieClip | None, filmed: FilmedFrom) -> None:
    """Refuse to go on with a lens that was told for pictures of another shape."""
    if clip is not None and run.request.focal_px is not None:
        turned = not run.by_scene_camera and run.request.centre_px is None
        require_as_tracked(clip, filmed.size_px, turned)


def _timed(
    scene: bpy.types.Scene, run: Run, clip: bpy.types.MovieClip | None, time_s: Floats
) -> tuple[Floats, list[str]]:
    """Find the scene frames of the footage, and what the user should know of them."""
    first = run.frames.frames[0] if run.frames else first_frame(scene, clip)
    fps = run.request.rate_hz or frame_rate(clip, time_s)
    if is_unanimated(scene):
        adopt_timeline(scene, first, time_s, fps)
    if run.by_scene_camera and clip is not None:
        # The scene's camera goes with the clip, of which a frame of the scene shows a frame.
        return key_frames(time_s, first, fps), [slow_warning(scene, fps)]
    return key_frames(time_s, first, scene_rate(scene)), [drift_warning(scene, fps)]


def _film(
    context: bpy.types.Context,
    run: Run,
    filmed: FilmedFrom,
    clip: bpy.types.MovieClip | None,
    unanimated: bool,
) -> str:
    upright = clip if clip is not None and shows_upright(clip, filmed) else None
    if run.by_scene_camera:
        if upright is not None:
            show_footage(context.scene.camera.data, upright, filmed)
        return context.scene.camera.name
    camera = place_camera(context, filmed, upright, f"{run.name} Camera")
    if unanimated:
        look_through(context.scene, camera, filmed)
    return camera.name


def _footage_warnings(
    run: Run, filmed: FilmedFrom, clip: bpy.types.MovieClip | None
) -> Iterator[str]:
    if clip is None and not run.frames:
        yield f"Blender cannot show {run.request.video}: the camera has no footage"
    elif clip is not None and not shows_upright(clip, filmed):
        yield (
            f"This Blender shows {clip.name} lying on its side, later ones turn it upright: "
            "the camera has no footage"
        )


def _remember(
    settings: bpy.types.PropertyGroup,
    delivery: Delivery,
    clip: bpy.types.MovieClip | None,
    take: str,
) -> None:
    settings.clip = settings.clip or clip
    settings.last_take = take
    settings.last_report = "\n".join(
        [
            *delivery.summary.split(", "),
            f"Focal length {delivery.lens}",
            f"Spine seen with {delivery.spine_confidence:.0%} confidence",
            *(
                f"Spine within {middle:.1%} of the curve, {worst:.1%} at worst"
                for middle, worst in delivery.spine_error
            ),
            f"Armature: {', '.join(delivery.armatures)}",
            f"Action: {', '.join(delivery.actions)}",
            *(f"Kept: {name}" for name in delivery.earlier_actions),
            f"Camera: {delivery.camera}",
        ]
    )
