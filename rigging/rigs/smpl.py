# SPDX-License-Identifier: GPL-3.0-or-later
"""SMPL and SMPL-H as meshes with bones: joints, each named by where its bone begins.

Source: meshcapade.wiki/SMPL, the tables of joints; SMPL-X and later code write `left_hip` instead.
"""

from typing import Final

from .family import Family

FAMILY: Final = Family(
    name="SMPL",
    prefix=r"[mf]_avg_",
    bones={
        "pelvis": "Pelvis",
        "head": "Head",
        "clavicle.L": "L_Collar",
        "upper_arm.L": "L_Shoulder",
        "forearm.L": "L_Elbow",
        "hand.L": "L_Wrist",
        "thigh.L": "L_Hip",
        "shin.L": "L_Knee",
        "foot.L": "L_Ankle",
        "toe.L": "L_Foot",
        "clavicle.R": "R_Collar",
        "upper_arm.R": "R_Shoulder",
        "forearm.R": "R_Elbow",
        "hand.R": "R_Wrist",
        "thigh.R": "R_Hip",
        "shin.R": "R_Knee",
        "foot.R": "R_Ankle",
        "toe.R": "R_Foot",
    },
)
