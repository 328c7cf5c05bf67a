# SPDX-License-Identifier: GPL-3.0-or-later
"""Daz Genesis 9.

Source: the table for Unreal of the DAZ Importer by T. Larsson.
"""

from typing import Final

from .family import Family

FAMILY: Final = Family(
    name="Daz Genesis 9",
    bones={
        "pelvis": "hip",
        "head": "head",
        "clavicle.L": "l_shoulder",
        "upper_arm.L": "l_upperarm",
        "forearm.L": "l_forearm",
        "hand.L": "l_hand",
        "thigh.L": "l_thigh",
        "shin.L": "l_shin",
        "foot.L": "l_foot",
        "toe.L": "l_toes",
        "clavicle.R": "r_shoulder",
        "upper_arm.R": "r_upperarm",
        "forearm.R": "r_forearm",
        "hand.R": "r_hand",
        "thigh.R": "r_thigh",
        "shin.R": "r_shin",
        "foot.R": "r_foot",
        "toe.R": "r_toes",
    },
)
