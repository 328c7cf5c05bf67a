# SPDX-License-Identifier: GPL-3.0-or-later
"""A camera that Blender's own tracker solved is the one that filmed."""

import bpy
import numpy as np
import pytest
from track_spine.addon.clip_lens import clip_lens
from track_spine.addon.scene_view import scene_lens, scene_path
from track_spine.inference.views.view import PIXEL_MIDDLE, View

from .filming import (
    add_camera,
    mark,
    misfit,
    solve_camera,
    stray_m,
    walk_round,
    write_clip,
    write_take,
)

pytestmark = pytest.mark.usefixtures("extension")

SIZE = (640, 360)
PLACES = walk_round()


@pytest.fixture(name="points_m", scope="module")
def _points_m():
    """24 points about the person; the first four are on the floor."""
    points = np.random.default_rng(0).uniform([-2.5, -1.5, 0.2], [2.5, 4.0, 2.5], (24, 3))
    points[:4] = [[0.0, 0.0, 0.0], [1.5, 0.0, 0.0], [0.0, 1.5, 0.0], [-1.0, -0.5, 0.0]]
    return points


@pytest.fixture(name="clip")
def _clip(tmp_path):
    clip = bpy.data.movieclips.load(str(write_clip(tmp_path / "film.mp4", SIZE)))
    clip.tracking.camera.sensor_width = clip.tracking.camera.focal_length = 36.0
    scene = bpy.context.scene
    scene.track_spine.clip, scene.track_spine.filmed_by = clip, "SCENE"
    scene.render.resolution_x, scene.render.resolution_y = SIZE
    return clip


@pytest.fixture(name="run")
def _run(use_fake, lifted_file, tmp_path):
    """Track the person whom the camera went round."""

    def run(larger=1.0):
        lifted = tmp_path / "lifted.npz"
        pixels, world_m = write_take(lifted, lifted_file, PLACES, 640.0, SIZE, larger)
        use_fake("tracks", lifted)
        assert bpy.ops.track_spine.track(take=str(tmp_path / "take")) == {"FINISHED"}
        return bpy.context.view_layer.objects.active, pixels, world_m

    return run


@pytest.mark.parametrize("larger", [1.0, 0.9, 1.15], ids=["right height", "too small", "too tall"])
def test_its_motion_does_not_end_in_the_rig_and_feet_are_on_the_scene_s_floor(
    clip, points_m, run, larger
):
    clip.frame_start = 101
    mark(clip, PLACES, points_m)
    camera = add_camera()
    solve_camera(clip, camera, floor=(0, 1, 2), metres=1.5)
    rig, pixels, world_m = run(larger)
    frames = range(101, 141)
    assert misfit(rig, pixels, frames, SIZE) < 0.001
    # The camera went 2.7 m, the person 0.8 m. A height that is wrong by 15 % would be 1 m off.
    assert stray_m(rig, world_m, frames) < 0.02
    assert [picture.clip for picture in camera.data.background_images] == [clip]


def test_a_scene_of_another_scale_is_told_with_what_to_do(clip, points_m, run, capfd, tmp_path):
    mark(clip, PLACES, points_m)
    solve_camera(clip, add_camera(), floor=(0, 1, 2), metres=4.5)
    rig, pixels, _ = run()
    told = capfd.readouterr().out
    assert "would be 3.00 times as tall as given" in told and "Set Scale: by 0.333" in told
    assert misfit(rig, pixels, range(1, 41), SIZE) < 0.001
    bpy.ops.track_spine.retarget(take=str(tmp_path), target=rig.name)
    assert "would be 3.00 times as tall as given" in capfd.readouterr().out


def test_frames_without_a_solution_are_counted(clip, points_m, run, capfd):
    mark(clip, PLACES, points_m, rows=range(0, 31))
    solve_camera(clip, add_camera(), floor=(0, 1, 2), metres=1.5)
    run()
    assert "not solved in 9 of 30 frames, between 32 and 40" in capfd.readouterr().out


def test_a_camera_that_waits_for_its_solution_is_refused(clip, run):
    camera = add_camera()
    follow = camera.constraints.new("CAMERA_SOLVER")
    follow.use_active_clip, follow.clip = False, clip
    with pytest.raises(RuntimeError, match=r"follows clip 'film.mp4', which has no solved camera"):
        run()
    follow.clip = None
    with pytest.raises(RuntimeError, match="a clip that is not chosen"):
        run()
    follow.mute = True
    run()


def test_the_solver_s_lens_comes_with_centre_and_distortion(clip, points_m):
    """Where Blender put the points and where its markers are agree through the lens told."""
    settings = clip.tracking.camera
    settings.k1, settings.k2 = -0.15, 0.04
    settings.principal_point_pixels = 335.0, 188.0

    def bend(slopes):
        square = (slopes**2).sum(axis=-1, keepdims=True)
        return slopes * (1.0 - 0.15 * square + 0.04 * square**2)

    mark(clip, PLACES, points_m, bend)
    scene = bpy.context.scene
    solve_camera(clip, add_camera())
    lens = clip_lens(clip)
    focal_px, centre_px = lens.focal_px, np.array(lens.centre_px)
    assert focal_px == pytest.approx(640.0) and centre_px == pytest.approx((335.0, 172.0))
    own = scene_lens(scene, SIZE)
    assert own.focal_px == pytest.approx(focal_px, rel=1e-5)
    assert own.centre_px == pytest.approx(lens.centre_px, abs=0.05)
    matrix = np.diag([focal_px, focal_px, 1.0])
    matrix[:2, 2] = centre_px - PIXEL_MIDDLE
    view = View(
        "clip", np.array(SIZE, float), matrix, np.array(lens.distortion), np.eye(3), np.zeros(3)
    )
    place = scene_path(scene, [20.0])[0]
    for track in clip.tracking.tracks:
        at = track.markers.find_frame(20).co
        pixel = np.array([at[0] * SIZE[0], (1.0 - at[1]) * SIZE[1]])
        seen = (np.array(track.bundle) - place[:3, 3]) @ place[:3, :3]
        off = (view.slopes(pixel) - seen[:2] / seen[2]) * focal_px
        assert np.abs(off).max() < 0.1


def test_a_run_asks_for_the_solved_lens(clip, points_m, run, requests):
    clip.tracking.camera.k1 = -0.1
    clip.tracking.camera.principal_point_pixels = 330.0, 180.0
    mark(clip, PLACES, points_m, lambda at: at * (1 - 0.1 * (at**2).sum(axis=-1, keepdims=True)))
    solve_camera(clip, add_camera(), floor=(0, 1, 2), metres=1.5)
    run()
    asked = requests[0]
    assert asked.focal_px == pytest.approx(640.0) and asked.focal_source == "scene camera"
    assert asked.centre_px == pytest.approx((330.0, 180.0), abs=0.05)
    np.testing.assert_allclose(asked.distortion, (-0.1, 0, 0, 0, 0), atol=1e-4)
