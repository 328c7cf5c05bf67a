# SPDX-License-Identifier: GPL-3.0-or-later
"""Arms and legs: directions from key points, twist from the plane in which elbow and knee bend."""

from typing import Final, TypeAlias

import numpy as np
import numpy.typing as npt
from scipy.linalg import solveh_banded

from .gaps import fill_rotations
from .lengths import sole
from .motion import Motion3D
from .posing import Posing
from .rotation import (
    IDENTITY,
    Bools,
    Floats,
    conjugate,
    from_axes,
    from_axis_angle,
    multiply,
    rotate,
    swing_between,
    unit,
)

Complexes: TypeAlias = npt.NDArray[np.complex128]

# From where the shortest swing to wherever a limb points leaves elbow and knee bending as they do:
# an arm held forward, outward and down, a thigh raised half way. What lies opposite, where a swing
# has no direction, no limb reaches. In 28 motions of CMU subjects 01 to 03 (climbing, jumping,
# swordplay, walking; mocap.cs.cmu.edu) bent elbows keep within 49 degrees of it 95 times in 100 and
# leave it by 90 three times in 1000; from T-pose that is 104 degrees and 98 times. Knees keep
# within 20 degrees.
_HANDY: Final = {"upper_arm": (0.3, -0.7, -0.6), "thigh": (0.0, -1.0, -1.0)}
_HANGING_HINGE: Final = {"upper_arm": (-1.0, 0.0, 0.0), "thigh": (1.0, 0.0, 0.0)}

_SINE_NONE: Final = np.sin(np.radians(12.0))
_SINE_RAMP: Final = np.sin(np.radians(30.0)) - _SINE_NONE
_SINE_DOUBT: Final = np.sin(np.radians(35.0)) - _SINE_NONE
"""From which sine of the bend on its plane counts, how much more it takes to count in full, and how
much more to count at all when the joint seems to bend backwards.

At 12 degrees a wrist 1 cm off turns the plane of an average arm by about 11 degrees; elbows that
hang straight were seen bent backwards by up to 15 degrees in monocular takes.
"""

_BENT_TIME_S: Final = 1.0 / (2.0 * np.pi * 15.0)
"""How fast the plane of a clear bend may change: as through a filter of 15 Hz."""

_STRAIGHT_TIME_S: Final = 0.5
"""How long a straight limb remembers the plane in which it was bent."""

_FOOT_WEIGHT: Final = 0.05
"""Trust in a foot across its shin to show where a straight knee points; a clear bend has 1."""

_STRAIGHT_AHEAD: Final = 0.25
"""How much of a foot across its shin it takes to outweigh that knees point ahead."""


def solve_arm(motion: Motion3D, posing: Posing, side: str, suffix: str) -> None:
    """Turn clavicle, upper arm, forearm and hand; the chest must have been set.

    The hand goes straight on from the forearm: no key point shows its rotation.

    Args:
        motion: Key points, T frames.
        posing: The skeleton, which gets the four bones' turns.
        side: "left" or "right".
        suffix: "L" or "R".
    """
    upper, lower = f"upper_arm.{suffix}", f"forearm.{suffix}"
    elbow, wrist = motion.point(f"{side}_elbow"), motion.point(f"{side}_wrist")
    _aim(motion, posing, f"clavicle.{suffix}", motion.point(f"{side}_shoulder"))
    _aim(motion, posing, upper, elbow, _handy(posing, upper))
    bend = _bend(posing, upper, elbow, wrist)
    unbent = _as_at_rest(posing, upper)
    hinge = _steady_hinge(motion.time_s, bend, unbent, np.zeros_like(bend))
    posing.set(upper, _twisted(posing, upper, hinge))
    _aim(motion, posing, lower, wrist)
    posing.set(f"hand.{suffix}", posing.of(lower))


def solve_leg(motion: Motion3D, posing: Posing, side: str, suffix: str) -> None:
    """Turn thigh, shin, foot and toe; the pelvis must have been set.

    A knee bends one way only: a bend against the foot is taken as a straight knee seen wrongly, not
    as a leg turned round. The twist of a straight leg follows its foot.

    Args:
        motion: Key points, T frames.
        posing: The skeleton, which gets the four bones' turns.
        side: "left" or "right".
        suffix: "L" or "R".
    """
    upper, lower = f"thigh.{suffix}", f"shin.{suffix}"
    knee, ankle = motion.point(f"{side}_knee"), motion.point(f"{side}_ankle")
    heel, toes, _ = sole(motion, side)
    _aim(motion, posing, upper, knee, _handy(posing, upper))
    bend = _bend(posing, upper, knee, ankle)
    down = unit(ankle - posing.tail(upper))
    foot = _ahead(_in_plane(posing, upper, np.cross(unit(toes - heel), down)))
    bend = np.where(np.real(bend * np.conj(foot + _STRAIGHT_AHEAD)) < 0.0, -bend, bend)
    bend = _ahead(bend)
    hinge = _steady_hinge(motion.time_s, bend, np.ones_like(bend), foot)
    posing.set(upper, _twisted(posing, upper, hinge))
    _aim(motion, posing, lower, ankle)
    _set_foot(motion, posing, side, suffix)


def _ahead(hinge: Complexes) -> Complexes:
    """Weaken directions (T,) that turn the thigh far from the pelvis, to nothing at a right angle.

    No thigh turns so far: the key points of a leg seen from behind are mistaken in depth.
    """
    cosine = hinge.real / np.maximum(np.abs(hinge), 1e-12)
    return np.asarray(hinge * np.clip(2.0 * cosine, 0.0, 1.0))


def _handy(posing: Posing, bone: str) -> Floats:
    """Give the turn (4,), from rest against the parent, that holds a limb as `_HANDY` says."""
    part, _, side = bone.partition(".")
    direction = unit(np.array(_HANDY[part]) * (1.0 if side == "L" else -1.0, 1.0, 1.0))
    hinge = rotate(
        swing_between(np.array([0.0, 0.0, -1.0]), direction), np.array(_HANGING_HINGE[part])
    )
    rest = from_axes(posing.rest_axis(bone, 0), posing.rest_axis(bone, 1))
    return multiply(from_axes(hinge, direction), conjugate(rest))


def _aim(
    motion: Motion3D, posing: Posing, bone: str, target: Floats, start: Floats = IDENTITY
) -> None:
    """Swing a bone the shortest way to point at a target (T, 3), bridging frames without one.

    The swing begins where the turn `start` (4,), relative to the parent, holds the bone.
    """
    parent = posing.parent_turn(bone)
    held = multiply(parent, start)
    direction = unit(target - posing.head(bone))
    seen = np.isfinite(direction).all(axis=-1)
    swing = swing_between(rotate(held, posing.rest_axis(bone, 1)), direction)
    posing.set(bone, _bridged(motion.time_s, parent, multiply(swing, held), seen))


def _bridged(time_s: Floats, parent: Floats, turn: Floats, seen: Bools) -> Floats:
    """Replace unseen turns (T, 4) by those of neighbours in time, relative to the parent."""
    local = fill_rotations(time_s, multiply(conjugate(parent), turn), seen)
    return multiply(parent, local)


def _in_plane(posing: Posing, bone: str, vector: Floats) -> Complexes:
    """Project vectors (T, 3) on the plane across a bone: real along its hinge, 0 where unknown."""
    turn = posing.of(bone)
    hinge, across = posing.rest_axis(bone, 0), -posing.rest_axis(bone, 2)
    along_hinge = np.sum(vector * rotate(turn, hinge), axis=-1)
    along_other = np.sum(vector * rotate(turn, across), axis=-1)
    return np.asarray(np.nan_to_num(along_hinge + 1j * along_other))


def _bend(posing: Posing, upper: str, middle: Floats, end: Floats) -> Complexes:
    """Give the axis (T,) about which the lower bone is bent, as long as the sine of the bend."""
    joint = posing.tail(upper)
    upward, onward = joint - posing.head(upper), end - joint
    axis = np.cross(unit(upward), unit(onward)) + 0.0 * middle
    return _in_plane(posing, upper, axis)


def _as_at_rest(posing: Posing, bone: str) -> Complexes:
    """Give where the hinge (T,) of an unbent arm is: the nearer to T-pose, the more as in it."""
    parent = posing.parent_turn(bone)
    at_rest = rotate(parent, posing.rest_axis(bone, 1))
    now = rotate(posing.of(bone), posing.rest_axis(bone, 1))
    swung = rotate(swing_between(at_rest, now), rotate(parent, posing.rest_axis(bone, 0)))
    near = np.clip(np.sum(at_rest * now, axis=-1), 0.0, 1.0) ** 4
    return np.asarray((1.0 - near) + near * _in_plane(posing, bone, swung))


def _steady_hinge(
    time_s: Floats, bend: Complexes, unbent: Complexes, other: Complexes
) -> Complexes:
    """Find the direction of a hinge over time from the bends seen.

    The plane of a clear bend counts; while the limb is straight the hinge goes over from one clear
    bend to the next, is drawn to what else shows it and, over more than about half a second, to
    where it is in an unbent limb. The result is the least of a sum of squares that looks the same
    forwards and backwards in time.

    Args:
        time_s: (T,) seconds.
        bend: (T,) axis of the bend, as long as its sine.
        unbent: (T,) where the hinge of an unbent limb is, of about length 1.
        other: (T,) what else shows the hinge, the longer the surer, up to 1.

    Returns:
        (T,) unit numbers.
    """
    sine = np.abs(bend)
    backward = 0.5 * (1.0 - np.cos(np.angle(bend * np.conj(unbent))))
    clear = np.clip((sine - _SINE_NONE - backward * _SINE_DOUBT) / _SINE_RAMP, 0.0, 1.0)
    clear = clear * clear * (3.0 - 2.0 * clear)
    shown = _FOOT_WEIGHT * (1.0 - clear) ** 2
    rest = (_BENT_TIME_S / _STRAIGHT_TIME_S) ** 2
    step = np.gradient(time_s) if len(time_s) > 1 else np.ones(1)
    wanted = step * (clear * bend / np.maximum(sine, 1e-12) + shown * other + rest * unbent)
    bands = np.zeros((2, len(time_s)))
    bands[0] = step * (clear + shown * np.abs(other) + rest)
    coupling = _BENT_TIME_S**2 / np.diff(time_s)
    bands[0, :-1] += coupling
    bands[0, 1:] += coupling
    bands[1, :-1] = -coupling
    # A single frame has no neighbour and its system no second band.
    bands = bands[: len(time_s)]
    parts = solveh_banded(bands, np.stack([wanted.real, wanted.imag], axis=-1), lower=True)
    hinge = parts[:, 0] + 1j * parts[:, 1]
    return np.asarray(hinge / np.maximum(np.abs(hinge), 1e-12))


def _twisted(posing: Posing, bone: str, hinge: Complexes) -> Floats:
    """Twist a bone (T, 4) so that its hinge has the given direction in the plane across it."""
    turn = posing.of(bone)
    axis = rotate(turn, posing.rest_axis(bone, 1))
    return multiply(from_axis_angle(axis, np.angle(hinge)), turn)


def _set_foot(motion: Motion3D, posing: Posing, side: str, suffix: str) -> None:
    """Turn foot and toe with the sole: from heel to toes, level with the line of the toes."""
    foot, shin = f"foot.{suffix}", f"shin.{suffix}"
    heel, toes, seen = sole(motion, side)
    outward = motion.point(f"{side}_small_toe") - motion.point(f"{side}_big_toe")
    left = outward if side == "left" else -outward
    hinge, down = (rotate(posing.of(shin), posing.rest_axis(shin, axis)) for axis in (0, 1))
    with np.errstate(invalid="ignore"):  # toes behind the shin or crossed are mistaken in depth
        ahead = np.sum((toes - heel) * np.cross(down, hinge), axis=-1) > 0.0
        seen = seen & ahead & (np.sum(left * hinge, axis=-1) > 0.0)
    rest = from_axes(np.array([1.0, 0.0, 0.0]), np.array([0.0, -1.0, 0.0]))
    turn = np.full((len(seen), 4), np.nan)
    turn[seen] = multiply(from_axes(left[seen], (toes - heel)[seen]), conjugate(rest))
    posing.set(foot, _bridged(motion.time_s, posing.parent_turn(foot), turn, seen))
    posing.set(f"toe.{suffix}", posing.of(foot))
