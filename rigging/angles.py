# SPDX-License-Identifier: GPL-3.0-or-later
"""Angles of the back by region, named as the International Society of Biomechanics asks.

Of each region: the rotation of its top segment in the axes of its bottom one, both against their
neutral pose, split as in ISB's joint coordinate system: first flexion about the axis to the left,
last axial rotation along the upward axis, side bend about the axis between.

Source: Wu et al., Journal of Biomechanics 2002;35:543, section 4 (spine), with axes renamed to this
project's: x to the left, y backwards, z upwards.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

import numpy as np

from . import spine_curve
from .motion import BoneMotion
from .person import posture
from .rotation import Floats, conjugate, multiply, to_matrix
from .skeleton import Skeleton

REGIONS: Final[Mapping[str, tuple[str, str]]] = MappingProxyType(
    {
        "lumbar": ("pelvis", "spine_03"),
        "thoracic": ("spine_03", "spine_06"),
        "cervical": ("spine_06", "spine_09_head"),
        "trunk": ("pelvis", "spine_06"),
    }
)
"""Bottom and top segment: pelvis to L1, L1 to C7, C7 to head; the trunk from pelvis to C7. The
points are the contract's, not a radiologist's: see design, "Where the nine points are"."""

PLANES: Final = ("flexion", "side_bend", "axial")
"""Forward, to the left and turned to the left are positive."""

LOW_TRUST: Final = frozenset({"axial"})
"""What one camera does not see: it follows from hips and shoulders, not from the back itself."""


def regional_angles(
    skeleton: Skeleton, motion: BoneMotion, neutral: Floats | None = None
) -> dict[str, Floats]:
    """Measure how far the regions of a back are bent from the neutral pose.

    Args:
        skeleton: The person's skeleton in the neutral pose.
        motion: Its motion.
        neutral: (8, 2) the person's own neutral posture, as `Person.neutral`; None for the
            skeleton's.

    Returns:
        (T, 3) by region: flexion, side bend and axial rotation as PLANES names them, radians,
        NaN where the motion is not valid.
    """
    turned = {
        bone: _from_neutral(skeleton, motion, bone)
        for bone in {bone for pair in REGIONS.values() for bone in pair}
    }
    if neutral is not None:
        own = dict(zip(spine_curve.BONES, posture(skeleton, neutral), strict=True))
        turned |= {
            bone: multiply(turned[bone], conjugate(own[bone]))
            for bone in own.keys() & turned.keys()
        }
    return {
        region: _isb_angles(multiply(conjugate(turned[bottom]), turned[top]))
        for region, (bottom, top) in REGIONS.items()
    }


def curvature(skeleton: Skeleton, motion: BoneMotion) -> tuple[Floats, Floats]:
    """Measure the sagittal curvature of a spine, at the joints between its segments.

    Args:
        skeleton: The person's skeleton.
        motion: Its motion.

    Returns:
        (8,) where along the arc from hip (0) to C7 (1) the joints are: L5 up to C1; and (T, 8)
        curvature there, radians a metre, lordosis negative, NaN where the motion is not valid.
    """
    rows = [motion.bones.index(bone) for bone in spine_curve.BONES]
    length = skeleton.length_m[[skeleton.index(bone) for bone in spine_curve.BONES]]
    along = to_matrix(motion.rotation[:, rows])[..., :, 1]
    left = to_matrix(motion.rotation[:, rows])[..., :, 0]
    lower, upper = along[:, :-1], along[:, 1:]
    middle = left[:, :-1] + left[:, 1:]
    middle /= np.linalg.norm(middle, axis=-1, keepdims=True)
    turn = np.arctan2(
        np.sum(np.cross(lower, upper) * middle, axis=-1), np.sum(lower * upper, axis=-1)
    )
    arc = np.cumsum(length)[:-1] / np.sum(length[: spine_curve.CHEST + 1])
    return arc, turn / (0.5 * (length[:-1] + length[1:]))


def _from_neutral(skeleton: Skeleton, motion: BoneMotion, bone: str) -> Floats:
    """Rotation (T, 4) that brings a bone from the neutral pose to where it is, world axes."""
    rest = skeleton.rest[skeleton.index(bone)]
    return multiply(motion.rotation[:, motion.bones.index(bone)], conjugate(rest))


def _isb_angles(turn: Floats) -> Floats:
    m = to_matrix(turn)
    side = np.arcsin(np.clip(m[:, 0, 2], -1.0, 1.0))
    flexion = np.arctan2(-m[:, 1, 2], m[:, 2, 2])
    axial = np.arctan2(-m[:, 0, 1], m[:, 0, 0])
    return np.stack([flexion, side, axial], axis=-1)
