# SPDX-License-Identifier: GPL-3.0-or-later
"""Scene cameras that move as Blender solved them from a clip: whether they are, and where not."""

from collections.abc import Sequence

import bpy
import numpy as np

from .errors import SourceError


def require_solved(scene: bpy.types.Scene) -> None:
    """Refuse a camera that waits for a solution.

    Args:
        scene: Scene whose camera filmed.

    Raises:
        SourceError: The camera follows a clip that is not solved.
    """
    for clip in _followed(scene):
        if clip is None or not clip.tracking.reconstruction.is_valid:
            name = f"clip {clip.name!r}" if clip else "a clip that is not chosen"
            raise SourceError(
                f"The scene's camera {scene.camera.name!r} follows {name}, which has no solved "
                "camera: press Solve Camera Motion in the Clip editor, or mute its constraint"
            )


def unsolved_warning(scene: bpy.types.Scene, frames: Sequence[float]) -> str:
    """Tell the user where the camera's path is a guess.

    Args:
        scene: Scene whose camera filmed.
        frames: Scene frames at which somebody was seen.

    Returns:
        Which frames, and what to do; empty where all are solved.
    """
    for clip in filter(None, _followed(scene)):
        cameras = clip.tracking.reconstruction.cameras
        solved = {camera.frame + clip.frame_start - 1 for camera in cameras}
        wanted = {int(end(frame)) for frame in frames for end in (np.floor, np.ceil)}
        if missing := sorted(wanted - solved):
            return (
                f"The camera is not solved in {len(missing)} of {len(wanted)} frames, between "
                f"{missing[0]} and {missing[-1]}: there it stands where it was solved last, and "
                "its motion ends in the rig. Track more points there and solve again"
            )
    return ""


def _followed(scene: bpy.types.Scene) -> list[bpy.types.MovieClip | None]:
    """Clips that the camera's constraints take its path from."""
    constraints = scene.camera.constraints if scene.camera else ()
    return [
        scene.active_clip if constraint.use_active_clip else constraint.clip
        for constraint in constraints
        if constraint.type == "CAMERA_SOLVER" and constraint.enabled and constraint.influence > 0.0
    ]
