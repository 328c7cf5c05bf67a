# SPDX-License-Identifier: GPL-3.0-or-later
"""A camera that stands where the footage was filmed from, so that the rig lies over the actor."""

import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import bpy
import numpy as np
from mathutils import Matrix
from numpy.typing import NDArray

from .errors import AddonError

SENSOR_MM: Final = 36.0

# A camera of the take looks along +Z with y down, one of Blender's along -Z with y up.
BLENDER_CAMERA_AXES: Final = np.diag([1.0, -1.0, -1.0, 1.0])


@dataclass(frozen=True)
class FilmedFrom:
    """The camera of a take.

    Attributes:
        world_from_camera: (4, 4) with x right, y down, z forward; metres.
        focal_px: Focal length in pixels of the footage.
        size_px: Width and height of the upright footage.
        centre_px: Optical centre, pixels from the top left corner; None for the middle.
    """

    world_from_camera: NDArray[np.float64]
    focal_px: float
    size_px: tuple[int, int]
    centre_px: tuple[float, float] | None = None


def read_camera(lifted: Path) -> FilmedFrom:
    """Read the camera out of a take's 3D points.

    Args:
        lifted: The take's lifted.npz.

    Returns:
        The camera.

    Raises:
        AddonError: The file cannot be read or its camera makes no sense.
    """
    try:
        with np.load(lifted, allow_pickle=False) as arrays:
            matrix = np.asarray(arrays["world_from_camera"], dtype=np.float64)
            focal_px = float(arrays["focal_px"])
            width, height = (int(side) for side in arrays["image_size_px"])
    except (OSError, ValueError, TypeError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise AddonError(f"Cannot read the camera from {lifted}: {error}") from error
    sensible = matrix.shape == (4, 4) and np.isfinite(matrix).all()
    if not sensible or not np.isfinite(focal_px) or min(focal_px, width, height) <= 0:
        raise AddonError(f"The camera in {lifted} is damaged: delete the take and track again")
    return FilmedFrom(matrix, focal_px, (width, height))


def shows_upright(clip: bpy.types.MovieClip, filmed: FilmedFrom) -> bool:
    """Tell whether Blender turns the clip as its file says; 4.2 does not.

    Args:
        clip: The footage.
        filmed: The camera of the take.

    Returns:
        True when the clip is as high as the upright footage; pixels that are not square make only
        its width another.
    """
    return bool(clip.size[1] == filmed.size_px[1])


def lens(
    focal_px: float, size_px: tuple[int, int], render_px: tuple[float, float]
) -> tuple[str, float]:
    """Find the lens that shows footage fitted into the rendered frame at its true size.

    Args:
        focal_px: Focal length in pixels of the footage.
        size_px: Width and height of the footage.
        render_px: Width and height of the rendered frame, pixel aspect included.

    Returns:
        Sensor fit, "HORIZONTAL" or "VERTICAL", and focal length in mm on a sensor of SENSOR_MM.
    """
    wider = size_px[0] * render_px[1] >= size_px[1] * render_px[0]
    fit, side_px = ("HORIZONTAL", size_px[0]) if wider else ("VERTICAL", size_px[1])
    return fit, focal_px / side_px * SENSOR_MM


def place_camera(
    context: bpy.types.Context, filmed: FilmedFrom, clip: bpy.types.MovieClip | None, name: str
) -> bpy.types.Object:
    """Add the camera of a take, or move the one that an earlier run added.

    Args:
        context: Context whose scene gets the camera.
        filmed: The camera of the take.
        clip: Footage for the background.
        name: Name of the camera.

    Returns:
        The camera object.
    """
    scene = context.scene
    camera = scene.objects.get(name)
    if camera is None or camera.type != "CAMERA":
        camera = bpy.data.objects.new(name, bpy.data.cameras.new(name))
        scene.collection.objects.link(camera)
    matrix = filmed.world_from_camera @ BLENDER_CAMERA_AXES
    matrix[:3, 3] /= metres_per_unit(scene)
    camera.matrix_world = Matrix(matrix.tolist())
    _set_lens(scene.render, camera.data, filmed)
    if clip is not None:
        show_footage(camera.data, clip, filmed)
    return camera


def look_through(scene: bpy.types.Scene, camera: bpy.types.Object, filmed: FilmedFrom) -> None:
    """Let the scene render what the footage shows.

    Args:
        scene: The scene; it gets the footage's picture size.
        camera: The camera of the take.
        filmed: The same as the take tells it.
    """
    scene.camera = camera
    scene.render.resolution_x, scene.render.resolution_y = filmed.size_px
    scene.render.pixel_aspect_x = scene.render.pixel_aspect_y = 1.0
    _set_lens(scene.render, camera.data, filmed)


def metres_per_unit(scene: bpy.types.Scene) -> float:
    """Tell how long a unit of the scene is.

    Args:
        scene: The scene.

    Returns:
        Metres; 1 where the scene has no units.
    """
    units = scene.unit_settings
    return 1.0 if units.system == "NONE" else units.scale_length


def _set_lens(
    render: bpy.types.RenderSettings, camera: bpy.types.Camera, filmed: FilmedFrom
) -> None:
    render_px = (
        render.resolution_x * render.pixel_aspect_x,
        render.resolution_y * render.pixel_aspect_y,
    )
    camera.sensor_width = camera.sensor_height = SENSOR_MM
    camera.sensor_fit, camera.lens = lens(filmed.focal_px, filmed.size_px, render_px)
    width, height = filmed.size_px
    x, y = filmed.centre_px or (width / 2.0, height / 2.0)
    side_px = width if camera.sensor_fit == "HORIZONTAL" else height
    camera.shift_x, camera.shift_y = (width / 2.0 - x) / side_px, (y - height / 2.0) / side_px


def show_footage(camera: bpy.types.Camera, clip: bpy.types.MovieClip, filmed: FilmedFrom) -> None:
    """Put footage behind a camera, as large as fits and without distortion, where it is not yet.

    Args:
        camera: The camera; one of another file is left alone.
        clip: The footage; pixels that are not square are shown as wide as they are.
        filmed: The camera of the take.
    """
    if camera.library or any(picture.clip == clip for picture in camera.background_images):
        return
    width, wanted = clip.size[0], filmed.size_px[0]
    if width != wanted and tuple(clip.display_aspect) == (1.0, 1.0) and not clip.library:
        clip.display_aspect = wanted / width, 1.0
    background = camera.background_images.new()
    background.source = "MOVIE_CLIP"
    background.clip = clip
    background.clip_user.use_render_undistorted = True  # as the points are; without, the same
    background.frame_method = "FIT"
    background.alpha = 1.0
    camera.show_background_images = True
