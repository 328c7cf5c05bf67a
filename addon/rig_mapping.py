# SPDX-License-Identifier: GPL-3.0-or-later
"""The table of which bone plays which part, as the panel shows it and the user edits it."""

import bpy

from ..rigging.matching import Match, Roles
from ..rigging.presets import assignment

CHAINS = ("spine", "neck")
"""Roles that several bones share, bottom to top."""


def assignment_of(settings: bpy.types.PropertyGroup, rig: str) -> dict[str, str | list[str]]:
    """Read the table.

    Args:
        settings: The scene's settings of rigs.
        rig: Name of the armature object.

    Returns:
        Bone or bones by role; empty when the table is not of this armature.
    """
    if settings.table_of is None or settings.table_of.name != rig:
        return {}
    filled = [(row.role, row.bone) for row in settings.table if row.bone]
    chains = {role: [bone for part, bone in filled if part == role] for role in CHAINS}
    return {**{role: bone for role, bone in filled if role not in CHAINS}, **chains}


def show_match(settings: bpy.types.PropertyGroup, armature: bpy.types.Object, match: Match) -> None:
    """Fill the table with what was guessed, and how surely.

    Args:
        settings: The scene's settings of rigs.
        armature: The armature object.
        match: The guess.
    """
    show_roles(settings, armature, match.roles)
    settings.table_family = match.family
    settings.table_notes = "\n".join(match.notes)
    for row in settings.table:
        row.certainty = match.certainty.get(row.role, 1.0)
        row.alternatives = ", ".join(match.alternatives.get(row.role, ()))


def show_roles(settings: bpy.types.PropertyGroup, armature: bpy.types.Object, roles: Roles) -> None:
    """Fill the table with roles that are settled.

    Args:
        settings: The scene's settings of rigs.
        armature: The armature object.
        roles: Its roles.
    """
    settings.table_of = armature
    settings.table_family, settings.table_notes = roles.family, ""
    settings.table.clear()
    for role, bones in assignment(roles).items():
        for bone in [bones] if isinstance(bones, str) else bones:
            row = settings.table.add()
            row.role, row.bone, row.certainty, row.alternatives = role, bone, 1.0, ""
