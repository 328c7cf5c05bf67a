# SPDX-License-Identifier: GPL-3.0-or-later
"""Daz Genesis 3, 8 and 8.1, which share their names."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

FAMILY: Final = "Daz Genesis 3 and 8"
PREFIX: Final = ""
"""Nothing stands before the names."""

BONES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "pelvis": "hip",
        "head": "head",
        "clavicle.L": "lCollar",
        "upper_arm.L": "lShldrBend",
        "forearm.L": "lForearmBend",
        "hand.L": "lHand",
        "thigh.L": "lThighBend",
        "shin.L": "lShin",
        "foot.L": "lFoot",
        "toe.L": "lToe",
        "clavicle.R": "rCollar",
        "upper_arm.R": "rShldrBend",
        "forearm.R": "rForearmBend",
        "hand.R": "rHand",
        "thigh.R": "rThighBend",
        "shin.R": "rShin",
        "foot.R": "rFoot",
        "toe.R": "rToe",
    }
)
"""Bone by role; the spine and neck are the bones between."""
