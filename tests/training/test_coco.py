# SPDX-License-Identifier: GPL-3.0-or-later
"""AP and AR of a hand-made example, as pycocotools 2.0.11 gives them for the same points."""

import json

import numpy as np
import pytest
from track_spine.inference.keypoints import INDEX, NAMES
from track_spine.training.coco import PARTS, SIGMAS, Guess, Truth, evaluate_files, similarity
from track_spine.training.errors import TrainingError


def example():
    """Four images: good, mixed, two people of whom one is missed, nobody but a false alarm."""
    rng = np.random.default_rng(11)
    images = [{"id": number} for number in (1, 2, 3, 4)]
    annotations, predictions = [], []
    for number, image in enumerate((1, 2, 3, 3)):
        xy = rng.uniform(50, 250, (37, 2))
        xy[:, 0] += 200.0 * number
        visible = np.where(rng.random(37) < 0.85, 2, 0)
        low, size = xy.min(axis=0), np.ptp(xy, axis=0)
        annotations.append(
            {
                "id": number + 1,
                "image_id": image,
                "category_id": 1,
                "iscrowd": 0,
                "num_keypoints": int((visible > 0).sum()),
                "bbox": [*low.tolist(), *size.tolist()],
                "area": float(0.53 * size.prod()),
                "keypoints": np.column_stack([xy, visible]).ravel().tolist(),
            }
        )
        if number < 3:
            spread = (3.0, 14.0, 9.0)[number]
            guess = xy + rng.normal(0.0, spread, (37, 2))
            predictions.append(_prediction(image, guess, (0.9, 0.95, 0.5)[number]))
    predictions.append(_prediction(4, rng.uniform(0, 300, (37, 2)), 0.7))
    predictions.append(_prediction(1, rng.uniform(0, 300, (37, 2)), 0.2))
    return {
        "images": images,
        "annotations": annotations,
        "categories": [{"id": 1, "name": "person"}],
    }, predictions


def _prediction(image, xy, score):
    points = np.column_stack([xy, np.full(37, score)])
    return {
        "image_id": image,
        "category_id": 1,
        "score": score,
        "keypoints": points.ravel().tolist(),
    }


@pytest.fixture
def files(tmp_path):
    truth, predictions = example()
    paths = tmp_path / "truth.json", tmp_path / "predictions.json"
    for path, content in zip(paths, (truth, predictions), strict=True):
        path.write_text(json.dumps(content))
    return paths


REFERENCE = {
    "body": (0.29678217821782177, 0.4),
    "feet": (0.422029702970297, 0.525),
    "spine": (0.31534653465346535, 0.5),
    "all": (0.2905940594059406, 0.45),
}
"""AP and AR by pycocotools 2.0.11 with the paper's sigmas, points of each part cut out before."""


def test_the_example_scores_as_the_reference_does(files):
    found = evaluate_files(*files)
    for part, expected in REFERENCE.items():
        assert found[part] == pytest.approx(expected, abs=1e-9), part


def test_labels_given_as_predictions_score_one(tmp_path):
    truth, _ = example()
    same = [{**person, "score": 1.0} for person in truth["annotations"]]
    paths = tmp_path / "truth.json", tmp_path / "same.json"
    for path, content in zip(paths, (truth, same), strict=True):
        path.write_text(json.dumps(content))
    for part, values in evaluate_files(*paths).items():
        assert values == pytest.approx((1.0, 1.0)), part


def test_similarity_of_one_point_follows_the_formula():
    row = INDEX["spine_03"]
    truth = Truth(np.zeros((1, 2)), np.array([2]), 400.0, np.zeros(4))
    guess = Guess(np.array([[6.0, 0.0]]), 1.0)
    expected = np.exp(-36.0 / (2.0 * 400.0 * (2 * 0.10) ** 2))
    assert similarity(guess, truth, SIGMAS[[row]]) == pytest.approx(expected)


def test_parts_are_those_of_the_paper():
    assert [len(PARTS[part]) for part in ("body", "feet", "spine", "all")] == [17, 6, 9, 37]
    sigma = dict(zip(NAMES, SIGMAS.tolist(), strict=True))
    assert (sigma["left_hip"], sigma["hip"], sigma["right_eye"]) == (0.107, 0.07, 0.025)
    assert (sigma["spine_03"], sigma["neck_02"], sigma["left_small_toe"]) == (0.10, 0.07, 0.079)


@pytest.mark.parametrize("content", ["", "[1]", '[{"image_id": 9, "score": 1}]'])
def test_predictions_that_do_not_fit_are_named(files, content):
    files[1].write_text(content)
    with pytest.raises(TrainingError, match=r"predictions\.json"):
        evaluate_files(*files)
