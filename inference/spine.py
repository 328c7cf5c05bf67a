# SPDX-License-Identifier: GPL-3.0-or-later
"""The spine as the pose network sees it: where its points are in the frame, and how sure that is.

A score is the probability that the point lies within SURE_WITHIN of a trunk's length of the truth,
by the scale that the network tells for it, where the network shows a body at all.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from .crop import Crop
from .keypoints import INDEX, SPINE

POINTS: Final = (
    *SPINE,
    "head",
    "left_clavicle",
    "right_clavicle",
    "left_latissimus",
    "right_latissimus",
)
"""What the network's spine head answers: the nine spine points, bottom to top, and five more."""

ROWS: Final = [INDEX[name] for name in POINTS]
"""Where these points are among the 37."""

SURE_WITHIN: Final = 0.1
"""In trunk lengths, 5 cm of an adult: the distance whose probability is the score; PCK@10."""

PRESENCE_GATE: Final = (0.2, 0.95)
"""Presence at and below which nothing is seen of a spine, and from which nothing is taken away.

Chosen on photos of MMPose's tests, through crops moved off a person, turned, shrunk and grown: with
a presence under 0.2, 1 of 114 spines was right and the head's own scores were 0.35 on average; of
crops that fit, 95 % had 0.945 or more.
"""

OUTSIDE_FALL: Final = 0.1
"""Distance from the picture, in trunk lengths, over which a score falls to 1 / e: nothing is seen
there, but a point just outside follows from those inside."""


@dataclass(frozen=True)
class Spine:
    """The points of the spine head in one frame, in the order of POINTS.

    Attributes:
        xy_px: (14, 2) pixels of the upright frame.
        score: (14,) 0..1.
    """

    xy_px: NDArray[np.float64]
    score: NDArray[np.float64]


def read_spine(
    points: NDArray[np.float32],
    scale: NDArray[np.float32],
    crop: Crop,
    input_px: int,
    trunk_px: float,
    presence: float,
    frame_px: tuple[int, int],
) -> Spine:
    """Read a spine off the network's outputs for one crop.

    Args:
        points: (14, 2) pixels of the crop's picture.
        scale: (14,) Laplace scale of each point's distance from the truth, pixels of that picture.
        crop: What the network was shown.
        input_px: Side of the picture, pixels.
        trunk_px: Length of the trunk, pixels of the frame.
        presence: 0..1, whether the crop shows a person at all.
        frame_px: Width and height of the frame, pixels.

    Returns:
        The spine in the frame.
    """
    xy = crop.to_frame(points.astype(float), input_px)
    trunk = max(trunk_px, 1e-6)
    share = scale.astype(float) * (crop.side_px / input_px / trunk)
    outside = np.linalg.norm(xy - np.clip(xy, 0.0, frame_px), axis=1) / trunk
    seen = presence_gate(presence) * np.exp(-outside / OUTSIDE_FALL)
    return Spine(xy, seen * probability_within(SURE_WITHIN, share))


def probability_within(reach: float, scale: NDArray[np.float64]) -> NDArray[np.float64]:
    """Probability that a point in the plane lies near its place, by a Laplace distribution.

    Args:
        reach: The distance.
        scale: Scale of the density exp(-r / scale); the mean distance is twice as much.

    Returns:
        Probabilities, 0..1.
    """
    ratio = reach / np.maximum(scale, 1e-9)
    return np.asarray(1.0 - np.exp(-ratio) * (1.0 + ratio))


def presence_gate(presence: float) -> float:
    """Share of a score that is left, from the network's word on whether there is a person.

    Args:
        presence: 0..1.

    Returns:
        0..1.
    """
    return float(np.interp(presence, PRESENCE_GATE, (0.0, 1.0)))
