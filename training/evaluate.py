# SPDX-License-Identifier: GPL-3.0-or-later
"""How good a head is on crops kept aside, beside two baselines on the same crops."""

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ..inference.keypoints import SPINE
from ..inference.pose2d import LANDMARKS
from ..inference.spine import POINTS, ROWS
from .anatomy import CONTRACT_ARC
from .coco import SIGMAS, Guess, Truth, precision_recall
from .codec import LANDMARK_PLACES, SIDE
from .dataset import Dataset
from .metrics import calibration, percent_of_torso, summary
from .model import SpineHead
from .predict import answers_of

Floats = NDArray[np.floating[Any]]

BENT_FLEXION_DEG: Final = 30.0
BENT_SIDE_DEG: Final = 18.0
"""Bent backs, as in the project's trial."""

AREA_OF_BOX: Final = 0.53
"""Area of a person over that of its box, where no outline is labelled. Source: xtcocotools."""

SCORE_FALL: Final = 0.2
"""Expected error, in trunk lengths, at which a score has fallen to 1 / e."""

C1_ON_THE_WAY: Final = 0.8
"""The straight line reaches C1 at this share of the way from the shoulders to the ears."""

_SPINE: Final = slice(0, len(SPINE))


def evaluate(head: SpineHead, data: Dataset) -> dict[str, Any]:
    """Score a head and the baselines.

    Args:
        head: The head.
        data: N crops that it was not trained on.

    Returns:
        `methods`: figures by name of the method; `points`: median error of each point; `views`:
        median error by side; `calibration` of the head's scales; `crops`, how many.
    """
    known = data.arrays
    points, scale = answers_of(head, data)
    methods = {
        "straight line": (straight_line(known), known["presence"]),
        "geometric prior": (known["guess"], known["presence"]),
        "head": (points, score_of(scale[:, _SPINE]).mean(axis=1)),
    }
    error = {
        name: percent_of_torso(answer, known["target"], known["torso"])
        for name, (answer, _) in methods.items()
    }
    bent = is_bent(known)
    report: dict[str, Any] = {"crops": len(data), "bent": int(bent.sum()), "methods": {}}
    for name, (answer, score) in methods.items():
        ap, ar = spine_precision(answer, score, known)
        report["methods"][name] = {
            **summary(error[name][:, _SPINE]),
            "bent median": float(np.median(error[name][bent][:, _SPINE])) if bent.any() else None,
            "spine AP": ap,
            "spine AR": ar,
        }
    report["points"] = {
        name: dict(zip(POINTS, np.median(values, axis=0).round(2).tolist(), strict=True))
        for name, values in error.items()
    }
    report["views"] = {name: by_view(error[name], known) for name in methods}
    away = np.linalg.norm(points - known["target"], axis=2)[:, _SPINE]
    report["calibration"] = calibration(away, scale[:, _SPINE])
    return report


def score_of(scale: Floats) -> Floats:
    """Score of a point whose error has a scale, in units of the square: 1 is sure."""
    return np.asarray(np.exp(-2.0 * scale * SIDE / SCORE_FALL))


def is_bent(known: Mapping[str, NDArray[Any]]) -> NDArray[np.bool_]:
    """Which backs are bent, by the angles the pictures were made from."""
    flexion, side = known["flexion_deg"], known["side_bend_deg"]
    return np.asarray((flexion > BENT_FLEXION_DEG) | (np.abs(side) > BENT_SIDE_DEG))


def by_view(error: Floats, known: Mapping[str, NDArray[Any]]) -> dict[str, float]:
    """Median error of the spine seen from the front, the sides and the back."""
    turn = np.abs(known["view_deg"])
    views = {"front": turn < 45, "side": (turn >= 45) & (turn < 135), "back": turn >= 135}
    return {
        name: float(np.median(error[rows][:, _SPINE])) for name, rows in views.items() if rows.any()
    }


def straight_line(known: Mapping[str, NDArray[Any]]) -> Floats:
    """Spine points on the line from hips to shoulders and on to the ears, the others missing.

    Args:
        known: Arrays of N crops.

    Returns:
        (N, P, 2) in units of the square.
    """
    places = known["context"][:, LANDMARK_PLACES].astype(float).reshape(-1, len(LANDMARKS), 2)
    hips, shoulders, ears = (
        places[:, [LANDMARKS.index(f"{side}_{part}") for side in ("left", "right")]].mean(axis=1)
        for part in ("hip", "shoulder", "ear")
    )
    points = np.full((len(places), len(POINTS), 2), np.nan)
    for row, arc in enumerate(CONTRACT_ARC):
        on = C1_ON_THE_WAY * (arc - 1.0) / (CONTRACT_ARC[-1] - 1.0)
        low, high, share = (hips, shoulders, arc) if arc <= 1.0 else (shoulders, ears, on)
        points[:, row] = low + share * (high - low)
    return points


def spine_precision(
    points: Floats, score: Floats, known: Mapping[str, NDArray[Any]]
) -> tuple[float, float]:
    """AP and AR of the nine points with the paper's sigmas, one labelled person a crop.

    Args:
        points: (N, P, 2) in units of the square.
        score: (N,) of the whole person.
        known: Arrays of N crops; the area is 0.53 times the box of the 37 points.

    Returns:
        AP and AR, 0..1.
    """
    seen = np.ones(len(SPINE), np.int64)
    images = [
        (
            [Guess(points[row, _SPINE].astype(float), float(score[row]))],
            [Truth(target[_SPINE].astype(float), seen, AREA_OF_BOX * float(box), np.zeros(4))],
        )
        for row, (target, box) in enumerate(zip(known["target"], known["box"], strict=True))
    ]
    return precision_recall(images, SIGMAS[ROWS[_SPINE]])
