# SPDX-License-Identifier: GPL-3.0-or-later
"""Poser's names, as the conversion of the CMU motions for Daz has them."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

FAMILY: Final = "Poser and CMU"
PREFIX: Final = ""
"""Nothing stands before the names."""

BONES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "pelvis": "hip",
        "head": "head",
        "clavicle.L": "lCollar",
        "upper_arm.L": "lShldr",
        "forearm.L": "lForeArm",
        "hand.L": "lHand",
        "thigh.L": "lThigh",
        "shin.L": "lShin",
        "foot.L": "lFoot",
        "toe.L": "lToe",
        "clavicle.R": "rCollar",
        "upper_arm.R": "rShldr",
        "forearm.R": "rForeArm",
        "hand.R": "rHand",
        "thigh.R": "rThigh",
        "shin.R": "rShin",
        "foot.R": "rFoot",
        "toe.R": "rToe",
    }
)
"""Bone by role; the spine and neck are the bones between."""
