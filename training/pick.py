# SPDX-License-Identifier: GPL-3.0-or-later
"""Chooses what people should label next: where heads are least sure, or disagree most."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ..inference.keypoints import INDEX, NAMES
from ..inference.spine import ROWS
from .errors import TrainingError
from .labels import BOX_MARGIN, UNKNOWN, WEAK, flat, read_json, write_labels

Floats = NDArray[np.float64]

SAME_PERSON: Final = 0.25
"""Predictions of two files further apart than this share of their size show two people, as photos
are told apart."""

USUAL_GAP: Final = 0.10
"""Disagreement, in trunk lengths, that counts as much as having no confidence at all."""

MOST_GAPS: Final = 5.0
"""Half a trunk: beyond that all are equally wrong, and how sure the first file is decides."""

GIVEN: Final = 0.3
"""Points of a lower score are given to the person who corrects as unknown, not as weak labels."""


def pick(labels: Path, predictions: list[Path], count: int, out: Path) -> list[tuple[str, float]]:
    """Write the people who most need a human eye as labels to be corrected.

    Args:
        labels: COCO JSON that names the pictures; its own labels are not looked at.
        predictions: Results in the format of `evaluate-coco`: one file ranks by confidence, more
            of them by disagreement too.
        count: People wanted.
        out: COCO JSON to write, pictures named relative to it. All points are weak labels (1): set
            those corrected or found right to 2, those that cannot be told to 0, and delete who is
            nobody.

    Returns:
        Name of the picture and need, worst first: 1 minus the mean confidence of the spine, plus
        the mean distance between files in USUAL_GAP, at most MOST_GAPS.

    Raises:
        TrainingError: If a file cannot be read or does not fit the others.
    """
    content = read_json(labels)
    results = [_by_image(path) for path in predictions]
    try:
        images = {image["id"]: dict(image) for image in content["images"]}
    except (KeyError, TypeError) as error:
        raise TrainingError(f"{labels} names no images: COCO JSON is expected") from error
    if strange := sorted({image for result in results for image in result} - set(images)):
        raise TrainingError(f"picture {strange[0]} of the predictions is not among {labels}")
    ranked = sorted(
        (
            (need_of(_points(person), _others(_points(person), image, results[1:])), image, person)
            for image, people in results[0].items()
            for person in people
        ),
        key=lambda row: -row[0],
    )[:count]
    used = sorted({image for _, image, _ in ranked})
    for image in used:
        path = (labels.parent / images[image]["file_name"]).resolve()
        images[image]["file_name"] = Path(os.path.relpath(path, out.parent.resolve())).as_posix()
    entries = [
        _entry(number, image, person, need)
        for number, (need, image, person) in enumerate(ranked, start=1)
    ]
    write_labels(out, [images[image] for image in used], entries)
    return [(str(images[image]["file_name"]), need) for need, image, _ in ranked]


def need_of(points: Floats, others: list[Floats]) -> float:
    """How much a person needs to be looked at.

    Args:
        points: (37, 3) x, y, score.
        others: What other files say of the same person, (37, 3) each.

    Returns:
        From 0.
    """
    doubt = 1.0 - float(points[ROWS, 2].mean())
    ends = [
        points[[INDEX[f"{side}_{part}"] for side in ("left", "right")], :2].mean(axis=0)
        for part in ("hip", "shoulder")
    ]
    trunk = max(float(np.linalg.norm(ends[0] - ends[1])), 1e-6)
    gaps = [np.linalg.norm(points[ROWS, :2] - one[ROWS, :2], axis=1).mean() for one in others]
    gap = max((float(gap) for gap in gaps), default=0.0) / trunk / USUAL_GAP
    return doubt + min(gap, MOST_GAPS)


def _others(points: Floats, image: Any, results: list[dict[Any, list[Any]]]) -> list[Floats]:
    """The nearest prediction of each other file, where it is of the same person."""
    size = float(np.sqrt(np.prod(np.ptp(points[:, :2], axis=0))))
    found = []
    for result in results:
        candidates = [_points(person) for person in result.get(image, [])]
        away = [np.linalg.norm(one[:, :2] - points[:, :2], axis=1).mean() for one in candidates]
        if away and min(away) <= SAME_PERSON * size:
            found.append(candidates[int(np.argmin(away))])
    return found


def _by_image(path: Path) -> dict[Any, list[Mapping[str, Any]]]:
    people: dict[Any, list[Mapping[str, Any]]] = {}
    try:
        for person in read_json(path):
            if not np.isfinite(_points(person)).all():
                raise ValueError("it holds numbers that are not finite")
            people.setdefault(person["image_id"], []).append(person)
    except (KeyError, TypeError, ValueError) as error:
        raise TrainingError(
            f"{path} is not a list of predictions of {len(NAMES)} points ({error})"
        ) from error
    return people


def _points(person: Mapping[str, Any]) -> Floats:
    return np.array(person["keypoints"], float).reshape(len(NAMES), 3)


def _entry(number: int, image: Any, person: Mapping[str, Any], need: float) -> dict[str, Any]:
    points = _points(person)
    known = np.where(points[:, 2] >= GIVEN, WEAK, UNKNOWN)
    known[ROWS] = WEAK
    low, size = points[:, :2].min(axis=0), np.ptp(points[:, :2], axis=0)
    box = np.concatenate([low - BOX_MARGIN * size, (1.0 + 2.0 * BOX_MARGIN) * size])
    more = {"crop": person["crop"]} if "crop" in person else {}
    return more | {
        "id": number,
        "image_id": image,
        "category_id": 1,
        "iscrowd": 0,
        "num_keypoints": int((known > 0).sum()),
        "keypoints": flat(points[:, :2], known),
        "bbox": np.round(box, 2).tolist(),
        "area": round(float(box[2] * box[3]), 2),
        "need": round(need, 4),
    }
