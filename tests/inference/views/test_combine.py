# SPDX-License-Identifier: GPL-3.0-or-later
"""A person of closed form, filmed by four cameras, comes back: size, place, floor, vertical."""

import json
from dataclasses import replace

import cv2
import numpy as np
import pytest
from track_spine.inference.errors import CalibrationError, TakeError
from track_spine.inference.keypoints import INDEX
from track_spine.inference.views.combine import combine
from track_spine.inference.views.record import write_combined
from track_spine.rigging.motion import load_lifted

from .conftest import STATURE_M, clip, person

HEIGHT = [INDEX["left_heel"], INDEX["head"]]


def clips(views, **kwargs):
    return [clip(view, noise_px=0.3, seed=seed, **kwargs) for seed, view in enumerate(views)]


def shape_error(combined):
    """Largest distance between points, found against true, of the common motion."""
    truth = person(combined.time_s)
    found = combined.xyz_m
    return np.abs(
        np.linalg.norm(found[:, :, None] - found[:, None], axis=-1)
        - np.linalg.norm(truth[:, :, None] - truth[:, None], axis=-1)
    ).max()


def test_the_person_comes_back_in_metres_on_the_floor(views):
    combined = combine(views, clips(views), 0.5)
    assert shape_error(combined) < 0.02
    assert combined.unit_m == 1.0
    np.testing.assert_allclose(combined.xyz_m[:, HEIGHT[0], 2], 0.0, atol=0.01)
    np.testing.assert_allclose(combined.xyz_m[:, HEIGHT[1], 2], STATURE_M, atol=0.01)
    assert combined.up_source.startswith("axis +z")
    assert np.nanmedian(combined.sigma_m) < 0.005


@pytest.mark.parametrize("cameras", [2, 4])
def test_deviations_are_measured_from_how_cameras_disagree(views, cameras):
    filmed = [clip(v, noise_px=4.0, seed=n) for n, v in enumerate(views[:cameras])]
    combined = combine(views[:cameras], filmed, 0.5, offset_s=np.zeros(cameras))
    off = combined.xyz_m - person(combined.time_s)
    off -= np.nanmedian(off, axis=(0, 1))  # where the world's origin is put
    expected = np.sqrt(np.nanmean(combined.sigma_m**2))
    assert 0.8 < np.sqrt(np.nanmean(off**2)) / expected < 1.25


def test_the_first_camera_looks_along_y_and_sees_what_it_saw(views):
    filmed = clips(views)
    combined = combine(views, filmed, 0.5)
    in_camera = np.linalg.inv(combined.world_from_camera)
    seen = combined.xyz_m @ in_camera[:3, :3].T + in_camera[:3, 3]
    first = combined.views[0]
    back = (seen - first.translation) @ first.rotation
    off = first.project(back) - filmed[0].xy_px[: len(back)]
    assert np.median(np.abs(off)) < 1.0
    ahead = combined.world_from_camera[:3, 2]
    assert ahead[1] > 0.5 and abs(ahead[0]) < 1e-9


@pytest.mark.parametrize("unit_m", [0.001, 0.01])
def test_millimetres_and_centimetres_are_recognised(views, unit_m):
    scaled = [replace(view, translation=view.translation / unit_m) for view in views]
    combined = combine(scaled, clips(views), 0.5)
    assert combined.unit_m == unit_m
    assert shape_error(combined) < 0.02


def test_an_absurd_size_is_refused(views):
    scaled = [replace(view, translation=view.translation * 10.0) for view in views]
    with pytest.raises(CalibrationError, match="nobody's height"):
        combine(scaled, clips(views), 0.5)


def test_the_vertical_is_the_persons_where_no_axis_is_near(views):
    turn = cv2.Rodrigues(np.radians([35.0, 30.0, 0.0]))[0]
    leaning = [replace(view, rotation=view.rotation @ turn) for view in views]
    combined = combine(leaning, clips(views), 0.5)
    assert combined.up_source == "person, from feet to neck"
    top = (combined.xyz_m[:, INDEX["neck"]] - combined.xyz_m[:, HEIGHT[0]])[:, 2]
    assert np.median(top) > 1.38


def test_a_vertical_that_is_given_is_taken(views):
    combined = combine(views, clips(views), 0.5, up_axis="+y")
    assert np.median(combined.xyz_m[:, HEIGHT[1], 2] - combined.xyz_m[:, HEIGHT[0], 2]) < 0.5


def test_offsets_that_are_given_are_not_looked_for(views):
    late = np.array([0.0, 0.3, 0.0, -0.2])
    filmed = [
        clip(view, late_s=one, seed=seed)
        for seed, (view, one) in enumerate(zip(views, late, strict=True))
    ]
    combined = combine(views, filmed, 0.1, offset_s=late)
    assert combined.clocks.offset_s.tolist() == late.tolist()
    assert shape_error(combined) < 0.02


def test_recordings_of_different_lengths_are_used_as_far_as_two_go(views):
    filmed = [clip(view, seconds=s) for view, s in zip(views, (4.0, 2.0, 3.0, 6.0), strict=True)]
    combined = combine(views, filmed, 0.5)
    assert combined.time_s[-1] == filmed[0].time_s[-1]
    assert np.isfinite(combined.xyz_m[combined.time_s < 3.9]).all()
    assert shape_error(combined) < 0.02


def test_recordings_that_do_not_overlap_are_refused(views):
    with pytest.raises(CalibrationError, match="do not overlap"):
        combine(views, clips(views), 0.5, offset_s=np.array([0.0, 50.0, 60.0, 70.0]))


def test_the_take_is_read_by_rigging_and_names_the_cameras(views, tmp_path):
    combined = combine(views, clips(views), 0.5)
    sources = [{"clip": view.name, "sha256": "0" * 64, "take": view.name} for view in views]
    lifted = write_combined(tmp_path / "take", combined, sources)
    (motion,) = load_lifted(lifted).values()
    np.testing.assert_allclose(motion.xyz_m, combined.xyz_m, atol=1e-6)
    assert motion.sigma_m is not None
    cameras = json.loads((tmp_path / "take" / "take.json").read_text())["cameras"]
    assert [camera["name"] for camera in cameras] == ["a", "b", "c", "d"]
    assert max(camera["reprojection_px"] for camera in cameras) < 1.0


def test_a_folder_that_cannot_be_made_is_told(views, tmp_path):
    (tmp_path / "file").write_text("")
    combined = combine(views, clips(views), 0.5)
    with pytest.raises(TakeError, match="cannot be made"):
        write_combined(tmp_path / "file" / "take", combined, [{}] * 4)
