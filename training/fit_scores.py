# SPDX-License-Identifier: GPL-3.0-or-later
"""Fits the weights by which scores of joints become probabilities, see inference/calibration.py."""

import argparse
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import expit

from ..inference.calibration import JOINTS, evidence
from ..inference.keypoints import INDEX
from ..inference.spine import SURE_WITHIN
from .judge_look import Looker
from .scored import Scored, ask, between

Floats = NDArray[np.float64]


def add_command(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add `fit-scores` to a parser.

    Args:
        commands: Its sub-parsers.
    """
    fit = commands.add_parser("fit-scores", help="weights of inference/calibration.py")
    fit.add_argument("--renders", type=Path, required=True, help="folder of rendered shards")


def run(options: argparse.Namespace, say: Callable[[str], None]) -> None:
    """Look at the pictures between training and test, and print the weights.

    Args:
        options: With `renders`.
        say: Receives the lines, as they stand in inference/calibration.py.

    Raises:
        TrainingError: There is no shard, or one is damaged.
    """
    scored = ask(Looker(), between(options.renders))
    say(f"{len(scored.score)} of {scored.looked} people are scored")
    for joint in JOINTS:
        own, beside, constant = fit(scored, joint)
        say(f'    "{joint}": ({own:.3f}, {beside:.3f}, {constant:.3f}),')


def fit(scored: Scored, joint: str) -> tuple[float, float, float]:
    """Fit a joint's weights by maximum likelihood; more of a score never counts for less.

    Args:
        scored: People to fit to.
        joint: One of JOINTS.

    Returns:
        Weights of the log odds of visibility and of the spine's point beside it, and a constant.
    """
    error = scored.error[:, [INDEX[name] for name in JOINTS[joint]]]
    known = np.isfinite(error)
    told, right = evidence(scored.score, joint)[known], error[known] <= SURE_WITHIN

    def cost(weights: Floats) -> tuple[float, Floats]:
        odds = told @ weights
        slope = told.T @ (expit(odds) - right) / len(right)
        return float(np.mean(np.logaddexp(0.0, np.where(right, -odds, odds)))), slope

    bounds = [(0.0, None), (0.0, None), (None, None)]
    own, beside, constant = minimize(cost, np.zeros(3), jac=True, bounds=bounds).x
    return float(own), float(beside), float(constant)
