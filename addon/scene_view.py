# SPDX-License-Identifier: GPL-3.0-or-later
"""The scene's own camera as the one that filmed: its lens, and its path where it was tracked."""

from collections.abc import Sequence

import bpy
import numpy as np
from numpy.typing import NDArray

from .errors import SourceError
from .scene_camera import BLENDER_CAMERA_AXES, metres_per_unit
from .workspace import played_frames


def scene_focal_px(scene: bpy.types.Scene, size_px: tuple[int, int]) -> float:
    """Tell the focal length of the scene's camera in pixels of the footage.

    Args:
        scene: Scene whose camera sees the footage fitted into the rendered frame.
        size_px: Width and height of the upright footage.

    Returns:
        Focal length, pixels of the footage.

    Raises:
        SourceError: The scene has no camera, or one that filmed nothing.
    """
    camera = _camera(scene).data
    if camera.type != "PERSP" or camera.shift_x or camera.shift_y:
        raise SourceError(
            f"The scene's camera {camera.name!r} is not a plain perspective camera: set its type "
            "to Perspective and both shifts to 0, or do not use it as the camera that filmed"
        )
    render = scene.render
    width = render.resolution_x * render.pixel_aspect_x
    height = render.resolution_y * render.pixel_aspect_y
    upright = camera.sensor_fit == "VERTICAL" or (camera.sensor_fit == "AUTO" and height > width)
    # With a fit of AUTO the sensor's width lies along the longer side, whichever that is.
    sensor_mm = camera.sensor_height if camera.sensor_fit == "VERTICAL" else camera.sensor_width
    rendered_px = camera.lens / sensor_mm * (height if upright else width)
    return float(rendered_px / min(width / size_px[0], height / size_px[1]))


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
        turn, shift = camera.matrix_world.to_quaternion(), camera.matrix_world.translation
        place[...] = np.eye(4)
        place[:3, :3] = turn.to_matrix()
        place[:3, 3] = np.array(shift) * metres_per_unit(scene)
    return places @ BLENDER_CAMERA_AXES


def _camera(scene: bpy.types.Scene) -> bpy.types.Object:
    if scene.camera is None:
        raise SourceError(
            "The scene has no camera: add one, or do not use it as the one that filmed"
        )
    return scene.camera
