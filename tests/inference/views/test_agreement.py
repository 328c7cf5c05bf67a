# SPDX-License-Identifier: GPL-3.0-or-later
"""A calibration that does not fit is refused, and the message names the camera to look at."""

from dataclasses import replace

import cv2
import numpy as np
import pytest
from track_spine.inference.errors import CalibrationError
from track_spine.inference.views.agreement import MOST_OFF, agreement, require_agreement
from track_spine.inference.views.refine import find_shifts, shifted

from .conftest import seen

TIME_S = np.linspace(0.0, 3.0, 30)
TRUNK_PX = np.full(4, 110.0)


def flat(views, noise_px=1.0):
    xy_px = [seen(view, TIME_S, noise_px, seed).reshape(-1, 2) for seed, view in enumerate(views)]
    return np.stack(xy_px), np.full((len(views), xy_px[0].shape[0]), 4.0)


def turned(view, degrees):
    """A camera that was knocked after it was calibrated: it stands there but looks elsewhere."""
    turn = cv2.Rodrigues(np.array([0.0, np.radians(degrees), 0.0]))[0]
    return replace(view, rotation=turn @ view.rotation, translation=turn @ view.translation)


def test_good_cameras_miss_by_their_noise(views):
    xy_px, error_px = flat(views)
    found = require_agreement(views, xy_px, error_px, TRUNK_PX)
    assert found.off_px.max() < 1.6  # the median length of a 2D error of 1 px is 1.18
    assert found.off_alone.max() < 0.03


def test_a_camera_that_was_knocked_is_named(views):
    xy_px, error_px = flat(views)
    wrong = [views[0], turned(views[1], 8.0), *views[2:]]
    with pytest.raises(CalibrationError, match="Without b the others agree"):
        require_agreement(wrong, xy_px, error_px, TRUNK_PX)


def test_two_cameras_with_swapped_names_are_named(views):
    xy_px, error_px = flat(views)
    wrong = [views[0], views[3], views[2], views[1]]
    with pytest.raises(CalibrationError, match="Cameras d and b are swapped"):
        require_agreement(wrong, xy_px, error_px, TRUNK_PX)


def test_two_cameras_alone_can_only_be_told_to_disagree(views):
    xy_px, error_px = flat(views[:2])
    wrong = [views[0], turned(views[1], 2.0)]
    wrong[1] = replace(wrong[1], translation=wrong[1].translation + np.array([0.0, 0.25, 0.0]))
    with pytest.raises(CalibrationError, match="Check calibration"):
        require_agreement(wrong, xy_px, error_px, TRUNK_PX[:2])


def test_a_camera_that_shares_no_point_is_named(views):
    xy_px, error_px = flat(views)
    xy_px[2] = np.nan
    assert np.isnan(agreement(views, xy_px, error_px, TRUNK_PX).off_alone[2])
    with pytest.raises(CalibrationError, match="Camera c shows the person at no moment"):
        require_agreement(views, xy_px, error_px, TRUNK_PX)


@pytest.mark.parametrize("camera", [0, 2])
def test_a_cropped_picture_is_found_and_moved_back(views, camera):
    xy_px, error_px = flat(views, noise_px=0.5)
    xy_px[camera] += [12.0, -8.0]
    before = agreement(views, xy_px, error_px, TRUNK_PX)
    shifts = find_shifts(views, xy_px, np.ones(error_px.shape), error_px)
    moved = [shifted(view, shift) for view, shift in zip(views, shifts, strict=True)]
    after = agreement(moved, xy_px, error_px, TRUNK_PX)
    assert before.off_alone.max() > 0.1
    assert before.off_alone.max() < MOST_OFF
    assert after.off_px.max() < 1.5
    assert np.linalg.norm(shifts[camera] - [-12.0, 8.0]) < 8.0
