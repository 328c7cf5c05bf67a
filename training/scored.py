# SPDX-License-Identifier: GPL-3.0-or-later
"""Scores of points beside their errors: what calibration is fitted to and judged by."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..inference.bend import complete
from ..inference.keypoints import INDEX, NAMES
from ..inference.pose2d import INPUT_PX, MIN_PRESENCE, Body
from .dataset import to_calibrate_on
from .errors import TrainingError
from .judge_look import Looker, crop_about
from .judge_photos import COCO_POINTS, annotated
from .shards import picture_of, read_shard
from .spine_score import LEAST_TORSO_PX
from .splits import TEST, split_of

Floats = NDArray[np.float64]
Shard = dict[str, NDArray[Any]]
Row = tuple[Floats, Floats]


@dataclass(frozen=True)
class Scored:
    """All points of the pictures that show a body.

    Attributes:
        score: (N, 37) as the networks give them, 0..1.
        error: (N, 37) distances from the truth, trunk lengths; NaN where nothing is labelled.
        looked: People there are, scored or not.
    """

    score: Floats
    error: Floats
    looked: int

    @classmethod
    def of(cls, rows: Iterable[Row | None]) -> "Scored":
        """Gather people; None stands for one who is not scored."""
        known = list(rows)
        score, error = (np.array(part) for part in zip(*filter(None, known), strict=True))
        return cls(score, error, len(known))


def kept_aside(folder: Path) -> Iterator[tuple[NDArray[np.uint8], Floats]]:
    """Pictures of which nothing was trained on.

    Args:
        folder: Shards made by `track-spine-train render --aside`.

    Yields:
        A picture, RGB, and (37, 2) where the points are in it, pixels.

    Raises:
        TrainingError: There is no shard, one is damaged, or it holds what was trained on.
    """
    for arrays in _shards(folder):
        if np.any(split_of(arrays) != TEST):
            raise TrainingError(f"{folder} holds pictures for training: render it with --aside")
        yield from _pictures(arrays, np.ones(len(arrays["xy_px"]), bool))


def between(folder: Path) -> Iterator[tuple[NDArray[np.uint8], Floats]]:
    """Pictures of new bodies that are no test: a captured clip or background was trained on.

    Args:
        folder: Shards made by `track-spine-train render`.

    Yields:
        As `kept_aside`.

    Raises:
        TrainingError: There is no shard, or one is damaged.
    """
    for arrays in _shards(folder):
        yield from _pictures(arrays, to_calibrate_on({**arrays, "split": split_of(arrays)}))


def ask(looker: Looker, pictures: Iterable[tuple[NDArray[np.uint8], Floats]]) -> Scored:
    """Look at pictures through the crops of judge_held_out.

    Args:
        looker: The product's networks.
        pictures: Of `kept_aside` or `between`.

    Returns:
        Scores and errors, of people whom the base sees.
    """
    return Scored.of(
        _scored(looker.see_again(frame, crop_about(truth, *_trunk(truth))).body, truth)
        for frame, truth in pictures
    )


def ask_photos(looker: Looker, archive: Path) -> Scored:
    """Look at annotated people in photos, in their labelled boxes.

    Args:
        looker: The product's networks.
        archive: Photos with COCO's points.

    Returns:
        Scores and errors, of people whose trunk is labelled and whom the base sees there.

    Raises:
        TrainingError: The archive cannot be read.
    """
    rows = []
    for _, frame, labels in annotated(archive):
        boxes = [np.array(label["bbox"], float) for label in labels]
        for label, seen in zip(labels, looker.see_in_boxes(frame, boxes), strict=True):
            rows.append(_scored(seen.body, _labelled(label)))
    return Scored.of(rows)


def _labelled(label: Mapping[str, Any]) -> Floats:
    known = np.array(label["keypoints"], float).reshape(-1, 3)[:COCO_POINTS]
    truth = np.full((len(NAMES), 2), np.nan)
    truth[:COCO_POINTS] = np.where(known[:, 2:] > 0, known[:, :2], np.nan)
    return truth


def _shards(folder: Path) -> Iterator[Shard]:
    paths = sorted(folder.glob("shard-*.npz"))
    if not paths:
        raise TrainingError(f"no shards in {folder}: run track-spine-train render first")
    yield from map(read_shard, paths)


def _pictures(
    arrays: Shard, wanted: NDArray[np.bool_]
) -> Iterator[tuple[NDArray[np.uint8], Floats]]:
    for row in np.flatnonzero(wanted).tolist():
        yield picture_of(arrays, row), arrays["xy_px"][row].astype(float)


def _trunk(truth: Floats) -> tuple[Floats, Floats]:
    """Middles of the hips and of the shoulders."""
    hip, shoulders = (
        truth[[INDEX[f"{side}_{part}"] for side in ("left", "right")]].mean(axis=0)
        for part in ("hip", "shoulder")
    )
    return hip, shoulders


def _scored(body: Body, truth: Floats) -> Row | None:
    """Scores and errors; None where the trunk is not labelled, too small, or nobody is seen."""
    hip, shoulders = _trunk(truth)
    torso = float(np.hypot(*(shoulders - hip)))
    large = torso * INPUT_PX / body.crop.side_px >= LEAST_TORSO_PX
    if not large or body.presence < MIN_PRESENCE:
        return None
    points = complete(body)
    return points.score, np.linalg.norm(points.xy_px - truth, axis=1) / torso
