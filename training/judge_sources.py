# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the nine spine points come from: the network that ships, and two baselines beside it."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ..inference import prior
from ..inference.keypoints import INDEX, SPINE
from ..inference.pose2d import LANDMARKS, Body
from .spine_score import straight_line

Floats = NDArray[np.float64]

Source = Callable[[Body], tuple[Floats, Floats]]
"""Gives (9, 2) pixels of the frame and (9,) scores of the spine of a body, bottom to top."""

_ROWS: Final = [INDEX[name] for name in SPINE]


def network(body: Body) -> tuple[Floats, Floats]:
    """Spine that the pose network sees."""
    if body.spine is None:
        raise ValueError("the body comes from a network without spine")
    return body.spine.xy_px[: len(SPINE)], body.spine.score[: len(SPINE)]


def geometric_prior(body: Body) -> tuple[Floats, Floats]:
    """Spine guessed from the landmarks."""
    points = prior.complete(body)
    return points.xy_px[_ROWS], points.score[_ROWS]


def on_straight_line(body: Body) -> tuple[Floats, Floats]:
    """Spine on the line from hips to shoulders and on to the ears, at the contract's shares."""
    hips, shoulders, ears = (_middle(body, part) for part in ("hip", "shoulder", "ear"))
    return straight_line(hips, shoulders, ears), np.full(len(SPINE), body.presence)


def _middle(body: Body, part: str) -> Floats:
    rows = [LANDMARKS.index(f"{side}_{part}") for side in ("left", "right")]
    return np.asarray(body.xy_px[rows].mean(axis=0))


SOURCES: Final[Mapping[str, Source]] = MappingProxyType(
    {
        "straight line": on_straight_line,
        "geometric prior": geometric_prior,
        "network": network,
    }
)
