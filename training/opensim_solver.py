# SPDX-License-Identifier: GPL-3.0-or-later
"""Inverse kinematics of single poses with OpenSim: markers in, the state that meets them best out.

Poses are not frames of a motion, so each is solved from neutral; a limb that ends far from its
markers has run into a corner of its angles and is tried again from other starts.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import opensim

from ..inference.keypoints import INDEX, NAMES, SPINE
from .anatomy import Floats

_GIRDLE: Final = ("left_clavicle", "right_clavicle", "left_latissimus", "right_latissimus")
FACE: Final = ("nose", "left_eye", "right_eye", "left_ear", "right_ear")
_ROOTS: Final = ("left_hip", "right_hip", "left_shoulder", "right_shoulder")

WEIGHTS: Final = (
    dict.fromkeys(NAMES, 1.0)
    | dict.fromkeys(SPINE[1:], 0.5)
    | dict.fromkeys(_ROOTS, 2.0)
    | dict.fromkeys((*_GIRDLE, "head"), 0.3)
    | dict.fromkeys(FACE, 0.1)
)
"""How much each marker counts. Source: dfki-av/simspine, OpenSim_Setup/IK_Setup.xml; its pull of
the lumbar flexion to 0 is left out."""

ACCURACY: Final = 1e-5
"""As SIMSPINE's; a pose of the model itself is found again to a millimetre along the spine."""

FAR_M: Final = 0.05
"""A limb farther from its markers than this is tried again: one that fits ends within 1-3 cm."""

_LIMBS: Final = {
    ("arm_flex", "arm_add", "arm_rot", "elbow_flex"): (
        ("elbow", "wrist"),
        ((0.0, -1.2, 0.0, 0.5), (1.4, -0.8, 0.0, 0.5), (0.5, 0.8, 0.0, 0.5), (2.6, -1.0, 0.0, 0.5)),
    ),
    ("hip_flexion", "hip_adduction", "hip_rotation", "knee_angle"): (
        ("knee", "ankle"),
        ((0.5, -0.2, 0.0, 0.5), (1.8, -0.3, 0.0, 1.5), (1.2, -0.8, -0.5, 1.0)),
    ),
}
"""Coordinates of a limb; its markers; starts in radians: hanging, ahead, out or up; bent."""


@dataclass(frozen=True)
class Solution:
    """One pose as the model makes it.

    Attributes:
        state: OpenSim's state, valid until the next solution of the same model.
        placed: (37, 3) markers, metres in ground; NaN where the model has none.
    """

    state: Any
    placed: Floats


def solve(model: Any, targets: Floats) -> Iterator[Solution]:
    """Solve poses one after another.

    Args:
        model: A model with markers by the names of the key points; any may be missing.
        targets: (M, 37, 3) key points in OpenSim's axes, metres.

    Yields:
        A solution for each.
    """
    state = model.initSystem()
    neutral = opensim.Vector(state.getQ())
    solver = _solver(model, targets)
    for row, target in enumerate(targets):
        state.setTime(float(row))
        state.setQ(neutral)
        solver.assemble(state)
        for limb, markers, starts in _limbs():
            _retry(model, solver, state, target, (limb, markers, starts))
        yield Solution(state, placed_markers(model, state))


def placed_markers(model: Any, state: Any) -> Floats:
    """Where the markers are: (37, 3) metres in ground; NaN for those that the model lacks."""
    model.realizePosition(state)
    placed = np.full((len(NAMES), 3), np.nan)
    for marker in model.getMarkerSet():
        placed[INDEX[marker.getName()]] = marker.getLocationInGround(state).to_numpy()
    return placed


def _solver(model: Any, targets: Floats) -> Any:
    table = opensim.TimeSeriesTableVec3()
    table.setColumnLabels(NAMES)
    for row, target in enumerate(targets):
        places = opensim.RowVectorVec3([opensim.Vec3(*map(float, place)) for place in target])
        table.appendRow(float(row), places)
    weights = opensim.SetMarkerWeights()
    for name in NAMES:
        weights.cloneAndAppend(opensim.MarkerWeight(name, WEIGHTS[name]))
    wanted = opensim.MarkersReference(table, weights)
    solver = opensim.InverseKinematicsSolver(
        model, wanted, opensim.SimTKArrayCoordinateReference(), float("inf")
    )
    solver.setAccuracy(ACCURACY)
    return solver


def _limbs() -> Iterator[tuple[list[str], list[int], tuple[tuple[float, ...], ...]]]:
    for coordinates, (markers, starts) in _LIMBS.items():
        for side in ("left", "right"):
            names = [f"{name}_{side[0]}" for name in coordinates]
            yield names, [INDEX[f"{side}_{marker}"] for marker in markers], starts


def _retry(model: Any, solver: Any, state: Any, target: Floats, limb: tuple[Any, ...]) -> None:
    """Leave in the state the best of a limb's starts, if the present one ends far off."""
    names, rows, starts = limb

    def worst() -> float:
        return float(np.linalg.norm((placed_markers(model, state) - target)[rows], axis=1).max())

    least, best = worst(), opensim.Vector(state.getQ())
    for start in starts:
        if least < FAR_M:
            break
        for name, value in zip(names, start, strict=True):
            model.getCoordinateSet().get(name).setValue(state, value, False)
        solver.assemble(state)
        if worst() < least:
            least, best = worst(), opensim.Vector(state.getQ())
        state.setQ(best)
