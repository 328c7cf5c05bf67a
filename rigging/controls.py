# SPDX-License-Identifier: GPL-3.0-or-later
"""Keys for the IK controls of a rig: hands, feet and the poles of elbows and knees."""

from collections.abc import Mapping
from typing import Final

import numpy as np

from .rest_pose import RestPose
from .rotation import IDENTITY, Floats, conjugate, multiply, rotate, unit
from .target import TargetRig

LIMBS: Final = {"arm": ("upper_arm", "forearm", "hand"), "leg": ("thigh", "shin", "foot")}
"""Roles of upper bone, lower bone and end of what IK moves."""
_STRAIGHT: Final = 0.05
"""Bend, as a share of the limb, up to which the rest pose has a say in where the pole goes."""


def ik_keys(
    target: TargetRig,
    rest: RestPose,
    limb: str,
    turns: Mapping[str, Floats],
    at: Mapping[str, Floats],
) -> tuple[dict[str, Floats], dict[str, Floats]]:
    """Put IK controls where the limbs are.

    Args:
        target: The rig.
        rest: It at rest.
        limb: "arm" or "leg".
        turns: (T, 4) turn of each bone in the world, from rest.
        at: (T, 3) where bones begin, metres.

    Returns:
        Rotations (T, 4) of controls, and locations (T, 3) of controls and poles, as Blender's pose
        has them, by bone.
    """
    rotations, locations = {}, {}
    roles, (upper, middle, end) = target.roles, LIMBS[limb]
    for side in "LR":
        if f"{end}.{side}" not in roles.ik or f"{end}.{side}" not in roles.limbs:
            continue
        control, bone = roles.ik[f"{end}.{side}"], roles.limbs[f"{end}.{side}"]
        place = at[bone] + rotate(turns[bone], rest.head(control) - rest.head(bone))
        carried = Carried(target, rest, control, turns, at)
        rotations[control] = carried.rotation(turns[bone])
        locations[control] = carried.location(place)
        pole = roles.ik.get(f"{middle}.{side}")
        if pole:
            chain = [roles.limbs[f"{part}.{side}"] for part in (upper, middle, end)]
            moved = {**turns, control: turns[bone]}, {**at, control: place}
            carried = Carried(target, rest, pole, *moved)
            locations[pole] = carried.location(_pole(rest, pole, chain, turns, at))
    return rotations, locations


class Carried:
    """Where a bone comes to lie by what carries it, and its own pose from there.

    Attributes:
        turn: (T, 4) turn of the bone in the world when it is not posed itself; (4,) if nothing
            above it moves.
        begins: (T, 3) where it begins then, metres; or (3,).
    """

    def __init__(
        self,
        target: TargetRig,
        rest: RestPose,
        bone: str,
        turns: Mapping[str, Floats],
        at: Mapping[str, Floats],
    ) -> None:
        """Take a bone, and what else moves."""
        self._rest, self._own = rest, rest.rotation[rest.index(bone)]
        self.turn, self.begins = IDENTITY, rest.head(bone)
        above = rest.above(bone)
        carrier = next((b for b in above if b in turns), None)
        turn = IDENTITY
        if carrier:
            turn = turns[carrier]
            self.begins = at[carrier] + rotate(turn, self.begins - rest.head(carrier))
            if turns_with(target, rest, bone, carrier):
                self.turn = turn
        # Locations are along the bone's axes, or the parent's, which turn with it in any case:
        # `BKE_bone_parent_transform_calc_from_matrices` in Blender's `armature.cc`.
        axes = self._own
        if target.local_location is not None and not target.local_location[rest.index(bone)]:
            axes = rest.rotation[rest.index(above[0])] if above else rest.world
        self._axes = multiply(turn, axes)

    def rotation(self, turn: Floats) -> Floats:
        """Give the rotation (T, 4) of `PoseBone.matrix_basis` for a turn (T, 4) in the world."""
        return basis(self._own, self.turn, turn)

    def location(self, place: Floats) -> Floats:
        """Give the location (T, 3), armature units, with which it begins at a place (T, 3)."""
        return np.asarray(rotate(conjugate(self._axes), place - self.begins) / self._rest.scale)


def turns_with(target: TargetRig, rest: RestPose, bone: str, carrier: str) -> bool:
    """Tell whether a bone takes over the turn of what carries it.

    Args:
        target: The rig.
        rest: It at rest.
        bone: The bone.
        carrier: What carries it.

    Returns:
        True where every bone from it up to its carrier takes over the turn of its parent.
    """
    if target.inherits is None or bone in target.roles.carried:
        return True
    index = rest.index(bone)
    while index >= 0 and target.bones[index] != carrier:
        if not target.inherits[index]:
            return False
        index = int(target.parents[index])
    return True


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
