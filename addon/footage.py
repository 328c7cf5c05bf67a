# SPDX-License-Identifier: GPL-3.0-or-later
"""The tracked movie clip inside Blender, and a timeline that keeps rig and footage in step."""

import bpy
import numpy as np
from numpy.typing import NDArray

from .compat import has_sequencer_strips
from .timing import rational_rate, same_rate


def load_clip(name: str, video: str) -> bpy.types.MovieClip | None:
    """Find the tracked movie clip in the file, or load it.

    Args:
        name: Name of the clip when it was in the file before; else empty.
        video: Absolute path of the movie file, or of the first picture of an image sequence.

    Returns:
        The clip; None when this Blender cannot show the file, as it can no folder and no pattern.
    """
    clip = bpy.data.movieclips.get(name) if name else None
    if clip is not None:
        return clip
    try:
        clip = bpy.data.movieclips.load(video, check_existing=True)
    except RuntimeError:
        return None
    if clip.frame_duration > 0 and (clip.fps > 0 or clip.source == "SEQUENCE"):
        return clip
    bpy.data.movieclips.remove(clip)
    return None


def first_frame(scene: bpy.types.Scene, clip: bpy.types.MovieClip | None) -> int:
    """Find the scene frame that shows the footage's first frame.

    Args:
        scene: The scene.
        clip: The footage.

    Returns:
        The frame.
    """
    return scene.frame_start if clip is None else clip.frame_start - clip.frame_offset


def frame_rate(clip: bpy.types.MovieClip | None, time_s: NDArray[np.float64]) -> float:
    """Find the rate at which the footage plays.

    Args:
        clip: The footage.
        time_s: (T,) times of its frames.

    Returns:
        Frames a second.
    """
    if clip is not None and clip.fps > 0:
        return clip.fps
    return 1.0 / float(np.median(np.diff(time_s))) if len(time_s) > 1 else 24.0


def scene_rate(scene: bpy.types.Scene) -> float:
    """Find the rate at which the scene plays.

    Args:
        scene: The scene.

    Returns:
        Frames a second.
    """
    return scene.render.fps / scene.render.fps_base


def is_unanimated(scene: bpy.types.Scene) -> bool:
    """Tell whether nothing depends on the scene's timeline yet.

    Args:
        scene: The scene.

    Returns:
        True when the file holds no action and the scene edits no video.
    """
    return not bpy.data.actions and not has_sequencer_strips(scene)


def adopt_timeline(
    scene: bpy.types.Scene, first: int, time_s: NDArray[np.float64], fps: float
) -> None:
    """Give the scene the rate of the footage and the range of its part that was tracked.

    Args:
        scene: The scene.
        first: Scene frame of the footage's first frame.
        time_s: (T,) times of the frames tracked, from the footage's first frame.
        fps: Rate of the footage.
    """
    scene.render.fps, scene.render.fps_base = rational_rate(fps)
    start, end = (first + round(float(moment) * fps) for moment in time_s[[0, -1]])
    scene.frame_start, scene.frame_end = start, end


def drift_warning(scene: bpy.types.Scene, fps: float) -> str:
    """Tell the user when rig and footage will not stay in step.

    Args:
        scene: The scene.
        fps: Rate of the footage.

    Returns:
        What is wrong and what to do; empty when they stay in step.
    """
    if same_rate(fps, scene_rate(scene)):
        return ""
    return (
        f"The clip plays at {fps:.5g} frames a second, the scene at {scene_rate(scene):.5g}. Keys "
        "are at their true time, but Blender shows one clip frame a scene frame: rig and footage "
        "drift apart. Set the scene's frame rate to the clip's and run again to have both in step"
    )


def slow_warning(scene: bpy.types.Scene, fps: float) -> str:
    """Tell the user when a rig that goes with the footage plays at another speed than life.

    Args:
        scene: The scene.
        fps: Rate of the footage.

    Returns:
        What is so and what to do; empty when rates agree.
    """
    if same_rate(fps, scene_rate(scene)):
        return ""
    return (
        f"The clip was filmed at {fps:.5g} frames a second, the scene plays it at "
        f"{scene_rate(scene):.5g}: rig, camera and footage go together frame by frame, but not at "
        "the speed of life. Set the scene's frame rate to the clip's"
    )


def footage_pixel(view: tuple[float, float], size_px: tuple[int, int]) -> tuple[float, float]:
    """Convert a point of the Clip Editor's view to a pixel of the footage.

    Args:
        view: Position in the editor's view, 0..1 over the picture from its bottom left corner.
        size_px: Width and height of the footage.

    Returns:
        Pixel from the top left corner.
    """
    return view[0] * size_px[0], (1.0 - view[1]) * size_px[1]
