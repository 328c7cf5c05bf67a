# SPDX-License-Identifier: GPL-3.0-or-later
"""Carry a solved motion over to another rig, the spine by arc length."""

from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from . import spine_curve
from .column import Curve, handles, measured_curve, places, polyline_error
from .controls import Carried, basis, ik_keys, turns_with
from .errors import RigError
from .guides import guide_keys
from .planting import Planting
from .rest_pose import RestPose
from .rotation import IDENTITY, Floats, conjugate, continuous, multiply, rotate, swing_between, unit
from .solve import Solved
from .target import PoseMotion as PoseMotion
from .target import TargetRig as TargetRig
from .two_bone import bend_limb

_X, _Y, _Z = np.eye(3)
_STEEP_FOOT: Final = 0.2
"""Horizontal part of a foot's direction below which it says nothing about the heading."""
_MOST: Final = 1.5


@dataclass(frozen=True)
class Retargeting:
    """What may be chosen.

    Attributes:
        lumbar: Factor of what the joints of the lower back turn, 0 (stiff) to 1.5.
        thoracic: Likewise of the chest.
        cervical: Likewise of the neck and head.
        ik_arms: Move the arms by IK controls, where the rig has them.
        ik_legs: Likewise the legs.
        hands_reach: 0 for arms that point as the person's, 1 for hands that are where the person's
            are, in the size of the rig.
        plant_feet: Keep feet on the floor where the person's stand on it.
    """

    lumbar: float = 1.0
    thoracic: float = 1.0
    cervical: float = 1.0
    ik_arms: bool = False
    ik_legs: bool = False
    hands_reach: float = 0.0
    plant_feet: bool = True

    def __post_init__(self) -> None:
        """Check the numbers.

        Raises:
            RigError: One is out of range.
        """
        for name in ("lumbar", "thoracic", "cervical"):
            if not 0.0 <= getattr(self, name) <= _MOST:
                raise RigError(f"{name} is {getattr(self, name)}; choose 0 to {_MOST}.")
        if not 0.0 <= self.hands_reach <= 1.0:
            raise RigError(f"hands_reach is {self.hands_reach}; choose 0 to 1.")

    def strength(self) -> tuple[float, ...]:
        """Give the factor of each of the nine joints of the spine, bottom to top."""
        return (*3 * (self.lumbar,), *3 * (self.thoracic,), *3 * (self.cervical,))


def retarget(
    solved: Solved,
    target: TargetRig,
    options: Retargeting = Retargeting(),  # noqa: B008
) -> PoseMotion:
    """Pose a rig as the solved skeleton moves.

    Spine, neck, head, pelvis and clavicles turn away from the rig's rest as the skeleton's turn
    from its own; the turn of each bone of the spine and neck is taken from the skeleton where the
    middle of that bone lies along the arc, the spine's last bone having the chest's. Arms and legs
    point where the skeleton's point, whatever pose the rig rests in; hands keep their rest against
    the forearm, feet theirs against the ground. The rig moves in the world, wherever its object
    stands; its travel is scaled by the length of its legs, and feet that the person plants stand on
    the floor.

    Args:
        solved: Skeleton and motion.
        target: The rig.
        options: What may be chosen.

    Returns:
        Keys for every bone that has a role; bones without one keep their rest.

    Raises:
        RigError: The rig's legs have no length or its hip joints coincide.
    """
    rest = RestPose(target)
    curve = measured_curve(solved, options.strength())
    turns = _turns(solved, target, rest, curve)
    at = _stand(solved, target, rest, turns, options)
    by_ik = target.roles.ik_limbs.union(
        limb for limb, on in (("arm", options.ik_arms), ("leg", options.ik_legs)) if on
    )
    keys = replace(
        _keys(solved, target, rest, turns, at),
        properties={
            (bone, name): value
            for bone, name, fk, ik, limb in target.roles.switches
            if (value := ik if limb in by_ik else fk) is not None
        },
        handles=_bent(target, rest, curve, turns),
    )
    for limb in sorted(by_ik):
        keys = keys.joined_by(*ik_keys(target, rest, limb, turns, at))
    return keys.joined_by(*guide_keys(target, rest, curve, turns, at))


def spine_error(
    solved: Solved,
    target: TargetRig,
    options: Retargeting = Retargeting(),  # noqa: B008
) -> Floats:
    """Measure how far a rig's spine is from the measured curve, for having few bones.

    Args:
        solved: Skeleton and motion.
        target: The rig.
        options: As for `retarget`.

    Returns:
        (T,) root mean square distance as a share of the spine's length; NaN where not valid.

    Raises:
        RigError: As in `retarget`.
    """
    rest = RestPose(target)
    curve = measured_curve(solved, options.strength())
    return polyline_error(curve, target.roles, rest, _turns(solved, target, rest, curve))


def _turns(solved: Solved, target: TargetRig, rest: RestPose, curve: Curve) -> dict[str, Floats]:
    """Give the turn (T, 4) in the world of every bone with a role, from the rig's rest."""
    roles, skeleton = target.roles, solved.skeleton
    lie = places(roles, rest)
    chest = curve.turns[spine_curve.CHEST + 1]
    turns = {roles.travel: curve.turns[0]} if roles.travel else {}
    turns[roles.pelvis] = curve.turns[0]
    turns |= zip(roles.spine, curve.on_spine(lie.spine[:, 1]), strict=True)
    turns |= zip(roles.neck, curve.on_neck(lie.neck[:, 1]), strict=True)
    turns[roles.head] = curve.turns[-1]
    turns = {bone: multiply(turn, rest.upright) for bone, turn in turns.items()}
    # Arms hang from the chest: where its turn was scaled, theirs goes with it.
    solved_chest = _turn_of(solved, spine_curve.BONES[spine_curve.CHEST])
    with_chest = multiply(chest, conjugate(solved_chest))
    for role, bone in roles.limbs.items():
        turn = multiply(_turn_of(solved, role), _alignment(role, skeleton.rest, solved, rest))
        in_arm = role.partition(".")[0] in ("clavicle", "upper_arm", "forearm", "hand")
        turns[bone] = multiply(with_chest, turn) if in_arm else turn
    return turns


def _turn_of(solved: Solved, bone: str) -> Floats:
    """Give the turn (T, 4) of one of the skeleton's bones from its rest."""
    index = solved.skeleton.index(bone)
    return multiply(solved.motion.rotation[:, index], conjugate(solved.skeleton.rest[index]))


def _alignment(role: str, skeleton_rest: Floats, solved: Solved, rest: RestPose) -> Floats:
    """Find the rotation (4,) in the world from a rig's limb bone at rest to the skeleton's."""
    part, _, side = role.partition(".")
    if part == "clavicle":
        return rest.upright
    # A hand keeps its rest against the forearm and a toe against the foot: no direction of theirs
    # is observed.
    leader = {"hand": "forearm", "toe": "foot"}.get(part, part)
    wanted = rotate(skeleton_rest[solved.skeleton.index(f"{leader}.{side}")], _Y)
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


def _stand(
    solved: Solved,
    target: TargetRig,
    rest: RestPose,
    turns: dict[str, Floats],
    options: Retargeting,
) -> dict[str, Floats]:
    """Place the rig's bones (T, 3) in the world, and bend limbs for that where need be."""
    skeleton, roles = solved.skeleton, target.roles
    legs = [skeleton.index(f"{part}.{side}") for part in ("thigh", "shin") for side in "LR"]
    ratio = rest.leg_m / (0.5 * skeleton.length_m[legs].sum())
    foot = skeleton.index("foot.L")
    ball_m = rest.ball_height_m(ratio * float(skeleton.tail_m[foot, 2]))
    # The balls of the feet touch the ground, however high the ankles are above them.
    rise = (ball_m + rest.ankle_drop_m - ratio * skeleton.head_m[foot, 2]) * _Z
    at = rest.place(turns)
    hips = 0.5 * (at[roles.limbs["thigh.L"]] + at[roles.limbs["thigh.R"]])
    shift = ratio * solved.motion.root_m + rise - hips
    at = {bone: place + shift for bone, place in at.items()}
    planting = Planting(solved, roles, rest, ball_m, ratio)
    if options.plant_feet and planting.any():
        shift = planting.plant(turns, at)
        at = {bone: place + shift for bone, place in at.items()}
        rise = rise + shift
    if options.hands_reach > 0.0:
        _reach(solved, target, turns, at, (ratio, rise, options.hands_reach))
    moved = rest.place(turns)
    top = roles.travel or roles.pelvis
    return {bone: place + at[top] - moved[top] for bone, place in moved.items()}


def _reach(
    solved: Solved,
    target: TargetRig,
    turns: dict[str, Floats],
    at: dict[str, Floats],
    goal: tuple[float, Floats, float],
) -> None:
    """Bend arms so that hands are where the person's are: scaled, raised, and how much of it."""
    ratio, rise, amount = goal
    skeleton, limbs = solved.skeleton, target.roles.limbs
    for side in "LR":
        if f"hand.{side}" not in limbs:
            continue
        hand = skeleton.index(f"hand.{side}")
        move = amount * (ratio * solved.heads_m[:, hand] + rise - at[limbs[f"hand.{side}"]])
        upper = skeleton.index(f"upper_arm.{side}")
        # About +X of the skeleton's arms a positive turn flexes the elbow.
        hinge = rotate(solved.motion.rotation[:, upper], _X)
        arm = [limbs[f"{part}.{side}"] for part in ("upper_arm", "forearm", "hand")]
        bend_limb(arm, turns, at, np.nan_to_num(move), hinge)


def _bent(
    target: TargetRig, rest: RestPose, curve: Curve, turns: dict[str, Floats]
) -> dict[str, Floats]:
    """Give the handles (T, 6) of the bendy bones of spine and neck."""
    if target.bendy is None:
        return {}
    lie, roles = places(target.roles, rest), target.roles
    ease = np.ones((len(target.bones), 2)) if target.ease is None else target.ease
    found = {}
    for bones, spans, sample in (
        (roles.spine, lie.spine, curve.on_spine),
        (roles.neck, lie.neck, curve.on_neck),
    ):
        for bone, span in zip(bones, spans, strict=True):
            index = rest.index(bone)
            if not target.bendy[index].any():
                continue
            start, end = (multiply(turn, rest.upright) for turn in sample(span[[0, 2]]))
            length = target.length[index] * ease[index] * target.bendy[index]
            found[bone] = handles(rest.rotation[index], turns[bone], (start, end), length)
    return found


def _keys(
    solved: Solved,
    target: TargetRig,
    rest: RestPose,
    turns: dict[str, Floats],
    at: dict[str, Floats],
) -> PoseMotion:
    """Express turns and places as Blender's pose does."""
    roles = target.roles
    # Bone by bone, so that the arrays stay small enough for the processor's cache.
    rotation = [
        basis(rest.rotation[rest.index(bone)], carrying, turn)
        for (bone, turn), carrying in zip(turns.items(), _above(target, rest, turns), strict=True)
    ]
    still = [np.broadcast_to(IDENTITY, rotation[0].shape) for _ in roles.still]
    top = roles.travel or roles.pelvis
    return PoseMotion(
        bones=(*turns, *roles.still),
        time_s=solved.motion.time_s,
        rotation_basis=continuous(np.stack([*rotation, *still], axis=1)),
        root_bone=top,
        location_basis=Carried(target, rest, top, {}, {}).location(at[top]),
        valid=solved.motion.valid,
    )


def _above(target: TargetRig, rest: RestPose, turns: dict[str, Floats]) -> list[Floats]:
    """Give the turn (T, 4) that each bone gets from what carries it."""
    carriers = rest.carriers(turns.keys())
    shape = next(iter(turns.values())).shape
    level = np.broadcast_to(IDENTITY, shape)
    found = []
    for bone in turns:
        carrier = carriers[bone]
        free = carrier is None or not turns_with(target, rest, bone, carrier)
        found.append(level if free or carrier is None else turns[carrier])
    return found
