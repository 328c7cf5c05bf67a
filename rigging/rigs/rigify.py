# SPDX-License-Identifier: GPL-3.0-or-later
"""Rigify's human metarigs, and the deform and original bones of what they generate.

Source: `rigify/metarigs/human.py` of Blender.
"""

from typing import Final

from .family import Family

FAMILY: Final = Family(
    name="Rigify",
    prefix=r"(DEF|ORG)-",
    bones={
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
    },
)
