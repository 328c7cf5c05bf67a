# SPDX-License-Identifier: GPL-3.0-or-later
"""The armature this extension makes: the bones of `rigging.skeleton`."""

from typing import Final

from .family import Family

FAMILY: Final = Family(
    name="Track Spine",
    bones={
        "pelvis": "pelvis",
        "head": "spine_09_head",
        "clavicle.L": "clavicle.L",
        "upper_arm.L": "upper_arm.L",
        "forearm.L": "forearm.L",
        "hand.L": "hand.L",
        "thigh.L": "thigh.L",
        "shin.L": "shin.L",
        "foot.L": "foot.L",
        "toe.L": "toe.L",
        "clavicle.R": "clavicle.R",
        "upper_arm.R": "upper_arm.R",
        "forearm.R": "forearm.R",
        "hand.R": "hand.R",
        "thigh.R": "thigh.R",
        "shin.R": "shin.R",
        "foot.R": "foot.R",
        "toe.R": "toe.R",
    },
)
