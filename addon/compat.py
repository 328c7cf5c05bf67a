# SPDX-License-Identifier: GPL-3.0-or-later
"""Every difference between the Blender versions 4.2 to 5.2 that this extension meets."""

from typing import Any

import bpy

# 4.4 put slots, layers and strips between an action and its curves; 5.0 removed `Action.fcurves`.
# Source: release notes 4.4 "Slotted Actions: Upgrading", API change log 4.5 -> 5.0.
HAS_ACTION_SLOTS = bpy.app.version >= (4, 4, 0)


def assign_new_action(owner: bpy.types.Object, name: str) -> tuple[bpy.types.Action, Any]:
    """Make an empty action and make it the one that animates an object.

    Args:
        owner: The object to animate; its previous action is only unlinked.
        name: Wanted name of the action; Blender adds a number when it is taken.

    Returns:
        The action, and what holds its curves: `.fcurves.new(path, index=)` and `.groups.new(name)`.
    """
    action = bpy.data.actions.new(name)
    animation = owner.animation_data or owner.animation_data_create()
    if not HAS_ACTION_SLOTS:
        animation.action = action
        return action, action
    # Taking a slot off an object before a depsgraph update has seen both crashes 4.5.15 and 5.2.3.
    bpy.context.view_layer.update()
    slot = action.slots.new(id_type="OBJECT", name=owner.name)
    strip = action.layers.new("Layer").strips.new(type="KEYFRAME")
    animation.action = action
    # Blender's own choice of slot depends on its name and may be none at all: then nothing moves.
    if animation.action_slot != slot:
        animation.action_slot = slot
    return action, strip.channelbag(slot, ensure=True)


def action_channels(owner: bpy.types.Object) -> Any | None:
    """Find what holds the curves that animate an object.

    Args:
        owner: Any object.

    Returns:
        The action (before 4.4) or its channelbag for this object; None when nothing is keyed.
    """
    animation = owner.animation_data
    if animation is None or animation.action is None:
        return None
    if not HAS_ACTION_SLOTS:
        return animation.action
    slot = animation.action_slot
    if slot is None or not animation.action.layers:
        return None
    return animation.action.layers[0].strips[0].channelbag(slot)


def has_sequencer_strips(scene: bpy.types.Scene) -> bool:
    """Tell whether the scene edits video or sound.

    Args:
        scene: The scene.

    Returns:
        True when its sequencer holds a strip.
    """
    editor = scene.sequence_editor
    if editor is None:
        return False
    # Renamed in 4.4, the old name went in 5.0. Source: release notes 4.4 "Python API: Sequencer".
    return len(editor.strips if bpy.app.version >= (4, 4, 0) else editor.sequences) > 0
