# SPDX-License-Identifier: GPL-3.0-or-later
"""A sequencer's frames through shared memory to the real worker, and a run that goes on later."""

from pathlib import Path

import bpy
import numpy as np
import pytest
from track_spine.addon import modal
from track_spine.addon.delivery import deliver
from track_spine.addon.job import run_to_end
from track_spine.addon.request import gather
from track_spine.addon.run import start_worker
from track_spine.addon.scene_frames import SceneFrames
from track_spine.inference.take import Take

pytestmark = pytest.mark.usefixtures("extension")

FIRST, COUNT = 11, 24


@pytest.fixture
def edited(short_clip):
    """A scene that cuts the clip's first frames into its timeline from frame 11 on."""
    scene = bpy.context.scene
    scene.view_settings.view_transform = "Standard"
    scene.render.resolution_x, scene.render.resolution_y = 884, 498
    scene.render.fps = 30
    scene.frame_start, scene.frame_end = FIRST, FIRST + COUNT - 1
    editor = scene.sequence_editor_create()
    strips = editor.strips if hasattr(editor, "strips") else editor.sequences
    strips.new_movie("Walk", str(short_clip), 1, FIRST)
    scene.track_spine.source = "RENDER"
    return scene


def test_a_sequencer_is_tracked_like_the_clip_it_shows(edited, short_clip, tmp_path):
    bpy.ops.track_spine.track(take=str(tmp_path / "rendered"))
    armature = bpy.context.active_object
    assert armature.type == "ARMATURE" and armature.animation_data.action
    settings = edited.track_spine
    assert f"of {COUNT} frames" in settings.last_report
    settings.source, settings.part, settings.part_seconds = "CLIP", "SECONDS", (0.0, COUNT / 30)
    settings.clip = bpy.data.movieclips.load(str(short_clip))
    bpy.ops.track_spine.track(take=str(tmp_path / "read"))
    rendered, read = (Take(tmp_path / name).read_chunks()[0] for name in ("rendered", "read"))
    np.testing.assert_array_equal(rendered["frame"], read["frame"])
    np.testing.assert_allclose(rendered["time_s"], read["time_s"], atol=1e-6)
    seen = np.isfinite(read["xy_px"]).all(axis=(1, 2, 3))
    assert seen.sum() >= 20
    apart = np.linalg.norm(rendered["xy_px"] - read["xy_px"], axis=-1)[seen]
    # The sequencer decodes by other colour arithmetic: points move by a fraction of a pixel.
    assert np.median(apart) < 1.0
    assert np.quantile(apart, 0.95) < 4.0


def test_a_run_that_was_broken_off_goes_on_and_renders_only_the_rest(edited, tmp_path, monkeypatch):
    made = []
    picture = SceneFrames.picture
    monkeypatch.setattr(
        SceneFrames, "picture", lambda self, index: made.append(index) or picture(self, index)
    )
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "cut.blend"))
    order = gather(bpy.context, "", "", 0.0, "")
    job = start_worker(bpy.context, order)
    while job.progress is None:
        job.step(wait_s=0.1)
    job.request_stop()
    run_to_end(job, lambda _progress: None)
    kept = len(Take(Path(order.request.take)).read_chunks()[0]["row"])
    assert 0 < kept < COUNT
    again = gather(bpy.context, "", "", 0.0, "")
    assert again.request.take == order.request.take
    made.clear()
    job = start_worker(bpy.context, again)
    modal.run_in_background(job)
    assert job.result().frames == COUNT
    assert made == list(range(kept, COUNT))
    delivery = deliver(bpy.context, again, job.result())
    assert not any("cannot show" in warning for warning in delivery.warnings)
