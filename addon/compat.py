# SPDX-License-Identifier: GPL-3.0-or-later
"""Every difference between the Blender versions 4.2 to 5.2 that this extension meets."""

import contextlib
from collections.abc import Iterator
from typing import Any

import bpy

# 4.4 put slots, layers and strips between an action and its curves; 5.0 removed `Action.fcurves`.
# Source: release notes 4.4 "Slotted Actions: Upgrading", API change log 4.5 -> 5.0.
HAS_ACTION_SLOTS = bpy.app.version >= (4, 4, 0)


def assign_new_action(owner: bpy.types.Object, name: str) -> tuple[bpy.types.Action, Any]:
    """Make an empty action and make it the one that animates an object, all of it.

    Args:
        owner: The object to animate; its previous action is only unlinked.
        name: Wanted name of the action; Blender adds a number when it is taken.

    Returns:
        The action, and what holds its curves: `.fcurves.new(path, index=)` and `.groups.new(name)`.
    """
    action, channels = new_action(owner, name)
    assign_action(owner, action, action.slots[0].identifier if HAS_ACTION_SLOTS else "")
    animation = owner.animation_data
    animation.action_blend_type, animation.action_influence = "REPLACE", 1.0
    return action, channels


def new_action(owner: bpy.types.Object, name: str) -> tuple[bpy.types.Action, Any]:
    """Make an empty action for an object without assigning it.

    Args:
        owner: The object that it is for.
        name: Wanted name of the action; Blender adds a number when it is taken.

    Returns:
        The action, and what holds its curves.
    """
    action = bpy.data.actions.new(name)
    if not HAS_ACTION_SLOTS:
        action.id_root = "OBJECT"
        return action, action
    slot = action.slots.new(id_type="OBJECT", name=owner.name)
    strip = action.layers.new("Layer").strips.new(type="KEYFRAME")
    return action, strip.channelbag(slot, ensure=True)


def assign_action(owner: bpy.types.Object, action: bpy.types.Action | None, slot: str) -> None:
    """Let an action animate an object.

    Args:
        owner: The object.
        action: The action; None for none.
        slot: Identifier of its slot (4.4 and later).
    """
    animation = owner.animation_data or owner.animation_data_create()
    if not HAS_ACTION_SLOTS:
        animation.action = action
        return
    # Taking a slot off an object before a depsgraph update has seen both crashes 4.5.15 and 5.2.3.
    bpy.context.view_layer.update()
    animation.action = action
    wanted = action.slots.get(slot) if action else None
    # Blender's own choice of slot depends on its name and may be none at all: then nothing moves.
    if wanted and animation.action_slot != wanted:
        animation.action_slot = wanted


def action_slot_name(owner: bpy.types.Object) -> str:
    """Tell which slot of its action animates an object.

    Args:
        owner: Any object.

    Returns:
        The slot's identifier; empty when there is none, as before 4.4.
    """
    animation = owner.animation_data
    if not HAS_ACTION_SLOTS or animation is None or animation.action_slot is None:
        return ""
    return animation.action_slot.identifier


def add_strip(track: bpy.types.NlaTrack, action: bpy.types.Action, slot: str) -> bpy.types.NlaStrip:
    """Add a strip that plays an action where its keys are.

    Args:
        track: An empty track.
        action: The action.
        slot: Identifier of its slot (4.4 and later); empty for none, which moves nothing.

    Returns:
        The strip.
    """
    strip = track.strips.new(action.name, int(action.frame_range[0]), action)
    if HAS_ACTION_SLOTS:
        strip.action_slot = action.slots.get(slot)  # new strips choose one by themselves
    strip.frame_start, strip.frame_end = action.frame_range
    strip.action_frame_start, strip.action_frame_end = action.frame_range
    return strip


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


def sequencer_strips(scene: bpy.types.Scene) -> list[Any]:
    """List the strips of the sequencer, those within meta strips as well.

    Args:
        scene: The scene.

    Returns:
        The strips.
    """
    editor = scene.sequence_editor
    if editor is None:
        return []
    return list(editor.strips_all if bpy.app.version >= (4, 4, 0) else editor.sequences_all)


@contextlib.contextmanager
def choose_still_format(settings: bpy.types.ImageFormatSettings, form: str) -> Iterator[None]:
    """Let renders be written as 8-bit colour pictures of a format for a while.

    Args:
        settings: The scene's.
        form: Identifier of the format.

    Yields:
        Nothing; the user's choice is put back.
    """
    names = ["file_format", "color_mode", "color_depth", "color_management"]
    # 5.0 chooses between image and video first. Source: release notes 5.0 "Python API: Rendering".
    if bpy.app.version >= (5, 0, 0):
        names.insert(0, "media_type")
    before = {name: getattr(settings, name) for name in names}
    if "media_type" in before:
        settings.media_type = "IMAGE"
    settings.file_format, settings.color_mode = form, "RGB"
    settings.color_management = "FOLLOW_SCENE"
    try:
        yield
    finally:
        for name, value in before.items():
            setattr(settings, name, value)
