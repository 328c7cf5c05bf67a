# SPDX-License-Identifier: GPL-3.0-or-later
"""Rays of exact pixels meet in the point; one camera that is wrong does not pull it away."""

import numpy as np
from track_spine.inference.views.triangulation import MIN_PARALLAX, triangulate

from .conftest import camera, person

POINTS = person(np.array([0.0, 0.4])).reshape(-1, 3)


def pixels(views):
    return np.stack([view.project(POINTS) for view in views])


def errors(xy_px, error_px=2.0):
    return np.full(xy_px.shape[:2], error_px)


def test_exact_pixels_give_the_points_back(views):
    xy_px = pixels(views)
    found = triangulate(views, xy_px, errors(xy_px))
    np.testing.assert_allclose(found.xyz_m, POINTS, atol=1e-4)  # undistortion is iterative
    np.testing.assert_allclose(found.trust, 1.0, atol=1e-3)


def test_a_camera_that_takes_something_else_for_the_point_is_not_believed(views):
    xy_px = pixels(views)
    xy_px[2, :10] += [90.0, -60.0]
    found = triangulate(views, xy_px, errors(xy_px))
    np.testing.assert_allclose(found.xyz_m, POINTS, atol=5e-3)
    assert found.trust[2, :10].max() < 0.01
    assert found.trust[[0, 1, 3], :10].min() > 0.9


def test_deviations_are_those_that_noise_makes(views):
    rng = np.random.default_rng(3)
    exact = np.repeat(pixels(views), 40, axis=1)
    xy_px = exact + rng.normal(0.0, 3.0, exact.shape)
    found = triangulate(views, xy_px, errors(xy_px, 3.0))
    off = found.xyz_m - np.repeat(POINTS, 40, axis=0)
    assert 0.85 < np.sqrt(np.mean(off**2)) / np.sqrt(np.mean(found.sigma_m**2)) < 1.15


def test_cameras_that_disagree_by_no_more_than_noise_all_keep_their_say(views):
    """Least squares has the least error under normal noise; no more than 5 % is given away."""
    rng = np.random.default_rng(4)
    exact = np.repeat(pixels(views), 40, axis=1)
    xy_px = exact + rng.normal(0.0, 3.0, exact.shape)
    off = [
        np.sqrt(np.mean((found.xyz_m - np.repeat(POINTS, 40, axis=0)) ** 2))
        for found in (triangulate(views, xy_px, errors(xy_px, sigma)) for sigma in (3.0, 300.0))
    ]
    assert off[0] < 1.05 * off[1]


def test_one_camera_alone_tells_no_point(views):
    xy_px = pixels(views)
    xy_px[1:, 5] = np.nan
    found = triangulate(views, xy_px, errors(xy_px))
    assert np.isnan(found.xyz_m[5]).all() and np.isnan(found.sigma_m[5])
    assert (found.trust[:, 5] == 0.0).all()
    assert np.isfinite(found.xyz_m[6]).all()


def test_two_cameras_side_by_side_tell_no_depth():
    close = [camera("a", 0.0), camera("b", np.degrees(MIN_PARALLAX) / 3.0)]
    apart = [camera("a", 0.0), camera("b", np.degrees(MIN_PARALLAX) * 3.0)]
    for views, known in ((close, False), (apart, True)):
        xy_px = pixels(views)
        assert np.isfinite(triangulate(views, xy_px, errors(xy_px)).xyz_m).all() == known


def test_points_on_a_line_are_no_special_case(views):
    line = np.linspace([0.0, 0.0, 0.2], [0.0, 0.0, 1.8], 30)
    xy_px = np.stack([view.project(line) for view in views])
    np.testing.assert_allclose(triangulate(views, xy_px, errors(xy_px)).xyz_m, line, atol=1e-4)
