# SPDX-License-Identifier: GPL-3.0-or-later
"""Biped of 3ds Max."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

FAMILY: Final = "3ds Max Biped"
PREFIX: Final = r"Bip\d+[ _]"
"""What stands before every name: "Bip01 ", "Bip001 " and so on, or nothing."""

BONES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "pelvis": "Pelvis",
        "head": "Head",
        "clavicle.L": "L Clavicle",
        "upper_arm.L": "L UpperArm",
        "forearm.L": "L Forearm",
        "hand.L": "L Hand",
        "thigh.L": "L Thigh",
        "shin.L": "L Calf",
        "foot.L": "L Foot",
        "toe.L": "L Toe0",
        "clavicle.R": "R Clavicle",
        "upper_arm.R": "R UpperArm",
        "forearm.R": "R Forearm",
        "hand.R": "R Hand",
        "thigh.R": "R Thigh",
        "shin.R": "R Calf",
        "foot.R": "R Foot",
        "toe.R": "R Toe0",
    }
)
"""Bone by role; the spine and neck are the bones between."""
