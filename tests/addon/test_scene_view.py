# SPDX-License-Identifier: GPL-3.0-or-later
"""The scene's camera tells the focal length and path that it has."""

import bpy
import numpy as np
import pytest
from bpy_extras.object_utils import world_to_camera_view
from mathutils import Vector
from track_spine.addon.errors import SourceError
from track_spine.addon.scene_camera import FilmedFrom, place_camera
from track_spine.addon.scene_view import scene_lens, scene_path

SIZES = [(1920, 1080), (1080, 1920), (800, 800)]


@pytest.mark.parametrize("footage", SIZES)
@pytest.mark.parametrize("render", SIZES)
def test_the_focal_length_is_the_one_that_the_lens_was_set_to(footage, render):
    scene = bpy.context.scene
    scene.render.resolution_x, scene.render.resolution_y = render
    matrix = np.diag([1.0, 1.0, 1.0, 1.0])
    scene.camera = place_camera(bpy.context, FilmedFrom(matrix, 1234.0, footage), None, "Filmed")
    assert scene_lens(scene, footage).focal_px == pytest.approx(1234.0, rel=1e-5)


@pytest.mark.parametrize("fit", ["AUTO", "HORIZONTAL", "VERTICAL"])
@pytest.mark.parametrize("render", SIZES)
def test_every_sensor_fit_agrees_with_blenders_angle_of_view(fit, render):
    scene = bpy.context.scene
    scene.render.resolution_x, scene.render.resolution_y = render
    data = bpy.data.cameras.new("lens")
    data.sensor_fit, data.lens, data.sensor_width, data.sensor_height = fit, 28.0, 30.0, 17.0
    scene.camera = bpy.data.objects.new("lens", data)
    scene.collection.objects.link(scene.camera)
    right = max(corner.x / -corner.z for corner in data.view_frame(scene=scene))
    assert scene_lens(scene, render).focal_px == pytest.approx(render[0] / 2 / right, rel=1e-5)


def test_the_path_is_the_cameras_at_whole_and_half_frames_in_metres():
    scene = bpy.context.scene
    scene.unit_settings.scale_length = 0.1
    camera = bpy.data.objects.new("moving", bpy.data.cameras.new("moving"))
    scene.collection.objects.link(camera)
    scene.camera = camera
    camera.rotation_euler = np.pi / 2, 0.0, 0.0
    for frame, x in ((1, 0.0), (11, 20.0)):
        camera.location = x, -50.0, 15.0
        camera.keyframe_insert("location", frame=frame)
    from_linear = camera.animation_data.action
    curves = from_linear.fcurves if hasattr(from_linear, "fcurves") else _curves(from_linear)
    for curve in curves:
        for point in curve.keyframe_points:
            point.interpolation = "LINEAR"
    scene.frame_set(4)
    path = scene_path(scene, [1.0, 3.5, 11.0])
    np.testing.assert_allclose(path[:, 0, 3], [0.0, 0.5, 2.0], atol=1e-5)
    np.testing.assert_allclose(path[:, 1:3, 3], [[-5.0, 1.5]] * 3, atol=1e-5)
    # It looks along +Y, level: right is +X, down is -Z.
    wanted = np.array([[1.0, 0, 0], [0, 0, 1.0], [0, -1.0, 0]])
    np.testing.assert_allclose(path[:, :3, :3], np.tile(wanted, (3, 1, 1)), atol=1e-6)
    assert scene.frame_current == 4


def _curves(action):
    return action.layers[0].strips[0].channelbags[0].fcurves


def test_cameras_that_filmed_nothing_are_refused():
    scene = bpy.context.scene
    scene.camera = None
    with pytest.raises(SourceError, match="no camera"):
        scene_lens(scene, (1920, 1080))
    with pytest.raises(SourceError, match="no camera"):
        scene_path(scene, [1.0])
    data = bpy.data.cameras.new("flat")
    scene.camera = bpy.data.objects.new("flat", data)
    scene.collection.objects.link(scene.camera)
    for kind in ("ORTHO", "PANO"):
        data.type = kind
        with pytest.raises(SourceError, match=f"type {kind.capitalize()}.*Perspective"):
            scene_lens(scene, (1920, 1080))


@pytest.mark.parametrize("fit", ["AUTO", "HORIZONTAL", "VERTICAL"])
@pytest.mark.parametrize("render", SIZES)
def test_shifts_are_an_optical_centre_off_the_middle(fit, render):
    """Where Blender shows what lies straight ahead, in footage that fills the frame."""
    scene = bpy.context.scene
    scene.render.resolution_x, scene.render.resolution_y = render
    scene.camera = camera = bpy.data.objects.new("lens", bpy.data.cameras.new("lens"))
    scene.collection.objects.link(camera)
    camera.data.sensor_fit, camera.data.shift_x, camera.data.shift_y = fit, 0.1, -0.04
    bpy.context.view_layer.update()
    ahead = world_to_camera_view(scene, camera, Vector((0.0, 0.0, -1.0)))
    wanted = ahead.x * render[0], (1.0 - ahead.y) * render[1]
    assert scene_lens(scene, render).centre_px == pytest.approx(wanted, abs=1e-3)
    half = render[0] // 2, render[1] // 2
    assert scene_lens(scene, half).centre_px == pytest.approx(
        (wanted[0] / 2, wanted[1] / 2), abs=1e-3
    )


def test_scale_of_the_camera_and_its_parents_is_left_out():
    scene = bpy.context.scene
    camera = bpy.data.objects.new("held", bpy.data.cameras.new("held"))
    parent = bpy.data.objects.new("crane", None)
    for one in (camera, parent):
        scene.collection.objects.link(one)
    scene.camera, camera.parent = camera, parent
    camera.location, camera.scale = (0.0, -2.0, 1.0), (0.3, 0.3, 0.3)
    camera.rotation_euler = np.pi / 2, 0.0, 0.0
    parent.location, parent.scale = (1.0, 0.0, 0.0), (2.0, 2.0, 2.0)
    place = scene_path(scene, [1.0])[0]
    np.testing.assert_allclose(place[:3, 3], [1.0, -4.0, 2.0], atol=1e-6)
    np.testing.assert_allclose(place[:3, :3].T @ place[:3, :3], np.eye(3), atol=1e-6)


def test_the_scene_s_camera_gives_lens_and_path_to_a_run(
    extension, use_fake, lifted_file, clip_file, tmp_path, requests
):
    use_fake("tracks", lifted_file)
    scene = bpy.context.scene
    clip = bpy.data.movieclips.load(str(clip_file))
    scene.track_spine.clip, scene.track_spine.filmed_by = clip, "SCENE"
    scene.render.resolution_x, scene.render.resolution_y = 640, 480
    data = bpy.data.cameras.new("Solved")
    data.lens, data.sensor_width = 50.0, 40.0
    scene.camera = bpy.data.objects.new("Solved", data)
    scene.collection.objects.link(scene.camera)
    scene.camera.location, scene.camera.rotation_euler = (0.0, -5.0, 1.0), (np.pi / 2, 0.0, 0.0)
    heights = []
    for lift in (0.0, 0.75):
        scene.camera.location.z = 1.0 + lift
        assert bpy.ops.track_spine.track(take=str(tmp_path / "take")) == {"FINISHED"}
        rig = bpy.context.view_layer.objects.active
        scene.frame_set(5)
        heights.append((rig.matrix_world @ rig.pose.bones["pelvis"].matrix).translation.z)
    assert requests[0].focal_px == pytest.approx(64 * 50.0 / 40.0)
    assert heights[1] - heights[0] == pytest.approx(0.75, abs=0.02)
    assert [one.name for one in scene.objects if one.type == "CAMERA"] == ["Solved"]


def test_a_file_that_is_no_clip_cannot_be_fitted_to_the_scene_s_camera(
    extension, clip_file, tmp_path
):
    bpy.context.scene.track_spine.filmed_by = "SCENE"
    with pytest.raises(RuntimeError, match="Open the footage as a clip"):
        bpy.ops.track_spine.track(filepath=str(clip_file), take=str(tmp_path / "take"))
