# SPDX-License-Identifier: GPL-3.0-or-later
"""Mixamo: names as mixamo.com writes them.

Source: github.com/makehumancommunity/mpfb2, `data/rigs/standard/rig.mixamo.json`.
"""

from typing import Final

from .family import Family

FAMILY: Final = Family(
    name="Mixamo",
    prefix=r"mixamorig\d*[:_]?",
    bones={
        "pelvis": "Hips",
        "head": "Head",
        "clavicle.L": "LeftShoulder",
        "upper_arm.L": "LeftArm",
        "forearm.L": "LeftForeArm",
        "hand.L": "LeftHand",
        "thigh.L": "LeftUpLeg",
        "shin.L": "LeftLeg",
        "foot.L": "LeftFoot",
        "toe.L": "LeftToeBase",
        "clavicle.R": "RightShoulder",
        "upper_arm.R": "RightArm",
        "forearm.R": "RightForeArm",
        "hand.R": "RightHand",
        "thigh.R": "RightUpLeg",
        "shin.R": "RightLeg",
        "foot.R": "RightFoot",
        "toe.R": "RightToeBase",
    },
)
