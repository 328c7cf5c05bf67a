# SPDX-License-Identifier: GPL-3.0-or-later
"""SMPL-X: joints, each named by where its bone begins.

Source: github.com/vchoutas/smplx, smplx/joint_names.py.
"""

from typing import Final

from .family import Family

FAMILY: Final = Family(
    name="SMPL-X",
    bones={
        "pelvis": "pelvis",
        "head": "head",
        "clavicle.L": "left_collar",
        "upper_arm.L": "left_shoulder",
        "forearm.L": "left_elbow",
        "hand.L": "left_wrist",
        "thigh.L": "left_hip",
        "shin.L": "left_knee",
        "foot.L": "left_ankle",
        "toe.L": "left_foot",
        "clavicle.R": "right_collar",
        "upper_arm.R": "right_shoulder",
        "forearm.R": "right_elbow",
        "hand.R": "right_wrist",
        "thigh.R": "right_hip",
        "shin.R": "right_knee",
        "foot.R": "right_ankle",
        "toe.R": "right_foot",
    },
)
