# SPDX-License-Identifier: GPL-3.0-or-later
"""The 37 points of a person as a network of others sees them in one frame."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Seen:
    """Points in the order of `keypoints.NAMES`.

    Attributes:
        xy_px: (..., 37, 2) pixels of the upright frame, NaN where missing.
        score: (..., 37) 0..1 by that network's own measure, 0 where missing.
    """

    xy_px: NDArray[np.float64]
    score: NDArray[np.float64]
