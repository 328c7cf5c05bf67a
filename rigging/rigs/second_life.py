# SPDX-License-Identifier: GPL-3.0-or-later
"""Second Life avatars (`avatar_skeleton.xml` of its viewer), with or without the Bento spine."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

FAMILY: Final = "Second Life"
PREFIX: Final = ""
"""Nothing stands before the names."""

BONES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "pelvis": "mPelvis",
        "head": "mHead",
        "clavicle.L": "mCollarLeft",
        "upper_arm.L": "mShoulderLeft",
        "forearm.L": "mElbowLeft",
        "hand.L": "mWristLeft",
        "thigh.L": "mHipLeft",
        "shin.L": "mKneeLeft",
        "foot.L": "mAnkleLeft",
        "toe.L": "mFootLeft",
        "clavicle.R": "mCollarRight",
        "upper_arm.R": "mShoulderRight",
        "forearm.R": "mElbowRight",
        "hand.R": "mWristRight",
        "thigh.R": "mHipRight",
        "shin.R": "mKneeRight",
        "foot.R": "mAnkleRight",
        "toe.R": "mFootRight",
    }
)
"""Bone by role; the spine and neck are the bones between."""
