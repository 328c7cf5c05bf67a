# SPDX-License-Identifier: GPL-3.0-or-later
"""What a score means: `make calibration` holds scores against errors.

On renders kept aside, and for body points on annotated photos too. A point counts as right within
SURE_WITHIN of a trunk's length of the truth, which is what scores of spine points say the
probability of. Nothing is chosen here: all pictures only judge.
"""

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ..benchmarks.record import record
from ..inference.bend import complete
from ..inference.errors import InferenceError
from ..inference.keypoints import INDEX, NAMES
from ..inference.pose2d import INPUT_PX, MIN_PRESENCE, Body
from ..inference.spine import POINTS, SURE_WITHIN
from .errors import TrainingError
from .judge import HELD_OUT, ROOT
from .judge_look import Looker, crop_about
from .judge_photos import COCO_POINTS, PHOTOS, annotated
from .reliability import Curve, curve_of, draw
from .render import DATA
from .shards import picture_of
from .sheet import read_set
from .spine_score import LEAST_TORSO_PX
from .splits import TEST, split_of

COMMAND: Final = "make calibration"
REPORT: Final = ROOT / "out" / "model.json"
PICTURE: Final = ROOT / "docs" / "pictures" / "confidence.png"

ON_PHOTOS: Final = ", photos"

_BOTH: Final = ("left", "right")
GROUPS: Final[Mapping[str, tuple[str, ...]]] = {
    "spine": POINTS,
    "shoulders and hips": tuple(f"{s}_{p}" for s in _BOTH for p in ("shoulder", "hip")),
    "arms and legs": tuple(
        f"{s}_{p}" for s in _BOTH for p in ("elbow", "wrist", "knee", "ankle", "heel", "big_toe")
    ),
    "face": ("nose", *(f"{s}_{p}" for s in _BOTH for p in ("eye", "ear"))),
    "small toes": tuple(f"{s}_small_toe" for s in _BOTH),
}
"""Points whose scores come the same way: from the spine head, from the base, or guessed."""


Floats = NDArray[np.float64]
Row = tuple[Floats, Floats]


@dataclass(frozen=True)
class Scored:
    """All points of the pictures that show a body.

    Attributes:
        score: (N, 37) 0..1.
        error: (N, 37) distances from the truth, trunk lengths; NaN where nothing is labelled.
        looked: People there are, scored or not.
    """

    score: NDArray[np.float64]
    error: NDArray[np.float64]
    looked: int


def ask(looker: Looker, folder: Path) -> Scored:
    """Look at all pictures of a set, through the crops of judge_held_out.

    Args:
        looker: The product's networks.
        folder: Shards made by `track-spine-train render --aside`.

    Returns:
        Scores and errors, of people whom the base sees.

    Raises:
        TrainingError: There is no shard, one is damaged, or it holds what was trained on.
    """
    rows, looked = [], 0
    for arrays in read_set(folder):
        if np.any(split_of(arrays) != TEST):
            raise TrainingError(f"{folder} holds pictures for training: render it with --aside")
        looked += len(arrays["xy_px"])
        for number, truth in enumerate(arrays["xy_px"].astype(float)):
            rows.append(_ask_one(looker, picture_of(arrays, number), truth))
    return _gathered(rows, looked)


def _ask_one(looker: Looker, frame: NDArray[np.uint8], truth: Floats) -> Row | None:
    body = looker.see_again(frame, crop_about(truth, *_trunk(truth))).body
    return _scored(body, truth)


def _trunk(truth: Floats) -> tuple[Floats, Floats]:
    """Middles of the hips and of the shoulders."""
    hip, shoulders = (
        truth[[INDEX[f"{side}_{part}"] for side in _BOTH]].mean(axis=0)
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


def _gathered(rows: list[Row | None], looked: int) -> Scored:
    score, error = (np.array(part) for part in zip(*filter(None, rows), strict=True))
    return Scored(score, error, looked)


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
    rows, looked = [], 0
    for _, frame, labels in annotated(archive):
        boxes = [np.array(label["bbox"], float) for label in labels]
        for label, seen in zip(labels, looker.see_in_boxes(frame, boxes), strict=True):
            looked += 1
            known = np.array(label["keypoints"], float).reshape(-1, 3)[:COCO_POINTS]
            truth = np.full((len(NAMES), 2), np.nan)
            truth[:COCO_POINTS] = np.where(known[:, 2:] > 0, known[:, :2], np.nan)
            rows.append(_scored(seen.body, truth))
    return _gathered(rows, looked)


def curves(scored: Scored) -> dict[str, Curve]:
    """Reliability of each group of points that are labelled.

    Args:
        scored: From `ask` or `ask_photos`.

    Returns:
        Curves by group, in the order of GROUPS.
    """
    found = {}
    for name, points in GROUPS.items():
        rows = [INDEX[point] for point in points]
        error, score = scored.error[:, rows], scored.score[:, rows]
        known = np.isfinite(error)
        if known.any():
            found[name] = curve_of(score[known], error[known] <= SURE_WITHIN)
    return found


def main() -> int:
    """Judge, and write figures and picture; returns the exit status."""
    found: dict[str, Curve] = {}
    try:
        looker = Looker()
        asked = {"": ask(looker, HELD_OUT)}
        if (DATA / PHOTOS).exists():
            asked[ON_PHOTOS] = ask_photos(looker, DATA / PHOTOS)
    except (TrainingError, InferenceError) as error:
        print(f"calibration: {error}", file=sys.stderr)
        return 1
    for end, scored in asked.items():
        found |= {name + end: curve for name, curve in curves(scored).items()}
        where = end.strip(", ") or "renders"
        print(f"{where}: {len(scored.score)} of {scored.looked} people are scored")
    for name, curve in found.items():
        print(f"{name}: {curve}")
        _enter(name.replace(",", "").replace(" ", "_"), curve)
    draw(found, PICTURE)
    print(f"written: {REPORT.relative_to(ROOT)}, {PICTURE.relative_to(ROOT)}")
    return 0


def _enter(name: str, curve: Curve) -> None:
    error = 100.0 * curve.calibration_error
    record(REPORT, f"calibration_error_{name}", error, "points of %", None, COMMAND)
    if np.isfinite(right := curve.share_near(0.8)):
        record(REPORT, f"right_at_080_{name}", 100.0 * right, "%", 80.0, COMMAND)


if __name__ == "__main__":
    sys.exit(main())
