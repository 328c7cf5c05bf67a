# SPDX-License-Identifier: GPL-3.0-or-later
"""Daz Genesis 3, 8 and 8.1, which share their names.

Source: the table for Unreal of the DAZ Importer, and `target_rigs/genesis3.trg` of MakeWalk,
both by T. Larsson.
"""

from typing import Final

from .family import Family

FAMILY: Final = Family(
    name="Daz Genesis 3 and 8",
    bones={
        "pelvis": "hip",
        "head": "head",
        "clavicle.L": "lCollar",
        "upper_arm.L": "lShldrBend",
        "forearm.L": "lForearmBend",
        "hand.L": "lHand",
        "thigh.L": "lThighBend",
        "shin.L": "lShin",
        "foot.L": "lFoot",
        "toe.L": "lToe",
        "clavicle.R": "rCollar",
        "upper_arm.R": "rShldrBend",
        "forearm.R": "rForearmBend",
        "hand.R": "rHand",
        "thigh.R": "rThighBend",
        "shin.R": "rShin",
        "foot.R": "rFoot",
        "toe.R": "rToe",
    },
)
