# SPDX-License-Identifier: GPL-3.0-or-later
"""Second Life avatars, with or without the Bento spine.

Source: github.com/secondlife/viewer, `indra/newview/character/avatar_skeleton.xml`.
"""

from typing import Final

from .family import Family

FAMILY: Final = Family(
    name="Second Life",
    bones={
        "pelvis": "mPelvis",
        "head": "mHead",
        "clavicle.L": "mCollarLeft",
        "upper_arm.L": "mShoulderLeft",
        "forearm.L": "mElbowLeft",
        "hand.L": "mWristLeft",
        "thigh.L": "mHipLeft",
        "shin.L": "mKneeLeft",
        "foot.L": "mAnkleLeft",
        "toe.L": "mFootLeft",
        "clavicle.R": "mCollarRight",
        "upper_arm.R": "mShoulderRight",
        "forearm.R": "mElbowRight",
        "hand.R": "mWristRight",
        "thigh.R": "mHipRight",
        "shin.R": "mKneeRight",
        "foot.R": "mAnkleRight",
        "toe.R": "mFootRight",
    },
)
