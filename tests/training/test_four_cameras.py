# SPDX-License-Identifier: GPL-3.0-or-later
"""The four-camera judge on made-up cameras: points, wrong views, offsets, angles, markers."""

from dataclasses import replace

import cv2
import numpy as np
import pytest
from track_spine.training.errors import TrainingError
from track_spine.training.four_cameras import BOLTS_PX, read_views
from track_spine.training.four_cameras_geometry import (
    View,
    agreement,
    bend,
    fit_offsets,
    triangulate,
)
from track_spine.training.four_cameras_markers import SEEDS, follow, marker_arcs

AXES = np.tile(np.array([[1.0, 0, 0], [0, -1.0, 0], [0, 0, 1.0]]), (4, 1, 1))
"""A person facing -Y: left +X, forward -Y, up +Z."""


def looking_from(place):
    """A camera that looks at (0, 0, 1), with some distortion."""
    place = np.array(place, float)
    ahead = np.array([0.0, 0.0, 1.0]) - place
    ahead /= np.linalg.norm(ahead)
    right = np.cross(ahead, [0.0, 0.0, 1.0])
    right /= np.linalg.norm(right)
    matrix = np.array([[1600.0, 0, 540], [0, 1600.0, 960], [0, 0, 1]])
    distortion = np.array([-0.045, 0.13, 0.0006, 0.0005, 0.0])
    return View(matrix, distortion, np.stack([right, np.cross(ahead, right), ahead]), place)


@pytest.fixture
def views():
    return [looking_from(place) for place in ([2, -2, 2], [3, 1, 1.7], [-3, 2, 2], [-4, -1.4, 2])]


@pytest.fixture
def points():
    return np.random.default_rng(4).normal([0.0, 0.0, 1.0], [0.3, 0.3, 0.4], (40, 3))


def test_points_are_found_again(views, points):
    seen = np.stack([view.project(points) for view in views])
    found, used = triangulate(views, seen, np.ones(seen.shape[:2]))
    assert np.allclose(found, points, atol=1e-6)  # undistortion is iterative
    assert used.all()


def test_rays_are_straight_lines_through_the_point(views, points):
    for view in views:
        seen = (points - view.place) @ view.rotation.T
        expected = seen[:, :2] / seen[:, 2:]
        assert np.allclose(view.rays(view.project(points)), expected, atol=1e-6)


def test_a_view_that_contradicts_the_others_is_left_out(views, points):
    seen = np.stack([view.project(points) for view in views])
    seen[2, 7] += [180.0, -90.0]
    found, used = triangulate(views, seen, np.ones(seen.shape[:2]))
    assert not used[2, 7] and used.sum() == used.size - 1
    assert np.allclose(found, points, atol=1e-6)


def test_a_point_of_one_view_is_missing(views, points):
    seen = np.stack([view.project(points) for view in views])
    weight = np.ones(seen.shape[:2])
    weight[1:, 3] = 0.0
    found, _ = triangulate(views, seen, weight)
    assert np.isnan(found[3]).all() and np.isfinite(np.delete(found, 3, axis=0)).all()


def test_trust_draws_a_point_to_its_view(views, points):
    seen = np.stack([view.project(points) for view in views])
    seen[0] += [8.0, 0.0]
    errors = []
    for trust in (0.1, 10.0):
        weight = np.ones(seen.shape[:2])
        weight[0] = trust
        found, _ = triangulate(views, seen, weight)
        errors.append(np.linalg.norm(views[0].project(found) - seen[0], axis=1).mean())
    assert errors[0] > 7.0 and errors[1] < 0.5


def test_offsets_make_all_views_agree(views, points):
    offsets = np.array([[-20.0, -1.0], [5.0, 6.0], [3.0, -9.0], [-2.0, 11.0]])
    moved = [replace(view, offset_px=offset) for view, offset in zip(views, offsets, strict=True)]
    seen = np.stack([view.project(points) for view in moved])
    seen[0, :20] = np.nan  # half of the points are not seen by one camera
    before, _ = triangulate(views, seen, np.ones(seen.shape[:2]))
    fitted = fit_offsets(views, seen)
    after, _ = triangulate(fitted, seen, np.ones(seen.shape[:2]))

    def misses(cameras, found):
        away = np.stack([view.project(found) for view in cameras]) - seen
        return np.nanmax(np.linalg.norm(away, axis=2))

    assert misses(views, before) > 8.0
    assert misses(fitted, after) < 0.1
    # Only a shift of the whole scene is free: shapes come out as they are.
    assert np.allclose(np.ptp(after, axis=0), np.ptp(points, axis=0), rtol=0.01)


def test_the_angles_of_a_known_bend():
    lean = np.radians([0.0, 10.0, 25.0, -15.0])
    lower = np.tile([0.0, 0.0, 1.0], (4, 1))
    left = np.column_stack([np.sin(lean), np.zeros(4), np.cos(lean)])
    forward = np.column_stack([np.zeros(4), -np.sin(lean), np.cos(lean)])
    side, flexion = bend(lower, left, AXES)
    assert np.allclose(side, np.degrees(lean)) and np.allclose(flexion, 0.0)
    side, flexion = bend(lower, forward, AXES)
    assert np.allclose(flexion, np.degrees(lean)) and np.allclose(side, 0.0)
    # A body that leans as a whole is not bent.
    side, _ = bend(left, left, AXES)
    assert np.allclose(side, 0.0)


def test_agreement_of_a_scaled_and_shifted_series():
    truth = np.array([0.0, 4.0, 9.0, 13.0, 2.0])
    figures = agreement(0.5 * truth + 7.0, truth)
    assert figures["r"] == pytest.approx(1.0)
    assert figures["slope"] == pytest.approx(0.5)
    assert figures["rmse"] == pytest.approx(0.5 * truth.std())


def test_levels_of_markers_follow_their_distances():
    chain = np.zeros((5, 4, 3))
    chain[:, :, 2] = [0.9 + 0.1, 1.2, 1.3, 1.5]
    arcs = marker_arcs(chain, np.tile([0.0, 0.0, 0.9], (5, 1)), np.tile([0.0, 0.0, 1.0], (5, 1)))
    assert np.allclose(arcs, [0.1 / 0.6, 0.3 / 0.6, 0.4 / 0.6, 1.0])


def dots(places):
    """Pictures of noise with a bright dot."""
    noise = np.random.default_rng(1).normal(90.0, 3.0, (120, 160))
    pictures = []
    for x, y in places:
        picture = noise.copy()
        rows, columns = np.mgrid[:120, :160] + 0.5
        picture += 120.0 * np.exp(-((columns - x) ** 2 + (rows - y) ** 2) / 18.0)
        pictures.append(cv2.GaussianBlur(picture, (0, 0), 1.0).clip(0, 255).astype(np.uint8))
    return pictures


def test_a_dot_is_followed_between_known_places():
    places = np.column_stack([np.linspace(40.0, 90.0, 21), np.linspace(30.0, 70.0, 21)])
    path, gaps = follow(dots(places), {0: (40.0, 30.0), 10: (65.0, 50.0), 20: (90.0, 70.0)})
    assert np.abs(path - places).max() < 0.5
    assert gaps.shape == (2,) and gaps.max() < 0.5


def test_a_lost_dot_is_reported():
    places = np.column_stack([np.linspace(40.0, 60.0, 11), np.full(11, 50.0)])
    with pytest.raises(TrainingError, match="between frames 0 and 10"):
        follow(dots(places), {0: (40.0, 50.0), 10: (100.0, 90.0)})


def test_places_read_off_lie_in_the_pictures_and_span_the_clip():
    for seeds in SEEDS.values():
        assert min(seeds) == 0 and max(seeds) == 99
        assert all(0 < x < 1088 and 0 < y < 1920 for x, y in seeds.values())
    assert np.all(np.isfinite(BOLTS_PX).all(axis=2).sum(axis=0) >= 3)


def test_a_calibration_is_read(tmp_path):
    turn = np.array([[0.6, 0.8, 0.0], [0.0, 0.0, 1.0], [0.8, -0.6, 0.0]])
    rows = " ".join(f'r{i + 1}{j + 1}="{turn[i, j]}"' for i in range(3) for j in range(3))
    lens = {
        "focalLengthU": 64 * 1700,
        "focalLengthV": 64 * 1690,
        "centerPointU": 64 * 530,
        "centerPointV": 64 * 950,
        "radialDistortion1": -0.05,
        "radialDistortion2": 0.1,
        "radialDistortion3": 0.0,
        "tangentalDistortion1": 0.001,
        "tangentalDistortion2": 0.002,
    }
    inner = " ".join(f'{name}="{value}"' for name, value in lens.items())
    path = tmp_path / "calibration.xml"
    path.write_text(
        f'<calibration><cameras><camera><transform {rows} x="1000" y="-2000" z="1500"/>'
        f"<intrinsic {inner}/></camera></cameras></calibration>"
    )
    (view,) = read_views(path)
    assert np.allclose(view.place, [1.0, -2.0, 1.5])
    assert np.allclose(np.linalg.det(view.rotation), 1.0)
    assert np.allclose(view.matrix, [[1700, 0, 530], [0, 1690, 950], [0, 0, 1]])
    ahead = view.place - 3.0 * turn[2]  # the file's third axis points back
    assert np.allclose(view.project(ahead[None]), [[530, 950]], atol=1e-6)


def test_a_calibration_without_lens_is_refused(tmp_path):
    path = tmp_path / "calibration.xml"
    path.write_text("<calibration><cameras><camera/></cameras></calibration>")
    with pytest.raises(TrainingError, match=r"calibration\.xml"):
        read_views(path)
