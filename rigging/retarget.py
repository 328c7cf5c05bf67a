# SPDX-License-Identifier: GPL-3.0-or-later
"""Carry a solved motion over to another rig, the spine by arc length."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from . import spine_curve
from .errors import RigError
from .matching import Roles
from .rotation import (
    IDENTITY,
    Bools,
    Floats,
    conjugate,
    continuous,
    from_axes,
    from_matrix,
    multiply,
    rotate,
    slerp,
    swing_between,
    unit,
)
from .solve import Solved

_X, _Y, _Z = np.eye(3)
_STEEP_FOOT: Final = 0.2
"""Horizontal part of a foot's direction below which it says nothing about the heading."""

# The bone whose head a limb bone points to.
_NEXT: Final = {
    "upper_arm": "forearm",
    "forearm": "hand",
    "thigh": "shin",
    "shin": "foot",
    "foot": "toe",
}


@dataclass(frozen=True, eq=False)
class TargetRig:
    """A rig in its rest pose, as plain data.

    Attributes:
        bones: B bone names.
        parents: (B,) index of each bone's parent, -1 for none.
        rest: (B, 4, 4) rest matrices in armature space (Blender's `Bone.matrix_local`).
        length: (B,) bone lengths in armature units.
        world_from_armature: (4, 4) the armature object's world matrix, uniformly scaled.
        roles: What the bones are.
    """

    bones: tuple[str, ...]
    parents: npt.NDArray[np.int64]
    rest: Floats
    length: Floats
    world_from_armature: Floats
    roles: Roles

    def __post_init__(self) -> None:
        """Check that the parts fit together.

        Raises:
            RigError: A shape is wrong, a bone with a role is missing, or the object is scaled
                unevenly or mirrored.
        """
        count = len(self.bones)
        shapes = [(count,), (count, 4, 4), (count,), (4, 4)]
        arrays = (self.parents, self.rest, self.length, self.world_from_armature)
        if [array.shape for array in arrays] != shapes:
            raise RigError(f"The arrays of a rig of {count} bones must have shapes {shapes}.")
        unknown = sorted(set(self.roles.bones()) - set(self.bones))
        if unknown:
            raise RigError(f"The rig lacks bones that have a role: {', '.join(unknown)}.")
        linear = self.world_from_armature[:3, :3]
        square = linear.T @ linear
        even = np.allclose(
            square, np.eye(3) * square.trace() / 3.0, rtol=0.0, atol=1e-3 * square.trace()
        )
        if not np.isfinite(self.rest).all() or not even or np.linalg.det(linear) <= 0.0:
            raise RigError(
                "The armature object is scaled unevenly, mirrored or flat. "
                "Apply its scale, then try again."
            )


@dataclass(frozen=True, eq=False)
class PoseMotion:
    """Keys for the bones of a rig; rows of frames that are not valid are NaN.

    Attributes:
        bones: Names of the bones that move.
        time_s: (T,) seconds.
        rotation_basis: (T, B, 4) rotations relative to rest (Blender's `PoseBone.matrix_basis`),
            signs continuous.
        root_bone: Name of the bone that travels.
        location_basis: (T, 3) its location relative to rest, in its own axes and armature units.
        valid: (T,) False where nothing is known.
    """

    bones: tuple[str, ...]
    time_s: Floats
    rotation_basis: Floats
    root_bone: str
    location_basis: Floats
    valid: Bools


class _Rest:
    """A rig's rest pose in the world: where its bones begin and how they are oriented."""

    def __init__(self, target: TargetRig) -> None:
        world = target.world_from_armature
        self.scale = float(np.cbrt(np.linalg.det(world[:3, :3])))
        self.world = from_matrix(world[:3, :3] / self.scale)
        self.heads = target.rest[:, :3, 3] @ world[:3, :3].T + world[:3, 3]
        self.rotation = multiply(self.world, from_matrix(target.rest[:, :3, :3]))
        self.length = target.length * self.scale
        self._index = {bone: b for b, bone in enumerate(target.bones)}
        self._roles = target.roles
        width = np.linalg.norm(self.limb("thigh.L") - self.limb("thigh.R"))
        if not (width > 0.0 and self.leg_m() > 0.0):
            raise RigError(
                f"The rig's hip joints are {width:.3g} m apart and its legs {self.leg_m():.3g} m "
                "long; neither can be nothing. Check the rest pose of its legs."
            )
        self.upright = self._find_upright()

    def head(self, bone: str) -> Floats:
        """Give where a bone begins (3,)."""
        return np.asarray(self.heads[self._index[bone]])

    def limb(self, role: str) -> Floats:
        """Give where the limb bone of a role begins (3,)."""
        return self.head(self._roles.limbs[role])

    def along(self, role: str) -> Floats:
        """Give the way (3,) from a limb bone's joint to the next, or to its tail where none is."""
        part, _, side = role.partition(".")
        onward = f"{_NEXT[part]}.{side}"
        if onward in self._roles.limbs:
            return self.limb(onward) - self.limb(role)
        index = self._index[self._roles.limbs[role]]
        return np.asarray(rotate(self.rotation[index], _Y) * self.length[index])

    def mid_hip(self) -> Floats:
        """Give the middle between the hip joints (3,)."""
        return 0.5 * (self.limb("thigh.L") + self.limb("thigh.R"))

    def leg_m(self) -> float:
        """Give the length of a leg from hip joint to ankle, the mean of both."""
        steps = [self.along(f"{part}.{side}") for part in ("thigh", "shin") for side in "LR"]
        return float(np.linalg.norm(steps, axis=-1).sum()) / 2.0

    def ankle_drop_m(self) -> float:
        """Give how far the ball of the foot lies below the ankle, the mean of both."""
        onward = 0.5 * (self.along("foot.L") + self.along("foot.R"))
        return -float(rotate(self.upright, onward)[2])

    def _find_upright(self) -> Floats:
        """Find the rotation (4,) that makes the rig stand along +Z and face -Y.

        Rigs are modelled along the axes of their armature or of the world, so the axis nearest to
        the way from hips to head is up.
        """
        upward = self.head(self._roles.head) - self.mid_hip()
        axes = np.concatenate([rotate(self.world, np.eye(3)), np.eye(3)])
        reach = axes @ upward
        nearest = int(np.argmax(np.abs(reach)))
        up = axes[nearest] * np.sign(reach[nearest])
        left = self.limb("thigh.L") - self.limb("thigh.R")
        return multiply(from_axes(_X, _Z), conjugate(from_axes(left, up)))


def retarget(solved: Solved, target: TargetRig) -> PoseMotion:
    """Pose a rig as the solved skeleton moves.

    Spine, neck, head, pelvis and clavicles turn away from the rig's rest as the skeleton's turn
    from its own; the turn of each bone of the spine and neck is taken from the skeleton where the
    middle of that bone lies along the arc, the spine's last bone having the chest's. Arms and legs
    point where the skeleton's point, whatever pose the rig rests in; hands keep their rest against
    the forearm, feet theirs against the ground. The rig moves in the world, wherever its object
    stands; its travel is scaled by the length of its legs.

    Args:
        solved: Skeleton and motion.
        target: The rig.

    Returns:
        Keys for every bone that has a role; bones without one keep their rest.

    Raises:
        RigError: The rig's legs have no length or its hip joints coincide.
    """
    rest = _Rest(target)
    turns = _turns(solved, target, rest)
    basis = []
    for bone, turn in turns.items():
        index = target.bones.index(bone)
        local = multiply(conjugate(_turn_above(index, target, turns)), turn)
        own = rest.rotation[index]
        basis.append(multiply(conjugate(own), multiply(local, own)))
    return PoseMotion(
        bones=tuple(turns),
        time_s=solved.motion.time_s,
        rotation_basis=continuous(np.stack(basis, axis=1)),
        root_bone=target.roles.pelvis,
        location_basis=_location(solved, target, rest, turns[target.roles.pelvis]),
        valid=solved.motion.valid,
    )


def _turn_above(index: int, target: TargetRig, turns: dict[str, Floats]) -> Floats:
    """Give the turn (T, 4) that a bone's parent has: that of the nearest bone above with a role."""
    above = int(target.parents[index])
    while above >= 0 and target.bones[above] not in turns:
        above = int(target.parents[above])
    return turns[target.bones[above]] if above >= 0 else IDENTITY


def _turns(solved: Solved, target: TargetRig, rest: _Rest) -> dict[str, Floats]:
    """Give the turn (T, 4) in the world of every bone with a role, from the rig's rest."""
    roles, skeleton = target.roles, solved.skeleton
    of_skeleton = multiply(solved.motion.rotation, conjugate(skeleton.rest))

    def turn_of(bone: str) -> Floats:
        return np.asarray(of_skeleton[:, skeleton.index(bone)])

    turns = {roles.pelvis: turn_of("pelvis"), **_column(solved, roles, rest, turn_of)}
    turns[roles.head] = turn_of(spine_curve.BONES[-1])
    turns = {bone: multiply(turn, rest.upright) for bone, turn in turns.items()}
    for role, bone in roles.limbs.items():
        turns[bone] = multiply(turn_of(role), _alignment(role, solved, rest))
    return turns


def _alignment(role: str, solved: Solved, rest: _Rest) -> Floats:
    """Find the rotation (4,) in the world from a rig's limb bone at rest to the skeleton's."""
    part, _, side = role.partition(".")
    if part == "clavicle":
        return rest.upright
    # A hand keeps its rest against the forearm and a toe against the foot: no direction of theirs
    # is observed.
    leader = {"hand": "forearm", "toe": "foot"}.get(part, part)
    wanted = rotate(solved.skeleton.rest[solved.skeleton.index(f"{leader}.{side}")], _Y)
    actual = unit(rotate(rest.upright, rest.along(f"{leader}.{side}")))
    if leader == "foot":
        # Only its heading: how high the ankle is differs from rig to rig, and a foot at rest stands
        # flat.
        flat = np.array([1.0, 1.0, 0.0])
        wanted, actual = unit(wanted * flat), actual * flat
        if np.linalg.norm(actual) < _STEEP_FOOT:
            return rest.upright
        actual = unit(actual)
    return multiply(swing_between(actual, wanted), rest.upright)


def _column(
    solved: Solved, roles: Roles, rest: _Rest, turn_of: Callable[[str], Floats]
) -> dict[str, Floats]:
    """Give the turns (T, 4) of spine and neck, sampled from the skeleton by arc length."""
    skeleton, chest = solved.skeleton, spine_curve.CHEST
    lengths = skeleton.length_m[[skeleton.index(bone) for bone in spine_curve.BONES]]
    turn = [turn_of(bone) for bone in ("pelvis", *spine_curve.BONES)]
    trunk = max(0.0, skeleton.head_m[1, 2] - skeleton.head_m[0, 2]) + _middles(lengths[: chest + 1])
    neck = lengths[chest + 1 : -1]
    spine_knots = [0.0, *(trunk / trunk[-1])]
    neck_knots = [0.0, *(_middles(neck) / neck.sum()), 1.0]

    joints = [rest.head(bone) for bone in (*roles.spine, *roles.neck, roles.head)]
    steps = np.linalg.norm(np.diff(joints, axis=0), axis=-1)
    count = len(roles.spine)
    # Below its first bone the spine goes on, in the pelvis, to the level of the hip joints.
    below = max(0.0, float(rotate(rest.upright, joints[0] - rest.mid_hip())[2]))
    on_spine = below + _middles(steps[:count])
    on_neck = _middles(steps[count:]) / max(steps[count:].sum(), 1e-9)
    spine = _sample(spine_knots, turn[: chest + 2], on_spine / on_spine[-1])
    return {
        **dict(zip(roles.spine, spine, strict=True)),
        **dict(zip(roles.neck, _sample(neck_knots, turn[chest + 1 :], on_neck), strict=True)),
    }


def _middles(lengths: Floats) -> Floats:
    """Give how far along a chain the middle of each of its pieces lies."""
    return np.asarray(np.cumsum(lengths) - 0.5 * lengths)


def _sample(knots: list[float], turns: list[Floats], at: Floats) -> list[Floats]:
    """Interpolate turns given at increasing knots."""
    samples = []
    for where in at:
        k = int(np.clip(np.searchsorted(knots, where, side="right") - 1, 0, len(knots) - 2))
        fraction = np.asarray((where - knots[k]) / (knots[k + 1] - knots[k]))
        samples.append(slerp(turns[k], turns[k + 1], fraction))
    return samples


def _location(solved: Solved, target: TargetRig, rest: _Rest, pelvis_turn: Floats) -> Floats:
    """Give the location (T, 3) of the rig's pelvis from its rest, in its own axes and units."""
    source_leg = solved.skeleton.length_m[
        [solved.skeleton.index(f"{part}.{side}") for part in ("thigh", "shin") for side in "LR"]
    ].sum()
    ratio = rest.leg_m() / (0.5 * source_leg)
    foot = solved.skeleton.index("foot.L")
    ankle_drop = solved.skeleton.head_m[foot, 2] - solved.skeleton.tail_m[foot, 2]
    # The balls of the feet touch the ground, however high the ankles are above them.
    mid_hip = ratio * solved.motion.root_m + (rest.ankle_drop_m() - ratio * ankle_drop) * _Z
    offset = rest.head(target.roles.pelvis) - rest.mid_hip()
    moved = mid_hip + rotate(pelvis_turn, offset) - rest.head(target.roles.pelvis)
    own = rest.rotation[target.bones.index(target.roles.pelvis)]
    return rotate(conjugate(own), moved) / rest.scale
