# SPDX-License-Identifier: GPL-3.0-or-later
"""What stands still in the world stands still, however the camera went."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.spatial.transform import Rotation
from track_spine.rigging.errors import RigError
from track_spine.rigging.motion import Camera
from track_spine.rigging.moving_camera import floor_share, follow_camera, seen_larger

REST = np.array([[1.0, 0, 0, 0], [0, 0, 1.0, -5.0], [0, -1.0, 0, 1.5], [0, 0, 0, 1.0]])


def path(count):
    """A camera that pans, tilts and travels."""
    share = np.linspace(0.0, 1.0, count)
    places = np.tile(REST, (count, 1, 1))
    turn = Rotation.from_euler("zx", np.stack([0.8 * share, 0.2 * np.sin(5 * share)], -1))
    places[:, :3, :3] = turn.as_matrix() @ REST[:3, :3]
    places[:, :3, 3] += np.stack([2.0 * share, share**2, 0.3 * share], -1)
    return places


@pytest.fixture(name="truth", scope="module")
def _truth(dancer, key_points):
    return key_points(dancer.skeleton, dancer.motion)


def lifted_at_rest(truth, places):
    """The same motion as a lifter gives it that takes the camera to be at rest."""
    turn = places[:, :3, :3]
    seen = np.einsum("tji,tkj->tki", turn, truth.xyz_m - places[:, None, :3, 3])
    return replace(
        truth, xyz_m=seen @ REST[:3, :3].T + REST[:3, 3], camera=Camera(REST, 1000.0, (1280, 720))
    )


def test_the_motion_comes_back_into_the_world(truth):
    places = path(len(truth.time_s))
    found = follow_camera(lifted_at_rest(truth, places), places)
    np.testing.assert_allclose(found.xyz_m, truth.xyz_m, atol=1e-9)
    assert found.camera is None and found.xy_px is None


def test_a_camera_at_rest_keeps_its_picture(truth):
    places = np.tile(REST, (len(truth.time_s), 1, 1))
    seen = np.zeros((*truth.score.shape, 2))
    motion = replace(lifted_at_rest(truth, places), xy_px=seen)
    places[:, 0, 3] += 2.0
    moved = follow_camera(motion, places)
    np.testing.assert_allclose(moved.xyz_m, motion.xyz_m + np.array([2.0, 0.0, 0.0]), atol=1e-9)
    np.testing.assert_array_equal(moved.camera.world_from_camera, places[0])
    assert moved.xy_px is seen


def test_the_floor_tells_size_and_distance(truth):
    places = path(len(truth.time_s))
    place_m = places[:, :3, 3]
    right = floor_share(truth, place_m)
    for wrong in (0.8, 1.3):
        told = seen_larger(truth, place_m, wrong)
        assert floor_share(told, place_m) == pytest.approx(right / wrong, rel=0.02)
    assert right == pytest.approx(1.0, abs=0.05)  # the feet have soles


def test_the_floor_does_not_ask_when_the_clock_began(truth):
    place_m = path(len(truth.time_s))[:, :3, 3]
    at = [
        floor_share(replace(truth, time_s=truth.time_s + begin), place_m)
        for begin in (0.0, -60.0, 2e9)
    ]
    assert at[1] == pytest.approx(at[0]) and at[2] == pytest.approx(at[0], rel=1e-3)


def test_feet_that_are_not_seen_from_above_tell_no_floor(truth):
    place_m = path(len(truth.time_s))[:, :3, 3]
    assert floor_share(truth, place_m - np.array([0.0, 0.0, 2.5])) is None
    assert floor_share(replace(truth, score=np.minimum(truth.score, 0.3)), place_m) is None


def test_paths_that_do_not_fit_are_refused(truth):
    places = path(len(truth.time_s))
    motion = lifted_at_rest(truth, places)
    with pytest.raises(RigError, match="does not give"):
        follow_camera(motion, places[:-1])
    for wrong in (places * 2.0, places * np.array([-1.0, 1, 1, 1]), places * np.nan):
        with pytest.raises(RigError, match="mirrored"):
            follow_camera(motion, wrong)
    with pytest.raises(RigError, match="does not tell its camera"):
        follow_camera(truth, places)
