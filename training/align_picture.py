# SPDX-License-Identifier: GPL-3.0-or-later
"""The picture of an alignment: what is left over of each marker, and joints against literature."""

from pathlib import Path
from typing import Any, Final

import matplotlib

matplotlib.use("Agg")

import numpy as np
from matplotlib import pyplot

from ..inference.keypoints import INDEX, SPINE
from .align_statistics import AXES, REJECT_M, Figures
from .anatomy import JOINTS, Floats

SHOWN: Final = (
    *SPINE,
    "head",
    "left_clavicle",
    "left_latissimus",
    "left_shoulder",
    "left_elbow",
    "left_wrist",
    "left_hip",
    "left_knee",
    "left_ankle",
    "left_heel",
)
"""The spine and one side: the other is its mirror."""

PAPER_CM: Final = (2.0, 4.0)


def draw_alignment(residual_m: Floats, levels: dict[str, Figures], path: Path) -> None:
    """Draw residuals as boxes, and each joint's range as a bar over the literature's.

    Args:
        residual_m: (M, 37) distances, metres.
        levels: What align_statistics.levels gives.
        path: PNG to write.
    """
    figure = pyplot.figure(figsize=(11, 10), layout="constrained")
    grid = figure.add_gridspec(2, 3, height_ratios=(1.0, 1.5))
    _boxes(figure.add_subplot(grid[0, :]), residual_m)
    for column, axis in enumerate(AXES):
        _bars(figure.add_subplot(grid[1, column]), axis, levels[axis])
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=100)
    pyplot.close(figure)


def _boxes(axes: Any, residual_m: Floats) -> None:
    values = [100.0 * residual_m[:, INDEX[name]] for name in SHOWN]
    axes.axhspan(*PAPER_CM, color="tab:green", alpha=0.15, label="mean range of the paper")
    axes.axhline(100.0 * REJECT_M, color="tab:red", lw=1, label="rejected beyond")
    axes.boxplot(values, tick_labels=SHOWN, whis=(1, 99), sym=".", flierprops={"markersize": 2})
    axes.tick_params(axis="x", rotation=45)
    axes.set_ylabel("residual, cm (whiskers 1-99 %)")
    axes.set_ylim(0.0, None)
    axes.legend(loc="upper left")


def _bars(axes: Any, axis: str, joints: Figures) -> None:
    rows = np.arange(len(JOINTS))
    middle = np.array([joints[name]["p50"] for name in JOINTS])
    low, high = (np.array([joints[name][tail] for name in JOINTS]) for tail in ("p1", "p99"))
    for kind, colour in (("bound", "0.88"), ("mean_range", "0.7")):
        width = np.array([joints[name][kind] for name in JOINTS])
        centre = (low + high) / 2
        axes.barh(rows, width, left=centre - width / 2, height=0.9, color=colour, label=kind)
    wide = np.array([joints[name]["too_wide"] for name in JOINTS])
    for chosen, colour in ((~wide, "tab:blue"), (wide, "tab:red")):
        axes.hlines(rows[chosen], low[chosen], high[chosen], color=colour, lw=3)
    axes.plot(middle, rows, "k.", ms=4)
    axes.set_yticks(rows, JOINTS, fontsize=7)
    axes.set_title(f"{axis}, degrees from rest")
    axes.grid(alpha=0.3, axis="x")
