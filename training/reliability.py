# SPDX-License-Identifier: GPL-3.0-or-later
"""Reliability curves: how often points of a score are right, and how far that is from the score."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import matplotlib
import numpy as np
from numpy.typing import NDArray

matplotlib.use("Agg")

from matplotlib import pyplot
from matplotlib.axes import Axes

BINS: Final = 10
LEAST: Final = 30
"""Fewer points than that in a bin tell nothing; they count in the error all the same."""

NEAR: Final = 0.05

Floats = NDArray[np.floating[Any]]


@dataclass(frozen=True)
class Curve:
    """Points of one kind, in bins of equal width by score.

    Attributes:
        score: All scores, flat.
        right: Whether each point is right, flat.
        told: (BINS,) mean score of each bin, NaN where it is empty.
        found: (BINS,) share of its points that are right.
        count: (BINS,) its points.
    """

    score: Floats
    right: NDArray[np.bool_]
    told: Floats
    found: Floats
    count: NDArray[np.int64]

    @property
    def calibration_error(self) -> float:
        """Expected calibration error: mean gap between told and found, weighted by points.

        Source: Naeini et al., "Obtaining Well Calibrated Probabilities Using Bayesian Binning",
        AAAI 2015.
        """
        gap = np.abs(np.nan_to_num(self.told - self.found))
        return float((gap * self.count).sum() / self.count.sum())

    def share_near(self, score: float) -> float:
        """Share of right ones among the points scored within NEAR of a score; NaN for none."""
        near = np.abs(self.score - score) <= NEAR
        return float(self.right[near].mean()) if near.any() else float("nan")

    def __str__(self) -> str:
        """The figures and the curve in one line."""
        bins = " ".join(
            f"{told:.2f}:{found:.2f}({count})"
            for told, found, count in zip(self.told, self.found, self.count, strict=True)
            if count
        )
        return (
            f"expected calibration error {self.calibration_error:.3f}, "
            f"scored 0.8: {self.share_near(0.8):.2f} right; told:found(points) {bins}"
        )


def curve_of(score: Floats, right: NDArray[np.bool_]) -> Curve:
    """Sort points into bins.

    Args:
        score: Scores 0..1, any shape.
        right: Whether each point is right, the same shape.

    Returns:
        Their curve.
    """
    score, right = score.ravel(), right.ravel()
    place = np.minimum((score * BINS).astype(int), BINS - 1)
    count = np.bincount(place, minlength=BINS)
    with np.errstate(invalid="ignore"):
        told, found = (np.bincount(place, one, BINS) / count for one in (score, right))
    return Curve(score, right, told, found, count)


def draw(panels: Mapping[str, Mapping[str, Curve]], path: Path) -> None:
    """Draw curves against the diagonal, and below how many points have which score.

    Args:
        panels: Curves by name, by title of the column they stand in.
        path: PNG to write.
    """
    figure, rows = pyplot.subplots(
        *(2, len(panels)),
        figsize=(4.6 * len(panels), 6.0),
        squeeze=False,
        sharex=True,
        sharey="row",
        height_ratios=(3, 1),
    )
    for (title, curves), above, below in zip(panels.items(), *rows, strict=True):
        above.set_title(title)
        above.plot((0, 1), (0, 1), color="grey", linestyle=":")
        for colour, (name, curve) in enumerate(curves.items()):
            _draw_one(above, below, name, curve, f"C{colour}")
        below.set_xlabel("score")
        for axes in (above, below):
            axes.grid(alpha=0.3)
    rows[0, 0].set_ylabel("share of points within a tenth of the trunk")
    rows[0, 0].legend()
    rows[1, 0].set_ylabel("share of points")
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.tight_layout()
    figure.savefig(path, dpi=90)
    pyplot.close(figure)


def _draw_one(above: Axes, below: Axes, name: str, curve: Curve, colour: str) -> None:
    enough = curve.count >= LEAST
    above.plot(curve.told[enough], curve.found[enough], marker="o", label=name, color=colour)
    middles = (np.arange(BINS) + 0.5) / BINS
    below.plot(middles, curve.count / curve.count.sum(), color=colour)
