# SPDX-License-Identifier: GPL-3.0-or-later
"""Lifting: a body placed before a known camera must come back where it was placed."""

import numpy as np
import pytest
from scipy.spatial.transform import Rotation
from track_spine.inference.camera import Camera, ray_rotation
from track_spine.inference.keypoints import INDEX, NAMES
from track_spine.inference.lift import lift as lift_with
from track_spine.inference.lifter import FrameLifter
from track_spine.inference.root_path import root_path
from track_spine.inference.stature import stature

FRAMES = 24
CAMERA = Camera(1920, 1080, 1500.0)
ALL_SURE = np.ones((FRAMES, 1, len(NAMES)))
TIME_S = np.arange(FRAMES) / 10.0


def lift(*what):
    return lift_with(*what, FrameLifter())


def path():
    """(FRAMES, 1, 3) a walk across and away from the camera on level ground, camera frame."""
    steps = np.linspace(0, 1, FRAMES)
    return np.column_stack([-1 + 2 * steps, np.full(FRAMES, 0.2), 5 + 2 * steps])[:, None]


def seen_by(camera, points, roots, unit=1.0):
    """Pixels, ray and relative points as the networks give them; `unit` is their metre."""
    xyz = points + roots[..., None, :]
    ray_px = camera.project(roots) + np.array([13.0, -40.0])
    turns = ray_rotation(camera.slopes(ray_px))
    relative = np.einsum("tpji,tpkj->tpki", turns, np.broadcast_to(points, xyz.shape))
    return camera.project(xyz), relative / unit, ray_px


def test_the_root_is_recovered_from_the_projection(upright):
    roots = path()
    xy, _, _ = seen_by(CAMERA, upright, roots)
    body = np.broadcast_to(upright, (*roots.shape[:2], *upright.shape))
    found = found_path(xy, ALL_SURE, body)
    np.testing.assert_allclose(found, roots[:, 0], atol=1e-5)


def found_path(xy, score, body):
    return root_path(CAMERA.slopes(xy)[:, 0], score[:, 0], body[:, 0], TIME_S)


def test_a_point_the_network_is_unsure_of_hardly_moves_the_root(upright):
    roots = path()
    xy, _, _ = seen_by(CAMERA, upright, roots)
    body = np.broadcast_to(upright, (*roots.shape[:2], *upright.shape))
    xy[:, :, INDEX["left_wrist"]] += 20.0
    score = ALL_SURE.copy()
    assert np.abs(found_path(xy, score, body) - roots[:, 0]).max() > 1e-3
    score[:, :, INDEX["left_wrist"]] = 1e-3
    np.testing.assert_allclose(found_path(xy, score, body), roots[:, 0], atol=1e-5)


def test_stature_is_the_sum_of_the_segments(upright):
    relative = np.tile(upright, (FRAMES, 1, 1, 1))
    assert stature(relative, ALL_SURE) == pytest.approx(1.7, abs=1e-12)


def test_stature_is_taken_where_the_legs_are_seen(upright):
    relative = np.tile(upright, (FRAMES, 1, 1, 1))
    relative[: FRAMES - 5] *= 1.5
    score = ALL_SURE.copy()
    score[: FRAMES - 5, :, INDEX["right_ankle"]] = 0.1
    relative[-1] = np.nan
    score[-1] = 0.0
    assert stature(relative, score) == pytest.approx(1.7, abs=1e-12)
    score[..., INDEX["right_ankle"]] = 0.1  # never seen: all frames serve
    assert stature(relative, score) == pytest.approx(2.55, abs=1e-12)


@pytest.mark.parametrize("height", [1.2, 1.7, 2.04])
def test_a_body_comes_back_in_the_world_at_the_height_given(upright, height):
    real, roots = upright * height / 1.7, path()
    xy, relative, ray = seen_by(CAMERA, real, roots, unit=1.7)
    lifted = lift(xy, ALL_SURE, relative, ray, TIME_S, CAMERA, height)
    camera_xyz = real + roots[:, :, None]
    # A level camera: right is +X, away is +Y, up is +Z.
    expected = np.stack([camera_xyz[..., 0], camera_xyz[..., 2], -camera_xyz[..., 1]], axis=-1)
    hip = expected[0, 0, INDEX["hip"]]
    shifted = expected - expected[:1, :, :1]
    found = lifted.xyz_m - lifted.xyz_m[:1, :, :1]
    # 1e-5 m: float32 at 5 m has steps of half a micrometre; the up direction is found, not given.
    np.testing.assert_allclose(found, shifted, atol=1e-5)
    np.testing.assert_allclose(lifted.xyz_m[0, 0, INDEX["hip"], :2], 0.0, atol=1e-6)
    feet = [INDEX[name] for name in ("left_heel", "right_heel", "left_big_toe", "right_big_toe")]
    floor = np.percentile(expected[..., feet, 2].min(axis=(1, 2)), 5)
    assert lifted.xyz_m[0, 0, INDEX["hip"], 2] == pytest.approx(hip[2] - floor, abs=1e-5)
    assert lifted.up_source.startswith("standing person")

    world = np.concatenate([camera_xyz, np.ones((*camera_xyz.shape[:3], 1))], axis=-1)
    again = (world @ lifted.world_from_camera.T)[..., :3]
    np.testing.assert_allclose(lifted.xyz_m, again, atol=1e-5)


def test_frames_with_hidden_legs_do_not_set_the_scale(upright):
    roots = path()
    xy, relative, ray = seen_by(CAMERA, upright, roots)
    relative[: FRAMES - 5] *= 1.5
    score = ALL_SURE.copy()
    score[: FRAMES - 5, :, INDEX["right_knee"]] = 0.1
    # Half a second passes unseen where the size changes, so that the path may jump.
    time_s = TIME_S + 0.6 * (np.arange(FRAMES) >= FRAMES - 5)
    lifted = lift(xy, score, relative, ray, time_s, CAMERA, 1.7)
    height = lifted.xyz_m[-1, 0, INDEX["head"], 2] - lifted.xyz_m[-1, 0, INDEX["left_heel"], 2]
    assert height == pytest.approx(1.7, abs=1e-5)


def test_a_body_on_level_ground_stands_at_height_zero(upright):
    roots = path()
    roots[..., 1] = 0.1
    xy, relative, ray = seen_by(CAMERA, upright, roots)
    lifted = lift(xy, ALL_SURE, relative, ray, TIME_S, CAMERA, 1.7)
    np.testing.assert_allclose(lifted.xyz_m[..., INDEX["left_heel"], 2], 0.0, atol=1e-5)
    np.testing.assert_allclose(lifted.xyz_m[..., INDEX["head"], 2], 1.7, atol=1e-5)


def test_a_few_frames_of_feet_under_the_floor_do_not_lower_it(upright):
    roots = path()
    roots[..., 1] = 0.1
    roots[10, 0, 1] = 0.6
    xy, relative, ray = seen_by(CAMERA, upright, roots)
    lifted = lift(xy, ALL_SURE, relative, ray, TIME_S, CAMERA, 1.7)
    heights = np.delete(lifted.xyz_m[:, 0, INDEX["left_heel"], 2], 10)
    # Neither do they move the frames beside them by more than a centimetre.
    np.testing.assert_allclose(heights, 0.0, atol=0.01)


def test_gaps_stay_gaps_and_the_first_body_found_is_the_origin(upright):
    roots = path()
    xy, relative, ray = seen_by(CAMERA, upright, roots)
    whole = lift(xy[3:], ALL_SURE[3:], relative[3:], ray[3:], TIME_S[3:], CAMERA, 1.7)
    gaps = [0, 1, 2, 9, 10, FRAMES - 1]
    score = ALL_SURE.copy()
    for array in (xy, relative, ray):
        array[gaps] = np.nan
    score[gaps] = 0.0
    lifted = lift(xy, score, relative, ray, TIME_S, CAMERA, 1.7)
    empty = np.isnan(lifted.xyz_m)
    assert empty[gaps].all()
    assert not np.delete(empty, gaps, axis=0).any()
    np.testing.assert_allclose(lifted.xyz_m[3, 0, INDEX["hip"], :2], 0.0, atol=1e-6)
    kept = [frame for frame in range(3, FRAMES) if frame not in gaps]
    found = lifted.xyz_m[kept] - lifted.xyz_m[3]
    np.testing.assert_allclose(found, whole.xyz_m[np.array(kept) - 3] - whole.xyz_m[0], atol=1e-5)


def test_two_people_share_one_world(upright):
    near, far = path(), path() + np.array([0.5, 0.0, 3.0])
    parts = [seen_by(CAMERA, upright, roots) for roots in (near, far)]
    xy, relative, ray = (np.concatenate(pair, axis=1) for pair in zip(*parts, strict=True))
    lifted = lift(xy, np.ones((FRAMES, 2, 37)), relative, ray, TIME_S, CAMERA, 1.7)
    apart = lifted.xyz_m[:, 1] - lifted.xyz_m[:, 0]
    np.testing.assert_allclose(apart, np.broadcast_to([0.5, 3.0, 0.0], apart.shape), atol=1e-5)


def test_a_tilted_camera_still_gives_an_upright_body_on_the_floor(upright):
    tilt = Rotation.from_euler("xz", [8.0, -5.0], degrees=True).as_matrix()
    level = path()
    level[..., 1] = 0.1
    roots = level @ tilt.T
    xy, relative, ray = seen_by(CAMERA, upright @ tilt.T, roots)
    lifted = lift(xy, ALL_SURE, relative, ray, TIME_S, CAMERA, 1.7)
    spine = lifted.xyz_m[..., INDEX["head"], :] - lifted.xyz_m[..., INDEX["hip"], :]
    np.testing.assert_allclose(spine, np.broadcast_to([0, 0, 0.8], spine.shape), atol=1e-5)
    np.testing.assert_allclose(lifted.xyz_m[..., INDEX["left_heel"], 2], 0.0, atol=1e-4)


def test_without_a_standing_person_the_camera_counts_as_level(upright):
    lying = Rotation.from_euler("z", 90, degrees=True).apply(upright)
    xy, relative, ray = seen_by(CAMERA, lying, path())
    lifted = lift(xy, ALL_SURE, relative, ray, TIME_S, CAMERA, 1.7)
    assert lifted.up_source.startswith("camera assumed level")
    spine = lifted.xyz_m[..., INDEX["head"], :] - lifted.xyz_m[..., INDEX["hip"], :]
    np.testing.assert_allclose(spine, np.broadcast_to([0.8, 0, 0], spine.shape), atol=1e-5)


def test_each_person_is_scaled_alone_and_gaps_have_no_deviation(upright):
    parts = [
        seen_by(CAMERA, upright, path() + away, unit)
        for away, unit in (([0.0, 0.0, 0.0], 1.0), ([0.5, 0.0, 3.0], 2.0))
    ]
    xy, relative, ray = (np.concatenate(pair, axis=1) for pair in zip(*parts, strict=True))
    score = np.ones((FRAMES, 2, 37))
    for values in (xy, relative, ray):
        values[5:9, 1] = np.nan
    score[5:9, 1] = 0.0
    lifted = lift(xy, score, relative, ray, TIME_S, CAMERA, 1.7)
    head, heel = (lifted.xyz_m[..., INDEX[name], 2] for name in ("head", "left_heel"))
    np.testing.assert_allclose((head - heel)[:5], 1.7, atol=1e-4)
    np.testing.assert_array_equal(np.isnan(lifted.sigma_m), np.isnan(lifted.xyz_m[..., 0]))
    assert np.isnan(lifted.sigma_m[5:9, 1]).all()
    # The second person's metre was two metres, and so was its deviation.
    np.testing.assert_allclose(lifted.sigma_m[0, 1], 2.0 * lifted.sigma_m[0, 0], rtol=1e-4)
