# SPDX-License-Identifier: GPL-3.0-or-later
"""One camera: pixels and rays are each other's inverse, whatever lens, turn and resolution."""

from dataclasses import replace

import numpy as np
import pytest
from track_spine.inference.errors import CalibrationError

from .conftest import SIZE, camera, person

POINTS = person(np.array([0.3]))[0]


@pytest.mark.parametrize("turns", [0, 1, 2, 3])
def test_points_lie_on_the_rays_of_their_pixels(turns):
    view = camera("a", 40.0, turns=turns)
    rays = view.rays(view.project(POINTS))
    towards = POINTS - view.place
    towards /= np.linalg.norm(towards, axis=1, keepdims=True)
    np.testing.assert_allclose(rays, towards, atol=1e-5)  # OpenCV undistorts by iteration


def test_a_fisheye_lens_is_undone_as_well():
    view = replace(camera("a", 0.0), fisheye=True, distortion=np.array([0.1, 0.02, -0.01, 0.0]))
    rays = view.rays(view.project(POINTS))
    again = view.project(view.place + 3.0 * rays)
    np.testing.assert_allclose(again, view.project(POINTS), atol=1e-3)


def test_footage_of_a_camera_on_its_side_is_upright():
    upright, sideways = camera("a", 0.0), camera("a", 0.0, turns=1)
    above = np.array([[0.0, 0.0, 0.9], [0.0, 0.0, 1.4]])
    for view in (upright, sideways):
        low, high = view.project(above)
        assert high[1] < low[1] - 50.0
        assert abs(high[0] - low[0]) < 5.0
    assert sideways.upright_size_px.tolist() == SIZE[::-1].tolist()


@pytest.mark.parametrize("turns", [0, 1])
def test_footage_of_half_the_size_has_half_the_pixels(turns):
    view = camera("a", 10.0, turns=turns)
    width, height = (view.upright_size_px / 2).astype(int)
    np.testing.assert_allclose(
        view.resized(width, height).project(POINTS), view.project(POINTS) / 2, atol=1e-6
    )


def test_cropped_footage_is_refused():
    with pytest.raises(CalibrationError, match="not cropped"):
        camera("a", 0.0).resized(1280, 500)


def test_footage_that_lies_on_its_side_is_told_how_to_turn():
    with pytest.raises(CalibrationError, match="-display_rotation 270 "):
        camera("a", 0.0, turns=3).resized(1280, 720)


def test_a_camera_of_unknown_size_takes_that_of_its_footage():
    known = camera("a", 0.0)
    unknown = replace(known, size_px=np.full(2, np.nan)).resized(1280, 720)
    assert unknown.upright_size_px.tolist() == [1280.0, 720.0]
    np.testing.assert_array_equal(unknown.project(POINTS), known.project(POINTS))


def test_what_is_behind_the_camera_or_missing_has_no_pixel():
    view = camera("a", 0.0)
    behind = view.place - 2.0 * view.rotation[2]
    assert np.isnan(view.project(np.array([behind, [np.nan] * 3]))).all()
    assert np.isnan(view.rays(np.array([[np.nan, 3.0]]))).all()


@pytest.mark.parametrize(
    "wrong",
    [
        {"matrix": np.zeros((3, 3))},
        {"rotation": np.ones((3, 3))},
        {"translation": np.array([np.nan, 0.0, 0.0])},
        {"distortion": np.zeros(20)},
        {"size_px": np.array([0.0, 720.0])},
    ],
)
def test_what_is_no_camera_is_refused_by_name(wrong):
    with pytest.raises(CalibrationError, match="Camera a has"):
        replace(camera("a", 0.0), **wrong)
