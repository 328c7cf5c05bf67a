# SPDX-License-Identifier: GPL-3.0-or-later
"""The clip in Blender."""

import bpy
import numpy as np
import pytest
from track_spine.addon.footage import (
    adopt_timeline,
    drift_warning,
    first_frame,
    footage_pixel,
    frame_rate,
    is_unanimated,
    load_clip,
)


def test_a_loaded_clip_is_found_again(clip_file):
    clip = load_clip("", str(clip_file))
    assert load_clip("", str(clip_file)) == clip
    assert load_clip(clip.name, "/elsewhere.mp4") == clip
    assert len(bpy.data.movieclips) == 1


@pytest.mark.parametrize("content", [None, b"", b"not a movie"])
def test_what_blender_cannot_show_is_not_kept(tmp_path, content):
    if content is not None:
        (tmp_path / "x.mp4").write_bytes(content)
    assert load_clip("", str(tmp_path / "x.mp4")) is None
    assert not bpy.data.movieclips


def test_rate_and_start_come_from_the_clip_else_from_time(clip_file):
    scene = bpy.context.scene
    clip = load_clip("", str(clip_file))
    assert frame_rate(clip, np.arange(3.0)) == pytest.approx(25.0)
    assert frame_rate(None, np.arange(3) / 30) == pytest.approx(30.0)
    scene.frame_start = 7
    assert (first_frame(scene, None), first_frame(scene, clip)) == (7, 1)


def test_video_editing_counts_as_work_to_leave_alone(clip_file):
    scene = bpy.context.scene
    assert is_unanimated(scene)
    editor = scene.sequence_editor_create()
    assert is_unanimated(scene)
    strips = editor.strips if hasattr(editor, "strips") else editor.sequences
    strips.new_movie("Strip", str(clip_file), 1, 1)
    assert not is_unanimated(scene)


def test_ntsc_footage_sets_a_rational_rate():
    scene = bpy.context.scene
    adopt_timeline(scene, 11, np.arange(40) * 1001 / 30000, 30000 / 1001)
    assert (scene.render.fps, scene.frame_start, scene.frame_end) == (30, 11, 50)
    assert scene.render.fps_base == pytest.approx(1.001)
    assert drift_warning(scene, 29.970029830932617) == ""
    assert "30 frames a second, the scene at 29.97" in drift_warning(scene, 30.0)


def test_view_to_pixel():
    assert footage_pixel((0.25, 0.75), (1920, 1080)) == pytest.approx((480.0, 270.0))
    assert footage_pixel((0.0, 1.0), (1920, 1080)) == pytest.approx((0.0, 0.0))
