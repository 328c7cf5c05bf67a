# SPDX-License-Identifier: GPL-3.0-or-later
"""Which bone carries each key point, and where."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np

from . import spine_curve
from .freedoms import Ints
from .motion import Motion3D
from .rotation import Floats, conjugate, rotate
from .solve import Solved

_SIDES: Final = (("left", "L"), ("right", "R"))

_JOINTS: Final[Mapping[str, tuple[str, str]]] = {
    "hip": ("pelvis", "spine_01"),
    **{
        point: (bone, above)
        for point, bone, above in zip(
            spine_curve.POINTS[:-1], spine_curve.BONES[:-1], spine_curve.BONES[1:], strict=True
        )
    },
    **{
        f"{side}_{point}": (f"{bone}{dot}", f"{at}.{s}")
        for side, s in _SIDES
        for point, bone, dot, at in (
            ("hip", "pelvis", "", "thigh"),
            ("knee", "thigh", f".{s}", "shin"),
            ("ankle", "shin", f".{s}", "foot"),
            ("shoulder", "clavicle", f".{s}", "upper_arm"),
            ("elbow", "upper_arm", f".{s}", "forearm"),
            ("wrist", "forearm", f".{s}", "hand"),
        )
    },
}
"""Key points that are joints: the bone that carries them, and the bone that begins there."""

_FIXED: Final[Mapping[str, str]] = {
    **dict.fromkeys(("nose", "left_eye", "right_eye", "left_ear", "right_ear"), "spine_09_head"),
    **{f"{side}_latissimus": "spine_04" for side, _ in _SIDES},
    **{f"{side}_clavicle": "spine_06" for side, _ in _SIDES},
    **{
        f"{side}_{point}": f"foot.{s}"
        for side, s in _SIDES
        for point in ("heel", "big_toe", "small_toe")
    },
}
"""Key points fixed to a bone at a place that differs between people."""

_LEAST_FRAMES: Final = 3


@dataclass(frozen=True, eq=False)
class Attachments:
    """Key points on a skeleton at rest.

    Attributes:
        points: N key points that the skeleton carries.
        column: (N,) where each is found among a motion's names.
        bone: (N,) the bone that carries it.
        offset: (N, 3) from that bone's head to the point, at rest, metres.
    """

    points: tuple[str, ...]
    column: Ints
    bone: Ints
    offset: Floats

    def place(self, heads: Floats, turn: Floats) -> Floats:
        """Give the points (T, N, 3) of bones with heads (T, B, 3) turned (T, B, 4) from rest."""
        return np.asarray(heads[:, self.bone] + rotate(turn[:, self.bone], self.offset))


def attach(motion: Motion3D, solved: Solved) -> Attachments:
    """Find where a person's key points sit on the bones.

    Joints are where the skeleton has them. The others are where they lie in the median over the
    clip, seen from their bone; points seen in fewer than three frames are left out.

    Args:
        motion: Key points, T frames.
        solved: A solution for the same frames.

    Returns:
        The attachments.
    """
    skeleton = solved.skeleton
    turn = solved.turn
    found = []
    for column, name in enumerate(motion.names):
        if name in _JOINTS:
            bone, at = (skeleton.index(part) for part in _JOINTS[name])
            found.append((name, column, bone, skeleton.head_m[at] - skeleton.head_m[bone]))
        elif name == spine_curve.POINTS[-1]:
            bone = skeleton.index(spine_curve.BONES[-1])
            found.append((name, column, bone, skeleton.tail_m[bone] - skeleton.head_m[bone]))
        elif name in _FIXED:
            bone = skeleton.index(_FIXED[name])
            seen = (motion.score[:, column] > 0.0) & solved.motion.valid
            if seen.sum() >= _LEAST_FRAMES:
                from_head = motion.xyz_m[seen, column] - solved.heads_m[seen, bone]
                local = rotate(conjugate(turn[seen, bone]), from_head)
                found.append((name, column, bone, np.median(local, axis=0)))
    names, columns, bones, offsets = zip(*found, strict=True)
    return Attachments(names, np.array(columns), np.array(bones), np.array(offsets))
