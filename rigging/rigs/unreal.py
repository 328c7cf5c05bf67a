# SPDX-License-Identifier: GPL-3.0-or-later
"""Unreal mannequin; MPFB's game-engine rig has the same names.

Source: github.com/saturday06/VRM-Addon-for-Blender, `human_bone_mapper/unreal_mapping.py`.
"""

from typing import Final

from .family import Family

FAMILY: Final = Family(
    name="Unreal",
    bones={
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
    },
)
