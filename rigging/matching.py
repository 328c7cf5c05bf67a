# SPDX-License-Identifier: GPL-3.0-or-later
"""Which bones of a rig play which part of the body."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from . import structure
from .errors import RigError
from .families import nearest
from .rigs import rigify_controls
from .rotation import Floats
from .tree import Tree

BY_STRUCTURE: Final = "by structure"


@dataclass(frozen=True)
class Roles:
    """Bones of a rig by the part they play.

    Attributes:
        family: The rig family the names come from.
        pelvis: The bone that carries the hips.
        spine: Bones from the pelvis up to the one that carries the arms, bottom to top.
        neck: Bones between the spine and the head, bottom to top; may be empty.
        head: The head.
        limbs: Bone by "upper_arm.L" and the like; clavicle, hand and toe may be absent.
        travel: The bone that carries the whole body where that is not the pelvis, else "".
        drawn: For controls that lie elsewhere than what they move: the bone that lies there.
        carried: For controls that another moves than the one above: that one.
        ik: IK control by "hand.L" or "foot.L", and pole by "forearm.L" or "shin.L".
        ik_limbs: "arm" or "leg" where only IK moves that limb.
        still: Controls that are to stay at rest.
        guides: Controls that steer the curve of the spine's Spline IK.
        switches: Properties as (bone, property, value for FK or None to leave it, value for IK,
            "arm", "leg" or "" by whose choice).
    """

    family: str
    pelvis: str
    spine: tuple[str, ...]
    neck: tuple[str, ...]
    head: str
    limbs: Mapping[str, str]
    travel: str = ""
    drawn: Mapping[str, str] = field(default_factory=dict)
    carried: Mapping[str, str] = field(default_factory=dict)
    ik: Mapping[str, str] = field(default_factory=dict)
    ik_limbs: frozenset[str] = frozenset()
    still: tuple[str, ...] = ()
    guides: tuple[str, ...] = ()
    switches: tuple[tuple[str, str, float | None, float, str], ...] = ()

    def bones(self) -> tuple[str, ...]:
        """Give every bone that has a role."""
        travel = (self.travel,) if self.travel else ()
        return (*travel, self.pelvis, *self.spine, *self.neck, self.head, *self.limbs.values())

    def needed(self) -> set[str]:
        """Give every bone that has a role, and every control that is keyed."""
        return {*self.bones(), *self.guides, *self.ik.values()}


@dataclass(frozen=True)
class Match:
    """Roles as they were guessed, for the user to look over.

    Attributes:
        roles: The guess.
        certainty: 0..1 by role ("pelvis", "spine", "neck", "head" and the limbs).
        alternatives: Other bones that might play a role.
        notes: What the user should know.
    """

    roles: Roles
    certainty: Mapping[str, float]
    alternatives: Mapping[str, tuple[str, ...]]
    notes: tuple[str, ...]

    @property
    def family(self) -> str:
        """The rig family, or that structure told."""
        return self.roles.family


def match(
    bone_names: Sequence[str], parents: Sequence[int], heads_m: Floats | None = None
) -> Roles:
    """Find the roles of a rig's bones; `identify` tells more.

    Args:
        bone_names: B bone names.
        parents: Index of each bone's parent, -1 for none.
        heads_m: (B, 3) where the bones begin in the world; None to look at names only.

    Returns:
        The roles.

    Raises:
        RigError: As in `identify`.
    """
    return identify(bone_names, parents, heads_m).roles


def identify(
    bone_names: Sequence[str], parents: Sequence[int], heads_m: Floats | None = None
) -> Match:
    """Find the roles of a rig's bones, by the names of a known family or else by structure.

    Pelvis, head and limbs are known by name; the spine and neck are the bones between, however many
    they are and whatever they are called, parted where the arms branch off.

    Args:
        bone_names: B bone names.
        parents: Index of each bone's parent, -1 for none.
        heads_m: (B, 3) where the bones begin in the world; None to look at names only.

    Returns:
        The roles with how sure they are.

    Raises:
        RigError: No known family fits (the message names every bone that the nearest lacks), or the
            bones do not hang together as a body.
    """
    tree = Tree(bone_names, parents)
    controls = control_roles(tree)
    if controls:
        return _sure(controls)
    family, found, missing = nearest(tree)
    if not missing:
        return _sure(body(tree, found, family.name))
    listed = ", ".join(f"{bone} ({role})" for role, bone in missing.items())
    lacks = f"of a {family.name} rig it lacks {listed}."
    if heads_m is None:
        raise RigError(
            f"The armature is not a rig that is known: {lacks} "
            "Rename its bones to these, choose bones by hand, or select another armature."
        )
    try:
        guess = structure.guess(tree, heads_m)
        roles = body(tree, guess.bones, BY_STRUCTURE)
    except RigError as error:
        if len(found) < len(missing):
            raise
        raise RigError(f"{error} By its names, {lacks}") from error
    return Match(roles, guess.certainty, guess.alternatives, guess.notes)


def body(tree: Tree, found: Mapping[str, str], family: str) -> Roles:
    """Complete roles with the spine and the neck: what lies between those that are known.

    Args:
        tree: All bones.
        found: Bone by role: pelvis, head and limbs.
        family: What the roles come from.

    Returns:
        The roles.

    Raises:
        RigError: The bones do not hang together as a body.
    """
    pelvis = _carrier(tree, found)
    above_head = tree.ancestors(found["head"])
    column = above_head[: above_head.index(pelvis)][::-1]
    heights = [
        column.index(bone) + 1
        for side in "LR"
        for bone in tree.ancestors(found[f"upper_arm.{side}"])
        if bone in column
    ]
    if not heights:
        raise RigError(
            f"No bone between {pelvis} (pelvis) and {found['head']} (head) carries the "
            "arms, so the rig has no spine. Select an armature with one."
        )
    limbs = {role: bone for role, bone in found.items() if "." in role}
    spine, neck = tuple(column[: max(heights)]), tuple(column[max(heights) :])
    return Roles(family, pelvis, spine, neck, found["head"], limbs)


def control_roles(tree: Tree) -> Roles | None:
    """Give the controls of a rig that Rigify generated.

    Args:
        tree: All bones.

    Returns:
        Their roles; None for any other rig.
    """
    known, family = set(tree.names), rigify_controls
    if not {*family.BONES.values(), family.TRAVEL} <= known:
        return None
    drawn_by, deform = family.DRAWN[0], family.DEFORM

    def height(name: str) -> tuple[int, str]:
        bone = deform + name.replace(drawn_by, "")
        return (len(tree.ancestors(bone)) if bone in known else 0), name

    column = sorted((name for name in known if re.fullmatch(family.SPINE, name)), key=height)
    drawn = {name: family.DRAWN[1] + name.replace(drawn_by, "") for name in column}
    return Roles(
        family=family.FAMILY,
        pelvis=column[0],
        spine=tuple(column[1:]),
        neck=(family.BONES["neck"],),
        head=family.BONES["head"],
        limbs={role: bone for role, bone in family.BONES.items() if "." in role},
        travel=family.TRAVEL,
        drawn={control: bone for control, bone in drawn.items() if bone in known},
        carried=family.CARRIED,
        ik={role: bone for role, bone in family.IK.items() if bone in known},
        still=tuple(bone for bone in family.STILL if bone in known),
        switches=family.SWITCHES,
    )


def _carrier(tree: Tree, found: Mapping[str, str]) -> str:
    """Find the bone that all others with a role hang from: the pelvis, or the next above it."""
    others = {role: bone for role, bone in found.items() if role != "pelvis"}
    above = {bone: set(tree.ancestors(bone)) for bone in others.values()}
    for candidate in (found["pelvis"], *tree.ancestors(found["pelvis"])):
        if all(candidate in ancestors for ancestors in above.values()):
            return candidate
    role, bone = next(
        (role, bone) for role, bone in others.items() if found["pelvis"] not in above[bone]
    )
    raise RigError(
        f"Bone {bone} ({role}) does not hang from {found['pelvis']} (pelvis), "
        "so it would not travel with the body. Parent it, or select another armature."
    )


def _sure(roles: Roles) -> Match:
    return Match(
        roles,
        {"pelvis": 1.0, "spine": 1.0, "neck": 1.0, "head": 1.0}
        | {role: 1.0 for role in roles.limbs},
        {},
        (),
    )
