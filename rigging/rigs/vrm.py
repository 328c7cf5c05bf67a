# SPDX-License-Identifier: GPL-3.0-or-later
"""VRM's humanoid: Unity's names with a small first letter.

Source: github.com/vrm-c/vrm-specification, `specification/VRMC_vrm-1.0/humanoid.md`.
"""

from typing import Final

from . import unity
from .family import Family

FAMILY: Final = Family(
    name="VRM",
    bones={role: bone[0].lower() + bone[1:] for role, bone in unity.FAMILY.bones.items()},
    marks=("leftUpperLeg", "rightUpperLeg"),
)
