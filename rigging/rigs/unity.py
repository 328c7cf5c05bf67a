# SPDX-License-Identifier: GPL-3.0-or-later
"""Unity's humanoid, by the names of its `HumanBodyBones`; VRM's humanoid has them too."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

FAMILY: Final = "Unity"
PREFIX: Final = ""
"""Nothing stands before the names."""

BONES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "pelvis": "Hips",
        "head": "Head",
        "clavicle.L": "LeftShoulder",
        "upper_arm.L": "LeftUpperArm",
        "forearm.L": "LeftLowerArm",
        "hand.L": "LeftHand",
        "thigh.L": "LeftUpperLeg",
        "shin.L": "LeftLowerLeg",
        "foot.L": "LeftFoot",
        "toe.L": "LeftToes",
        "clavicle.R": "RightShoulder",
        "upper_arm.R": "RightUpperArm",
        "forearm.R": "RightLowerArm",
        "hand.R": "RightHand",
        "thigh.R": "RightUpperLeg",
        "shin.R": "RightLowerLeg",
        "foot.R": "RightFoot",
        "toe.R": "RightToes",
    }
)
"""Bone by role; the spine and neck are the bones between."""
