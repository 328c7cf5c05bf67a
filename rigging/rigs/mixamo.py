# SPDX-License-Identifier: GPL-3.0-or-later
"""Mixamo: names as mixamo.com writes them; Ready Player Me and CMU's BVH have them too."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

FAMILY: Final = "Mixamo"
PREFIX: Final = r"mixamorig\d*[:_]?"
"""What may stand before every name: "mixamorig:", "mixamorig1:" and so on, or nothing."""

BONES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "pelvis": "Hips",
        "head": "Head",
        "clavicle.L": "LeftShoulder",
        "upper_arm.L": "LeftArm",
        "forearm.L": "LeftForeArm",
        "hand.L": "LeftHand",
        "thigh.L": "LeftUpLeg",
        "shin.L": "LeftLeg",
        "foot.L": "LeftFoot",
        "toe.L": "LeftToeBase",
        "clavicle.R": "RightShoulder",
        "upper_arm.R": "RightArm",
        "forearm.R": "RightForeArm",
        "hand.R": "RightHand",
        "thigh.R": "RightUpLeg",
        "shin.R": "RightLeg",
        "foot.R": "RightFoot",
        "toe.R": "RightToeBase",
    }
)
"""Bone by role; the spine and neck are the bones between."""
