# SPDX-License-Identifier: GPL-3.0-or-later
"""What is the same wherever spines are scored: AP, straight line, bent backs, views."""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ..inference.keypoints import INDEX, SPINE
from .anatomy import CONTRACT_ARC
from .coco import SIGMAS, Guess, Truth, precision_recall

Floats = NDArray[np.floating[Any]]
Flags = NDArray[np.bool_]

LEAST_TORSO_PX: Final = 20.0
"""A trunk shorter than this in the network's picture is not scored, as in the project's trial: a
percentage of it would mean nothing."""

AREA_OF_BOX: Final = 0.53
"""Area of a person over that of its box, where no outline is labelled. Source: xtcocotools."""

BENT_FLEXION_DEG: Final = 30.0
BENT_SIDE_DEG: Final = 18.0
"""Bent backs, as in the project's trial."""

C1_ON_THE_WAY: Final = 0.8
"""The straight line reaches C1 at this share of the way from the shoulders to the ears."""

_ROWS: Final = [INDEX[name] for name in SPINE]


def spine_precision(
    points: Floats, score: Floats, target: Floats, box: Floats
) -> tuple[float, float]:
    """AP and AR of the nine points with the paper's sigmas, one labelled person a picture.

    Args:
        points: (N, 9, 2) found.
        score: (N,) of the whole spine.
        target: (N, 9, 2) where they are, the same units.
        box: (N,) area of the box of the 37 points, these units squared.

    Returns:
        AP and AR, 0..1.
    """
    seen = np.ones(len(SPINE), np.int64)
    images = [
        (
            [Guess(found.astype(float), float(sure))],
            [Truth(true.astype(float), seen, AREA_OF_BOX * float(area), np.zeros(4))],
        )
        for found, sure, true, area in zip(points, score, target, box, strict=True)
    ]
    return precision_recall(images, SIGMAS[_ROWS])


def straight_line(hips: Floats, shoulders: Floats, ears: Floats) -> Floats:
    """Spine points on the line from hips to shoulders and on to the ears, by the contract's arc.

    Args:
        hips: (..., 2) middles of the hips,
        shoulders: of the shoulders,
        ears: of the ears.

    Returns:
        (..., 9, 2), the same units.
    """
    points = []
    for arc in CONTRACT_ARC:
        on = C1_ON_THE_WAY * (arc - 1.0) / (CONTRACT_ARC[-1] - 1.0)
        low, high, share = (hips, shoulders, arc) if arc <= 1.0 else (shoulders, ears, on)
        points.append(low + share * (high - low))
    return np.stack(points, axis=-2)


def is_bent(flexion_deg: Floats, side_bend_deg: Floats) -> Flags:
    """Which backs are bent, by the angles (...) that the pictures were made from, degrees."""
    return np.asarray(
        (flexion_deg > BENT_FLEXION_DEG) | (np.abs(side_bend_deg) > BENT_SIDE_DEG), bool
    )


def views(view_deg: Floats) -> dict[str, Flags]:
    """Which of (N,) trunks are seen from which side, degrees from the front."""
    turn = np.abs(view_deg)
    return {"front": turn < 45, "side": (turn >= 45) & (turn < 135), "back": turn >= 135}
