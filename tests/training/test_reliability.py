# SPDX-License-Identifier: GPL-3.0-or-later
"""Reliability curves of scores whose truth is known."""

import numpy as np
import pytest
from track_spine.inference.calibration import JOINTS, evidence
from track_spine.inference.keypoints import INDEX, NAMES

pytest.importorskip("torch", reason="see training/README.md")

from track_spine.training.fit_scores import fit
from track_spine.training.judge_calibration import GROUPS, curves
from track_spine.training.reliability import BINS, curve_of, draw
from track_spine.training.scored import Scored


def test_scores_that_are_probabilities_lie_on_the_diagonal():
    random = np.random.default_rng(1)
    score = random.random((20000, 9))
    curve = curve_of(score, random.random(score.shape) < score)
    assert curve.calibration_error < 0.01
    assert curve.share_near(0.8) == pytest.approx(0.8, abs=0.02)
    np.testing.assert_allclose(curve.told, (np.arange(BINS) + 0.5) / BINS, atol=0.005)
    assert curve.count.sum() == score.size


def test_scores_that_say_too_much_are_found_out():
    right = np.arange(1000) % 2 == 0
    curve = curve_of(np.full(1000, 0.9), right)
    assert curve.calibration_error == pytest.approx(0.4)
    assert np.isnan(curve.share_near(0.2))
    assert curve.found[9] == 0.5
    assert np.isnan(curve.found[:9]).all()


def test_the_largest_score_has_a_bin():
    assert curve_of(np.array([1.0, 0.0]), np.array([True, False])).count[[0, -1]].tolist() == [1, 1]


def test_curves_are_drawn(tmp_path):
    curve = curve_of(np.linspace(0, 1, 1000), np.arange(1000) > 500)
    draw({"before": {"one": curve}, "after": {"one": curve}}, tmp_path / "pictures" / "curve.png")
    assert (tmp_path / "pictures" / "curve.png").stat().st_size > 5000


def test_only_labelled_points_count():
    score, error = np.full((50, len(NAMES)), 0.95), np.full((50, len(NAMES)), np.nan)
    error[:40, INDEX["nose"]], error[:40, INDEX["left_ear"]] = 0.05, 0.2
    found = curves(score, error)
    assert list(found) == ["face"]
    assert found["face"].count.sum() == 80
    assert found["face"].found[9] == 0.5


def test_the_weights_that_made_the_errors_are_found():
    random = np.random.default_rng(2)
    score = random.uniform(0.01, 0.99, (40000, len(NAMES)))
    odds = evidence(score, "knee") @ np.array([0.3, 0.8, -1.0])
    error = np.full(score.shape, np.nan)
    rows = [INDEX[name] for name in JOINTS["knee"]]
    error[:, rows] = np.where(random.random(odds.shape) < 1.0 / (1.0 + np.exp(-odds)), 0.05, 0.3)
    assert fit(Scored(score, error, 40000), "knee") == pytest.approx((0.3, 0.8, -1.0), abs=0.05)


def test_a_score_that_says_the_opposite_counts_for_nothing():
    score = np.random.default_rng(3).uniform(0.01, 0.99, (5000, len(NAMES)))
    error = np.where(score > 0.5, 0.3, 0.05)
    own, beside, _ = fit(Scored(score, error, 5000), "knee")
    assert own == 0.0
    assert beside == pytest.approx(0.0, abs=0.1)


def test_every_point_is_in_one_group():
    names = [name for group in GROUPS.values() for name in group]
    assert len(names) == len(set(names)) == 37
