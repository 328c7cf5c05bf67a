# SPDX-License-Identifier: GPL-3.0-or-later
"""The controls of a spine that a Spline IK moves: bones that its curve is hooked to."""

from collections.abc import Iterator
from dataclasses import replace

import bpy

from ..rigging.matching import Roles


def with_guides(armature: bpy.types.Object, roles: Roles) -> Roles:
    """Find the bones that steer the curves of Spline IKs on a rig's spine and neck.

    Args:
        armature: The armature object.
        roles: What its bones are.

    Returns:
        The same roles with these bones as guides; none where a curve has no hooks.
    """
    column = {*roles.spine, *roles.neck}
    curves = {
        held.target for bone, held in _splines(armature) if column & _chain(bone, held.chain_count)
    }
    guides = {
        guide: None
        for curve in sorted(curves, key=lambda curve: curve.name)
        for guide in _steering(armature, curve)
    }
    free = set(armature.data.bones.keys()) - set(roles.bones())
    return replace(roles, guides=tuple(guide for guide in guides if guide in free))


def unsteered(armature: bpy.types.Object) -> Iterator[str]:
    """Tell which Spline IKs keys cannot move, for no bone steers their curves.

    Args:
        armature: The armature object.

    Yields:
        Sentences for the user.
    """
    for bone, held in _splines(armature):
        if not _steering(armature, held.target):
            yield (
                f"The Spline IK of {bone.name} follows {held.target.name!r}, which no bone of "
                f"{armature.name!r} steers: hook its points to bones (Ctrl+H in edit mode of the "
                "curve), or mute the constraint to let the keys move the chain"
            )


def _splines(
    armature: bpy.types.Object,
) -> Iterator[tuple[bpy.types.PoseBone, bpy.types.SplineIKConstraint]]:
    """Give the Spline IKs that work, with the last bone of the chain of each."""
    for bone in armature.pose.bones:
        for held in bone.constraints:
            if held.type == "SPLINE_IK" and not held.mute and held.influence > 0.0 and held.target:
                yield bone, held


def _steering(armature: bpy.types.Object, curve: bpy.types.Object) -> list[str]:
    """Give the bones that points of a curve are hooked to."""
    return [
        hook.subtarget
        for hook in curve.modifiers
        if hook.type == "HOOK" and hook.object == armature and hook.subtarget
    ]


def _chain(bone: bpy.types.PoseBone, count: int) -> set[str]:
    """Give the names of the bones of a chain, from its last."""
    return {link.name for link in (bone, *bone.parent_recursive)[: count or None]}
