# SPDX-License-Identifier: GPL-3.0-or-later
"""Keys for the IK controls of a rig: hands, feet and the poles of elbows and knees."""

from collections.abc import Mapping
from typing import Final

import numpy as np

from .matching import Roles
from .rest_pose import RestPose
from .rotation import Floats, conjugate, multiply, rotate, unit

_ENDS: Final = {"arm": ("upper_arm", "forearm", "hand"), "leg": ("thigh", "shin", "foot")}
_STRAIGHT: Final = 0.05
"""Bend, as a share of the limb, up to which the rest pose has a say in where the pole goes."""


def ik_keys(
    roles: Roles,
    rest: RestPose,
    limb: str,
    turns: Mapping[str, Floats],
    at: Mapping[str, Floats],
) -> tuple[dict[str, Floats], dict[str, Floats]]:
    """Put IK controls where the limbs are.

    Args:
        roles: What the bones are.
        rest: The rig at rest.
        limb: "arm" or "leg".
        turns: (T, 4) turn of each bone in the world, from rest.
        at: (T, 3) where bones begin, metres.

    Returns:
        Turns (T, 4) of controls, and where (T, 3) controls and poles are, by bone.
    """
    turned, placed = {}, {}
    upper, middle, end = _ENDS[limb]
    for side in "LR":
        if f"{end}.{side}" not in roles.ik or f"{end}.{side}" not in roles.limbs:
            continue
        control, bone = roles.ik[f"{end}.{side}"], roles.limbs[f"{end}.{side}"]
        turned[control] = turns[bone]
        placed[control] = at[bone] + rotate(turns[bone], rest.head(control) - rest.head(bone))
        pole = roles.ik.get(f"{middle}.{side}")
        if pole:
            chain = [roles.limbs[f"{part}.{side}"] for part in (upper, middle, end)]
            placed[pole] = _pole(rest, pole, chain, turns, at)
    return turned, placed


def location(rest: RestPose, bone: str, at: Floats, in_own_axes: bool) -> Floats:
    """Express where a bone is as Blender's pose does, for a bone that nothing carries.

    Args:
        rest: The rig at rest.
        bone: The bone.
        at: (T, 3) where it begins, metres.
        in_own_axes: Whether its location is along its own axes or those of the armature.

    Returns:
        (T, 3) armature units.
    """
    axes = rest.rotation[rest.index(bone)] if in_own_axes else rest.world
    return np.asarray(rotate(conjugate(axes), at - rest.head(bone)) / rest.scale)


def _pole(
    rest: RestPose,
    pole: str,
    chain: list[str],
    turns: Mapping[str, Floats],
    at: Mapping[str, Floats],
) -> Floats:
    """Place a pole (T, 3) where the limb bends to, as far from the joint as at rest.

    The nearer the limb is to straight, the more its upper bone decides, so that the pole does not
    leap when the limb is stretched.
    """
    root, joint, end = (at[bone] for bone in chain)
    line = unit(end - root)
    bent = joint - root
    bent = bent - np.sum(bent * line, axis=-1, keepdims=True) * line
    away = rest.head(pole) - rest.head(chain[1])
    carried = rotate(turns[chain[0]], away)
    carried = unit(carried - np.sum(carried * line, axis=-1, keepdims=True) * line)
    size = np.linalg.norm(end - root, axis=-1, keepdims=True)
    straight = np.maximum(
        1.0 - np.linalg.norm(bent, axis=-1, keepdims=True) / (_STRAIGHT * size), 0
    )
    return np.asarray(
        joint + np.linalg.norm(away) * unit(bent + straight * _STRAIGHT * size * carried)
    )


def basis(own: Floats, above: Floats, turn: Floats) -> Floats:
    """Express turns in the world as Blender's pose does: from rest, against what carries the bone.

    Args:
        own: (..., 4) orientation of the bones in the world at rest.
        above: (..., 4) turn of what carries them.
        turn: (..., 4) their turn.

    Returns:
        (..., 4) rotations of `PoseBone.matrix_basis`.
    """
    return multiply(conjugate(multiply(above, own)), multiply(turn, own))
