# SPDX-License-Identifier: GPL-3.0-or-later
"""Clip time and scene frames: where a moment of the footage falls on Blender's timeline."""

import math
from typing import Final

import numpy as np
from numpy.typing import NDArray

# A container that stores whole milliseconds is off by up to .03 frame at 60 fps.
SNAP_FRAMES: Final = 0.05
# Clip and scene count as one rate when an hour at 30 fps drifts by less than half a frame.
SAME_RATE: Final = 5e-6


def rational_rate(fps: float) -> tuple[int, float]:
    """Split a frame rate into Blender's `fps` and `fps_base`.

    Args:
        fps: Frames a second, positive.

    Returns:
        A whole number and its divisor: (30, 1.001) for 29.97.
    """
    whole = max(1, round(fps))
    if math.isclose(fps, whole, rel_tol=1e-6):
        return whole, 1.0
    if math.isclose(fps * 1.001, round(fps * 1.001), rel_tol=1e-5):
        return round(fps * 1.001), 1.001
    upper = math.ceil(fps)
    return upper, upper / fps


def same_rate(first_fps: float, second_fps: float) -> bool:
    """Tell whether footage at one rate stays in step with a timeline at another.

    Args:
        first_fps: Frames a second.
        second_fps: Frames a second.

    Returns:
        True when the two do not visibly drift apart.
    """
    return math.isclose(first_fps, second_fps, rel_tol=SAME_RATE)


def key_frames(
    time_s: NDArray[np.float64], start_frame: int, scene_fps: float
) -> NDArray[np.float64]:
    """Place moments of a clip on the timeline at their true time.

    Args:
        time_s: (T,) seconds from the first frame of the clip's file, strictly increasing.
        start_frame: Scene frame of the clip's first frame.
        scene_fps: Frames a second of the scene.

    Returns:
        (T,) frames, whole numbers when the clip's rate is the scene's, else with fractions.
    """
    frames = start_frame + time_s * scene_fps
    whole = np.round(frames)
    if np.all(np.abs(frames - whole) <= SNAP_FRAMES) and np.all(np.diff(whole) >= 1):
        return whole
    return frames
