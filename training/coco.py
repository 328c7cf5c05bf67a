# SPDX-License-Identifier: GPL-3.0-or-later
"""Average precision and recall of key points in COCO's manner, for the 37 points and their parts.

Source: COCOeval of pycocotools, iouType "keypoints", area "all"; parts as tools/metric.py of
dfki-av/spinepose's evaluation branch: points of truth and prediction are cut down, the score of a
whole person is kept.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ..inference.keypoints import INDEX, NAMES, SPINE
from .errors import TrainingError

Floats = NDArray[np.float64]

_SIGMA: Final = {
    "nose": 0.026,
    "eye": 0.025,
    "ear": 0.035,
    "shoulder": 0.079,
    "elbow": 0.072,
    "wrist": 0.062,
    "left_hip": 0.107,
    "right_hip": 0.107,
    "knee": 0.087,
    "ankle": 0.089,
    "toe": 0.079,
    "heel": 0.079,
    "head": 0.026,
    "neck": 0.04,
    "hip": 0.07,
    "spine_01": 0.10,
    "spine_02": 0.10,
    "spine_03": 0.10,
    "spine_04": 0.08,
    "spine_05": 0.08,
    "latissimus": 0.12,
    "clavicle": 0.07,
    "neck_02": 0.07,
    "neck_03": 0.06,
}
"""Sigmas by name or by its last word: COCO's, and those of the SpinePose paper for the rest."""

SIGMAS: Final = np.array([_SIGMA.get(name) or _SIGMA[name.split("_")[-1]] for name in NAMES])

PARTS: Final[Mapping[str, tuple[str, ...]]] = {
    "body": NAMES[: NAMES.index("head")],
    "feet": tuple(name for name in NAMES if name.endswith(("toe", "heel"))),
    "spine": SPINE,
    "all": NAMES,
}

THRESHOLDS: Final = np.linspace(0.5, 0.95, 10)
RECALLS: Final = np.linspace(0.0, 1.0, 101)
MAX_PEOPLE: Final = 20


@dataclass(frozen=True)
class Truth:
    """A labelled person.

    Attributes:
        xy: (K, 2).
        visible: (K,) above 0 where labelled.
        area: Area of the person, same units squared.
        box: (4,) x, y, width, height.
        crowd: A group; leaves predictions on it uncounted.
    """

    xy: Floats
    visible: NDArray[np.int64]
    area: float
    box: Floats
    crowd: bool = False

    @property
    def ignored(self) -> bool:
        """Not to be found: a crowd, or without labelled points."""
        return self.crowd or not bool(np.any(self.visible > 0))


@dataclass(frozen=True)
class Guess:
    """A predicted person: xy (K, 2) and the score of the whole person."""

    xy: Floats
    score: float


def similarity(guess: Guess, truth: Truth, sigmas: Floats) -> float:
    """Object key-point similarity of a prediction and a labelled person.

    Args:
        guess: The prediction.
        truth: The label; without labelled points, distance beyond its doubled box counts.
        sigmas: (K,).

    Returns:
        0..1.
    """
    known = truth.visible > 0
    if known.any():
        away = (guess.xy - truth.xy)[known]
        sigmas = sigmas[known]
    else:
        low = truth.box[:2] - truth.box[2:]
        high = truth.box[:2] + 2.0 * truth.box[2:]
        away = np.maximum(low - guess.xy, 0.0) + np.maximum(guess.xy - high, 0.0)
    square = (away**2).sum(axis=1) / (2.0 * sigmas) ** 2 / (truth.area + np.spacing(1)) / 2.0
    return float(np.exp(-square).mean())


def precision_recall(
    images: Sequence[tuple[Sequence[Guess], Sequence[Truth]]], sigmas: Floats
) -> tuple[float, float]:
    """Average precision and recall over COCO's ten thresholds.

    Args:
        images: Predictions and labels of each image.
        sigmas: (K,).

    Returns:
        AP and AR, 0..1; NaN where nobody is to be found.
    """
    scores: list[float] = []
    hits: list[NDArray[np.bool_]] = []
    uncounted: list[NDArray[np.bool_]] = []
    people = 0
    for guesses, truths in images:
        best = sorted(guesses, key=lambda guess: -guess.score)[:MAX_PEOPLE]
        people += sum(not truth.ignored for truth in truths)
        found, out = _match(best, truths, sigmas)
        scores += [guess.score for guess in best]
        hits.append(found)
        uncounted.append(out)
    if not people:
        return float("nan"), float("nan")
    order = np.argsort(-np.array(scores), kind="mergesort")
    hit, out = np.concatenate(hits)[order], np.concatenate(uncounted)[order]
    right, wrong = (np.cumsum(verdict & ~out, axis=0, dtype=np.int64) for verdict in (hit, ~hit))
    curves = [_curve(right[:, t], wrong[:, t], people) for t in range(len(THRESHOLDS))]
    return tuple(np.mean(curves, axis=0).tolist())


def _curve(right: NDArray[np.int64], wrong: NDArray[np.int64], people: int) -> tuple[float, float]:
    if not len(right):
        return 0.0, 0.0
    recall = right / people
    precision = right / (right + wrong + np.spacing(1))
    precision = np.maximum.accumulate(precision[::-1])[::-1]
    at = np.searchsorted(recall, RECALLS, side="left")
    sampled = np.where(at < len(precision), precision[np.minimum(at, len(precision) - 1)], 0.0)
    return float(sampled.mean()), float(recall[-1])


def _match(
    guesses: Sequence[Guess], truths: Sequence[Truth], sigmas: Floats
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Give each prediction, best first, the labelled person it is most like, at each threshold.

    Returns:
        (D, 10) whether it has one, and whether that one is not to be counted.
    """
    truths = sorted(truths, key=lambda truth: truth.ignored)
    like = [[similarity(guess, truth, sigmas) for truth in truths] for guess in guesses]
    shape = (len(guesses), len(THRESHOLDS))
    hit, out = np.zeros(shape, bool), np.zeros(shape, bool)
    for level, threshold in enumerate(THRESHOLDS):
        taken: set[int] = set()
        for row in range(len(guesses)):
            best, choice = min(float(threshold), 1.0 - 1e-10), -1
            for column, truth in enumerate(truths):
                if column in taken and not truth.crowd:
                    continue
                if choice >= 0 and not truths[choice].ignored and truth.ignored:
                    break
                if like[row][column] >= best:
                    best, choice = like[row][column], column
            if choice >= 0:
                taken.add(choice)
                hit[row, level], out[row, level] = True, truths[choice].ignored
    return hit, out


def evaluate_files(truth: Path, predictions: Path) -> dict[str, tuple[float, float]]:
    """Score a JSON file of predictions against a COCO file of 37-point labels.

    Args:
        truth: `images` and `annotations` with `keypoints` (111 numbers), `bbox`, `area`.
        predictions: A list of `image_id`, `keypoints` (111 numbers) and `score`.

    Returns:
        AP and AR of each part.

    Raises:
        TrainingError: If a file cannot be read or holds other than 37 points.
    """
    labels, found = _read(truth), _read(predictions)
    images: dict[Any, tuple[list[Any], list[Any]]] = {}
    try:
        for image in labels["images"]:
            images[image["id"]] = ([], [])
        for person in labels["annotations"]:
            images[person["image_id"]][1].append(person)
        for person in found:
            images[person["image_id"]][0].append(person)
        return {part: _score_part(list(images.values()), names) for part, names in PARTS.items()}
    except (KeyError, TypeError, ValueError) as error:
        raise TrainingError(
            f"{predictions} does not fit {truth}: {type(error).__name__} {error}; key points are "
            f"{len(NAMES)} times x, y and visibility or score"
        ) from error


def _score_part(
    images: Sequence[tuple[list[Any], list[Any]]], names: tuple[str, ...]
) -> tuple[float, float]:
    rows = [INDEX[name] for name in names]
    cut = [
        ([_guess(one, rows) for one in found], [_truth(one, rows) for one in labels])
        for found, labels in images
    ]
    return precision_recall(cut, SIGMAS[rows])


def _guess(person: Mapping[str, Any], rows: list[int]) -> Guess:
    return Guess(_points(person)[rows, :2], float(person["score"]))


def _truth(person: Mapping[str, Any], rows: list[int]) -> Truth:
    points = _points(person)[rows]
    return Truth(
        points[:, :2],
        points[:, 2].astype(np.int64),
        float(person["area"]),
        np.array(person["bbox"], float),
        bool(person.get("iscrowd", 0)),
    )


def _points(person: Mapping[str, Any]) -> Floats:
    return np.array(person["keypoints"], float).reshape(len(NAMES), 3)


def _read(path: Path) -> Any:
    try:
        return json.loads(path.read_text())
    except (OSError, ValueError) as error:
        raise TrainingError(f"{path} cannot be read: {error}") from error
