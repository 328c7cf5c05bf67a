# SPDX-License-Identifier: GPL-3.0-or-later
"""Strikes a pose: draws one and puts it onto a body, arms out of the trunk."""

from dataclasses import replace

from numpy.random import Generator

from .anatomy import Floats
from .bodies import BodyModel
from .collisions import clear_arms
from .motions import Motion
from .poses import DrawnPose, draw_pose, with_curve
from .posing import Figure, Posed, put_on

TRIES = 6


def strike(
    figure: Figure, curve: Floats, model: BodyModel, motions: list[Motion], rng: Generator
) -> tuple[DrawnPose, Posed]:
    """Draw poses until one keeps the arms out of the trunk, or TRIES are over.

    Args:
        figure: The body.
        curve: (25, 3) the person's own standing curve, degrees.
        model: The body model.
        motions: Clips of motion capture.
        rng: Source of chance.

    Returns:
        The pose with the curve in it, and the body in that pose.
    """
    for _ in range(TRIES):
        drawn = draw_pose(motions, rng)
        pose, clear = clear_arms(figure, model, with_curve(drawn.pose, curve))
        if clear:
            break
    return replace(drawn, pose=pose), put_on(figure, model, pose)
