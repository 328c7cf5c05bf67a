# SPDX-License-Identifier: GPL-3.0-or-later
"""Biped of 3ds Max.

Source: help.autodesk.com, MAXScript of 3ds Max, "Biped Node Hierarchy".
"""

from typing import Final

from .family import Family

FAMILY: Final = Family(
    name="3ds Max Biped",
    prefix=r"(?i:Bip)\d+[ _.-]?",
    bones={
        "pelvis": "Pelvis",
        "head": "Head",
        "clavicle.L": "L Clavicle",
        "upper_arm.L": "L UpperArm",
        "forearm.L": "L Forearm",
        "hand.L": "L Hand",
        "thigh.L": "L Thigh",
        "shin.L": "L Calf",
        "foot.L": "L Foot",
        "toe.L": "L Toe0",
        "clavicle.R": "R Clavicle",
        "upper_arm.R": "R UpperArm",
        "forearm.R": "R Forearm",
        "hand.R": "R Hand",
        "thigh.R": "R Thigh",
        "shin.R": "R Calf",
        "foot.R": "R Foot",
        "toe.R": "R Toe0",
    },
)
