# SPDX-License-Identifier: GPL-3.0-or-later
"""The controls of a spine that a Spline IK moves: bones that its curve is hooked to."""

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
        held.target
        for bone in armature.pose.bones
        for held in bone.constraints
        if held.type == "SPLINE_IK"
        and not held.mute
        and held.target
        and column & _chain(bone, held.chain_count)
    }
    guides = {
        hook.subtarget: None
        for curve in sorted(curves, key=lambda curve: curve.name)
        for hook in curve.modifiers
        if hook.type == "HOOK" and hook.object == armature and hook.subtarget
    }
    free = set(armature.data.bones.keys()) - set(roles.bones())
    return replace(roles, guides=tuple(guide for guide in guides if guide in free))


def _chain(bone: bpy.types.PoseBone, count: int) -> set[str]:
    """Give the names of the bones of a chain, from its last."""
    return {link.name for link in (bone, *bone.parent_recursive)[: count or None]}
