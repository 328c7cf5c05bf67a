# SPDX-License-Identifier: GPL-3.0-or-later
"""Poser's names, as the conversion of the CMU motions for Daz has them.

Source: the BVH files "for Daz" of cgspeed.com, B. Hahne's conversion of mocap.cs.cmu.edu.
"""

from typing import Final

from .family import Family

FAMILY: Final = Family(
    name="Poser and CMU",
    bones={
        "pelvis": "hip",
        "head": "head",
        "clavicle.L": "lCollar",
        "upper_arm.L": "lShldr",
        "forearm.L": "lForeArm",
        "hand.L": "lHand",
        "thigh.L": "lThigh",
        "shin.L": "lShin",
        "foot.L": "lFoot",
        "toe.L": "lToe",
        "clavicle.R": "rCollar",
        "upper_arm.R": "rShldr",
        "forearm.R": "rForeArm",
        "hand.R": "rHand",
        "thigh.R": "rThigh",
        "shin.R": "rShin",
        "foot.R": "rFoot",
        "toe.R": "rToe",
    },
)
