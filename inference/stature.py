# SPDX-License-Identifier: GPL-3.0-or-later
"""Standing height that a body's segments add up to: what gives a clip its scale."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from .keypoints import INDEX
from .upright import SURE_SCORE

STATURE_CHAIN: Final = (
    ("heel", "knee"),
    ("knee", "hip"),
)
"""Leg segments, both sides; with the chain hip, neck, neck_03, head they add up to stature."""

LEAST_STATURE: Final = 0.1
"""In the unit of the points, about metres: points in one place have a scale all the same."""


def stature(relative_m: NDArray[np.float64], score: NDArray[np.float64]) -> float:
    """Standing height that the bodies' segments add up to.

    Args:
        relative_m: (T, P, K, 3) points in one frame of axes, NaN where nobody is seen.
        score: (T, P, K) 0..1.

    Returns:
        Median over the frames where the legs are seen (all frames when there are none), in the
        units of the points.
    """

    def length(a: str, b: str) -> NDArray[np.float64]:
        apart = relative_m[..., INDEX[a], :] - relative_m[..., INDEX[b], :]
        return np.asarray(np.linalg.norm(apart, axis=-1))

    legs = sum(
        (length(f"left_{a}", f"left_{b}") + length(f"right_{a}", f"right_{b}")) / 2
        for a, b in STATURE_CHAIN
    )
    total = legs + length("hip", "neck") + length("neck", "neck_03") + length("neck_03", "head")
    parts = [INDEX[f"{side}_{part}"] for side in ("left", "right") for part in ("ankle", "knee")]
    seen = np.isfinite(total)
    sure = seen & (score[..., parts].min(axis=-1) >= SURE_SCORE)
    return max(float(np.median(total[sure if sure.any() else seen])), LEAST_STATURE)
