# SPDX-License-Identifier: GPL-3.0-or-later
"""The families of rigs that are known by name, and which of them a rig is of."""

import re
from typing import Final

from .rigs import (
    auto_rig_pro,
    biped,
    cmu,
    cmu_asf,
    daz_genesis_8,
    daz_genesis_9,
    makehuman,
    mesh2motion,
    metahuman,
    mixamo,
    poser,
    ready_player_me,
    rigify,
    second_life,
    smpl,
    smpl_x,
    track_spine,
    unity,
    unreal,
    vrm,
    vroid,
)
from .rigs.family import Family
from .tree import Tree, plain_name

FAMILIES: Final[tuple[Family, ...]] = (
    mixamo.FAMILY,
    track_spine.FAMILY,
    ready_player_me.FAMILY,
    cmu.FAMILY,
    cmu_asf.FAMILY,
    rigify.FAMILY,
    unreal.FAMILY,
    metahuman.FAMILY,
    vroid.FAMILY,
    unity.FAMILY,
    vrm.FAMILY,
    makehuman.FAMILY,
    daz_genesis_8.FAMILY,
    daz_genesis_9.FAMILY,
    auto_rig_pro.FAMILY,
    poser.FAMILY,
    smpl.FAMILY,
    smpl_x.FAMILY,
    second_life.FAMILY,
    biped.FAMILY,
    mesh2motion.FAMILY,
)
"""The first is named when nothing fits; where two fit equally well, the earlier is taken."""
_NAME_SPACE: Final = r".*[:|]"
OPTIONAL: Final = frozenset(f"{p}.{side}" for p in ("clavicle", "hand", "toe") for side in "LR")
"""Roles that a rig may lack."""


def nearest(tree: Tree) -> tuple[Family, dict[str, str], dict[str, str]]:
    """Find the family that has most of its bones in a rig.

    Args:
        tree: All bones.

    Returns:
        The family, the rig's bones by role, and names of the needed that it lacks by role.
    """
    return max(
        (_found(family, tree, prefix) for family in FAMILIES for prefix in _prefixes(family, tree)),
        key=lambda candidate: (len(candidate[1]), _marked(candidate[0], tree)),
    )


def _found(
    family: Family, tree: Tree, prefix: str
) -> tuple[Family, dict[str, str], dict[str, str]]:
    """Give the bones of a family that a rig has by role, and names of the needed that it lacks."""
    found, missing = {}, {}
    for role, bone in family.bones.items():
        name = prefix + bone
        actual = name if name in tree else tree.by_plain_name(plain_name(name))
        if actual:
            found[role] = actual
        elif role not in OPTIONAL:
            missing[role] = name
    return family, found, missing


def _marked(family: Family, tree: Tree) -> bool:
    """Tell whether a rig has what tells a family from another of the same names."""
    return bool(family.marks) and all(mark in tree for mark in family.marks)


def _prefixes(family: Family, tree: Tree) -> list[str]:
    """Give what stands before bone names: what the family allows, a name space, or nothing."""
    pattern = "|".join(filter(None, (family.prefix, _NAME_SPACE)))
    matches = (re.match(pattern, name) for name in tree.names)
    return sorted({"", *(found.group() for found in matches if found)})
