# SPDX-License-Identifier: GPL-3.0-or-later
"""What is kept aside is never trained on, and stays the same from run to run."""

import numpy as np
from track_spine.training.splits import MIXED, TEST, TRAIN, bodies_aside, split_of


def pictures(count):
    rng = np.random.default_rng(3)
    captured = rng.random(count) < 0.5
    return {
        "body_id": rng.integers(0, 3000, count),
        "source": np.where(captured, "cmu", "random"),
        "clip": np.where(captured, rng.integers(0, 60, count).astype(str), ""),
        "background": np.where(
            rng.random(count) < 0.45,
            "room/1/2",
            np.char.add("world/", rng.integers(0, 30, count).astype(str)),
        ),
    }


def test_nothing_of_the_test_is_trained_on():
    arrays = pictures(20000)
    split = split_of(arrays)
    test, train = split == TEST, split == TRAIN
    assert 0.01 < test.mean() < 0.08 and train.mean() > 0.6
    for name in ("body_id", "clip", "background"):
        seen = set(arrays[name][train].tolist()) - {"", "room/1/2"}
        assert not seen & set(arrays[name][test].tolist()), name


def test_bodies_aside_are_in_no_training_picture():
    arrays = pictures(5000)
    split = split_of(arrays)
    aside = bodies_aside(arrays["body_id"])
    assert set(split[aside].tolist()) <= {MIXED, TEST}
    assert np.all(aside[split == TEST])
