# SPDX-License-Identifier: GPL-3.0-or-later
"""MetaHuman body: the mannequin's names, and bones of single toes.

Source: the lists of its joints in public Maya scripts, `root` and `pelvis` to `bigtoe_01_l`.
"""

from typing import Final

from . import unreal
from .family import Family

FAMILY: Final = Family(
    name="MetaHuman",
    bones=unreal.FAMILY.bones,
    marks=("bigtoe_01_l", "bigtoe_01_r"),
)
