# SPDX-License-Identifier: GPL-3.0-or-later
"""Seen through the scene's camera, the rig lies on the person in the footage."""

import bpy
import numpy as np
import pytest

from .filming import (
    FRAMES,
    LEVEL,
    add_camera,
    animate,
    misfit,
    stray_m,
    walk_round,
    write_clip,
    write_take,
)

pytestmark = pytest.mark.usefixtures("extension")

NEAR = 0.001
"""Share of the person's height; points without error come to .00014 and .0002."""

BACK = LEVEL.copy()
BACK[:3, 3] = 0.0, -6.0, 1.5


def track(tmp_path, clip=None, file=None):
    scene = bpy.context.scene
    take = str(tmp_path / "take")
    if clip:
        scene.track_spine.clip = clip
        assert bpy.ops.track_spine.track(take=take) == {"FINISHED"}
    else:
        assert bpy.ops.track_spine.track(filepath=str(file), take=take) == {"FINISHED"}
    return bpy.context.view_layer.objects.active


@pytest.fixture(name="at_rest")
def _at_rest(use_fake, lifted_file, tmp_path):
    """Write a take that a camera at rest filmed, and give the pixels."""

    def write(focal_px, size_px):
        places = np.tile(BACK, (FRAMES, 1, 1))
        pixels, _ = write_take(tmp_path / "l.npz", lifted_file, places, focal_px, size_px)
        use_fake("tracks", tmp_path / "l.npz")
        return pixels

    return write


@pytest.mark.parametrize(
    ("stored", "turned", "aspect", "upright"),
    [
        ((640, 360), 0, 1, (640, 360)),
        ((360, 640), 0, 1, (360, 640)),
        ((640, 360), 90, 1, (360, 640)),
        ((480, 360), 0, "4/3", (640, 360)),
    ],
    ids=["landscape", "portrait", "turned by a flag", "wide pixels"],
)
def test_a_new_camera_has_the_rig_on_the_person(at_rest, tmp_path, stored, turned, aspect, upright):
    file = write_clip(tmp_path / "film.mp4", stored, turned=turned, aspect=aspect)
    pixels = at_rest(500.0, upright)
    rig = track(tmp_path, file=file)
    scene = bpy.context.scene
    assert (scene.render.resolution_x, scene.render.resolution_y) == upright
    assert misfit(rig, pixels, range(1, 41), upright) < NEAR
    shown = [picture.clip for picture in scene.camera.data.background_images]
    lies = turned and bpy.app.version < (4, 3)
    assert len(shown) == (0 if lies else 1)
    if aspect != 1:
        assert shown[0].display_aspect[0] == pytest.approx(4 / 3, rel=1e-4)


def test_render_size_and_units_of_the_scene_do_not_matter(at_rest, tmp_path):
    file = write_clip(tmp_path / "film.mp4", (640, 360))
    pixels = at_rest(500.0, (640, 360))
    scene = bpy.context.scene
    scene.unit_settings.scale_length = 0.01
    scene.track_spine.subject_height = 170.0
    scene.render.fps = 25
    bpy.data.actions.new("Somebody's work")  # so that the scene's picture stays as it is
    scene.render.resolution_x, scene.render.resolution_y = 500, 700
    scene.render.pixel_aspect_x = 1.5
    clip = bpy.data.movieclips.load(str(file))
    clip.frame_start, clip.frame_offset = 31, 4
    rig = track(tmp_path, clip=clip)
    scene.camera = bpy.data.objects["film Camera"]
    assert misfit(rig, pixels, range(27, 67), (640, 360)) < NEAR


def test_an_optical_centre_off_the_middle_shifts_the_camera(at_rest, tmp_path, requests):
    """The take has its points as a lens with its centre in the middle would show them."""
    clip = bpy.data.movieclips.load(str(write_clip(tmp_path / "film.mp4", (640, 360))))
    settings = clip.tracking.camera
    settings.sensor_width, settings.focal_length = 36.0, 36.0 * 500.0 / 640.0
    settings.principal_point_pixels = 320.0 + 24.0, 180.0 + 10.0  # upwards
    pixels = at_rest(500.0, (640, 360)) + np.array([24.0, -10.0])
    bpy.context.scene.track_spine.filmed_by = "CLIP"
    rig = track(tmp_path, clip=clip)
    assert requests[0].centre_px == pytest.approx((344.0, 170.0), abs=1e-3)
    assert misfit(rig, pixels, range(1, 41), (640, 360)) < NEAR


@pytest.mark.parametrize("rate", [25, 30], ids=["same rate", "another rate"])
@pytest.mark.parametrize("render", [(640, 360), (500, 700)], ids=["same shape", "another shape"])
def test_an_animated_camera_s_motion_does_not_end_in_the_rig(
    use_fake, lifted_file, tmp_path, rate, render
):
    places = walk_round()
    pixels, world_m = write_take(tmp_path / "l.npz", lifted_file, places, 640.0, (640, 360))
    use_fake("tracks", tmp_path / "l.npz")
    scene = bpy.context.scene
    scene.render.fps = rate
    scene.render.resolution_x, scene.render.resolution_y = render
    clip = bpy.data.movieclips.load(str(write_clip(tmp_path / "film.mp4", (640, 360))))
    clip.frame_start, clip.frame_offset = 11, 3  # its first frame would be shown in frame 8
    # Of the picture fitted in the frame the camera sees the whole: 36 mm are a width of 640.
    camera = add_camera()
    camera.data.sensor_fit = "HORIZONTAL"
    animate(camera, places, first=8)
    scene.track_spine.filmed_by = "SCENE"
    rig = track(tmp_path, clip=clip)
    frames = range(8, 48)
    assert misfit(rig, pixels, frames, (640, 360)) < NEAR
    assert [picture.clip for picture in camera.data.background_images] == [clip]
    assert stray_m(rig, world_m, frames) < 0.02  # of 0.8 m; the camera went 2.7 m
