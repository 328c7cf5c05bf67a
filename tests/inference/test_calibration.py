# SPDX-License-Identifier: GPL-3.0-or-later
"""Scores of joints as probabilities."""

import numpy as np
import pytest
from track_spine.inference.calibration import BESIDE, JOINTS, WEIGHTS, calibrated
from track_spine.inference.keypoints import INDEX, NAMES
from track_spine.inference.spine import POINTS

CALIBRATED = [INDEX[name] for names in JOINTS.values() for name in names]


def told(spine=0.9, joints=0.9):
    score = np.full(len(NAMES), joints)
    score[[INDEX[name] for name in POINTS]] = spine
    return score


def test_a_score_follows_from_the_log_odds():
    own, beside, constant = WEIGHTS["knee"]
    odds = own * np.log(0.7 / 0.3) + beside * np.log(0.8 / 0.2) + constant
    found = calibrated(told(spine=0.8, joints=0.7))[INDEX["left_knee"]]
    assert found == pytest.approx(1.0 / (1.0 + np.exp(-odds)))


def test_scores_of_the_spine_and_small_toes_stay():
    score = np.random.default_rng(1).uniform(0.0, 1.0, (5, 2, len(NAMES)))
    rest = np.setdiff1d(np.arange(len(NAMES)), CALIBRATED)
    assert {NAMES[row] for row in rest} == {*POINTS, "left_small_toe", "right_small_toe"}
    np.testing.assert_array_equal(calibrated(score)[..., rest], score[..., rest])
    assert (calibrated(score)[..., CALIBRATED] != score[..., CALIBRATED]).all()


@pytest.mark.parametrize("joint", JOINTS)
def test_more_of_a_score_never_counts_for_less(joint):
    row = INDEX[JOINTS[joint][0]]
    scale = np.linspace(0.001, 1.0, 200)
    by_own = np.tile(told(0.8), (200, 1))
    by_own[:, row] = scale
    by_spine = np.tile(told(0.8), (200, 1))
    by_spine[:, INDEX[BESIDE[joint]]] = scale
    for score in (by_own, by_spine):
        found = calibrated(score)[:, row]
        assert (np.diff(found) >= 0.0).all()
        assert found[-1] > found[0]
        assert ((found > 0.0) & (found < 1.0)).all()


def test_visibility_alone_makes_nobody_sure():
    trunk = [INDEX[f"left_{part}"] for part in ("shoulder", "hip")]
    assert calibrated(told(spine=0.001, joints=0.9999))[trunk].max() < 0.1
    assert calibrated(told(spine=0.97, joints=0.9999))[trunk].min() > 0.7


def test_what_is_missing_stays_missing():
    score = told()
    score[INDEX["nose"]] = 0.0
    assert calibrated(score)[INDEX["nose"]] == 0.0
    assert (calibrated(np.zeros(len(NAMES))) == 0.0).all()
