# SPDX-License-Identifier: GPL-3.0-or-later
"""Roles of a rig's bones as a file that users edit, keep and share."""

import json
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from .errors import RigError
from .families import OPTIONAL
from .limb_joints import PARTS
from .matching import Roles, control_roles
from .tree import Tree

_SCHEMA: Final = "track_spine.rig"
_VERSION: Final = 1
_LARGEST: Final = 1_000_000
"""Most characters of a preset; that of a rig with the longest names Blender allows has 5,000."""
_LONGEST: Final = 63
"""Most letters of a bone's name in Blender."""
_MOST: Final = 64
"""Most bones of a spine or neck."""
_LISTS: Final = ("spine", "neck")
LIMBS: Final = tuple(f"{part}.{side}" for side in "LR" for part in PARTS)


def preset_text(roles: Roles, name: str) -> str:
    """Write roles as a preset.

    Args:
        roles: What the bones are.
        name: What the user calls the rig.

    Returns:
        JSON.
    """
    content = {
        "schema": _SCHEMA,
        "version": _VERSION,
        "name": name,
        "bones": assignment(roles),
    }
    return json.dumps(content, indent=1, ensure_ascii=False) + "\n"


def assignment(roles: Roles) -> dict[str, str | list[str]]:
    """Give roles as the table that users edit.

    Args:
        roles: What the bones are.

    Returns:
        Bone, or bones from bottom to top, by role.
    """
    table: dict[str, str | list[str]] = {"pelvis": roles.pelvis, "head": roles.head}
    table |= {"spine": list(roles.spine), "neck": list(roles.neck)}
    return table | dict(roles.limbs)


def read_preset(text: str, bone_names: Sequence[str], parents: Sequence[int]) -> Roles:
    """Read a preset for a rig.

    Args:
        text: What `preset_text` wrote, or what somebody says is that.
        bone_names: B names of the rig's bones.
        parents: Index of each bone's parent, -1 for none.

    Returns:
        The roles.

    Raises:
        RigError: It is no preset, or it is one for another rig; the message names the bones that
            this rig lacks.
    """
    if len(text) > _LARGEST:
        raise RigError(f"A preset of {len(text):,} characters is none: {_LARGEST:,} at most.")
    try:
        content: Any = json.loads(text, object_pairs_hook=_once)
    except (ValueError, RecursionError) as error:
        raise RigError(f"The file is no preset of a rig: {error}.") from error
    if not isinstance(content, dict) or content.get("schema") != _SCHEMA:
        raise RigError(f'The file is no preset of a rig: "schema" is not "{_SCHEMA}".')
    if content.get("version") != _VERSION:
        raise RigError(
            f"The preset has version {content.get('version')!r}, this program reads {_VERSION}. "
            "Update the program, or save the preset anew."
        )
    table = content.get("bones")
    if not isinstance(table, dict):
        raise RigError('The preset lacks "bones", the table of bones by role.')
    name = content.get("name")
    family = re.sub(r"[^\w .()-]", "", name)[:64] if isinstance(name, str) else ""
    return roles_from(table, bone_names, parents, family or "preset")


def roles_from(
    table: Mapping[str, Any], bone_names: Sequence[str], parents: Sequence[int], family: str
) -> Roles:
    """Check an edited table of bones and make roles of it.

    Args:
        table: Bone, or list of bones, by role, as `assignment` gives it.
        bone_names: B names of the rig's bones.
        parents: Index of each bone's parent, -1 for none.
        family: What to call the rig.

    Returns:
        The roles.

    Raises:
        RigError: A role is unknown, missing or not a name; the rig lacks a bone; a bone has two
            roles; or a bone does not hang from the pelvis.
    """
    tree = Tree(bone_names, parents)
    table = {role: bones for role, bones in table.items() if bones not in ("", None)}
    _check_form(table)
    named = [b for bones in table.values() for b in (bones if isinstance(bones, list) else [bones])]
    lacking = sorted({bone for bone in named if bone not in tree})
    if lacking:
        raise RigError(f"The preset is for another rig: this one lacks {_listed(lacking)}.")
    twice = sorted({bone for bone in named if named.count(bone) > 1})
    if twice:
        raise RigError(f"Bones that have two roles: {_listed(twice)}. Give each one role.")
    controls = control_roles(tree)
    if controls and table["pelvis"] == controls.pelvis:
        return _edited(controls, table, family)
    loose = [
        bone
        for bone in named
        if bone != table["pelvis"] and table["pelvis"] not in tree.ancestors(bone)
    ]
    if loose:
        raise RigError(
            f"Bones that do not hang from {table['pelvis']} (pelvis): {_listed(loose)}. "
            "Choose as pelvis the bone that carries them all."
        )
    return _edited(Roles(family, table["pelvis"], (), (), "", {}), table, family)


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Make a table of JSON's pairs, of which none may come twice."""
    table = dict(pairs)
    if len(table) != len(pairs):
        twice = [key for key, number in Counter(key for key, _ in pairs).items() if number > 1]
        raise ValueError(f"it has {_listed(twice)} twice")
    return table


def _listed(names: Sequence[str]) -> str:
    """Give names for a message, which a file may have made long and unprintable."""
    shown = ("".join(c if c.isprintable() else "?" for c in name[:_LONGEST]) for name in names[:10])
    return ", ".join(shown) + (f" and {len(names) - 10} more" if len(names) > 10 else "")


def _edited(known: Roles, table: Mapping[str, Any], family: str) -> Roles:
    """Put the bones of a table in place of a rig's; what is known of its controls stays."""
    limbs = {role: table[role] for role in LIMBS if role in table}
    return replace(
        known,
        family=family,
        pelvis=table["pelvis"],
        spine=tuple(table["spine"]),
        neck=tuple(table.get("neck", ())),
        head=table["head"],
        limbs=limbs,
        ik={role: bone for role, bone in known.ik.items() if role in limbs},
    )


def _check_form(table: Mapping[str, Any]) -> None:
    """Check that a table has the right roles, each with a name or names."""
    needed = {"pelvis", "head", "spine", *(role for role in LIMBS if role not in OPTIONAL)}
    unknown = sorted(str(role)[:40] for role in set(table) - {"pelvis", "head", *_LISTS, *LIMBS})
    missing = sorted(needed - set(table))
    if unknown or missing:
        raise RigError(
            f"Roles that are not known: {unknown[:10]}; roles without a bone: {missing}."
        )
    for role, bones in table.items():
        listed = role in _LISTS
        right = (
            isinstance(bones, list) and len(bones) <= _MOST if listed else isinstance(bones, str)
        )
        if not right or (listed and not all(isinstance(bone, str) for bone in bones)):
            what = f"a list of at most {_MOST} bone names" if listed else "a bone name"
            raise RigError(f'Role "{role}" should have {what}.')
    if not table["spine"]:
        raise RigError("The spine needs at least one bone.")
