# SPDX-License-Identifier: GPL-3.0-or-later
"""A rig at rest in the world, and where its bones come to lie when they are turned."""

from collections.abc import Collection, Mapping
from functools import cached_property
from typing import Final

import numpy as np

from .errors import RigError
from .rotation import Floats, conjugate, from_axes, from_matrix, multiply, rotate
from .target import TargetRig

_X, _Y, _Z = np.eye(3)

# The bone whose head a limb bone points to.
_NEXT: Final = {
    "upper_arm": "forearm",
    "forearm": "hand",
    "thigh": "shin",
    "shin": "foot",
    "foot": "toe",
}

_SUNK: Final = -0.02
_SHOD: Final = 0.12
"""Heights of the ball of the foot above the floor, as shares of the leg, between which a rig stands
on it; on the data folder's rigs that stand on their origin they are -0.003 to 0.07."""
_LONGEST_FOOT: Final = 0.3
"""Most from ankle to ball, as a share of the leg; people have 0.16 to 0.2."""
_UNEVEN: Final = 0.02
"""Most that a foot is higher than the mean of both, as a share of the leg; a rig that rests with
one foot further up stands on the other. On the data folder's rigs it is 0.01 at most."""
_SAME: Final = 0.001
"""Difference in height, as a share of the leg, that is none."""


class RestPose:
    """A rig's rest pose in the world: where its bones begin and how they are oriented.

    Attributes:
        scale: Metres in an armature unit.
        heads: (B, 3) where bones begin.
        rotation: (B, 4) how they are oriented.
        length: (B,) their lengths.
        world: (4,) orientation of the armature object.
        upright: (4,) rotation that makes the rig stand along +Z and face -Y.
    """

    def __init__(self, target: TargetRig) -> None:
        """Take the rest pose of a rig.

        Raises:
            RigError: The rig's legs have no length or its hip joints coincide.
        """
        world = target.world_from_armature
        self._origin = world[:3, 3]
        self.scale = float(np.cbrt(np.linalg.det(world[:3, :3])))
        self.world = from_matrix(world[:3, :3] / self.scale)
        self.heads = target.rest[:, :3, 3] @ world[:3, :3].T + world[:3, 3]
        self.rotation = multiply(self.world, from_matrix(target.rest[:, :3, :3]))
        self.length = target.length * self.scale
        self._parents = target.parents
        self._names = target.bones
        self._index = {bone: b for b, bone in enumerate(target.bones)}
        self._roles = target.roles
        width = np.linalg.norm(self.limb("thigh.L") - self.limb("thigh.R"))
        if not (width > 0.0 and self.leg_m > 0.0):
            raise RigError(
                f"The rig's hip joints are {width:.3g} m apart and its legs {self.leg_m:.3g} m "
                "long; neither can be nothing. Check the rest pose of its legs."
            )
        self.upright = self._find_upright()

    def index(self, bone: str) -> int:
        """Give the index of a bone."""
        return self._index[bone]

    def head(self, bone: str) -> Floats:
        """Give where a bone begins (3,)."""
        return np.asarray(self.heads[self._index[bone]])

    def tail(self, bone: str) -> Floats:
        """Give where a bone ends (3,)."""
        index = self._index[bone]
        return np.asarray(self.heads[index] + rotate(self.rotation[index], _Y) * self.length[index])

    def limb(self, role: str) -> Floats:
        """Give where the limb bone of a role begins (3,)."""
        return self.head(self._roles.limbs[role])

    def along(self, role: str) -> Floats:
        """Give the way (3,) from a limb bone's joint to the next, or to its tail where none is."""
        part, _, side = role.partition(".")
        onward = f"{_NEXT.get(part)}.{side}"
        if onward in self._roles.limbs:
            return self.limb(onward) - self.limb(role)
        onward_m = self.tail(self._roles.limbs[role]) - self.limb(role)
        if part != "foot":
            return onward_m
        # Importers of formats without tails give the last bones any length.
        size = float(np.linalg.norm(onward_m))
        return np.asarray(onward_m * min(1.0, _LONGEST_FOOT * self.leg_m / size))

    @cached_property
    def mid_hip(self) -> Floats:
        """Middle between the hip joints (3,)."""
        return 0.5 * (self.limb("thigh.L") + self.limb("thigh.R"))

    @cached_property
    def leg_m(self) -> float:
        """Length of a leg from hip joint to ankle, the mean of both."""
        steps = [self.along(f"{part}.{side}") for part in ("thigh", "shin") for side in "LR"]
        return float(np.linalg.norm(steps, axis=-1).sum()) / 2.0

    @cached_property
    def ankle_drop_m(self) -> float:
        """How far the ball of the foot lies below the ankle, the mean of both."""
        onward = 0.5 * (self.along("foot.L") + self.along("foot.R"))
        return -float(rotate(self.upright, onward)[2])

    def ball_height_m(self, usual_m: float) -> float:
        """Give how high the balls of the feet are above the floor when the rig stands.

        At rest it stands where its object's origin is, or else the world's.

        Args:
            usual_m: The height by the person's proportions. It holds where the rig stands on no
                floor, and where legs like the person's were bent without lowering the hips.

        Returns:
            Metres.
        """
        ankle = 0.5 * (self.limb("foot.L") + self.limb("foot.R"))
        ball = ankle + 0.5 * (self.along("foot.L") + self.along("foot.R"))
        heights, straight = (
            [float(rotate(self.upright, at - floor)[2]) for floor in (self._origin, np.zeros(3))]
            for at in (ball, self.mid_hip)
        )
        straight = [hips - self.leg_m - self.ankle_drop_m for hips in straight]
        if any(abs(height - usual_m) < _SAME * self.leg_m for height in straight):
            return usual_m
        standing = (h for h in heights if _SUNK * self.leg_m <= h <= _SHOD * self.leg_m)
        return next(standing, usual_m)

    def raised_m(self, side: str) -> float:
        """Give how much higher the ball of a foot is at rest than the mean of both, metres.

        A rig with one leg a little longer, or whose feet slope differently, stands so.
        """
        heights = [
            float(rotate(self.upright, self.limb(f"foot.{s}") + self.along(f"foot.{s}"))[2])
            for s in (side, *"LR")
        ]
        raised = heights[0] - 0.5 * (heights[1] + heights[2])
        return raised if abs(raised) < _UNEVEN * self.leg_m else 0.0

    def above(self, bone: str) -> list[str]:
        """Give the bones above a bone, nearest first."""
        found, index = [], int(self._parents[self._index[bone]])
        while index >= 0:
            found.append(self._names[index])
            index = int(self._parents[index])
        return found

    def carriers(self, moved: Collection[str]) -> dict[str, str | None]:
        """Find what carries each bone: the nearest above that moves as well.

        Args:
            moved: The bones that move.

        Returns:
            Bone by bone, None for those that nothing carries; carriers come first.
        """
        above: dict[str, str | None] = {}
        for bone in moved:
            carrier = self._roles.carried.get(bone)
            if carrier not in moved:
                carrier = next((b for b in self.above(bone) if b in moved), None)
            above[bone] = carrier
        ordered: dict[str, str | None] = {}
        for bone in moved:
            way: list[str] = []
            step: str | None = bone
            while step is not None and step not in ordered:
                way.append(step)
                step = above[step]
            ordered.update({b: above[b] for b in reversed(way)})
        return ordered

    def place(self, turns: Mapping[str, Floats]) -> dict[str, Floats]:
        """Find where bones begin when they are turned; what nothing carries stays where it is.

        Args:
            turns: (T, 4) turn of each bone in the world, from rest.

        Returns:
            (T, 3) or (3,) by bone, metres.
        """
        at: dict[str, Floats] = {}
        for bone, carrier in self.carriers(turns.keys()).items():
            if carrier is None:
                at[bone] = self.head(bone)
            else:
                offset = self.head(bone) - self.head(carrier)
                at[bone] = at[carrier] + rotate(turns[carrier], offset)
        return at

    def _find_upright(self) -> Floats:
        """Find the rotation (4,) that makes the rig stand along +Z and face -Y.

        Rigs are modelled along the axes of their armature or of the world, so the axis nearest to
        the way from hips to head is up.
        """
        upward = self.head(self._roles.head) - self.mid_hip
        axes = np.concatenate([rotate(self.world, np.eye(3)), np.eye(3)])
        reach = axes @ upward
        nearest = int(np.argmax(np.abs(reach)))
        up = axes[nearest] * np.sign(reach[nearest])
        left = self.limb("thigh.L") - self.limb("thigh.R")
        return multiply(from_axes(_X, _Z), conjugate(from_axes(left, up)))
