# SPDX-License-Identifier: GPL-3.0-or-later
"""VRM avatars made with VRoid Studio.

Source: github.com/saturday06/VRM-Addon-for-Blender, `human_bone_mapper/vroid_mapping.py`.
"""

from typing import Final

from .family import Family

FAMILY: Final = Family(
    name="VRoid",
    bones={
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
    },
)
