# SPDX-License-Identifier: GPL-3.0-or-later
"""Mesh2Motion: names of Rigify's deform bones but for hips and head."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

FAMILY: Final = "Mesh2Motion"
PREFIX: Final = r"DEF-"
"""What stands before every name: "DEF-", or nothing."""

BONES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "pelvis": "hips",
        "head": "head",
        "clavicle.L": "shoulder.L",
        "upper_arm.L": "upper_arm.L",
        "forearm.L": "forearm.L",
        "hand.L": "hand.L",
        "thigh.L": "thigh.L",
        "shin.L": "shin.L",
        "foot.L": "foot.L",
        "toe.L": "toe.L",
        "clavicle.R": "shoulder.R",
        "upper_arm.R": "upper_arm.R",
        "forearm.R": "forearm.R",
        "hand.R": "hand.R",
        "thigh.R": "thigh.R",
        "shin.R": "shin.R",
        "foot.R": "foot.R",
        "toe.R": "toe.R",
    }
)
"""Bone by role; the spine and neck are the bones between."""
