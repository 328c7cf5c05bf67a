# SPDX-License-Identifier: GPL-3.0-or-later
"""A camera that sees the world as the footage does."""

import bpy
import numpy as np
import pytest
from bpy_extras.object_utils import world_to_camera_view
from mathutils import Vector
from scipy.spatial.transform import Rotation
from track_spine.addon.errors import AddonError
from track_spine.addon.scene_camera import (
    FilmedFrom,
    lens,
    look_through,
    place_camera,
    read_camera,
)

LANDSCAPE, PORTRAIT = (1920, 1080), (1080, 1920)


def filmed_from(size_px):
    matrix = np.eye(4)
    # Level camera looking along +Y, then panned, tilted and moved.
    level = np.array([[1, 0, 0], [0, 0, 1], [0, -1, 0]], dtype=float)
    matrix[:3, :3] = Rotation.from_euler("zx", [0.4, -0.2]).as_matrix() @ level
    matrix[:3, 3] = 1.0, -5.0, 1.5
    return FilmedFrom(matrix, 1500.0, size_px)


@pytest.mark.parametrize("footage", [LANDSCAPE, PORTRAIT])
@pytest.mark.parametrize("render", [LANDSCAPE, PORTRAIT, (1000, 1000)])
def test_points_fall_where_the_footage_shows_them(footage, render):
    scene = bpy.context.scene
    filmed = filmed_from(footage)
    scene.render.resolution_x, scene.render.resolution_y = render
    camera = place_camera(bpy.context, filmed, None, "Filmed")
    bpy.context.view_layer.update()
    point_camera = np.array([0.3, -0.2, 6.0, 1.0])
    world = filmed.world_from_camera @ point_camera
    seen = world_to_camera_view(scene, camera, Vector(world[:3]))
    # The footage lies in the rendered frame, as large as fits, in the middle.
    scale = min(render[0] / footage[0], render[1] / footage[1])
    pixel = filmed.focal_px * point_camera[:2] / point_camera[2] * scale + np.array(render) / 2
    assert seen.x == pytest.approx(pixel[0] / render[0], abs=1e-4)
    assert seen.y == pytest.approx(1.0 - pixel[1] / render[1], abs=1e-4)
    assert seen.z == pytest.approx(6.0, abs=1e-4)


def test_the_lens_fits_the_side_that_fills_the_frame():
    assert lens(960.0, LANDSCAPE, LANDSCAPE) == ("HORIZONTAL", 18.0)
    assert lens(960.0, PORTRAIT, LANDSCAPE) == ("VERTICAL", 18.0)


def test_scene_units_move_the_camera():
    bpy.context.scene.unit_settings.scale_length = 0.01
    camera = place_camera(bpy.context, filmed_from(LANDSCAPE), None, "Filmed")
    assert tuple(camera.matrix_world.translation) == pytest.approx((100, -500, 150), rel=1e-6)


def test_placing_leaves_the_scene_s_own_camera_and_picture():
    scene = bpy.context.scene
    bpy.ops.object.camera_add()
    own = scene.camera = bpy.context.active_object
    place_camera(bpy.context, filmed_from(PORTRAIT), None, "Filmed")
    assert scene.camera == own
    assert (scene.render.resolution_x, scene.render.resolution_y) == LANDSCAPE


def test_looking_through_takes_over_the_footage_s_picture():
    scene = bpy.context.scene
    filmed = filmed_from(PORTRAIT)
    camera = place_camera(bpy.context, filmed, None, "Filmed")
    assert camera.data.sensor_fit == "VERTICAL"
    look_through(scene, camera, filmed)
    assert scene.camera == camera
    assert (scene.render.resolution_x, scene.render.resolution_y) == PORTRAIT
    assert camera.data.lens == pytest.approx(lens(1500.0, PORTRAIT, PORTRAIT)[1])


def test_an_object_of_that_name_is_not_taken_over():
    bpy.ops.mesh.primitive_cube_add()
    bpy.context.active_object.name = "Filmed"
    camera = place_camera(bpy.context, filmed_from(LANDSCAPE), None, "Filmed")
    assert camera.type == "CAMERA"


@pytest.mark.parametrize(
    "change",
    [
        {"world_from_camera": np.full((4, 4), np.nan)},
        {"world_from_camera": np.eye(3)},
        {"focal_px": np.array(-1.0)},
        {"focal_px": np.array([1.0, 2.0])},
        {"image_size_px": np.array([0, 48])},
        {"image_size_px": np.array([64])},
    ],
)
def test_a_damaged_camera_is_refused(lifted_file, tmp_path, change):
    with np.load(lifted_file) as arrays:
        np.savez(tmp_path / "lifted.npz", **{**arrays, **change})
    with pytest.raises(AddonError, match="camera"):
        read_camera(tmp_path / "lifted.npz")


def test_what_is_no_take_is_refused(tmp_path):
    (tmp_path / "lifted.npz").write_bytes(b"not a zip")
    with pytest.raises(AddonError, match="Cannot read the camera"):
        read_camera(tmp_path / "lifted.npz")
