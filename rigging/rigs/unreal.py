# SPDX-License-Identifier: GPL-3.0-or-later
"""Unreal mannequin and MetaHuman body; MPFB's game-engine rig has the same names."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

FAMILY: Final = "Unreal"
PREFIX: Final = ""
"""Nothing stands before the names."""

BONES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "pelvis": "pelvis",
        "head": "head",
        "clavicle.L": "clavicle_l",
        "upper_arm.L": "upperarm_l",
        "forearm.L": "lowerarm_l",
        "hand.L": "hand_l",
        "thigh.L": "thigh_l",
        "shin.L": "calf_l",
        "foot.L": "foot_l",
        "toe.L": "ball_l",
        "clavicle.R": "clavicle_r",
        "upper_arm.R": "upperarm_r",
        "forearm.R": "lowerarm_r",
        "hand.R": "hand_r",
        "thigh.R": "thigh_r",
        "shin.R": "calf_r",
        "foot.R": "foot_r",
        "toe.R": "ball_r",
    }
)
"""Bone by role; the spine and neck are the bones between."""
