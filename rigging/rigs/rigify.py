# SPDX-License-Identifier: GPL-3.0-or-later
"""Rigify's human metarigs, and the deform and original bones of what they generate."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

FAMILY: Final = "Rigify"
PREFIX: Final = r"(DEF|ORG)-"
"""What stands before every name: "DEF-", "ORG-", or nothing."""

BONES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "pelvis": "spine",
        "head": "spine.006",
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
