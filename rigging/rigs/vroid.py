# SPDX-License-Identifier: GPL-3.0-or-later
"""VRM avatars made with VRoid Studio."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

FAMILY: Final = "VRoid"
PREFIX: Final = ""
"""Nothing stands before the names."""

BONES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "pelvis": "J_Bip_C_Hips",
        "head": "J_Bip_C_Head",
        "clavicle.L": "J_Bip_L_Shoulder",
        "upper_arm.L": "J_Bip_L_UpperArm",
        "forearm.L": "J_Bip_L_LowerArm",
        "hand.L": "J_Bip_L_Hand",
        "thigh.L": "J_Bip_L_UpperLeg",
        "shin.L": "J_Bip_L_LowerLeg",
        "foot.L": "J_Bip_L_Foot",
        "toe.L": "J_Bip_L_ToeBase",
        "clavicle.R": "J_Bip_R_Shoulder",
        "upper_arm.R": "J_Bip_R_UpperArm",
        "forearm.R": "J_Bip_R_LowerArm",
        "hand.R": "J_Bip_R_Hand",
        "thigh.R": "J_Bip_R_UpperLeg",
        "shin.R": "J_Bip_R_LowerLeg",
        "foot.R": "J_Bip_R_Foot",
        "toe.R": "J_Bip_R_ToeBase",
    }
)
"""Bone by role; the spine and neck are the bones between."""
