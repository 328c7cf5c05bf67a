# SPDX-License-Identifier: GPL-3.0-or-later
"""The scene's own camera as the one that filmed: its lens, and its path where it was tracked."""

from collections.abc import Sequence
from typing import Final

import bpy
import numpy as np
from numpy.typing import NDArray

from ..rigging.motion import Motion3D
from ..rigging.moving_camera import floor_share, follow_camera, seen_larger
from .clip_lens import Lens, off_middle
from .errors import SourceError
from .scene_camera import BLENDER_CAMERA_AXES, metres_per_unit
from .solved_camera import unsolved_warning
from .workspace import played_frames

LIKELY_SHARE: Final = 1.2
"""A scene whose floor makes people so much larger or smaller has another scale, or they do not
stand on its floor: heights that are given, and those that are measured, are much nearer."""


def scene_lens(scene: bpy.types.Scene, size_px: tuple[int, int]) -> Lens:
    """Tell the lens of the scene's camera in pixels of the footage.

    Args:
        scene: Scene whose camera sees the footage fitted into the rendered frame.
        size_px: Width and height of the upright footage.

    Returns:
        The lens; its shifts are an optical centre off the middle.

    Raises:
        SourceError: The scene has no camera, or one that filmed nothing.
    """
    camera = _camera(scene).data
    if camera.type != "PERSP":
        raise SourceError(
            f"The scene's camera {camera.name!r} is of type {camera.type.capitalize()}, which "
            "films nobody: set it to Perspective, or choose New Camera"
        )
    render = scene.render
    width = render.resolution_x * render.pixel_aspect_x
    height = render.resolution_y * render.pixel_aspect_y
    upright = camera.sensor_fit == "VERTICAL" or (camera.sensor_fit == "AUTO" and height > width)
    # With a fit of AUTO the sensor's width lies along the longer side, whichever that is.
    sensor_mm = camera.sensor_height if camera.sensor_fit == "VERTICAL" else camera.sensor_width
    side_px = (height if upright else width) / min(width / size_px[0], height / size_px[1])
    middle = np.array(size_px) / 2.0
    centre_px = middle - side_px * np.array([camera.shift_x, -camera.shift_y])
    return Lens(float(camera.lens / sensor_mm * side_px), off_middle(centre_px, size_px))


def scene_path(scene: bpy.types.Scene, frames: Sequence[float]) -> NDArray[np.float64]:
    """Tell where the scene's camera is at some frames.

    Args:
        scene: Scene whose camera filmed; constraints, parents and animation count.
        frames: T scene frames, whole or not.

    Returns:
        (T, 4, 4) camera axes (x right, y down, z ahead) to the world, metres.

    Raises:
        SourceError: The scene has no camera.
    """
    camera = _camera(scene)
    places = np.empty((len(frames), 4, 4))
    for place, _ in zip(places, played_frames(scene, frames), strict=True):
        # Without scale, as Blender looks through it: Set Scale of the clip editor scales a camera.
        place[...] = camera.matrix_world.normalized()
        place[:3, 3] *= metres_per_unit(scene)
    return places @ BLENDER_CAMERA_AXES


def seen_by_scene(
    scene: bpy.types.Scene, motions: Sequence[Motion3D], frames: NDArray[np.float64]
) -> tuple[list[Motion3D], list[str]]:
    """Put people where the scene's camera saw them along its path, on the scene's floor.

    Args:
        scene: Scene whose camera filmed.
        motions: People in the world of a camera at rest.
        frames: (T,) scene frame of each moment of the motions.

    Returns:
        The people in the scene's world, metres; what the user should know.

    Raises:
        SourceError: The scene has no camera.
        RigError: A motion does not tell its camera, or the scene's is mirrored or sheared.
    """
    path = scene_path(scene, frames.tolist())
    seen = np.any([np.isfinite(motion.xyz_m).any(axis=(1, 2)) for motion in motions], axis=0)
    placed, warnings = [], [unsolved_warning(scene, frames[seen].tolist())]
    for motion in (follow_camera(motion, path) for motion in motions):
        share = floor_share(motion, path[:, :3, 3])
        if share is not None and 1.0 / LIKELY_SHARE <= share <= LIKELY_SHARE:
            placed.append(seen_larger(motion, path[:, :3, 3], share))
        else:
            placed.append(motion)
            warnings.append(_floor_warning(share))
    return placed, [*filter(None, warnings)]


def _floor_warning(share: float | None) -> str:
    if share is None:
        return (
            "No feet are seen from above, so that the person stands where the height given tells, "
            "not on the scene's floor"
        )
    return (
        f"On the scene's floor, at Z = 0, the person would be {share:.2f} times as tall as given: "
        "the person was not put on it. Set floor and scale of the solved scene in the Clip editor "
        f"(Set Floor, Set Scale: by {1.0 / share:.3g}), or give the height again"
    )


def _camera(scene: bpy.types.Scene) -> bpy.types.Object:
    if scene.camera is None:
        raise SourceError(
            "The scene has no camera: add one, or do not use it as the one that filmed"
        )
    return scene.camera
