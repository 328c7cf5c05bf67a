# SPDX-License-Identifier: GPL-3.0-or-later
"""The camera: pixels to rays and back, and the one change from camera to world axes."""

import numpy as np
import pytest
from scipy.spatial.transform import Rotation
from track_spine.inference.camera import LEVEL_UP, Camera, ray_rotation, world_axes

SLOPES = np.random.default_rng(0).uniform(-1.5, 1.5, (50, 2))


def test_points_projected_and_seen_back_are_on_their_rays():
    camera = Camera(1920, 1080, 1234.5)
    rng = np.random.default_rng(1)
    points = rng.uniform([-3, -2, 1], [3, 2, 20], (4, 25, 3))
    slopes = camera.slopes(camera.project(points))
    np.testing.assert_allclose(slopes, points[..., :2] / points[..., 2:], atol=1e-12)


def test_the_optical_axis_meets_the_middle_of_the_frame():
    camera = Camera(1920, 1080, 1000.0)
    np.testing.assert_allclose(camera.project(np.array([0.0, 0.0, 7.0])), [960, 540])
    # 1 m right and 0.5 m down at 4 m: 250 and 125 px for a focal length of 1000.
    np.testing.assert_allclose(camera.project(np.array([1.0, 0.5, 4.0])), [1210, 665])


@pytest.mark.parametrize("size", [(1920, 1080), (1080, 1920)])
def test_an_unknown_focal_length_is_assumed_from_the_long_side(size):
    camera = Camera.assumed(*size)
    assert (camera.focal_px, camera.focal_source) == (1920.0, "assumed")
    width = 2 * np.degrees(np.arctan(1920 / 2 / camera.focal_px))
    assert width == pytest.approx(53.13, abs=0.01)
    # The widest and the longest lens that people film with lie two deviations off.
    assert np.exp(2 * camera.focal_spread) == pytest.approx(2.1, rel=0.1)


def test_a_ray_rotation_carries_the_optical_axis_onto_its_ray():
    turns = ray_rotation(SLOPES)
    rays = np.column_stack([SLOPES, np.ones(len(SLOPES))])
    rays /= np.linalg.norm(rays, axis=1, keepdims=True)
    np.testing.assert_allclose(turns @ [0.0, 0.0, 1.0], rays, atol=1e-12)


def test_a_ray_rotation_is_the_smallest_that_does():
    turns = ray_rotation(SLOPES)
    identity = np.broadcast_to(np.eye(3), turns.shape)
    np.testing.assert_allclose(turns @ np.swapaxes(turns, 1, 2), identity, atol=1e-12)
    np.testing.assert_allclose(np.linalg.det(turns), 1.0, atol=1e-12)
    angles = np.arctan(np.linalg.norm(SLOPES, axis=1))
    np.testing.assert_allclose(Rotation.from_matrix(turns).magnitude(), angles, atol=1e-12)


def test_the_middle_ray_needs_no_rotation_and_gaps_stay_gaps():
    turns = ray_rotation(np.array([[0.0, 0.0], [np.nan, np.nan]]))
    np.testing.assert_array_equal(turns[0], np.eye(3))
    assert np.isnan(turns[1]).any()


def test_axes_of_a_level_camera():
    axes = world_axes(LEVEL_UP)
    # Right stays right (+X), away is +Y, so that people who face the camera face -Y; up is +Z.
    np.testing.assert_allclose(axes @ [1, 0, 0], [1, 0, 0], atol=1e-12)
    np.testing.assert_allclose(axes @ [0, 1, 0], [0, 0, -1], atol=1e-12)
    np.testing.assert_allclose(axes @ [0, 0, 1], [0, 1, 0], atol=1e-12)


@pytest.mark.parametrize("degrees", [(20.0, 0.0), (-20.0, 0.0), (0.0, 15.0), (12.0, -9.0)])
def test_axes_of_a_tilted_camera(degrees):
    tilt = Rotation.from_euler("xz", degrees, degrees=True).as_matrix()
    up = tilt @ LEVEL_UP
    axes = world_axes(up)
    np.testing.assert_allclose(axes @ axes.T, np.eye(3), atol=1e-12)
    assert np.linalg.det(axes) == pytest.approx(1.0, abs=1e-12)
    np.testing.assert_allclose(axes @ up, [0, 0, 1], atol=1e-12)
    heading = axes @ [0.0, 0.0, 1.0]
    assert heading[0] == pytest.approx(0.0, abs=1e-12)
    assert heading[1] > 0.9
