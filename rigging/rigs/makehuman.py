# SPDX-License-Identifier: GPL-3.0-or-later
"""MakeHuman's and MPFB's default rig: two bones a limb segment, five in the spine."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

FAMILY: Final = "MakeHuman"
PREFIX: Final = ""
"""Nothing stands before the names."""

BONES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "pelvis": "root",
        "head": "head",
        "clavicle.L": "clavicle.L",
        "upper_arm.L": "upperarm01.L",
        "forearm.L": "lowerarm01.L",
        "hand.L": "wrist.L",
        "thigh.L": "upperleg01.L",
        "shin.L": "lowerleg01.L",
        "foot.L": "foot.L",
        "toe.L": "toe1-1.L",
        "clavicle.R": "clavicle.R",
        "upper_arm.R": "upperarm01.R",
        "forearm.R": "lowerarm01.R",
        "hand.R": "wrist.R",
        "thigh.R": "upperleg01.R",
        "shin.R": "lowerleg01.R",
        "foot.R": "foot.R",
        "toe.R": "toe1-1.R",
    }
)
"""Bone by role; the spine and neck are the bones between."""
