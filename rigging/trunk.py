# SPDX-License-Identifier: GPL-3.0-or-later
"""Pelvis, spine, neck and head: a chain of constant lengths fitted to the points of the spine."""

from dataclasses import dataclass, fields, replace
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy.special import gammaincinv

from . import spine_curve
from .banded import solve_blocks
from .errors import RigError
from .gaps import fill_values
from .lengths import mid_hip
from .motion import Motion3D
from .rotation import (
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
from .skeleton import Skeleton

_POINT_ERROR_M: Final = 0.003
"""Error of a point of score 1, against which the fit weighs how likely a curve is."""

_SURE_WITHIN_M: Final = 0.05
"""Distance within which a point lies with its score as the probability: a tenth of an adult's
trunk, as the network's scores are meant (docs/take.md)."""

_GUESS_ERROR_M: Final = 0.03
"""Error of a C7 that is not seen but placed above the shoulders."""

_ROUNDS: Final = 6
_TWIST_ROUNDS: Final = 3
"""Steps of the fit and, after them, of the twist: twice as many change nothing by 0.01 degrees."""

_LARGEST_STEP: Final = 0.5
_FRAMES_AT_ONCE: Final = 4096
"""Bounds the memory that the fit takes, whatever the length of the clip."""

_SEEN_SPINE: Final = ("hip", *spine_curve.POINTS[:-1])
"""The nine spine points: where the spine begins and where all segments but the head's end."""

_CHEST: Final = spine_curve.CHEST
_HEAD: Final = len(spine_curve.BONES) - 1
_X: Final = np.array([1.0, 0.0, 0.0])
_Z: Final = np.array([0.0, 0.0, 1.0])
_REST: Final = spine_curve.neutral_directions()
_FORWARD: Final = np.cross(_X, _REST)

_LEAN_TO_TURN: Final = np.diff(np.eye(len(_REST)), axis=0)
_STIFFNESS: Final = _LEAN_TO_TURN.T @ spine_curve.turn_stiffness() @ _LEAN_TO_TURN
"""Quadratic form (2, 9, 9) of the leans of the segments, sagittal and lateral."""


@dataclass(frozen=True, eq=False)
class _Cues:
    """What the key points of T frames say about the trunk, in finite numbers.

    Attributes:
        time_s: (T,) seconds.
        root: (T, 3) mid-hip.
        base: (3,) from there to where the spine begins, at rest.
        hip: (T, 3) where the spine is seen to begin.
        base_weight: (T,) trust in that, 1 / m^2; 0 where it is not seen.
        targets: (T, 9, 3) where each segment should end.
        weight: (T, 9) trust in that, 1 / m^2; 0 where nothing is known.
        hips: (T, 3) unit vector to the person's left along the hip joints.
        across: (T, 2, 3) the same for shoulders and face.
        across_seen: (T, 2) whether those are known.
    """

    time_s: Floats
    root: Floats
    base: Floats
    hip: Floats
    base_weight: Floats
    targets: Floats
    weight: Floats
    hips: Floats
    across: Floats
    across_seen: Bools

    def at(self, rows: npt.NDArray[np.intp]) -> "_Cues":
        """Give the cues of some frames."""
        of_frames = {f.name: getattr(self, f.name)[rows] for f in fields(self) if f.name != "base"}
        return replace(self, **of_frames)


def torso_seen(motion: Motion3D) -> Bools:
    """Tell in which frames the trunk can be solved.

    Args:
        motion: Key points of one person.

    Returns:
        (T,) whether mid-hip and either C7 or both shoulders are seen.
    """
    shoulders = motion.point("left_shoulder") + motion.point("right_shoulder")
    upper = np.isfinite(shoulders).all(axis=-1) | np.isfinite(motion.point("neck")).all(axis=-1)
    return np.asarray(mid_hip(motion)[1] & upper)


def spine_confidence(motion: Motion3D) -> float:
    """Tell how surely the spine was seen.

    Args:
        motion: Key points of one person.

    Returns:
        Mean score of the nine spine points over the frames that show the torso, 0..1; 0 without
        such frames.
    """
    score = np.mean([motion.point_score(name) for name in _SEEN_SPINE], axis=0)
    seen = torso_seen(motion)
    return float(score[seen].mean()) if seen.any() else 0.0


def solve_trunk(motion: Motion3D, skeleton: Skeleton) -> Floats:
    """Find how the pelvis and the nine segments of the spine turn.

    The directions of the segments are those that bring the chain nearest to the observed points,
    every point weighted by its score, and every turn of the curve away from the neutral one counted
    against the range of that joint: so the curve goes through good points and stays a spine where
    points are poor or missing. The pelvis follows the line of the hip joints and the lowest
    segment; the chest the line of the shoulders and the curve; the head its own axis, ears, eyes
    and nose. The twist between them is shared along the curve as the joints take part in it.

    Args:
        motion: Key points of one person, in frames that show the torso.
        skeleton: The person's skeleton.

    Returns:
        (T, 10, 4) turns from rest: pelvis, then the segments bottom to top.
    """
    cues = _cues(motion, skeleton)
    lengths = skeleton.length_m[[skeleton.index(bone) for bone in spine_curve.BONES]]
    upright = from_axes(cues.hips, cues.targets[:, _CHEST] - cues.root)
    directions = rotate(upright[:, None], rotate(conjugate(from_axes(_X, _Z)), _REST))
    twist = np.zeros((len(cues.root), 2))
    blocks = np.array_split(np.arange(len(twist)), -(-len(twist) // _FRAMES_AT_ONCE))
    for _ in range(_ROUNDS):
        turns = _turns(directions, twist, cues)
        twist = _corrected_twist(twist, turns, cues)
        for rows in blocks:
            directions[rows] = _improve(directions[rows], turns[rows], lengths, cues.at(rows))
    for _ in range(_TWIST_ROUNDS):
        twist = _corrected_twist(twist, _turns(directions, twist, cues), cues)
    return _turns(directions, twist, cues)


def _cues(motion: Motion3D, skeleton: Skeleton) -> _Cues:
    targets = np.stack([motion.point(name) for name in spine_curve.POINTS], axis=1)
    score = np.stack([motion.point_score(name) for name in spine_curve.POINTS], axis=1)
    left, right = motion.point("left_shoulder"), motion.point("right_shoulder")
    root = mid_hip(motion)[0]
    # Where C7 is not seen, a guess above the shoulders keeps the chain in reach of them.
    chest = skeleton.index(spine_curve.BONES[_CHEST])
    drop = skeleton.tail_m[chest, 2] - skeleton.head_m[skeleton.index("clavicle.L"), 2]
    middle = 0.5 * (left + right)
    weight = point_trust(score)
    guess = score[:, _CHEST] == 0.0
    targets[guess, _CHEST] = (middle + drop * unit(middle - root))[guess]
    weight[guess, _CHEST] = _GUESS_ERROR_M**-2
    shoulders = unit(left - right)
    face = _face(motion)
    across = np.stack([shoulders, face], axis=1)
    across_seen = np.isfinite(across).all(axis=-1) & (np.abs(across).max(axis=-1) > 0.0)
    return _Cues(
        time_s=motion.time_s,
        root=root,
        base=skeleton.head_m[skeleton.index(spine_curve.BONES[0])] - skeleton.head_m[0],
        hip=np.nan_to_num(motion.point("hip")),
        base_weight=point_trust(motion.point_score("hip")),
        targets=np.nan_to_num(targets),
        weight=weight,
        hips=_hip_line(motion, shoulders),
        across=np.where(across_seen[..., None], across, _X),
        across_seen=across_seen,
    )


def point_trust(score: Floats) -> Floats:
    """Give the trust in points, 1 / m^2, by the probability that they lie near their place.

    Args:
        score: (...) 0..1.

    Returns:
        (...) one over the variance along each axis.

    Source: of the density exp(-r / scale) over a plane, the regularised gamma function P(2, r /
    scale) lies within r; its variance along each axis is 3 scale^2.
    """
    per_m = gammaincinv(2.0, score) / _SURE_WITHIN_M
    return np.asarray(np.minimum(per_m**2 / 3.0, _POINT_ERROR_M**-2))


def _hip_line(motion: Motion3D, shoulders: Floats) -> Floats:
    """Give the line of the hip joints (T, 3), or of the shoulders when hips are never seen."""
    for line in (unit(motion.point("left_hip") - motion.point("right_hip")), shoulders):
        seen = np.isfinite(line).all(axis=-1)
        if seen.any():
            return unit(fill_values(motion.time_s, line, seen))
    raise RigError(
        "Both hips or both shoulders are never seen together, so it is not known which way the "
        "person faces. Use a clip that shows both sides of the body."
    )


def _face(motion: Motion3D) -> Floats:
    """Give the direction (T, 3) to the left of the face; zero where no part of it is seen."""
    up = motion.point("head") - motion.point("neck_03")
    forward = motion.point("nose") - motion.point("neck_03")
    cues = (
        (motion.point("left_ear") - motion.point("right_ear"), ("left_ear", "right_ear")),
        (motion.point("left_eye") - motion.point("right_eye"), ("left_eye", "right_eye")),
        (np.cross(up, forward), ("nose", "head", "neck_03")),
    )
    total = np.zeros((len(motion.time_s), 3))
    for line, names in cues:
        score = np.min([motion.point_score(name) for name in names], axis=0)
        total += np.nan_to_num(score[:, None] * unit(line))
    return unit(total)


def _turns(directions: Floats, twist: Floats, cues: _Cues) -> Floats:
    """Give the turns (T, 10, 4) that segments of these directions (T, 9, 3) have.

    Every segment swings the shortest way from where the one below carries it, and takes its share
    of the twist (T, 2) of chest and head.
    """
    trunk, neck = spine_curve.twist_shares()
    shares = [*np.outer(np.diff(trunk, prepend=0.0), [1.0, 0.0])]
    shares += [*np.outer(np.diff(neck, prepend=0.0), [0.0, 1.0])]
    # The lowest segment tips the pelvis; the hip joints give its other two angles.
    lowest = directions[:, 0]
    level = lowest - np.sum(lowest * cues.hips, axis=-1, keepdims=True) * cues.hips
    turn = multiply(from_axes(cues.hips, level), conjugate(from_axes(_X, _REST[0])))
    turns = [turn]
    for i, share in enumerate(shares):
        swing = swing_between(rotate(turn, _REST[i]), directions[:, i])
        turn = multiply(swing, turn)
        turn = multiply(from_axis_angle(directions[:, i], twist @ share), turn)
        turns.append(turn)
    return np.stack(turns, axis=1)


def _corrected_twist(twist: Floats, turns: Floats, cues: _Cues) -> Floats:
    """Add to the twist (T, 2) of chest and head what still parts solved from seen left.

    Frames in which the left is not seen take the twist of their neighbours in time.
    """
    corrected = np.zeros_like(twist)
    for j, bone in enumerate((_CHEST, _HEAD)):
        seen = cues.across_seen[:, j]
        if not seen.any():
            continue
        axis = rotate(turns[:, bone + 1], _REST[bone])
        solved = rotate(turns[:, bone + 1], _X)
        sine = np.sum(np.cross(solved, cues.across[:, j]) * axis, axis=-1)
        cosine = np.sum(solved * cues.across[:, j], axis=-1)
        total = twist[:, j] + np.arctan2(sine, cosine)
        corrected[:, j] = fill_values(cues.time_s, total[:, None], seen)[:, 0]
    return corrected


def _improve(directions: Floats, turns: Floats, lengths: Floats, cues: _Cues) -> Floats:
    """Take one Gauss-Newton step of the directions (T, 9, 3) towards points and neutral curve."""
    base = rotate(turns[:, 0], cues.base)
    ends = (cues.root + base)[:, None] + np.cumsum(lengths[:, None] * directions, axis=1)
    # A segment moves all points above it, so two segments share the points above the upper one.
    above = np.cumsum(cues.weight[:, ::-1], axis=1)[:, ::-1]
    pull = np.cumsum((cues.weight[..., None] * (ends - cues.targets))[:, ::-1], axis=1)[:, ::-1]
    upper = np.maximum(np.arange(len(lengths))[:, None], np.arange(len(lengths)))

    tangents = _tangents(turns[:, 1:])
    levers = lengths[:, None, None] * tangents
    # The lowest segment tips the pelvis and so moves where the spine begins.
    tip = np.cross(rotate(turns[:, 0], _X), base)
    levers[:, 0, 0] += tip
    normal = np.einsum("tij,tiac,tjbc->tiajb", above[:, upper], levers, levers, optimize=True)
    slope = np.einsum("tiac,tic->tia", levers, pull)
    normal[:, 0, 0, 0, 0] += cues.base_weight * np.sum(tip * tip, axis=-1)
    slope[:, 0, 0] += cues.base_weight * np.sum(tip * (cues.root + base - cues.hip), axis=-1)
    # How far each segment leans out of line with the one below, summed up from the pelvis.
    lean = np.cumsum(np.einsum("tiac,tic->tia", _tangents(turns[:, :-1]), directions), axis=1)
    for a, form in enumerate(_STIFFNESS):
        normal[:, :, a, :, a] += form
        slope[:, :, a] += lean[:, :, a] @ form

    size = 2 * len(lengths)
    step = solve_blocks(normal.reshape(-1, size, size), -slope.reshape(-1, size))[..., None]
    step *= np.minimum(1.0, _LARGEST_STEP / np.maximum(np.abs(step).max(axis=1), 1e-12))[..., None]
    return unit(directions + np.einsum("tia,tiac->tic", step.reshape(slope.shape), tangents))


def _tangents(turns: Floats) -> Floats:
    """Give the directions (T, 9, 2, 3) in which the tips of turned (T, 9, 4) segments can lean.

    They are forward and to the left; for the segment below's turn, this is out of line with it.
    """
    return np.stack([rotate(turns, _FORWARD), rotate(turns, _X)], axis=2)
