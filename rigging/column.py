# SPDX-License-Identifier: GPL-3.0-or-later
"""The spine as a rotation curve over arc length, sampled where a rig's bones are."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from . import spine_curve
from .matching import Roles
from .rest_pose import RestPose
from .rotation import (
    Floats,
    conjugate,
    from_axis_angle,
    multiply,
    rotate,
    rotation_vector,
    unit,
)
from .solve import Solved

_HANDLE: Final = 0.390464
"""Length of a bendy bone's handle as a share of the bone's: `b_bone_spline_setup` in Blender's
`armature.cc`."""
_FINE: Final = 48
"""Pieces of the arc in `polyline_error`; twice as many change the figure by less than 2 %."""
_STEEPEST: Final = 0.2
"""Least share of a tangent that must lie along a bendy bone, so that its handle stays finite."""


@dataclass(frozen=True, eq=False)
class Curve:
    """Turns from rest along the arc.

    Attributes:
        turns: (10, T, 4) turn in the world of the pelvis and of the nine segments.
        spine_knots: (7,) place of pelvis and trunk segments on the arc, 0 to 1 at the chest's
            middle.
        neck_knots: (4,) place of chest, neck and head on the arc of the neck, 0 to 1.
    """

    turns: Floats
    spine_knots: Floats
    neck_knots: Floats

    def on_spine(self, at: Floats) -> list[Floats]:
        """Give the turns (T, 4) at places on the spine's arc."""
        return _sample(self.spine_knots, self.turns[: spine_curve.CHEST + 2], at)

    def on_neck(self, at: Floats) -> list[Floats]:
        """Give the turns (T, 4) at places on the neck's arc."""
        return _sample(self.neck_knots, self.turns[spine_curve.CHEST + 1 :], at)


@dataclass(frozen=True, eq=False)
class Places:
    """Where the bones of a rig's spine and neck lie on the arc, in units of the curve's knots.

    Attributes:
        spine: (N, 3) start, middle and end of each bone of the spine.
        neck: (M, 3) likewise of the neck.
    """

    spine: Floats
    neck: Floats


def measured_curve(solved: Solved, strength: Sequence[float]) -> Curve:
    """Read the curve off a solved skeleton.

    Args:
        solved: Skeleton and motion.
        strength: Factor of what each of the nine joints turns, bottom to top.

    Returns:
        The curve.
    """
    skeleton, chest = solved.skeleton, spine_curve.CHEST
    rows = [skeleton.index(bone) for bone in ("pelvis", *spine_curve.BONES)]
    turns = multiply(solved.motion.rotation[:, rows], conjugate(skeleton.rest[rows]))
    turns = np.ascontiguousarray(np.moveaxis(turns, 1, 0))
    if any(factor != 1.0 for factor in strength):
        turns = _stiffened(turns, strength)
    lengths = skeleton.length_m[rows[1:]]
    trunk = max(0.0, skeleton.head_m[1, 2] - skeleton.head_m[0, 2]) + _middles(lengths[: chest + 1])
    neck = lengths[chest + 1 : -1]
    return Curve(
        turns,
        np.array([0.0, *(trunk / trunk[-1])]),
        np.array([0.0, *(_middles(neck) / neck.sum()), 1.0]),
    )


def places(roles: Roles, rest: RestPose) -> Places:
    """Find where a rig's bones lie on the arc.

    Below its first bone the spine goes on, in the pelvis, to the level of the hip joints.

    Args:
        roles: What the bones are.
        rest: The rig at rest.

    Returns:
        Places on the arc.
    """
    joints = np.array(joints_at_rest(roles, rest))
    steps = np.linalg.norm(np.diff(joints, axis=0), axis=-1)
    count = len(roles.spine)
    below = max(0.0, float(rotate(rest.upright, joints[0] - rest.mid_hip)[2]))
    spine, neck = _spans(steps[:count], below), _spans(steps[count:], 0.0)
    on_neck = neck / max(steps[count:].sum(), 1e-9)
    return Places(spine / max(spine[-1, 1], 1e-9), on_neck)


def joints_at_rest(roles: Roles, rest: RestPose) -> list[Floats]:
    """Give where spine, neck and head begin at rest, bottom to top.

    Bones that point down begin at their upper end; it is their lower end that counts.

    Args:
        roles: What the bones are.
        rest: The rig at rest.

    Returns:
        (3,) places, one more than the bones of spine and neck.
    """
    bones = [roles.drawn.get(bone, bone) for bone in (*roles.spine, *roles.neck)]
    up = rotate(conjugate(rest.upright), np.array([0.0, 0.0, 1.0]))
    joints = []
    for bone in bones:
        head, tail = rest.head(bone), rest.tail(bone)
        joints.append(tail if (tail - head) @ up < -0.5 * np.linalg.norm(tail - head) else head)
    return [*joints, rest.head(roles.head)]


def handles(own: Floats, turn: Floats, ends: tuple[Floats, Floats], reach: Floats) -> Floats:
    """Bend a bendy bone so that it leaves and arrives along the curve.

    Args:
        own: (4,) the bone's orientation in the world at rest.
        turn: (T, 4) its turn from rest.
        ends: (T, 4) turn of the curve where the bone starts and where it ends.
        reach: (2,) length times ease at start and end, armature units; 0 where an end is not free.

    Returns:
        (T, 6) curve in x and z, roll in, curve out x and z, roll out.
    """
    columns = []
    for end, length, sign in zip(ends, reach, (1.0, -1.0), strict=True):
        away = multiply(conjugate(multiply(turn, own)), multiply(end, own))
        tangent = rotate(away, np.array([0.0, 1.0, 0.0]))
        along = np.maximum(tangent[..., 1], _STEEPEST)
        side = sign * _HANDLE * length * tangent[..., (0, 2)] / along[..., None]
        roll = 2.0 * np.arctan2(away[..., 2], away[..., 0]) * (length > 0.0)
        columns += [side, (roll + np.pi)[..., None] % (2.0 * np.pi) - np.pi]
    return np.concatenate(columns, axis=-1)


def polyline_error(curve: Curve, roles: Roles, rest: RestPose, turns: dict[str, Floats]) -> Floats:
    """Compare the shape of a rig's spine with that of the measured curve.

    The curve is the rig's own spine at rest, bent without steps as the curve says; so what remains
    is the price of having few bones.

    Args:
        curve: The measured curve.
        roles: What the bones are.
        rest: The rig at rest.
        turns: (T, 4) turn of each bone in the world, from rest.

    Returns:
        (T,) root mean square distance over the arc of the spine, as a share of its length.
    """
    joints = np.array(joints_at_rest(roles, rest))[: len(roles.spine) + 1]
    steps = np.linalg.norm(np.diff(joints, axis=0), axis=-1)
    whole = max(steps.sum(), 1e-9)
    fine = (np.arange(_FINE) + 0.5) / _FINE
    bone = np.minimum(np.searchsorted(np.cumsum(steps) / whole, fine), len(steps) - 1)
    tangent = unit(np.diff(joints, axis=0))[bone]
    spans = places(roles, rest).spine
    at = spans[0, 0] + (spans[-1, 2] - spans[0, 0]) * fine
    gap = np.zeros((curve.turns.shape[1], 3))
    squares = np.zeros(len(gap))
    for direction, index, bent in zip(tangent, bone, curve.on_spine(at), strict=True):
        measured = rotate(multiply(bent, rest.upright), direction)
        gap = gap + (rotate(turns[roles.spine[index]], direction) - measured) / _FINE
        squares += np.sum(gap**2, axis=-1)
    return np.asarray(np.sqrt(squares / _FINE))


def _stiffened(turns: Floats, strength: Sequence[float]) -> Floats:
    """Scale what each joint turns; what lies above goes with it."""
    scaled = [turns[0]]
    for lower, upper, factor in zip(turns[:-1], turns[1:], strength, strict=True):
        vector = factor * rotation_vector(multiply(conjugate(lower), upper))
        angle = np.linalg.norm(vector, axis=-1)
        scaled.append(multiply(scaled[-1], from_axis_angle(unit(vector), angle)))
    return np.stack(scaled)


def _spans(lengths: Floats, start: float) -> Floats:
    """Give start, middle and end (N, 3) of each piece of a chain."""
    end = start + np.cumsum(lengths)
    return np.stack([end - lengths, end - 0.5 * lengths, end], axis=-1)


def _middles(lengths: Floats) -> Floats:
    """Give how far along a chain the middle of each of its pieces lies."""
    return np.asarray(np.cumsum(lengths) - 0.5 * lengths)


def _sample(knots: Floats, turns: Floats, at: Floats) -> list[Floats]:
    """Interpolate turns given at increasing knots; beyond the ends they stay."""
    steps: dict[int, tuple[Floats, Floats]] = {}
    samples = []
    for where in at:
        k = int(np.clip(np.searchsorted(knots, where, side="right") - 1, 0, len(knots) - 2))
        fraction = np.clip((where - knots[k]) / max(knots[k + 1] - knots[k], 1e-9), 0.0, 1.0)
        if k not in steps:
            vector = rotation_vector(multiply(conjugate(turns[k]), turns[k + 1]))
            steps[k] = unit(vector), np.linalg.norm(vector, axis=-1)
        axis, angle = steps[k]
        samples.append(multiply(turns[k], from_axis_angle(axis, fraction * angle)))
    return samples
