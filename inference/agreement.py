# SPDX-License-Identifier: GPL-3.0-or-later
"""Holds the answers of a provider against the CPU's: some give wrong ones without a word.

OpenVINO 1.24 with the device AUTO:CPU moved landmarks by 770 px as soon as a batch had two crops,
and with AUTO it left all of the network to the CPU.
"""

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

MOST_APART: Final = 0.05
"""Share of the largest number of an output that an answer may differ by: half precision keeps three
digits a step, and the networks have some hundred steps."""

Answers = Sequence[NDArray[np.floating[Any]]]


def disagreement(found: Answers, expected: Answers) -> str:
    """Say what is wrong with answers.

    Args:
        found: Outputs of a provider, each with leading axis N.
        expected: The CPU's, of the same shapes.

    Returns:
        What is wrong; empty where nothing is. Order within a row does not count: detectors sort
        their boxes by score, which the last digit may decide.
    """
    if not all(np.isfinite(one).all() for one in found):
        return "its first answers are not finite numbers"
    if [one.shape for one in found] != [one.shape for one in expected]:
        return "its first answers have another shape than the CPU's"
    if all(np.array_equal(*pair) for pair in zip(found, expected, strict=True)):
        return "it runs nothing of this network: its answers are the CPU's to the bit"
    for mine, its in zip(expected, found, strict=True):
        rows = (np.sort(one.reshape(len(one), -1), axis=1) for one in (mine, its))
        apart = float(np.max(np.abs(np.subtract(*rows)), initial=0.0))
        most = float(np.max(np.abs(mine), initial=0.0))
        if apart > MOST_APART * most:
            return (
                f"its first answers differ from the CPU's by {apart:.3g}, in numbers to {most:.3g}"
            )
    return ""
