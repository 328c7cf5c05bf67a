# SPDX-License-Identifier: GPL-3.0-or-later
"""Crops: where their corners and pixels lie in the frame, in closed form."""

import numpy as np
import pytest
from track_spine.inference.crop import MARGIN, Crop


def blob(centre, shape=(240, 320), sigma=6.0):
    """A Gaussian dot about a point given in pixels from the corner of the first pixel."""
    y, x = np.indices(shape) + 0.5
    weight = np.exp(-((x - centre[0]) ** 2 + (y - centre[1]) ** 2) / (2 * sigma**2))
    return np.repeat((255 * weight).round().astype(np.uint8)[..., None], 3, axis=2)


def centroid(picture):
    """Centre of mass, in pixels from the corner of the first pixel."""
    y, x = np.indices(picture.shape[:2]) + 0.5
    weight = picture[..., 0].astype(float)
    return np.array([(weight * x).sum(), (weight * y).sum()]) / weight.sum()


def test_corners_of_an_upright_crop():
    crop = Crop(np.array([100.0, 60.0]), 40.0, 0.0)
    corners = np.array([[0, 0], [256, 0], [256, 256], [0, 256], [128, 128]], float)
    expected = [[80, 40], [120, 40], [120, 80], [80, 80], [100, 60]]
    np.testing.assert_allclose(crop.to_frame(corners, 256), expected, atol=1e-12)


def test_corners_of_a_crop_turned_clockwise():
    crop = Crop(np.array([100.0, 60.0]), 40.0, np.pi / 2)
    corners = np.array([[0, 0], [10, 0], [10, 10], [0, 10]], float)
    expected = [[120, 40], [120, 80], [80, 80], [80, 40]]
    np.testing.assert_allclose(crop.to_frame(corners, 10), expected, atol=1e-12)


def test_points_keep_their_leading_axes():
    crop = Crop(np.array([1.0, 2.0]), 3.0, 0.4)
    points = np.random.default_rng(0).random((4, 5, 2))
    one_by_one = [[crop.to_frame(point, 7) for point in row] for row in points]
    np.testing.assert_allclose(crop.to_frame(points, 7), one_by_one, atol=1e-12)


@pytest.mark.parametrize(
    ("reach", "angle"),
    [((0, -10), 0.0), ((10, 0), np.pi / 2), ((-10, 0), -np.pi / 2), ((10, -10), np.pi / 4)],
)
def test_a_crop_about_a_person_has_its_trunk_pointing_up(reach, angle):
    hip = np.array([50.0, 70.0])
    crop = Crop.around(hip, hip + np.array(reach, float))
    assert crop.angle == pytest.approx(angle, abs=1e-12)
    assert crop.side_px == pytest.approx(2 * MARGIN * np.hypot(*reach), rel=1e-12)
    # The circle's radius is a share 1 / MARGIN of the half side, straight above the centre.
    above = np.array([0.5, 0.5 - 0.5 / MARGIN])
    np.testing.assert_allclose(crop.to_frame(above, 1), hip + reach, atol=1e-9)
    np.testing.assert_allclose(crop.centre_px, hip)


def test_what_lies_right_in_the_frame_lies_above_in_a_crop_turned_clockwise():
    crop = Crop(np.array([160.0, 120.0]), 128.0, np.pi / 2)
    x, y = centroid(crop.cut(blob((190.0, 120.0)), 128, black_outside=True))
    assert (x, y) == pytest.approx((64.0, 34.0), abs=0.05)


@pytest.mark.parametrize("angle", [0.0, 0.3, -2.0, np.pi / 2])
@pytest.mark.parametrize("size", [64, 100, 256])
def test_a_dot_cut_out_and_carried_back_is_where_it_was(angle, size):
    place = np.array([171.3, 98.6])
    crop = Crop(np.array([160.0, 110.0]), 100.0, angle)
    found = crop.to_frame(centroid(crop.cut(blob(place), size, black_outside=True)), size)
    # 0.05 px: half a pixel of disagreement between the two conventions would be ten times that.
    np.testing.assert_allclose(found, place, atol=0.05)


def test_a_crop_of_whole_pixels_is_a_copy():
    frame = np.random.default_rng(0).integers(0, 256, (90, 120, 3), np.uint8)
    crop = Crop(np.array([50.0, 40.0]), 32.0, 0.0)
    np.testing.assert_array_equal(crop.cut(frame, 32, black_outside=True), frame[24:56, 34:66])


def test_outside_of_the_frame_is_black_or_goes_on_as_its_edge():
    frame = np.random.default_rng(1).integers(1, 256, (40, 40, 3), np.uint8)
    crop = Crop(np.array([0.0, 20.0]), 40.0, 0.0)
    black = crop.cut(frame, 40, black_outside=True)
    edge = crop.cut(frame, 40, black_outside=False)
    assert black[:, :20].max() == 0
    np.testing.assert_array_equal(edge[:, :20], np.repeat(frame[:, :1], 20, axis=1))
    for cut in (black, edge):
        np.testing.assert_array_equal(cut[:, 20:], frame[:, :20])


@pytest.mark.parametrize(
    ("turn_deg", "growth", "agrees"),
    [
        (0, 1, True),
        (59, 1.7, True),
        (-59, 1 / 1.7, True),
        (61, 1, False),
        (0, 1.9, False),
        (0, 1 / 1.9, False),
        (330, 1, True),
        (180, 1, False),
    ],
)
def test_crops_agree_that_lie_much_alike(turn_deg, growth, agrees):
    centre = np.array([50.0, 60.0])
    one = Crop(centre, 100.0, 0.2)
    other = Crop(centre + 500.0, 100.0 * growth, 0.2 + np.radians(turn_deg))
    assert one.agrees(other) == agrees
    assert other.agrees(one) == agrees
