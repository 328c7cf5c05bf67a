# SPDX-License-Identifier: GPL-3.0-or-later
"""Unity's humanoid, by the names of its `HumanBodyBones`; Godot's humanoid profile has them too.

Source: docs.unity3d.com/ScriptReference/HumanBodyBones.html.
"""

from typing import Final

from .family import Family

FAMILY: Final = Family(
    name="Unity",
    bones={
        "pelvis": "Hips",
        "head": "Head",
        "clavicle.L": "LeftShoulder",
        "upper_arm.L": "LeftUpperArm",
        "forearm.L": "LeftLowerArm",
        "hand.L": "LeftHand",
        "thigh.L": "LeftUpperLeg",
        "shin.L": "LeftLowerLeg",
        "foot.L": "LeftFoot",
        "toe.L": "LeftToes",
        "clavicle.R": "RightShoulder",
        "upper_arm.R": "RightUpperArm",
        "forearm.R": "RightLowerArm",
        "hand.R": "RightHand",
        "thigh.R": "RightUpperLeg",
        "shin.R": "RightLowerLeg",
        "foot.R": "RightFoot",
        "toe.R": "RightToes",
    },
)
