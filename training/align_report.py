# SPDX-License-Identifier: GPL-3.0-or-later
"""The report of an alignment: figures as JSON, and a few lines of them for the terminal."""

import json
import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from .align import Alignment
from .align_poses import Labels
from .align_posture import posture
from .align_statistics import AXES, Figures, couplings, levels, line, regions, residuals, sharing
from .anatomy import JOINTS, LUMBAR, Floats
from .bodies import BodyModel
from .trunk_draw import standing_curve

STANDING: int = 200
"""Bodies whose standing curves are measured at most."""


def report(model: BodyModel, labels: Labels, found: Alignment) -> Figures:
    """Gather all figures.

    Args:
        model: The body model and bank.
        labels: Labels of all images read, for the angles.
        found: The alignment of some of them.

    Returns:
        The figures; centimetres and degrees. Levels are from the bodies' rest, regions, shares and
        couplings from the mean person's standing curve, as the literature has them.
    """
    angles = labels["spine_deg"].astype(np.float64)
    bends = angles - standing_curve()
    return {
        "residuals": residuals(found.residual_m, found.family),
        "residuals_common_markers": residuals(found.common_m, found.family),
        "carriers": found.carriers,
        "lumbar_fit": {
            axis: {
                "on_lumbar": line(found.lumbar_deg[:, column], found.fitted_deg[:, column]),
                "on_trunk": line(found.trunk_deg[:, column], found.fitted_deg[:, column]),
            }
            for column, axis in enumerate(AXES)
        },
        "joints_cm": _joints(found.joints_m),
        "images_with_angles": len(angles),
        "levels": levels(angles),
        "regions": regions(bends),
        "sharing": sharing(bends),
        "couplings": couplings(bends),
        "posture": posture(model, _standing(labels)),
    }


def write_report(path: Path, figures: Figures) -> None:
    """Write figures as JSON under a temporary name and rename it.

    Args:
        path: File to write; its folder is made.
        figures: The figures.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.{os.getpid()}.part")
    partial.write_text(json.dumps(figures, indent=1) + "\n", "utf-8")
    partial.replace(path)


def lines_of(figures: Figures) -> Iterator[str]:
    """Say the main figures.

    Args:
        figures: What `report` gives.

    Yields:
        Lines for the person at the terminal.
    """
    for kind in ("residuals", "residuals_common_markers"):
        left = figures[kind]
        yield (
            f"{kind}, {left['poses']} poses: {left['spine_rmse_cm']} cm over the spine's points, "
            f"{left['all_rmse_cm']} cm over all; spine points over 10 cm: "
            f"{left['rejected']['points']} ({left['rejected']['points_percent']} %)"
        )
    for axis, found in figures["lumbar_fit"].items():
        lumbar, trunk = found["on_lumbar"], found["on_trunk"]
        yield (
            f"fitted lumbar {axis}: r {lumbar['r']}, slope {lumbar['slope']} on the generator's "
            f"lumbar joints; r {trunk['r']}, slope {trunk['slope']} on its whole trunk"
        )
    for name, turn in figures["posture"].items():
        if name != "bodies":
            yield f"{name}: rest {turn['rest']}, standing {turn['standing']}, {turn['literature']}"
    for axis, joints in figures["levels"].items():
        wide = [joint for joint, level in joints.items() if level["too_wide"]]
        yield f"{axis} wider than the literature's bound: {', '.join(wide) or 'nowhere'}"


def _joints(joints_m: Floats) -> Figures:
    """Mean heights over the hips and places behind them, cm, and the turn between the ends."""
    result: Figures = {}
    for name, joints in zip(("model", "generator"), joints_m.mean(axis=0), strict=True):
        step = np.diff(joints, axis=0)
        lean = np.degrees(np.arctan2(-step[:, 1], step[:, 2]))
        result[name] = {
            "joints": JOINTS[LUMBAR],
            "up": np.round(100.0 * joints[:, 2], 1).tolist(),
            "behind": np.round(100.0 * joints[:, 1], 1).tolist(),
            "lordosis_of_chords_deg": round(float(lean[0] - lean[-1]), 1),
        }
    return result


def _standing(labels: Labels) -> dict[int, Floats]:
    rows = np.flatnonzero(labels["subject"] == "stand")
    bodies = np.unique(labels["body_id"][rows])[:STANDING]
    return {
        int(body): labels["spine_deg"][rows[labels["body_id"][rows] == body]].astype(np.float64)
        for body in bodies
    }
