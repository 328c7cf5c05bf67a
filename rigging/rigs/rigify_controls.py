# SPDX-License-Identifier: GPL-3.0-or-later
"""Controls of a rig that Rigify generated from a human metarig (as of Blender 4.2 to 5.2).

The controls of the spine hang from `torso`, upwards and downwards from its pivot; `drawn` names the
bones that lie where each of them acts.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

FAMILY: Final = "Rigify controls"
TRAVEL: Final = "torso"
SPINE: Final = r"spine_fk(\.\d{3})?"
"""Controls of the spine; the one without a number turns the pelvis."""
DRAWN: Final = ("_fk", "ORG-")
"""The bone `ORG-spine.001` lies where `spine_fk.001` acts, and so on."""
DEFORM: Final = "DEF-"
"""Deform bones hang in one chain, which tells the order of controls: where a metarig's spine was
subdivided, numbers do not."""

BONES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "pelvis": "spine_fk",
        "neck": "neck",
        "head": "head",
        "clavicle.L": "shoulder.L",
        "upper_arm.L": "upper_arm_fk.L",
        "forearm.L": "forearm_fk.L",
        "hand.L": "hand_fk.L",
        "thigh.L": "thigh_fk.L",
        "shin.L": "shin_fk.L",
        "foot.L": "foot_fk.L",
        "toe.L": "toe_fk.L",
        "clavicle.R": "shoulder.R",
        "upper_arm.R": "upper_arm_fk.R",
        "forearm.R": "forearm_fk.R",
        "hand.R": "hand_fk.R",
        "thigh.R": "thigh_fk.R",
        "shin.R": "shin_fk.R",
        "foot.R": "foot_fk.R",
        "toe.R": "toe_fk.R",
    }
)
"""Control by role."""

CARRIED: Final[Mapping[str, str]] = MappingProxyType(
    {"upper_arm_fk.L": "shoulder.L", "upper_arm_fk.R": "shoulder.R"}
)
"""What moves a control where that is not above it in the tree."""

IK: Final[Mapping[str, str]] = MappingProxyType(
    {
        "hand.L": "hand_ik.L",
        "forearm.L": "upper_arm_ik_target.L",
        "foot.L": "foot_ik.L",
        "shin.L": "thigh_ik_target.L",
        "hand.R": "hand_ik.R",
        "forearm.R": "upper_arm_ik_target.R",
        "foot.R": "foot_ik.R",
        "shin.R": "thigh_ik_target.R",
    }
)
"""IK control of hands and feet, and the pole that elbows and knees point to."""

STILL: Final = ("hips", "chest")
"""Controls that stay at rest, so that only those above move the spine."""

SWITCHES: Final = (
    ("torso", "neck_follow", 1.0, 1.0, ""),
    ("torso", "head_follow", 1.0, 1.0, ""),
    ("upper_arm_parent.L", "IK_FK", 1.0, 0.0, "arm"),
    ("upper_arm_parent.R", "IK_FK", 1.0, 0.0, "arm"),
    ("thigh_parent.L", "IK_FK", 1.0, 0.0, "leg"),
    ("thigh_parent.R", "IK_FK", 1.0, 0.0, "leg"),
    ("upper_arm_parent.L", "FK_limb_follow", 0.0, 0.0, "arm"),
    ("upper_arm_parent.R", "FK_limb_follow", 0.0, 0.0, "arm"),
    ("thigh_parent.L", "FK_limb_follow", 0.0, 0.0, "leg"),
    ("thigh_parent.R", "FK_limb_follow", 0.0, 0.0, "leg"),
    ("upper_arm_parent.L", "pole_vector", 0.0, 1.0, "arm"),
    ("upper_arm_parent.R", "pole_vector", 0.0, 1.0, "arm"),
    ("thigh_parent.L", "pole_vector", 0.0, 1.0, "leg"),
    ("thigh_parent.R", "pole_vector", 0.0, 1.0, "leg"),
    ("upper_arm_parent.L", "IK_parent", 1.0, 1.0, "arm"),
    ("upper_arm_parent.R", "IK_parent", 1.0, 1.0, "arm"),
    ("thigh_parent.L", "IK_parent", 1.0, 1.0, "leg"),
    ("thigh_parent.R", "IK_parent", 1.0, 1.0, "leg"),
    ("upper_arm_parent.L", "pole_parent", 1.0, 1.0, "arm"),
    ("upper_arm_parent.R", "pole_parent", 1.0, 1.0, "arm"),
    ("thigh_parent.L", "pole_parent", 1.0, 1.0, "leg"),
    ("thigh_parent.R", "pole_parent", 1.0, 1.0, "leg"),
    ("upper_arm_ik.L", "ik_stretch", None, 0.0, "arm"),
    ("upper_arm_ik.R", "ik_stretch", None, 0.0, "arm"),
    ("MCH-forearm_ik.L", "ik_stretch", None, 0.0, "arm"),
    ("MCH-forearm_ik.R", "ik_stretch", None, 0.0, "arm"),
    ("thigh_ik.L", "ik_stretch", None, 0.0, "leg"),
    ("thigh_ik.R", "ik_stretch", None, 0.0, "leg"),
    ("MCH-shin_ik.L", "ik_stretch", None, 0.0, "leg"),
    ("MCH-shin_ik.R", "ik_stretch", None, 0.0, "leg"),
)
"""Bone, property, its value for FK (None: as it is) and for IK, and the limbs whose choice decides.

Rigify lets the two bones of an IK chain stretch (`ik_stretch` of 0.1, in its `limb_rigs.py`), which
the control `IK_Stretch` does not switch off. Blender's solver then shortens them before it bends
them, and knees and elbows come up to six degrees beside.
"""
