# SPDX-License-Identifier: GPL-3.0-or-later
"""Daz Genesis 9."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

FAMILY: Final = "Daz Genesis 9"
PREFIX: Final = ""
"""Nothing stands before the names."""

BONES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "pelvis": "hip",
        "head": "head",
        "clavicle.L": "l_shoulder",
        "upper_arm.L": "l_upperarm",
        "forearm.L": "l_forearm",
        "hand.L": "l_hand",
        "thigh.L": "l_thigh",
        "shin.L": "l_shin",
        "foot.L": "l_foot",
        "toe.L": "l_toes",
        "clavicle.R": "r_shoulder",
        "upper_arm.R": "r_upperarm",
        "forearm.R": "r_forearm",
        "hand.R": "r_hand",
        "thigh.R": "r_thigh",
        "shin.R": "r_shin",
        "foot.R": "r_foot",
        "toe.R": "r_toes",
    }
)
"""Bone by role; the spine and neck are the bones between."""
