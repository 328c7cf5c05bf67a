# SPDX-License-Identifier: GPL-3.0-or-later
"""Figures of lifting: what counts as an error at a cut, and what is said of missing clips."""

import sys
from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("torch", reason="see training/README.md")

from track_spine.inference.keypoints import INDEX
from track_spine.inference.lifter import FrameLifter
from track_spine.inference.lifter import Track as Seen
from track_spine.inference.stature import stature
from track_spine.inference.temporal_lifter import STATURE_M
from track_spine.training.evaluate_motion import END_FRAMES, Judged, cut_error, main
from track_spine.training.lift_errors import HIPS

WRISTS = [INDEX["left_wrist"], INDEX["right_wrist"]]


class WorseAtEnds(FrameLifter):
    """Takes wrists for 5 cm too far away, and for more in the first and last frames it is given."""

    def __init__(self, times: float) -> None:
        """Make one that errs so many times as much there."""
        self.times = times

    def lift(self, track):
        answer = super().lift(track)
        off = np.full(len(track.time_s), 0.05)
        off[:END_FRAMES] *= self.times
        off[-END_FRAMES:] *= self.times
        points = answer.relative_m.copy()
        points[:, WRISTS, 2] += off[:, None]
        return replace(answer, relative_m=points)


@pytest.fixture
def judged():
    """40 frames of points that keep still 4 m before the camera, and are seen where they are."""
    about = np.random.default_rng(3).normal(0.0, 0.3, (37, 3))
    about -= about[HIPS].mean(axis=0)
    away = np.array([0.0, 0.0, 4.0])
    truth = np.stack([about + away] * 40)
    slopes = truth[..., :2] / truth[..., 2:]
    ones = np.ones(truth.shape[:2])
    seen = Seen(slopes, np.zeros((40, 2)), truth - away, ones, 0.05 * np.arange(40))
    return Judged(seen, truth, stature(truth[:, None], ones[:, None]))


@pytest.mark.parametrize("times", [1.0, 3.0])
def test_the_error_at_a_cut_is_held_against_the_same_frames_uncut(judged, times):
    assert cut_error([judged], WorseAtEnds(times)) == pytest.approx(times, rel=0.05)


def test_how_much_of_an_error_lasts():
    from track_spine.training.lift_lasting import lasting

    same, other = np.random.default_rng(4).normal(0.0, 0.05, (2, 6, 48, 21, 3))
    same[:] = same[:, :1]
    # Three axes of 0.05 m: 0.05 sqrt(8 / pi) = 80 mm, and sqrt(2) of it between two of them.
    assert lasting(same).endswith("0.00 left without the clip's mean; 0.00 0.00 0.00 0.00 0.00")
    mm, left = lasting(other).replace(" mm,", "").split()[:2]
    assert float(mm) == pytest.approx(80.0, rel=0.03)
    assert float(left) == pytest.approx(0.99, abs=0.015)
    steps = [float(word) for word in lasting(other).split("; ")[1].split()]
    np.testing.assert_allclose(steps, np.sqrt(2.0), rtol=0.03)


def test_the_error_that_lasts_is_that_of_the_landmarks_about_the_hips(judged):
    from track_spine.training.lift_lasting import guessed_off

    np.testing.assert_allclose(guessed_off(judged), 0.0, atol=1e-12)
    moved = judged.track.relative_m.copy()
    moved[:, WRISTS, 2] += 0.05
    off = guessed_off(replace(judged, track=replace(judged.track, relative_m=moved)))
    assert np.linalg.norm(off, axis=-1).max() == pytest.approx(
        0.05 * STATURE_M / judged.height_m, rel=1e-6
    )


def test_clips_that_are_missing_are_named(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["evaluate_motion", "--clips", str(tmp_path / "nowhere")])
    assert main() == 1
    assert "clip-00.npz" in capsys.readouterr().err
