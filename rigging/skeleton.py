# SPDX-License-Identifier: GPL-3.0-or-later
"""The canonical skeleton: its bones, rest pose and forward kinematics."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

import numpy as np
import numpy.typing as npt

from . import spine_curve
from .errors import RigError
from .motion import BoneMotion
from .rotation import Floats, conjugate, from_axes, multiply, rotate

_ARC_M: Final = 0.524

DEFAULT_LENGTHS_M: Final[Mapping[str, float]] = MappingProxyType(
    {
        # Arc from mid-hip to C7 of the generic model whose neutral curve `spine_curve` holds.
        **{
            bone: share * _ARC_M
            for bone, share in zip(spine_curve.BONES, spine_curve.ARC_SHARE, strict=False)
        },
        "spine_09_head": 0.18,
        "clavicle": 0.155,
        # Shares of stature after Drillis and Contini (in Winter, Biomechanics and Motor Control of
        # Human Movement), stature 1.75 m; hip joints a tenth of stature apart; ball of the foot at
        # 0.73 of its length (ANSUR).
        "upper_arm": 0.326,
        "forearm": 0.256,
        "hand": 0.189,
        "hip_width": 0.175,
        "thigh": 0.429,
        "shin": 0.431,
        "ankle_height": 0.068,
        "foot": 0.148,
        "toe": 0.072,
    }
)
"""Lengths of a person 1.75 m tall, metres; the names are those `canonical_skeleton` takes."""

DEFAULT_OFFSETS_M: Final[Mapping[str, float]] = MappingProxyType(
    {
        # The spine begins behind the axis of the hip joints and at its level.
        "spine_back": 0.05,
        "spine_up": 0.0,
        # The shoulder line lies below C7, and ahead of the spine at its level.
        "shoulder_drop": 0.05,
        "shoulder_forward": 0.0,
    }
)
"""Where the same person's spine and shoulders are attached, metres; these may be negative."""

BALL_HEIGHT: Final = 0.25
"""Height of the ball of the foot above the ground, as a share of the ankle's."""

CLAVICLE_START: Final = 0.12
"""Distance of a clavicle's inner end from the midline, as a share of the clavicle's length."""

_X, _Y, _Z = np.eye(3)


@dataclass(frozen=True, eq=False)
class Skeleton:
    """Bones in rest pose, parents before children, the first bone being the root.

    Attributes:
        bones: B bone names.
        parents: (B,) index of each bone's parent, -1 for the root.
        head_m: (B, 3) where bones begin, metres.
        tail_m: (B, 3) where bones end, metres.
        rest: (B, 4) orientation of each bone: +Y from head to tail, +X the hinge about which it
            flexes.
    """

    bones: tuple[str, ...]
    parents: npt.NDArray[np.int64]
    head_m: Floats
    tail_m: Floats
    rest: Floats

    def __post_init__(self) -> None:
        """Check that the parts fit together.

        Raises:
            RigError: Names repeat, a shape is wrong, a parent does not come first, or +Y is not
                along a bone.
        """
        count = len(self.bones)
        if len(set(self.bones)) != count or count == 0:
            raise RigError(f"A skeleton needs bones of different names, got {self.bones}.")
        shapes = [(count,), (count, 3), (count, 3), (count, 4)]
        if [a.shape for a in (self.parents, self.head_m, self.tail_m, self.rest)] != shapes:
            raise RigError(f"The arrays of a skeleton of {count} bones must have shapes {shapes}.")
        if not (self.parents < np.arange(count)).all() or (self.parents < 0).nonzero()[
            0
        ].tolist() != [0]:
            raise RigError(
                "A skeleton needs one root, first, and every parent before its children."
            )
        along = self.tail_m - self.head_m
        if not np.allclose(rotate(self.rest, _Y) * self.length_m[:, None], along, atol=1e-6):
            raise RigError("The +Y axis of a bone at rest must point from its head to its tail.")

    def index(self, bone: str) -> int:
        """Give the index of a bone.

        Args:
            bone: One of `bones`.

        Returns:
            Its position.
        """
        return self.bones.index(bone)

    @property
    def length_m(self) -> Floats:
        """(B,) lengths of the bones, metres."""
        return np.asarray(np.linalg.norm(self.tail_m - self.head_m, axis=-1))

    @property
    def z_axis(self) -> Floats:
        """(B, 3) direction of each bone's +Z at rest, which fixes its roll."""
        return rotate(self.rest, _Z)


class _Builder:
    """Collects bones one after another."""

    def __init__(self) -> None:
        self.bones: list[str] = []
        self.parents: list[int] = []
        self.heads: list[Floats] = []
        self.tails: list[Floats] = []
        self.rests: list[Floats] = []

    def add(self, bone: str, parent: str, head: Floats, along: Floats, hinge: Floats) -> Floats:
        """Add a bone that reaches from `head` to `head + along` and return its tail."""
        self.bones.append(bone)
        self.parents.append(self.bones.index(parent) if parent else -1)
        self.heads.append(head)
        self.tails.append(head + along)
        self.rests.append(from_axes(hinge, along))
        return head + along

    def skeleton(self) -> Skeleton:
        return Skeleton(
            tuple(self.bones),
            np.array(self.parents, dtype=np.int64),
            np.array(self.heads),
            np.array(self.tails),
            np.array(self.rests),
        )


def canonical_skeleton(lengths_m: Mapping[str, float]) -> Skeleton:
    """Build the canonical rest pose (T-pose facing -Y, soles on z = 0) with a person's lengths.

    The spine's directions are those of the neutral curve whatever the lengths, so a rotation means
    the same for everybody.

    Args:
        lengths_m: Metres by the names of `DEFAULT_LENGTHS_M` and `DEFAULT_OFFSETS_M`; what is left
            out is taken from there.

    Returns:
        The skeleton.

    Raises:
        RigError: A name is not known, or a length is not positive and finite.
    """
    known = {**DEFAULT_LENGTHS_M, **DEFAULT_OFFSETS_M}
    unknown = sorted(set(lengths_m) - set(known))
    length = {**known, **lengths_m}
    wrong = sorted(name for name in DEFAULT_LENGTHS_M if not 0.0 < length[name] < np.inf)
    wrong += sorted(name for name in DEFAULT_OFFSETS_M if not np.isfinite(length[name]))
    if unknown or wrong:
        raise RigError(f"Unknown lengths: {unknown}; lengths that are not possible: {wrong}.")
    if length["foot"] <= (1.0 - BALL_HEIGHT) * length["ankle_height"]:
        raise RigError(f"A foot of {length['foot']} m cannot reach the ground from its ankle.")
    builder = _Builder()
    mid_hip = (length["thigh"] + length["shin"] + length["ankle_height"]) * _Z
    builder.add("pelvis", "", mid_hip, length["spine_01"] * _Z, _X)
    start = mid_hip + length["spine_back"] * _Y + length["spine_up"] * _Z
    chest_head, chest_tail = _add_spine(builder, start, length)
    sides = (("L", 1.0), ("R", -1.0))
    for side, sign in sides:
        _add_arm(builder, side, sign, chest_head, chest_tail, length)
    for side, sign in sides:
        _add_leg(builder, side, mid_hip + 0.5 * sign * length["hip_width"] * _X, length)
    return builder.skeleton()


def _add_spine(builder: _Builder, at: Floats, length: Mapping[str, float]) -> tuple[Floats, Floats]:
    """Add the nine segments and return where the chest's begins and ends."""
    parent, ends = "pelvis", [at]
    for bone, direction in zip(spine_curve.BONES, spine_curve.neutral_directions(), strict=True):
        ends.append(builder.add(bone, parent, ends[-1], length[bone] * direction, _X))
        parent = bone
    return ends[spine_curve.CHEST], ends[spine_curve.CHEST + 1]


def _add_arm(
    builder: _Builder,
    side: str,
    sign: float,
    chest_head: Floats,
    chest_tail: Floats,
    length: Mapping[str, float],
) -> None:
    """Add an arm stretched sideways; its hinge is vertical, flexing brings it forward."""
    outward, hinge = sign * _X, -sign * _Z
    along = chest_tail - chest_head
    at = chest_tail - along * length["shoulder_drop"] / along[2] - length["shoulder_forward"] * _Y
    at = at + CLAVICLE_START * length["clavicle"] * outward
    parent = spine_curve.BONES[spine_curve.CHEST]
    for part in ("clavicle", "upper_arm", "forearm", "hand"):
        bone = f"{part}.{side}"
        at = builder.add(bone, parent, at, length[part] * outward, hinge)
        parent = bone


def _add_leg(builder: _Builder, side: str, at: Floats, length: Mapping[str, float]) -> None:
    """Add a straight leg; its hinge points to the left, flexing brings the shin backward."""
    drop = (1.0 - BALL_HEIGHT) * length["ankle_height"]
    reach = np.sqrt(length["foot"] ** 2 - drop**2)
    parts = {
        "thigh": -length["thigh"] * _Z,
        "shin": -length["shin"] * _Z,
        "foot": -reach * _Y - drop * _Z,
        "toe": -length["toe"] * _Y,
    }
    parent = "pelvis"
    for part, along in parts.items():
        bone = f"{part}.{side}"
        at = builder.add(bone, parent, at, along, _X)
        parent = bone


def fk(skeleton: Skeleton, motion: BoneMotion) -> tuple[Floats, Floats]:
    """Place bones by forward kinematics.

    Args:
        skeleton: Rest pose.
        motion: Rotations of the same bones in the same order, T frames.

    Returns:
        Heads and tails, each (T, B, 3) metres; NaN rows where the motion is not valid.

    Raises:
        RigError: The bones differ.
    """
    if motion.bones != skeleton.bones:
        raise RigError("The motion's bones are not the skeleton's; solve it for this skeleton.")
    turn = multiply(motion.rotation, conjugate(skeleton.rest))
    heads = np.empty((len(motion.time_s), len(skeleton.bones), 3))
    heads[:, 0] = motion.root_m
    for bone, parent in enumerate(skeleton.parents[1:].tolist(), start=1):
        offset = skeleton.head_m[bone] - skeleton.head_m[parent]
        heads[:, bone] = heads[:, parent] + rotate(turn[:, parent], offset)
    tails = heads + rotate(turn, skeleton.tail_m - skeleton.head_m)
    return heads, tails
