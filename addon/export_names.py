# SPDX-License-Identifier: GPL-3.0-or-later
"""Bone names of another program for a rig that Track Spine made."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ..rigging.matching import Roles


@dataclass(frozen=True)
class BoneNames:
    """Names by the part that bones play.

    Attributes:
        pelvis: The bone that carries the body.
        spine: Names spread evenly over the spine, bottom to top; bones between two of them take
            the lower one's name and a number.
        neck: The same for the neck.
        head: The head.
        limbs: Pattern by part ("upper_arm"); {side} is one of the two in `sides`.
        sides: What stands for left and for right.
    """

    pelvis: str
    spine: tuple[str, ...]
    neck: tuple[str, ...]
    head: str
    limbs: Mapping[str, str]
    sides: tuple[str, str]


def renamed(roles: Roles, names: BoneNames) -> dict[str, str]:
    """Give the bones of a rig the names of a program.

    Args:
        roles: What the rig's bones are.
        names: The names.

    Returns:
        New name by bone, all different.
    """
    sides = dict(zip("LR", names.sides, strict=True))
    limbs = {
        bone: names.limbs[part].format(side=sides[side])
        for role, bone in roles.limbs.items()
        for part, _, side in [role.partition(".")]
    }
    return {
        roles.pelvis: names.pelvis,
        roles.head: names.head,
        **dict(zip(roles.spine, _spread(names.spine, len(roles.spine)), strict=True)),
        **dict(zip(roles.neck, _spread(names.neck, len(roles.neck)), strict=True)),
        **limbs,
    }


def _spread(names: Sequence[str], count: int) -> list[str]:
    """Spread names over bones: the first at the bottom, the last at the top."""
    if count <= len(names):
        return list(names[:count])
    gaps = max(1, len(names) - 1)
    at = {round(number * (count - 1) / gaps): name for number, name in enumerate(names)}
    given: list[str] = []
    for bone in range(count):
        if bone in at:
            lower, copy = at[bone], 1
        else:
            copy += 1
        given.append(lower if copy == 1 else f"{lower}{copy}")
    return given
