# SPDX-License-Identifier: GPL-3.0-or-later
"""How good the shipped spine is on renders of which nothing was trained on."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ..inference.keypoints import INDEX, SPINE
from ..inference.pose2d import INPUT_PX, MIN_PRESENCE
from .camera import view_angle
from .errors import TrainingError
from .judge_look import Looker, Seen, crop_about
from .judge_sources import SOURCES
from .metrics import calibration, percent_of_torso, summary
from .shards import picture_of
from .sheet import read_set
from .spine_score import LEAST_TORSO_PX, is_bent, spine_precision, views
from .splits import TEST, split_of

Floats = NDArray[np.float64]

TRUNK_JOINTS: Final = 18
"""Joints of the labels' spine below the neck."""

BEHIND_OTHERS: Final = 2
"""From this value on `visible` says that something not of the own body is before the point."""

_ROWS: Final = [INDEX[name] for name in SPINE]


@dataclass(frozen=True)
class Answers:
    """What was found in the pictures that are scored.

    Attributes:
        points: (N, 9, 2) pixels and
        score: (N,) of the whole spine, by source.
        scale_px: (N, 9) told by the network.
        target: (N, 9, 2) pixels.
        torso_px: (N,) length of the trunk.
        box_px2: (N,) area of the box of the 37 points.
        view_deg: (N,) side of the trunk seen, 0 from the front.
        bent: (N,) whether the back is bent.
        clothes: (N,) what is worn, kinds joined by +.
        body: (N, 12) phenotype and stature, as the shards name it.
        tone: (N,) of the skin, Monk scale 1..10; NaN of shards that do not tell.
        hidden: (N,) spine points behind things or other people.
        place: (N, 2) number of the shard and row in it.
        looked: How many pictures there are, scored or not.
    """

    points: dict[str, Floats]
    score: dict[str, Floats]
    scale_px: Floats
    target: Floats
    torso_px: Floats
    box_px2: Floats
    view_deg: Floats
    bent: NDArray[np.bool_]
    clothes: NDArray[np.str_]
    body: Floats
    tone: Floats
    hidden: NDArray[np.int64]
    place: NDArray[np.int64]
    looked: int


FLIPPED: Final = "network, flip test"


def ask(looker: Looker, folder: Path) -> Answers:
    """Look at all pictures of a set.

    Args:
        looker: The product's networks.
        folder: Shards made by `track-spine-train render --aside`.

    Returns:
        The answers, for people whom the base sees.

    Raises:
        TrainingError: If there is no shard, one is damaged, or holds what was trained on.
    """
    rows: list[dict[str, Any]] = []
    looked = 0
    for arrays in read_set(folder):
        if np.any(split_of(arrays) != TEST):
            raise TrainingError(f"{folder} holds pictures for training: render it with --aside")
        looked += len(arrays["body_id"])
        for number in range(len(arrays["body_id"])):
            row = _ask_one(looker, arrays, number)
            if row is not None:
                rows.append(row)
    columns = {name: np.array([row[name] for row in rows]) for name in rows[0] if name != "answers"}
    points, score = (
        {
            name: np.array([row["answers"][name][part] for row in rows])
            for name in rows[0]["answers"]
        }
        for part in (0, 1)
    )
    return Answers(points, score, looked=looked, **columns)


def _ask_one(looker: Looker, arrays: dict[str, NDArray[Any]], number: int) -> dict[str, Any] | None:
    frame = picture_of(arrays, number)
    xy = arrays["xy_px"][number].astype(float)
    hip, shoulders = (
        xy[[INDEX[f"left_{part}"], INDEX[f"right_{part}"]]].mean(axis=0)
        for part in ("hip", "shoulder")
    )
    seen = looker.see_again(frame, crop_about(xy, hip, shoulders))
    torso = float(np.hypot(*(shoulders - hip)))
    small = torso * INPUT_PX / seen.body.crop.side_px < LEAST_TORSO_PX
    if small or seen.body.presence < MIN_PRESENCE:
        return None
    flexion, side_bend, _ = arrays["spine_deg"][number][:TRUNK_JOINTS].sum(axis=0)
    return {
        "answers": _answers(looker, frame, seen),
        "scale_px": seen.scale_px,
        "target": xy[_ROWS],
        "torso_px": torso,
        "box_px2": float(np.prod(np.ptp(xy, axis=0))),
        "view_deg": view_angle(arrays["xyz_m"][number].astype(float), np.zeros(3)),
        "bent": bool(is_bent(flexion, side_bend)),
        "clothes": str(arrays["clothes"][number]),
        "body": arrays["body"][number].astype(float),
        "tone": float(arrays["tone"][number]) if "tone" in arrays else np.nan,
        "hidden": int((arrays["visible"][number][_ROWS] >= BEHIND_OTHERS).sum()),
        "place": (int(arrays["number"]), number),
    }


def _answers(looker: Looker, frame: NDArray[np.uint8], seen: Seen) -> dict[str, Any]:
    bodies = {name: seen.body for name in SOURCES}
    bodies[FLIPPED] = looker.see_mirrored(frame, seen).body
    found = {}
    for name, body in bodies.items():
        points, score = SOURCES.get(name, SOURCES["network"])(body)
        found[name] = (points, float(score.mean()))
    return found


def figures(answers: Answers) -> dict[str, dict[str, float]]:
    """Score all sources.

    Args:
        answers: From `ask`.

    Returns:
        For each source: spine AP and AR with the paper's sigmas, 0..1; errors in % of the trunk:
        median, mean, PCK, by bend and by view; for the network whether its scales are true.
    """
    report = {}
    parts = {"bent": answers.bent, **views(answers.view_deg)}
    for name, points in answers.points.items():
        error = percent_of_torso(points, answers.target, answers.torso_px)
        ap, ar = spine_precision(points, answers.score[name], answers.target, answers.box_px2)
        medians = {f"{part} median": float(np.median(error[rows])) for part, rows in parts.items()}
        report[name] = {"spine AP": ap, "spine AR": ar, **summary(error), **medians}
    away = np.linalg.norm(answers.points["network"] - answers.target, axis=2)
    report["network"] |= calibration(away, answers.scale_px)
    return report
