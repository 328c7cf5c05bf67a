# SPDX-License-Identifier: GPL-3.0-or-later
"""Points no lifter was made for: what is asked of the others must stay as it was, and finite."""

import numpy as np
import pytest
from scipy.spatial.transform import Rotation
from track_spine.inference.camera import Camera, ray_rotation
from track_spine.inference.keypoints import INDEX, NAMES
from track_spine.inference.lift import lift
from track_spine.inference.lifter import FrameLifter
from track_spine.inference.models import LIFTER
from track_spine.inference.prior import complete
from track_spine.inference.session import Session
from track_spine.inference.temporal_lifter import TemporalLifter

FRAMES = 48
TIME_S = np.arange(FRAMES) / 30.0
CAMERA = Camera(1920, 1080, 1500.0)
WRIST = INDEX["left_wrist"]


@pytest.fixture(scope="module", params=["frame", "temporal"])
def lifter(request):
    return FrameLifter() if request.param == "frame" else TemporalLifter(Session(LIFTER, threads=1))


@pytest.fixture
def person(standing, make_body):
    """(37, 3) somebody who stands before the camera, metres from the hips."""
    return complete(make_body(standing)).relative_m


def seen(points, frames=FRAMES, camera=CAMERA):
    """xy_px, score, relative_m and ray_px of a body that walks across a picture, 5 m away."""
    along = np.linspace(-1.0, 1.0, frames)
    roots = np.column_stack([along, np.full(frames, 0.1), np.full(frames, 5.0)])
    ray_px = camera.project(roots)
    turned = np.einsum("tji,kj->tki", ray_rotation(camera.slopes(ray_px)), points)
    xy_px = camera.project(points + roots[:, None])
    one = xy_px, np.full((frames, len(NAMES)), 0.9), turned, ray_px
    return [values[:, None] for values in one]


def lifted(given, lifter, time_s=TIME_S, camera=CAMERA, height_m=1.7):
    xy_px, score, relative_m, ray_px = given
    return lift(xy_px, score, relative_m, ray_px, time_s, camera, height_m, lifter).xyz_m[:, 0]


def about_hips(xyz):
    hips = xyz[:, [INDEX["left_hip"], INDEX["right_hip"]]].mean(axis=1, keepdims=True)
    return xyz - hips


@pytest.mark.parametrize("frames", [1, 2])
def test_two_frames_or_one_are_lifted_as_the_first_of_many(person, lifter, frames):
    whole = lifted(seen(person), lifter)[:frames]
    few = lifted([values[:frames] for values in seen(person)], lifter, TIME_S[:frames])
    off = np.linalg.norm(about_hips(few) - about_hips(whole), axis=-1)
    assert off.mean() < 0.05
    assert few[0, INDEX["head"], 2] > 1.2


def test_a_joint_that_is_never_seen_moves_no_other(person, lifter):
    whole, given = lifted(seen(person), lifter), seen(person)
    xy_px, score, relative_m, _ = given
    xy_px[..., WRIST, :] += 400.0
    relative_m[..., WRIST, :] += 0.5
    score[..., WRIST] = 1e-3
    others = np.delete(np.arange(len(NAMES)), [WRIST, INDEX["left_elbow"]])
    off = np.linalg.norm((lifted(given, lifter) - whole)[:, others], axis=-1)
    assert off.mean() < 0.08


def test_who_walks_out_and_back_in_is_lifted_as_two_clips(person, lifter):
    given, time_s = seen(person), TIME_S + 2.0 * (np.arange(FRAMES) >= 24)
    for values in given:
        values[20:24] = np.nan
    found = about_hips(lifted(given, lifter, time_s))
    assert np.isnan(found[20:24]).all()
    for rows in (slice(0, 20), slice(24, FRAMES)):
        alone = about_hips(lifted([values[rows] for values in given], lifter, time_s[rows]))
        # 0.01 m: up is found from the half alone, and each has a stature of its own.
        np.testing.assert_allclose(found[rows], alone, atol=0.01)


@pytest.mark.parametrize("kept", [[0.0, 1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 0.0]])
def test_points_on_a_line_or_in_one_place_stay_finite(person, lifter, kept):
    found = lifted(seen(person * kept), lifter)
    assert np.isfinite(found).all()
    assert np.abs(found).max() < 50.0


@pytest.mark.parametrize(("pixels", "metres"), [(1e6, 0.1), (0.0, -1e9), (-1e300, 1e300)])
def test_a_frame_with_a_point_out_of_this_world_is_a_gap(person, lifter, pixels, metres):
    whole, given = lifted(seen(person), lifter), seen(person)
    given[0][24, 0, WRIST] += pixels
    given[2][24, 0, WRIST] += metres
    found = lifted(given, lifter)
    assert np.isnan(found[24]).all()
    off = np.linalg.norm(np.delete(found - whole, 24, axis=0), axis=-1)
    assert off.mean() < 0.01


def test_a_wild_point_in_one_frame_hardly_reaches_the_frames_beside_it(person, lifter):
    whole, given = lifted(seen(person), lifter), seen(person)
    given[0][24, 0, WRIST] += 5000.0
    given[2][24, 0, WRIST] += 1.0
    found = lifted(given, lifter)
    assert np.isfinite(found).all()
    far = np.r_[0:20, 29:FRAMES]
    assert np.linalg.norm((found - whole)[far], axis=-1).mean() < 0.05


def test_frames_with_a_point_that_is_no_number_are_gaps(person, lifter):
    given = seen(person)
    given[0][10, 0, WRIST, 0] = np.nan
    given[2][11, 0, WRIST, 2] = np.inf
    found = lifted(given, lifter)
    assert np.isnan(found[10:12]).all()
    assert np.isfinite(np.delete(found, [10, 11], axis=0)).all()


@pytest.mark.parametrize("focal_px", [10.0, 1e6])
@pytest.mark.parametrize("height_m", [0.3, 2.8])
def test_a_lens_and_a_height_at_the_ends_of_what_is_allowed(person, lifter, focal_px, height_m):
    found = lifted(seen(person), lifter, camera=Camera(1920, 1080, focal_px), height_m=height_m)
    assert np.isfinite(found).all()
    size = np.linalg.norm(about_hips(found), axis=-1).max()
    assert 0.05 * height_m < size < 20.0 * height_m


def test_who_hangs_upside_down_stays_so(person, lifter):
    hanging = Rotation.from_euler("z", 180, degrees=True).apply(person)
    found = lifted(seen(hanging), lifter)
    down = found[:, INDEX["head"]] - found[:, INDEX["hip"]]
    assert (down[:, 2] < -0.5).all()
    expected = hanging[:, [0, 2, 1]] * [1.0, 1.0, -1.0]
    off = np.linalg.norm(about_hips(found) - about_hips(expected[None]), axis=-1)
    assert off.mean() < 0.12
