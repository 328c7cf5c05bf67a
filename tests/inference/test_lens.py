# SPDX-License-Identifier: GPL-3.0-or-later
"""A lens that is known: what it bends is straightened, wherever it was told."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from track_spine.inference.camera import Camera
from track_spine.inference.errors import CalibrationError
from track_spine.inference.lens import known_lens, lens_camera, straightened
from track_spine.inference.protocol import ProtocolError, TrackRequest
from track_spine.inference.video import VideoInfo

from .views.conftest import camera

INFO = VideoInfo(Path("cam1.mp4"), "", 0, 1280, 720, 0, 30.0, 10)
POINTS = np.random.default_rng(2).uniform([-2.0, -1.1, 3.0], [2.0, 1.1, 5.0], (50, 3))

TOML = """
[cam1]
name = "cam1"
size = [1280.0, 720.0]
matrix = [[900.0, 0.0, 641.5], [0.0, 905.0, 352.5], [0.0, 0.0, 1.0]]
distortions = [-0.2, 0.05, 0.001, -0.001]
rotation = [0.3, 0.1, 0.2]
translation = [0.1, 0.2, 3.0]
"""


def request(**fields):
    return TrackRequest("cam1.mp4", "take", **fields)


def seen_by(turns=0):
    """What a lens with distortion sees of points before it, upright pixels."""
    view = replace(
        camera("cam1", 0.0, turns=turns, distortion=(-0.2, 0.05)), translation=np.zeros(3)
    )
    back = np.linalg.matrix_power(np.array([[0.0, -1, 0], [1, 0, 0], [0, 0, 1]]), turns)
    view = replace(view, rotation=back)
    return view, view.project(POINTS)


@pytest.mark.parametrize("turns", [0, 1, 2, 3])
def test_points_go_where_a_straight_lens_shows_them(turns):
    view, bent = seen_by(turns)
    width, height = view.upright_size_px.astype(int)
    straight = Camera(width, height, 900.0)
    wanted = straight.project(POINTS)
    lens = replace(view, rotation=np.eye(3))
    found = straightened(bent, lens, straight)
    assert np.abs(found - wanted).max() < 1e-6
    # Without it they would be off by more than a hand's width.
    assert np.abs(bent - wanted).max() > 15.0


def test_a_calibration_of_one_camera_is_the_lens(tmp_path):
    file = tmp_path / "calib.toml"
    file.write_text(TOML)
    asked = request(calibration=str(file))
    lens = known_lens(asked, INFO)
    found = lens_camera(lens, asked, INFO)
    assert (found.focal_px, found.focal_source) == (902.5, "calibration")
    half = known_lens(asked, replace(INFO, width=640, height=360))
    assert half.matrix[0, 0] == pytest.approx(450.0)


def test_of_several_cameras_one_is_named(tmp_path):
    file = tmp_path / "calib.toml"
    file.write_text(TOML + TOML.replace("cam1", "cam2").replace("900.0", "800.0"))
    assert known_lens(request(calibration=str(file)), INFO).matrix[0, 0] == 900.0
    assert known_lens(request(calibration=f"cam2={file}"), INFO).matrix[0, 0] == 800.0
    with pytest.raises(CalibrationError, match="say which filmed 'walk'"):
        known_lens(request(calibration=str(file)), replace(INFO, path=Path("walk.mp4")))
    with pytest.raises(CalibrationError, match="no camera 'cam9'"):
        known_lens(request(calibration=f"cam9={file}"), INFO)


def test_numbers_of_a_movie_clip_are_the_lens():
    told = request(focal_px=900.0, distortion=(-0.2, 0.0, 0.0, 0.0, 0.0), centre_px=(600.0, 350.0))
    lens = known_lens(told, INFO)
    x = 0.3
    pixel = np.array([[600.0 + 900.0 * x * (1.0 - 0.2 * x * x), 350.0]])
    found = straightened(pixel, lens, lens_camera(lens, told, INFO))
    np.testing.assert_allclose(found, [[640.0 + 900.0 * x, 360.0]], atol=1e-3)
    assert known_lens(request(focal_px=900.0), INFO) is None
    shifted = request(focal_px=900.0, centre_px=(600.0, 350.0))
    lens = known_lens(shifted, INFO)
    found = straightened(np.array([[600.0, 350.0]]), lens, lens_camera(lens, shifted, INFO))
    np.testing.assert_allclose(found, [[640.0, 360.0]], atol=1e-9)


@pytest.mark.parametrize(
    "fields",
    [
        {"distortion": (0.1, 0.0, 0.0, 0.0, 0.0)},
        {"centre_px": (600.0, 350.0)},
        {"focal_px": 900.0, "distortion": (0.1,)},
        {"focal_px": 900.0, "calibration": "calib.toml"},
    ],
)
def test_half_a_lens_is_refused(fields):
    with pytest.raises(ProtocolError):
        request(**fields)
