# SPDX-License-Identifier: GPL-3.0-or-later
"""Which bones of a rig play which part of the body."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from .errors import RigError
from .rigs import mixamo, track_spine

# Name, pattern of what may stand before bone names, bone by role. The first is named when nothing
# fits.
_FAMILIES: Final = (
    ("Mixamo", mixamo.PREFIX, mixamo.BONES),
    ("Track Spine", track_spine.PREFIX, track_spine.BONES),
)
_OPTIONAL: Final = frozenset(f"{p}.{side}" for p in ("clavicle", "hand", "toe") for side in "LR")


@dataclass(frozen=True)
class Roles:
    """Bones of a rig by the part they play.

    Attributes:
        family: The rig family the names come from.
        pelvis: The bone that carries the whole body.
        spine: Bones from the pelvis up to the one that carries the arms, bottom to top.
        neck: Bones between the spine and the head, bottom to top; may be empty.
        head: The head.
        limbs: Bone by "upper_arm.L" and the like; clavicle, hand and toe may be absent.
    """

    family: str
    pelvis: str
    spine: tuple[str, ...]
    neck: tuple[str, ...]
    head: str
    limbs: Mapping[str, str]

    def bones(self) -> tuple[str, ...]:
        """Give every bone that has a role."""
        return (self.pelvis, *self.spine, *self.neck, self.head, *self.limbs.values())


def match(bone_names: Sequence[str], parents: Sequence[int]) -> Roles:
    """Find the roles of a rig's bones.

    Pelvis, head and limbs are known by name; the spine and neck are the bones between, however many
    they are and whatever they are called, parted where the arms branch off.

    Args:
        bone_names: B bone names.
        parents: Index of each bone's parent, -1 for none.

    Returns:
        The roles.

    Raises:
        RigError: No known family fits (the message names every bone that the nearest lacks), or the
            bones do not hang together as a body.
    """
    family, expected, prefix = max(
        (
            (family, bones, prefix)
            for family, pattern, bones in _FAMILIES
            for prefix in _prefixes(pattern, bone_names)
        ),
        key=lambda candidate: sum(
            candidate[2] + bone in set(bone_names) for bone in candidate[1].values()
        ),
    )
    found = {role: prefix + bone for role, bone in expected.items() if prefix + bone in bone_names}
    missing = [role for role in expected if role not in found and role not in _OPTIONAL]
    if missing:
        listed = ", ".join(f"{prefix}{expected[role]} ({role})" for role in missing)
        raise RigError(
            f"The armature is not a rig that is known: of a {family} rig it lacks {listed}. "
            "Rename its bones to these, or select another armature."
        )
    spine, neck = _trunk(found, bone_names, parents)
    limbs = {role: bone for role, bone in found.items() if "." in role}
    return Roles(family, found["pelvis"], spine, neck, found["head"], limbs)


def _prefixes(pattern: str, bone_names: Sequence[str]) -> list[str]:
    """Give what stands before bone names, as the pattern allows it, nothing included."""
    matches = (re.match(pattern, name) for name in bone_names)
    return sorted({"", *(found.group() for found in matches if found)})


def _ancestors(bone: str, bone_names: Sequence[str], parents: Sequence[int]) -> list[str]:
    """Give the bones above a bone, nearest first."""
    above: list[str] = []
    parent = parents[bone_names.index(bone)]
    while parent >= 0:
        above.append(bone_names[parent])
        parent = parents[parent]
    return above


def _trunk(
    found: Mapping[str, str], bone_names: Sequence[str], parents: Sequence[int]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Find the spine and the neck."""
    for role, bone in found.items():
        if role != "pelvis" and found["pelvis"] not in _ancestors(bone, bone_names, parents):
            raise RigError(
                f"Bone {bone} ({role}) does not hang from {found['pelvis']} (pelvis), "
                "so it would not travel with the body. Parent it, or select another armature."
            )
    above_head = _ancestors(found["head"], bone_names, parents)
    column = above_head[: above_head.index(found["pelvis"])][::-1]
    heights = [
        column.index(bone) + 1
        for side in "LR"
        for bone in _ancestors(found[f"upper_arm.{side}"], bone_names, parents)
        if bone in column
    ]
    if not heights:
        raise RigError(
            f"No bone between {found['pelvis']} (pelvis) and {found['head']} (head) carries the "
            "arms, so the rig has no spine. Select an armature with one."
        )
    return tuple(column[: max(heights)]), tuple(column[max(heights) :])
