# SPDX-License-Identifier: GPL-3.0-or-later
"""Frames that only Blender has: what F12 gives, to the pixel, and nothing of the user's changed."""

import bpy
import numpy as np
import pytest
from track_spine.addon.errors import SourceError
from track_spine.addon.scene_frames import scene_frames

WIDTH, HEIGHT = 64, 48


def write_picture(path, number):
    """A picture whose left top corner is red, the rest grey by its number."""
    grey = np.full((HEIGHT, WIDTH, 4), number / 255, np.float32)
    grey[..., 3] = 1.0
    grey[-8:, :8, :3] = (1.0, 0.0, 0.0)  # rows of an image datablock begin at the bottom
    image = bpy.data.images.new("picture", WIDTH, HEIGHT)
    image.pixels.foreach_set(grey.ravel())
    image.filepath_raw, image.file_format = str(path), "PNG"
    image.save()
    bpy.data.images.remove(image)


@pytest.fixture
def edited(tmp_path):
    """A scene whose sequencer holds ten pictures from frame 11 on."""
    for number in range(10):
        write_picture(tmp_path / f"shot_{number:04}.png", 20 * number)
    scene = bpy.context.scene
    scene.view_settings.view_transform = "Standard"
    render = scene.render
    render.resolution_x, render.resolution_y, render.resolution_percentage = WIDTH, HEIGHT, 100
    render.fps, render.fps_base = 30, 1.001
    scene.frame_start, scene.frame_end = 11, 20
    editor = scene.sequence_editor_create()
    strips = editor.strips if hasattr(editor, "strips") else editor.sequences
    strip = strips.new_image("Shot", str(tmp_path / "shot_0000.png"), 1, 11)
    for number in range(1, 10):
        strip.elements.append(f"shot_{number:04}.png")
    strip.frame_final_duration = 10
    return scene


def test_frames_are_those_of_the_sequencer_upright_and_in_order(edited):
    source = scene_frames(edited, 11, 20)
    assert (source.size_px, source.count) == ((WIDTH, HEIGHT), 10)
    assert source.rate_hz == pytest.approx(30 / 1.001)
    for index in (0, 3, 9):
        picture = source.picture(index)
        assert picture.shape == (HEIGHT, WIDTH, 3) and picture.dtype == np.uint8
        assert tuple(picture[4, 4]) == (255, 0, 0)
        assert np.abs(picture[20:, 20:].astype(int) - 20 * index).max() <= 1


def test_a_3d_scene_is_rendered_through_its_camera():
    scene = bpy.context.scene
    scene.render.engine = "CYCLES"
    scene.cycles.samples = 1
    scene.render.resolution_x, scene.render.resolution_y = 32, 24
    scene.view_settings.view_transform = "Standard"
    scene.world = bpy.data.worlds.new("Sky")
    colour = scene.world.node_tree.nodes["Background"] if scene.world.node_tree else None
    if colour is None:
        scene.world.use_nodes = True
        colour = scene.world.node_tree.nodes["Background"]
    colour.inputs["Color"].default_value = (0.0, 1.0, 0.0, 1.0)
    camera = bpy.data.objects.new("Camera", bpy.data.cameras.new("Camera"))
    scene.collection.objects.link(camera)
    scene.camera = camera
    source = scene_frames(scene, 1, 2)
    assert not source.repeatable
    assert source.picture(0)[12, 16] == pytest.approx([0, 255, 0], abs=2)


def test_the_users_settings_and_frame_are_as_they_were(edited):
    render = edited.render
    render.filepath, render.use_file_extension, render.use_overwrite = "//kept_", True, False
    render.image_settings.file_format, render.image_settings.color_mode = "PNG", "RGBA"
    render.image_settings.color_depth = "16"
    edited.frame_set(7)
    scene_frames(edited, 11, 12).picture(0)
    assert (render.filepath, render.use_file_extension, render.use_overwrite) == (
        "//kept_",
        True,
        False,
    )
    settings = render.image_settings
    kept = settings.file_format, settings.color_mode, settings.color_depth
    assert kept == ("PNG", "RGBA", "16")
    assert edited.frame_current == 7


def test_a_scene_that_writes_video_goes_on_to(edited):
    settings = edited.render.image_settings
    if bpy.app.version >= (5, 0):
        settings.media_type = "VIDEO"
    settings.file_format = "FFMPEG"
    scene_frames(edited, 11, 12).picture(0)
    assert settings.file_format == "FFMPEG"


def test_frame_step_is_honoured(edited):
    edited.frame_step = 3
    source = scene_frames(edited, 11, 20)
    assert list(source.frames) == [11, 14, 17, 20]
    assert source.rate_hz == pytest.approx(10 / 1.001)
    assert np.abs(source.picture(1)[20:, 20:].astype(int) - 60).max() <= 1


def test_the_same_edit_is_the_same_footage_and_any_change_another(edited, tmp_path):
    first = scene_frames(edited, 11, 20)
    assert first.repeatable
    edited.frame_set(15)
    assert scene_frames(edited, 11, 20).identity == first.identity
    editor = edited.sequence_editor
    strip = (editor.strips if hasattr(editor, "strips") else editor.sequences)[0]
    others = {first.identity, scene_frames(edited, 11, 19).identity}
    strip.transform.offset_x = 5
    others.add(scene_frames(edited, 11, 20).identity)
    strip.transform.offset_x, strip.crop.min_x = 0, 3
    others.add(scene_frames(edited, 11, 20).identity)
    strip.crop.min_x, strip.color_multiply = 0, 0.5
    others.add(scene_frames(edited, 11, 20).identity)
    strip.color_multiply = 1.0
    assert scene_frames(edited, 11, 20).identity == first.identity
    write_picture(tmp_path / "shot_0004.png", 200)
    others.add(scene_frames(edited, 11, 20).identity)
    assert len(others) == 6


def test_strips_that_may_change_unseen_are_new_footage_each_time(edited):
    edited.animation_data_create().action = bpy.data.actions.new("Fade")
    first, second = (scene_frames(edited, 11, 20) for _ in range(2))
    assert not first.repeatable
    assert first.identity != second.identity


def test_nothing_to_render_is_said_so():
    scene = bpy.context.scene
    with pytest.raises(SourceError, match="renders nothing"):
        scene_frames(scene, 1, 2)


def test_pixels_that_are_not_square_are_refused(edited):
    edited.render.pixel_aspect_x = 1.5
    with pytest.raises(SourceError, match="not square"):
        scene_frames(edited, 11, 20)


def test_a_scene_that_changes_its_size_midway_is_told(edited):
    source = scene_frames(edited, 11, 20)
    edited.render.resolution_x = 32
    with pytest.raises(SourceError, match=r"Frame 12 was rendered with 32 x 48 pixels, not 64 x"):
        source.picture(1)


def test_a_scene_that_is_gone_is_told(edited):
    source = scene_frames(edited, 11, 20)
    edited.name = "Renamed"
    with pytest.raises(SourceError, match="'Scene' is gone"):
        source.picture(0)
