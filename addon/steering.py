# SPDX-License-Identifier: GPL-3.0-or-later
"""Control rigs made by hand: which bones steer others by constraints, so that they get the keys."""

from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from typing import Final

import bpy

from ..rigging.controls import LIMBS
from ..rigging.matching import Roles

_ALIGNED: Final = 0.999
"""Least cosine between the axes of a bone and of one that steers it, and 1 less the most that they
lie apart, as a share of the bone's length: both count as one bone."""
_IN_WORLD: Final = frozenset({"WORLD", "POSE"})


def with_controls(armature: bpy.types.Object, roles: Roles) -> Roles:
    """Put roles on the bones that steer, where constraints make others follow them.

    A bone that copies the transforms, or the rotation, of one in the same place hands its role on.
    Of limbs that an IK constraint moves, its target is keyed, or what carries that.

    Args:
        armature: The armature object.
        roles: What its bones are.

    Returns:
        The roles, of controls as far as there are any; the same where the kind of rig is known
        with its switches.
    """
    if roles.switches:
        return roles
    pelvis, travel = roles.pelvis, roles.travel
    leads = {
        bone: _leader(armature, bone, moves=bone in (pelvis, travel)) for bone in roles.bones()
    }
    if len(set(leads.values())) < len(leads):  # two follow one: neither can be posed alone
        leads = {bone: bone for bone in leads}
    held = dict(_held_limbs(armature, {role: leads[bone] for role, bone in roles.limbs.items()}))
    carried = dict(roles.carried)
    for (_, middle, end), ik in held.items():
        # A hand that turns as the target of its arm stays the end of the arm.
        if ik.subtarget in _carriers(armature, leads[roles.limbs[end]]):
            leads[roles.limbs[end]] = roles.limbs[end]
            carried[roles.limbs[end]] = leads[roles.limbs[middle]]
    steered = replace(
        roles,
        pelvis=leads[pelvis],
        spine=tuple(leads[bone] for bone in roles.spine),
        neck=tuple(leads[bone] for bone in roles.neck),
        head=leads[roles.head],
        limbs={role: leads[bone] for role, bone in roles.limbs.items()},
        travel=leads.get(travel, ""),
        carried=carried,
    )
    ik = dict(_ik_controls(armature, held, set(steered.bones())))
    parts = {role.partition(".")[0] for role in ik}
    moved = frozenset(limb for limb, chain in LIMBS.items() if chain[2] in parts)
    return replace(steered, ik=ik, ik_limbs=moved)


def follows(held: bpy.types.Constraint, armature: bpy.types.Object, keyed: Collection[str]) -> bool:
    """Tell whether an IK constraint moves its bones to where keys have put its target.

    Args:
        held: A constraint of one of the armature's bones.
        armature: The armature object.
        keyed: The bones that are keyed.

    Returns:
        True for IK to a bone that is keyed or carried by one.
    """
    if held.type != "IK" or not _works(held, armature):
        return False
    return any(name in keyed for name in _carriers(armature, held.subtarget))


def _leader(armature: bpy.types.Object, name: str, moves: bool) -> str:
    """Follow constraints from a bone to the one that steers it."""
    bones, seen = armature.pose.bones, {name}
    while True:
        own = bones[name]
        found = next(
            (
                bones[held.subtarget]
                for held in reversed(own.constraints)
                if _copies(held, armature) and _same_place(own.bone, bones[held.subtarget].bone)
            ),
            None,
        )
        if found is None or found.name in seen:
            return name
        if moves and not any(
            held.type in ("COPY_TRANSFORMS", "COPY_LOCATION") and held.subtarget == found.name
            for held in own.constraints
            if _works(held, armature)
        ):
            return name
        name = found.name
        seen.add(name)


def _works(held: bpy.types.Constraint, armature: bpy.types.Object) -> bool:
    """Tell whether a constraint binds a bone to another of the same armature, more than half."""
    return (
        not held.mute
        and held.influence > 0.5
        and getattr(held, "target", None) == armature
        and getattr(held, "subtarget", "") in armature.pose.bones
    )


def _copies(held: bpy.types.Constraint, armature: bpy.types.Object) -> bool:
    """Tell whether a constraint makes a bone turn as another does."""
    if held.type not in ("COPY_TRANSFORMS", "COPY_ROTATION") or not _works(held, armature):
        return False
    whole = held.mix_mode == "REPLACE"
    if held.type == "COPY_ROTATION":
        whole = whole and held.use_x and held.use_y and held.use_z
        whole = whole and not (held.invert_x or held.invert_y or held.invert_z)
    return whole and {held.owner_space, held.target_space} <= _IN_WORLD


def _same_place(bone: bpy.types.Bone, other: bpy.types.Bone) -> bool:
    """Tell whether two bones begin in one place at rest and have the same axes."""
    apart = (bone.head_local - other.head_local).length
    a, b = bone.matrix_local.to_3x3(), other.matrix_local.to_3x3()
    cosine = min(a.col[axis].dot(b.col[axis]) for axis in range(3))
    return apart <= (1.0 - _ALIGNED) * bone.length and cosine >= _ALIGNED


def _held_limbs(
    armature: bpy.types.Object, limbs: Mapping[str, str]
) -> Iterator[tuple[tuple[str, str, str], bpy.types.Constraint]]:
    """Give the roles of the limbs that an IK constraint moves, with it."""
    for parts in LIMBS.values():
        for side in "LR":
            upper, middle, end = (f"{part}.{side}" for part in parts)
            if {upper, middle, end} <= set(limbs):
                found = _ik_of(armature, limbs[middle], limbs[upper])
                if found is not None:
                    yield (upper, middle, end), found


def _carriers(armature: bpy.types.Object, name: str) -> list[str]:
    """Give a bone and those above it, nearest first."""
    bone = armature.data.bones[name]
    return [name, *(above.name for above in bone.parent_recursive)]


def _ik_controls(
    armature: bpy.types.Object,
    held: Mapping[tuple[str, str, str], bpy.types.Constraint],
    taken: set[str],
) -> Iterator[tuple[str, str]]:
    """Give the controls and poles of limbs that IK constraints move, by role.

    The control of a foot roll carries the target. What carries another limb's target too, or
    bones that have roles, is a root.
    """
    count = Counter(name for ik in held.values() for name in _carriers(armature, ik.subtarget))
    shared = {name for name, limbs in count.items() if limbs > 1}
    shared.update(name for bone in taken for name in _carriers(armature, bone))
    bones = armature.data.bones
    for (_, middle, end), ik in held.items():
        control = bones[ik.subtarget]
        if control.name in shared:
            continue
        while control.parent and control.parent.name not in shared:
            control = control.parent
        yield end, control.name
        pole = ik.pole_subtarget
        if ik.pole_target == armature and pole in bones and pole not in {*taken, control.name}:
            yield middle, pole


def _ik_of(armature: bpy.types.Object, lower: str, upper: str) -> bpy.types.Constraint | None:
    """Find the IK constraint that moves two bones, the lower the child of the upper."""
    bone = armature.pose.bones[lower]
    if bone.parent is None or bone.parent.name != upper:
        return None
    return next(
        (
            held
            for held in bone.constraints
            if held.type == "IK"
            and held.chain_count == 2
            and held.use_tail
            and _works(held, armature)
        ),
        None,
    )
