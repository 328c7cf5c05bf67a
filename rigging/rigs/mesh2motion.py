# SPDX-License-Identifier: GPL-3.0-or-later
"""Mesh2Motion: names of Rigify's deform bones but for hips and head.

Source: github.com/scottpetrovic/mesh2motion-app, `static/skeletons/human-skeleton.glb`.
"""

from typing import Final

from .family import Family

FAMILY: Final = Family(
    name="Mesh2Motion",
    prefix=r"DEF-",
    bones={
        "pelvis": "hips",
        "head": "head",
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
