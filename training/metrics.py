# SPDX-License-Identifier: GPL-3.0-or-later
"""How good points are: error in % of the torso, PCK, and whether the told scale is the true one."""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy.stats import spearmanr

Floats = NDArray[np.floating[Any]]

PCK_LEVELS: Final = (5.0, 10.0)

LAPLACE_QUANTILES: Final = {0.5: 1.678, 0.8: 2.994, 0.95: 4.744}
"""Radius, in scales, within which a round Laplace distribution in the plane has such a share:
quantiles of the gamma distribution of shape 2."""


def percent_of_torso(points: Floats, target: Floats, torso: Floats) -> Floats:
    """Distance between points and truth.

    Args:
        points: (N, P, 2).
        target: (N, P, 2) the same units.
        torso: (N,) length of each trunk in the picture, middle of hips to middle of shoulders.

    Returns:
        (N, P) percent of it.
    """
    return np.asarray(100.0 * np.linalg.norm(points - target, axis=-1) / torso[:, None])


def summary(error: Floats) -> dict[str, float]:
    """Median, mean and PCK of errors in percent of the torso, of any shape."""
    known = error[np.isfinite(error)]
    if not known.size:
        return {}
    shares = {f"PCK@{level:g}": 100.0 * float(np.mean(known <= level)) for level in PCK_LEVELS}
    return {"median": float(np.median(known)), "mean": float(np.mean(known)), **shares}


def calibration(error: Floats, scale: Floats) -> dict[str, float]:
    """Compare errors with the scales told for them.

    Args:
        error: (N, P) distances.
        scale: (N, P) scales, same units.

    Returns:
        Rank correlation; for each quantile, the share of errors within it; the ratio of the mean
        error to the mean told (two scales).
    """
    ratio = (error / scale).ravel()
    rank = float(spearmanr(error.ravel(), scale.ravel()).statistic)
    within = {
        f"within {share:.0%} radius": float(np.mean(ratio <= radius))
        for share, radius in LAPLACE_QUANTILES.items()
    }
    told = float(np.mean(error) / np.mean(2.0 * scale))
    return {"rank correlation": rank, **within, "error / told": told}
