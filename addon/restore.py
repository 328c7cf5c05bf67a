# SPDX-License-Identifier: GPL-3.0-or-later
"""The way back: what animated an armature before, and how its switches stood."""

import json
from dataclasses import asdict, dataclass
from typing import Final

import bpy

from ..rigging.target import PoseMotion
from .compat import action_slot_name, assign_action
from .errors import TargetError
from .held import require_no_tweaking
from .switches import has_switch, set_switch, switch_value

RECORD: Final = "track_spine_before"
"""Custom property of our actions that holds the record."""


@dataclass(frozen=True)
class Before:
    """How an armature was animated before an action of ours.

    Attributes:
        action: Name of its action; empty for none.
        slot: Identifier of the action's slot (4.4 and later); empty for none.
        blend_type: How the action was laid over the NLA tracks.
        influence: How much of it.
        switches: Bone, property and its value, of the switches that our action keys.
    """

    action: str
    slot: str
    blend_type: str
    influence: float
    switches: list[tuple[str, str, float]]

    def attach(self, action: bpy.types.Action) -> None:
        """Write the record into an action of ours, which keeps the earlier one in the file.

        Args:
            action: The action.
        """
        action[RECORD] = json.dumps(asdict(self))


def remember(armature: bpy.types.Object, pose: PoseMotion) -> Before:
    """Note how an armature is animated, and see to it that its action stays in the file.

    Args:
        armature: The armature object.
        pose: The motion that is about to be keyed.

    Returns:
        The record.
    """
    animation = armature.animation_data
    action = animation.action if animation else None
    if action:
        action.use_fake_user = True
    bones = armature.pose.bones
    return Before(
        action=action.name if action else "",
        slot=action_slot_name(armature),
        blend_type=animation.action_blend_type if animation else "REPLACE",
        influence=animation.action_influence if animation else 1.0,
        switches=[
            (bone, name, switch_value(bones[bone], name))
            for bone, name in pose.properties
            if has_switch(bones.get(bone), name)
        ],
    )


def restore(armature: bpy.types.Object) -> str:
    """Put back what animated an armature before our action, and how its switches stood.

    Our action stays in the file.

    Args:
        armature: The armature object, animated by an action of ours.

    Returns:
        Name of the action that is back; empty when there was none.

    Raises:
        TargetError: The armature has no action of ours, one of its NLA strips is being edited, or
            the earlier action is gone.
    """
    require_no_tweaking(armature)
    animation = armature.animation_data
    action = animation.action if animation else None
    if action is None or RECORD not in action:
        raise TargetError(f"The action of {armature.name!r} is none that Track Spine made")
    try:
        before = Before(**json.loads(action[RECORD]))
    except (TypeError, ValueError) as error:
        raise TargetError(f"Action {action.name!r} holds a damaged record: {error}") from error
    earlier = bpy.data.actions.get(before.action)
    if before.action and earlier is None:
        raise TargetError(f"Action {before.action!r}, which was there before, has been deleted")
    action.use_fake_user = True
    assign_action(armature, earlier, before.slot)
    animation.action_blend_type = before.blend_type
    animation.action_influence = before.influence
    for bone, name, value in before.switches:
        held = armature.pose.bones.get(bone)
        if has_switch(held, name):
            set_switch(held, name, value)
    return before.action
