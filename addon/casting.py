# SPDX-License-Identifier: GPL-3.0-or-later
"""Who plays whom: people of a take and the armatures that move as they did."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import bpy
import numpy as np

from ..rigging.motion import Motion3D
from ..rigging.reconstruct import reconstruct
from ..rigging.retarget import Retargeting, retarget, spine_error
from ..rigging.solve import Solved, solve
from ..rigging.target import PoseMotion, TargetRig
from .armature import build_armature, find_armature, read_target
from .curves import Floats
from .held import held_back
from .keyframes import key_pose
from .layers import keep_aside
from .placement import Placement, place


@dataclass(frozen=True)
class Part:
    """A person and the armature that plays them.

    Attributes:
        armature: The armature object.
        target: The same as it was read.
        motion: The person's key points.
        solved: The person's skeleton and motion.
        pose: The motion for the armature.
        fit: How it was fitted.
        built: The armature was made for the person.
    """

    armature: bpy.types.Object
    target: TargetRig
    motion: Motion3D
    solved: Solved
    pose: PoseMotion
    fit: Retargeting
    built: bool


@dataclass(frozen=True)
class Played:
    """What became of a part.

    Attributes:
        action: Name of the new action.
        earlier: Name of the action that moved the armature before; empty for none.
        warnings: What the armature will not do, and why.
        spine_error: How far the armature's spine is from the measured curve, rms over its joints
            as a share of its length: in the middle frame and in the worst.
    """

    action: str
    earlier: str
    warnings: tuple[str, ...]
    spine_error: tuple[float, float]


def cast_people(
    context: bpy.types.Context,
    motions: Sequence[Motion3D],
    target: str,
    name: str,
    fit: Retargeting = Retargeting(),  # noqa: B008
    table: Mapping[str, str | list[str]] = MappingProxyType({}),
) -> list[Part]:
    """Solve people and find or make their armatures.

    Args:
        context: Context with a view layer.
        motions: Key points of each person.
        target: Name of the armature object that plays the one seen longest; empty to make one for
            each.
        name: Name for new armatures.
        fit: How motion is fitted to the armature.
        table: Bone or bones by role of the armature, as the user edited it; empty to find out.

    Returns:
        The parts.

    Raises:
        RigError: A person cannot be solved, or the armature lacks bones.
        TargetError: The armature is gone or cannot be keyed.
    """
    people = [(motion, reconstruct(motion)) for motion in motions]
    if target:
        armature = find_armature(context, target)
        motion, solved = max(people, key=lambda person: int(person[1].motion.valid.sum()))
        rig = read_target(armature, context.scene, table)
        pose = retarget(solved, rig, fit)
        return [Part(armature, rig, motion, solved, pose, fit, built=False)]
    return [_build(context, motion, solved, name) for motion, solved in people]


def play(
    context: bpy.types.Context, part: Part, frames: Floats, name: str, placement: Placement
) -> Played:
    """Write a part onto its armature.

    Args:
        context: Context with a view layer.
        part: The part.
        frames: (T,) scene frame of each moment of the motion.
        name: Name of the footage, which actions are named for.
        placement: Where the motion goes.

    Returns:
        What was made.

    Raises:
        TargetError: The armature cannot take a layer.
    """
    armature = part.armature
    animation = armature.animation_data
    earlier = animation.action.name if animation and animation.action else ""
    title = f"{name} Track"
    action, moved = place(armature, part.pose, part.target, frames, title, placement)
    warnings = (*part.pose.notes, *held_back(armature, moved))
    if placement.keep_stages:
        _keep_stages(context, part, frames, name)
    off = spine_error(part.solved, part.target, part.fit)[part.pose.valid]
    return Played(action.name, earlier, warnings, (float(np.median(off)), float(off.max())))


def longest_wins(motions: Sequence[Motion3D], target: str) -> Iterator[str]:
    """Warn that one armature can play only one of several people.

    Args:
        motions: Key points of each person.
        target: Name of the armature object; empty when each gets a new one.

    Yields:
        The warning.
    """
    if target and len(motions) > 1:
        yield "Several people were tracked: the armature moves as the one seen longest"


def _build(context: bpy.types.Context, motion: Motion3D, solved: Solved, name: str) -> Part:
    armature = build_armature(context, solved.skeleton, name)
    context.view_layer.update()
    target = read_target(armature, context.scene)
    # The person's own skeleton stands as it was solved, over the footage.
    as_solved = Retargeting(plant_feet=False)
    pose = retarget(solved, target, as_solved)
    return Part(armature, target, motion, solved, pose, as_solved, built=True)


def _keep_stages(context: bpy.types.Context, part: Part, frames: Floats, name: str) -> None:
    """Keep what came before: the motion on the person's own skeleton, and that not smoothed."""
    stage = part
    if not part.built:
        stage = _build(context, part.motion, part.solved, f"{name} Source")
        key_pose(stage.armature, stage.pose, frames, f"{name} Cleaned")
        stage.armature.hide_set(True)
    raw = retarget(solve(part.motion), stage.target)
    keep_aside(stage.armature, raw, frames, f"{name} Raw")
