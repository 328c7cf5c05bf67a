# SPDX-License-Identifier: GPL-3.0-or-later
"""From a finished take to a moving armature, seen from where the footage was filmed."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import bpy

from ..inference.protocol import Result
from ..rigging.filters import smooth
from ..rigging.motion import load_lifted
from ..rigging.retarget import PoseMotion, retarget
from ..rigging.solve import Solved, solve
from ..rigging.trunk import spine_confidence
from .armature import build_armature, constrained_bones, find_armature, read_target
from .footage import (
    adopt_timeline,
    drift_warning,
    first_frame,
    frame_rate,
    is_unanimated,
    load_clip,
    scene_rate,
)
from .keyframes import key_pose
from .run import Run
from .scene_camera import (
    FilmedFrom,
    look_through,
    place_camera,
    read_camera,
    shows_upright,
)
from .timing import key_frames
from .workspace import select_only


@dataclass(frozen=True)
class Delivery:
    """What a run added to the file.

    Attributes:
        armatures: Names of the armature objects that move.
        actions: Name of the new action of each.
        earlier_actions: Names of the actions that moved them before; they stay in the file.
        camera: Name of the camera that matches the footage.
        summary: What was found in the clip.
        spine_confidence: Mean score of the spine's points, 0..1, of the person seen least surely.
        warnings: What the user should know besides.
    """

    armatures: tuple[str, ...]
    actions: tuple[str, ...]
    earlier_actions: tuple[str, ...]
    camera: str
    summary: str
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
    motions = load_lifted(lifted).values()
    people = [solve(smooth(motion)) for motion in motions]
    cast = _cast(context, run, people)
    clip = load_clip(run.clip, run.request.video)
    time_s = people[0].motion.time_s
    first = first_frame(scene, clip)
    fps = run.request.rate_hz or frame_rate(clip, time_s)
    unanimated = is_unanimated(scene)
    if unanimated:
        adopt_timeline(scene, first, time_s, fps)
    earlier = tuple(filter(None, (_action_name(armature) for armature, _ in cast)))
    frames = key_frames(time_s, first, scene_rate(scene))
    for armature, pose in cast:
        key_pose(armature, pose, frames, f"{run.name} Track")
    armatures = [armature for armature, _ in cast]
    if context.mode == "OBJECT":
        select_only(context, armatures)
    scene.frame_set(scene.frame_current)
    delivery = Delivery(
        armatures=tuple(armature.name for armature in armatures),
        actions=tuple(_action_name(armature) for armature in armatures),
        earlier_actions=earlier,
        camera=_film(context, run, filmed, clip, unanimated),
        summary=summary(result),
        spine_confidence=min(spine_confidence(motion) for motion in motions),
        warnings=(
            *filter(None, (result.note, drift_warning(scene, fps))),
            *_warnings(run, filmed, clip, people, armatures),
        ),
    )
    _remember(scene.track_spine, delivery, clip, result.take)
    return delivery


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


def _action_name(armature: bpy.types.Object) -> str:
    animation = armature.animation_data
    return animation.action.name if animation and animation.action else ""


def _warnings(
    run: Run,
    filmed: FilmedFrom,
    clip: bpy.types.MovieClip | None,
    people: list[Solved],
    armatures: list[bpy.types.Object],
) -> Iterator[str]:
    if clip is None:
        yield f"Blender cannot show {run.request.video}: the camera has no footage"
    elif not shows_upright(clip, filmed):
        yield (
            f"This Blender shows {clip.name} lying on its side, later ones turn it upright: "
            "the camera has no footage"
        )
    if run.target and len(people) > 1:
        yield "Several people were tracked: the armature moves as the one seen longest"
    for armature in armatures:
        bones = constrained_bones(armature)
        if bones:
            yield (
                f"Constraints may hold bones of {armature.name!r} against the new keys: "
                f"{', '.join(bones)}. Mute the constraints to see the motion"
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
            f"Spine seen with {delivery.spine_confidence:.0%} confidence",
            f"Armature: {', '.join(delivery.armatures)}",
            f"Action: {', '.join(delivery.actions)}",
            *(f"Kept: {name}" for name in delivery.earlier_actions),
            f"Camera: {delivery.camera}",
        ]
    )


def _cast(
    context: bpy.types.Context, run: Run, people: list[Solved]
) -> list[tuple[bpy.types.Object, PoseMotion]]:
    scene = context.scene
    if run.target:
        armature = find_armature(context, run.target)
        seen_longest = max(people, key=lambda person: int(person.motion.valid.sum()))
        return [(armature, retarget(seen_longest, read_target(armature, scene)))]
    cast = []
    for person in people:
        armature = build_armature(context, person.skeleton, run.name)
        context.view_layer.update()
        cast.append((armature, retarget(person, read_target(armature, scene))))
    return cast
