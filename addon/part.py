# SPDX-License-Identifier: GPL-3.0-or-later
"""The part of a clip that is to be tracked: from the panel's words to the worker's."""

import bpy

from .errors import SourceError
from .footage import first_frame


def clip_part(
    scene: bpy.types.Scene, clip: bpy.types.MovieClip | None, settings: bpy.types.PropertyGroup
) -> str | None:
    """Write the part of a clip as the worker reads it.

    Args:
        scene: The scene, whose frames are meant.
        clip: The clip; None for a file that is not open in Blender, which begins at frame 1.
        settings: The panel's.

    Returns:
        For example "120:480" or "2.5s:10s"; None for the whole clip.

    Raises:
        SourceError: The part ends before it begins, or no frame of the clip lies in it.
    """
    match settings.part:
        case "SECONDS":
            first_s, end_s = settings.part_seconds
            if first_s >= end_s:
                raise SourceError(f"The part from {first_s:g} to {end_s:g} seconds holds nothing")
            return f"{first_s:.6f}s:{end_s:.6f}s"
        case "SCENE":
            first, last = scene.frame_start, scene.frame_end
        case "FRAMES":
            first, last = settings.part_frames
        case _:
            return None
    begins = 1 if clip is None else first_frame(scene, clip)
    length = None if clip is None else clip.frame_duration
    if last < max(first, begins) or (length and first >= begins + length):
        shown = f", which lies on {begins} to {begins + length - 1}" if length else ""
        raise SourceError(f"Frames {first} to {last} hold nothing of the clip{shown}")
    return f"{max(first - begins, 0)}:{last - begins + 1}"


def scene_range(scene: bpy.types.Scene, settings: bpy.types.PropertyGroup) -> tuple[int, int]:
    """Find the frames of the scene that are to be rendered.

    Args:
        scene: The scene.
        settings: The panel's.

    Returns:
        First and last frame.

    Raises:
        SourceError: The part ends before it begins.
    """
    match settings.part:
        case "SECONDS":
            rate_hz = scene.render.fps / scene.render.fps_base
            first_s, end_s = settings.part_seconds
            first, last = (
                scene.frame_start + round(first_s * rate_hz),
                scene.frame_start + round(end_s * rate_hz) - 1,
            )
        case "FRAMES":
            first, last = settings.part_frames
        case _:
            first, last = scene.frame_start, scene.frame_end
    if last < first:
        raise SourceError(f"The part from frame {first} to {last} holds nothing")
    return first, last
