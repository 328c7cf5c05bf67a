# SPDX-License-Identifier: GPL-3.0-or-later
"""How good a head is on crops kept aside, beside two baselines on the same crops."""

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ..inference.keypoints import SPINE
from ..inference.pose2d import LANDMARKS
from ..inference.spine import POINTS, SURE_WITHIN, presence_gate, probability_within
from .codec import LANDMARK_PLACES, SIDE
from .dataset import Dataset
from .metrics import calibration, percent_of_torso, summary
from .model import SpineHead
from .predict import answers_of
from .spine_score import is_bent, spine_precision, straight_line, views

Floats = NDArray[np.floating[Any]]

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
        "straight line": (line_answers(known), known["presence"]),
        "geometric prior": (known["guess"], known["presence"]),
        "head": (points, _scores(known["presence"], scale)),
    }
    error = {
        name: percent_of_torso(answer, known["target"], known["torso"])
        for name, (answer, _) in methods.items()
    }
    bent = is_bent(known["flexion_deg"], known["side_bend_deg"])
    report: dict[str, Any] = {"crops": len(data), "bent": int(bent.sum()), "methods": {}}
    for name, (answer, score) in methods.items():
        ap, ar = spine_precision(answer[:, _SPINE], score, known["target"][:, _SPINE], known["box"])
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


def _scores(presence: Floats, scale: Floats) -> Floats:
    """Scores of spines as the product has them, from scales in units of the square."""
    gate = np.array([presence_gate(value) for value in presence])
    near = probability_within(SURE_WITHIN, scale[:, _SPINE] * SIDE).mean(axis=1)
    return np.asarray(gate * near)


def by_view(error: Floats, known: Mapping[str, NDArray[Any]]) -> dict[str, float]:
    """Median error of the spine seen from the front, the sides and the back."""
    return {
        name: float(np.median(error[rows][:, _SPINE]))
        for name, rows in views(known["view_deg"]).items()
        if rows.any()
    }


def line_answers(known: Mapping[str, NDArray[Any]]) -> Floats:
    """Spine points on the straight line, the others missing.

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
    points[:, _SPINE] = straight_line(hips, shoulders, ears)
    return points
