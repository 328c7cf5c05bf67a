# SPDX-License-Identifier: GPL-3.0-or-later
"""The user's mode, selection and timeline, put back as they were."""

import contextlib
from collections.abc import Iterable, Iterator

import bpy
import numpy as np


@contextlib.contextmanager
def object_mode(context: bpy.types.Context) -> Iterator[None]:
    """Leave the mode the user works in, and go back to it afterwards.

    Mode, active object and selection are put back by name.

    Args:
        context: Context with a view layer.

    Yields:
        Nothing; object mode holds inside.
    """
    objects = context.view_layer.objects
    active, mode = objects.active, context.mode
    active_name = active.name if active else None
    object_mode_id = active.mode if active else "OBJECT"
    selected = {obj.name for obj in objects if obj.select_get()}
    if mode != "OBJECT":
        bpy.ops.object.mode_set(mode="OBJECT")
    try:
        yield
    finally:
        if context.mode != "OBJECT":
            bpy.ops.object.mode_set(mode="OBJECT")
        for obj in objects:
            obj.select_set(obj.name in selected)
        objects.active = objects.get(active_name) if active_name else None
        if objects.active and object_mode_id != "OBJECT":
            bpy.ops.object.mode_set(mode=object_mode_id)


def select_only(context: bpy.types.Context, chosen: list[bpy.types.Object]) -> None:
    """Show objects and make them the selection; the first becomes the active one.

    Args:
        context: Context with a view layer, in object mode.
        chosen: Objects of the view layer, at least one.
    """
    for obj in context.view_layer.objects:
        obj.select_set(False)
    for obj in chosen:
        obj.hide_viewport = False
        obj.hide_set(False)
        obj.select_set(True)
    context.view_layer.objects.active = chosen[0]


@contextlib.contextmanager
def frame_range(scene: bpy.types.Scene, first: int, last: int) -> Iterator[None]:
    """Give the scene another frame range for a while.

    Args:
        scene: The scene.
        first: First frame.
        last: Last frame.

    Yields:
        Nothing; the range and the current frame are put back.
    """
    before = scene.frame_start, scene.frame_end, scene.frame_current
    scene.frame_start, scene.frame_end = first, last
    try:
        yield
    finally:
        scene.frame_start, scene.frame_end = before[:2]
        scene.frame_set(before[2])


def played_frames(scene: bpy.types.Scene, frames: Iterable[float]) -> Iterator[None]:
    """Play a scene frame by frame.

    Args:
        scene: The scene.
        frames: Scene frames, fractions allowed.

    Yields:
        Nothing, once a frame; the current frame is put back after the last.
    """
    before = scene.frame_current, scene.frame_subframe
    try:
        for frame in frames:
            whole = int(np.floor(frame))
            scene.frame_set(whole, subframe=float(frame - whole))
            yield
    finally:
        scene.frame_set(before[0], subframe=before[1])
