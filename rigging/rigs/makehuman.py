# SPDX-License-Identifier: GPL-3.0-or-later
"""MakeHuman's and MPFB's default rig: two bones a limb segment, five in the spine.

Source: github.com/makehumancommunity/mpfb2, `data/rigs/standard/rig.default.json`.
"""

from typing import Final

from .family import Family

FAMILY: Final = Family(
    name="MakeHuman",
    bones={
        "pelvis": "root",
        "head": "head",
        "clavicle.L": "clavicle.L",
        "upper_arm.L": "upperarm01.L",
        "forearm.L": "lowerarm01.L",
        "hand.L": "wrist.L",
        "thigh.L": "upperleg01.L",
        "shin.L": "lowerleg01.L",
        "foot.L": "foot.L",
        "toe.L": "toe1-1.L",
        "clavicle.R": "clavicle.R",
        "upper_arm.R": "upperarm01.R",
        "forearm.R": "lowerarm01.R",
        "hand.R": "wrist.R",
        "thigh.R": "upperleg01.R",
        "shin.R": "lowerleg01.R",
        "foot.R": "foot.R",
        "toe.R": "toe1-1.R",
    },
)
