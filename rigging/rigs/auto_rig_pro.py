# SPDX-License-Identifier: GPL-3.0-or-later
"""Auto-Rig Pro: names of its deform bones, which are those of its exports.

Source: lucky3d.fr/auto-rig-pro/doc, "Game Engine Export".
"""

from typing import Final

from .family import Family

FAMILY: Final = Family(
    name="Auto-Rig Pro",
    bones={
        "pelvis": "root.x",
        "head": "head.x",
        "clavicle.L": "shoulder.l",
        "upper_arm.L": "arm_stretch.l",
        "forearm.L": "forearm_stretch.l",
        "hand.L": "hand.l",
        "thigh.L": "thigh_stretch.l",
        "shin.L": "leg_stretch.l",
        "foot.L": "foot.l",
        "toe.L": "toes_01.l",
        "clavicle.R": "shoulder.r",
        "upper_arm.R": "arm_stretch.r",
        "forearm.R": "forearm_stretch.r",
        "hand.R": "hand.r",
        "thigh.R": "thigh_stretch.r",
        "shin.R": "leg_stretch.r",
        "foot.R": "foot.r",
        "toe.R": "toes_01.r",
    },
)
