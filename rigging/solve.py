# SPDX-License-Identifier: GPL-3.0-or-later
"""From key points to a skeleton of constant lengths and the rotations of its bones."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final

import numpy as np

from . import spine_curve
from .errors import RigError
from .lengths import measure_lengths, mid_hip
from .limbs import solve_arm, solve_leg
from .motion import BoneMotion, Motion3D
from .posing import Posing
from .rotation import Bools, Floats, conjugate, continuous, multiply
from .skeleton import Skeleton, canonical_skeleton, fk
from .smoothness import Effect
from .trunk import solve_trunk, torso_seen

LEAST_SCORE: Final = 0.02
"""Score below which a point counts as not seen.

Feet outside the picture scored 0.001 to 0.02 in clips of people cut off at the thigh and lay at
random; far arms of walkers, hidden by the body but placed well, scored from 0.03.
"""


@dataclass(frozen=True, eq=False)
class Solved:
    """A person's skeleton and its motion.

    Attributes:
        skeleton: Rest pose with the person's lengths.
        motion: Rotations of its bones.
        heads_m: (T, B, 3) where bones begin, by forward kinematics; NaN where not valid.
        tails_m: (T, B, 3) where bones end.
        contacts: (T,) whether each of `FEET`, `HANDS` and `SEAT` of `contacts.py` rests; empty
            where that was not looked for.
        sigma: (T, B) standard deviation of each joint about its least certain axis, radians,
            against the parent bone (the world for the pelvis); NaN where not valid. Where a joint
            does not turn on its own it is 0. None before the whole clip is fitted.
        smoothing: What smoothing did to the points, by region; empty where it is not known.
    """

    skeleton: Skeleton
    motion: BoneMotion
    heads_m: Floats
    tails_m: Floats
    contacts: Mapping[str, Bools] = field(default_factory=dict)
    sigma: Floats | None = None
    smoothing: Mapping[str, Effect] = field(default_factory=dict)

    @property
    def turn(self) -> Floats:
        """Turns (T, B, 4) of the bones from rest in the world; NaN where not valid."""
        return multiply(self.motion.rotation, conjugate(self.skeleton.rest))


def person_lengths(motion: Motion3D) -> dict[str, float]:
    """Measure a person's lengths over the frames that show the torso.

    Args:
        motion: Key points that are `believed`, smoothed.

    Returns:
        Metres by the names that `canonical_skeleton` takes.

    Raises:
        RigError: No frame shows the torso (mid-hip with C7 or both shoulders).
    """
    return measure_lengths(motion.at(_torso(motion)))


def _torso(motion: Motion3D) -> Bools:
    """Tell which frames show the torso, and refuse motions without any."""
    valid = torso_seen(motion)
    if not valid.any():
        raise RigError(
            "No frame shows the torso (both hips or mid-hip, with C7 or both shoulders). "
            "Choose a clip in which the person's trunk is seen."
        )
    return valid


def solve(motion: Motion3D, lengths_m: Mapping[str, float] | None = None) -> Solved:
    """Find the bone rotations that explain a person's key points, frame by frame.

    Bone lengths are constant. A part that is not seen in a frame keeps the rotation, relative to
    its parent, that it has in the frames before and after, interpolated; a part that is never seen
    keeps its rest.

    Args:
        motion: Key points, smoothed.
        lengths_m: The person's lengths; None to measure them.

    Returns:
        Skeleton and motion; frames in which the torso is not seen are not valid.

    Raises:
        RigError: No frame shows the torso (mid-hip with C7 or both shoulders).
    """
    motion = believed(motion)
    valid = _torso(motion)
    seen = motion.at(valid)
    skeleton = canonical_skeleton(measure_lengths(seen) if lengths_m is None else lengths_m)
    posing = Posing(skeleton, mid_hip(seen)[0])
    for bone, turn in zip(
        ("pelvis", *spine_curve.BONES), np.moveaxis(solve_trunk(seen, skeleton), 1, 0), strict=True
    ):
        posing.set(bone, turn)
    for side, suffix in (("left", "L"), ("right", "R")):
        solve_arm(seen, posing, side, suffix)
        solve_leg(seen, posing, side, suffix)
    bone_motion = BoneMotion(
        bones=skeleton.bones,
        time_s=motion.time_s,
        rotation=_at(valid, continuous(posing.rotation())),
        root_m=_at(valid, posing.head("pelvis")),
        valid=valid,
    )
    return Solved(skeleton, bone_motion, *fk(skeleton, bone_motion))


def believed(motion: Motion3D) -> Motion3D:
    """Take points of too low a score for missing.

    Args:
        motion: Key points.

    Returns:
        The same without those below `LEAST_SCORE`.
    """
    enough = motion.score >= LEAST_SCORE
    xyz_m = np.where(enough[..., None], motion.xyz_m, np.nan)
    return replace(motion, xyz_m=xyz_m, score=np.where(enough, motion.score, 0.0))


def _at(valid: Bools, rows: Floats) -> Floats:
    """Spread rows over the valid frames; the others are NaN."""
    spread = np.full((len(valid), *rows.shape[1:]), np.nan)
    spread[valid] = rows
    return spread
