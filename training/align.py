# SPDX-License-Identifier: GPL-3.0-or-later
"""Puts the generator's poses through OpenSim: a model for each body, and what is left over."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..inference.keypoints import INDEX, SPINE
from .align_poses import BodyPoses, rest_points, rotation_chain
from .anatomy import LUMBAR, STATURE_M, Floats
from .bodies import BodyModel
from .opensim_fit import Placement, common_markers, fit, place_markers
from .opensim_model import fetch_skeleton
from .posing import Figure, make_figure
from .trunk_draw import TRUNK


@dataclass(frozen=True)
class Alignment:
    """Poses of all bodies as OpenSim's model makes them, beside the generator's own.

    Attributes:
        residual_m: (M, 37) distance of each marker from its key point, each body with markers of
            its own: what is left over is motion only.
        common_m: (M, 37) the same with one set of markers for all bodies, as the paper has it: the
            difference between bodies and model at rest is in it.
        family: (M,) families of the poses.
        fitted_deg: (M, 3) thorax against sacrum in the model: flexion, lateral, axial.
        lumbar_deg: (M, 3) the generator's six lumbar joints together, from rest.
        trunk_deg: (M, 3) the generator's eighteen joints up to C7.
        joints_m: (B, 2, 6, 3) lumbar joints at rest, of the model and of the generator, from the
            middle of the hips for a stature of 1.75 m, metres, z up, facing -y.
        carriers: For each point of the spine, the model's piece that carries it in most bodies.
    """

    residual_m: Floats
    common_m: Floats
    family: NDArray[np.str_]
    fitted_deg: Floats
    lumbar_deg: Floats
    trunk_deg: Floats
    joints_m: Floats
    carriers: dict[str, str]


def align(model: BodyModel, chosen: list[BodyPoses], say: Callable[[str], None]) -> Alignment:
    """Fit OpenSim's model to poses of bodies.

    Args:
        model: The body model and bank.
        chosen: Poses by body.
        say: Receives lines of progress.

    Returns:
        The alignment.

    Raises:
        TrainingError: If the OpenSim model cannot be had.
    """
    skeleton = fetch_skeleton()
    figures = [make_figure(model, part.body_id) for part in chosen]
    rests = [rest_points(figure) for figure in figures]
    placements = [place_markers(skeleton, rest) for rest in rests]
    common = common_markers(placements)
    own_fits, common_fits = [], []
    for number, (part, rest, placed) in enumerate(zip(chosen, rests, placements, strict=True), 1):
        own_fits.append(fit(skeleton, rest, placed.markers, part.points))
        common_fits.append(fit(skeleton, rest, common, part.points))
        if number % 10 == 0:
            say(f"{number} of {len(chosen)} bodies")
    angles = np.concatenate([part.spine_deg for part in chosen])
    return Alignment(
        np.concatenate([found.residual_m for found in own_fits]),
        np.concatenate([found.residual_m for found in common_fits]),
        np.concatenate([part.family for part in chosen]),
        np.concatenate([found.lumbar_deg for found in own_fits]),
        rotation_chain(angles[:, LUMBAR]),
        rotation_chain(angles[:, TRUNK]),
        np.array([_joints(pair[0], pair[1]) for pair in zip(figures, placements, strict=True)]),
        {name: common[name].segment for name in SPINE},
    )


def _joints(figure: Figure, placed: Placement) -> Floats:
    """Lumbar joints of the model and of the generator, (2, 6, 3), see `Alignment`."""
    hips = figure.carried[[INDEX["left_hip"], INDEX["right_hip"]]].mean(axis=0)
    pair = np.stack([placed.lumbar_m, figure.spine.joints[LUMBAR] - hips])
    return np.asarray(pair * STATURE_M / figure.body.stature_m)
