# SPDX-License-Identifier: GPL-3.0-or-later
"""From a finished take to a moving armature, seen from where the footage was filmed."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import bpy
import numpy as np
from numpy.typing import NDArray

from ..inference.protocol import Result
from ..rigging.motion import Motion3D, load_lifted
from ..rigging.moving_camera import follow_camera
from ..rigging.trunk import spine_confidence
from .casting import Part, Played, cast_people, longest_wins, play
from .footage import (
    adopt_timeline,
    drift_warning,
    first_frame,
    frame_rate,
    is_unanimated,
    load_clip,
    scene_rate,
)
from .rig_mapping import assignment_of
from .rig_settings import chosen_placement, chosen_retargeting
from .run import Run
from .scene_camera import (
    FilmedFrom,
    look_through,
    place_camera,
    read_camera,
    shows_upright,
)
from .scene_view import scene_path
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
    """
    scene = context.scene
    lifted = Path(result.lifted)
    filmed = read_camera(lifted)
    motions = list(load_lifted(lifted).values())
    clip = None if run.frames else load_clip(run.clip, run.request.video)
    time_s = motions[0].time_s
    first = run.frames.frames[0] if run.frames else first_frame(scene, clip)
    fps = run.request.rate_hz or frame_rate(clip, time_s)
    unanimated = is_unanimated(scene)
    if unanimated:
        adopt_timeline(scene, first, time_s, fps)
    frames = key_frames(time_s, first, scene_rate(scene))
    lens = motions[0].camera.lens if motions[0].camera else ""
    if run.by_scene_camera:
        motions = _seen_by_scene(scene, motions, frames)
    parts = _cast(context, motions, run.target, run.name)
    placement = chosen_placement(scene)
    played = [play(context, part, frames, run.name, placement) for part in parts]
    armatures = [part.armature for part in parts]
    if context.mode == "OBJECT":
        select_only(context, armatures)
    scene.frame_set(scene.frame_current)
    delivery = Delivery(
        armatures=tuple(armature.name for armature in armatures),
        actions=tuple(one.action for one in played),
        earlier_actions=tuple(one.earlier for one in played if one.earlier),
        camera=(
            scene.camera.name
            if run.by_scene_camera
            else _film(context, run, filmed, clip, unanimated)
        ),
        summary=summary(result),
        lens=lens,
        spine_error=tuple(one.spine_error for one in played),
        spine_confidence=min(spine_confidence(motion) for motion in motions),
        warnings=(
            *filter(None, (result.note, drift_warning(scene, fps))),
            *_footage_warnings(run, filmed, clip),
            *longest_wins(motions, run.target),
            *(warning for one in played for warning in one.warnings),
        ),
    )
    _remember(scene.track_spine, delivery, clip, result.take)
    return delivery


def apply_take(context: bpy.types.Context, take: Path, target: str) -> list[Played]:
    """Put a take that was delivered before onto an armature, as the panel's settings now say.

    Args:
        context: Context with a view layer.
        take: The take's folder.
        target: Name of the armature object; empty makes a new one for each person.

    Returns:
        What was made of each person.

    Raises:
        RigError: The take is damaged or cannot be solved, or the armature lacks bones.
        TargetError: The armature is gone or cannot be keyed.
    """
    scene = context.scene
    motions = list(load_lifted(take / LIFTED).values())
    clip = scene.track_spine.clip
    name = Path(clip.filepath).stem if clip else take.name
    frames = key_frames(motions[0].time_s, first_frame(scene, clip), scene_rate(scene))
    if scene.track_spine.filmed_by == "SCENE":
        motions = _seen_by_scene(scene, motions, frames)
    parts = _cast(context, motions, target, name)
    return [play(context, part, frames, name, chosen_placement(scene)) for part in parts]


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


def _seen_by_scene(
    scene: bpy.types.Scene, motions: Sequence[Motion3D], frames: NDArray[np.float64]
) -> list[Motion3D]:
    """Put people where the scene's camera saw them, along its path."""
    path = scene_path(scene, frames.tolist())
    return [follow_camera(motion, path) for motion in motions]


def _film(
    context: bpy.types.Context,
    run: Run,
    filmed: FilmedFrom,
    clip: bpy.types.MovieClip | None,
    unanimated: bool,
) -> str:
    upright = clip if clip is not None and shows_upright(clip, filmed) else None
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
