# SPDX-License-Identifier: GPL-3.0-or-later
"""Boxes about people: from their points."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

MARGIN: Final = 0.08
"""Added to the points' extent on each side, as a share of it: points lie inside the outline."""

LEAST_SCORE: Final = 0.3
"""Points less visible than this do not widen the box."""


def box(keypoints: NDArray[np.float64], shape: tuple[int, ...]) -> NDArray[np.float64]:
    """Bounding box of a person.

    Args:
        keypoints: (K, 3) x, y, score.
        shape: Height and width of the picture first.

    Returns:
        (4,) x, y, width, height in pixels, within the picture.
    """
    sure = keypoints[keypoints[:, 2] >= LEAST_SCORE, :2]
    points = sure if len(sure) > 1 else keypoints[:, :2]
    low, high = points.min(axis=0), points.max(axis=0)
    margin = MARGIN * (high - low)
    limit = np.array([shape[1], shape[0]], float)
    low, high = np.clip(low - margin, 0.0, limit), np.clip(high + margin, 0.0, limit)
    return np.concatenate([low, high - low])
