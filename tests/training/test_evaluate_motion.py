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


def test_clips_that_are_missing_are_named(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["evaluate_motion", "--clips", str(tmp_path / "nowhere")])
    assert main() == 1
    assert "clip-00.npz" in capsys.readouterr().err
