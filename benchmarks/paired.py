# SPDX-License-Identifier: GPL-3.0-or-later
"""Compares two ways to do the same by turns, so that a slower moment of the machine hits both."""

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Pair:
    """Times of two ways.

    Attributes:
        ours_s: Seconds of each round, and
        theirs_s: of the same round the other way.
    """

    ours_s: list[float]
    theirs_s: list[float]

    @property
    def ratio(self) -> float:
        """How many times as long the other way takes: median over the rounds."""
        return float(np.median(np.divide(self.theirs_s, self.ours_s)))

    def told(self, frames: int, ours: str, theirs: str) -> str:
        """Say it in frames a second.

        Args:
            frames: Frames a round.
            ours: Name of the first way.
            theirs: Name of the other.

        Returns:
            A line.
        """
        fps = [frames / float(np.median(one)) for one in (self.ours_s, self.theirs_s)]
        spread = np.divide(self.theirs_s, self.ours_s)
        return (
            f"{ours} {fps[0]:.1f} frames/s, {theirs} {fps[1]:.1f} frames/s: "
            f"ratio {self.ratio:.2f} ({spread.min():.2f} to {spread.max():.2f})"
        )


def paired(ours: Callable[[], object], theirs: Callable[[], object], rounds: int) -> Pair:
    """Run two ways by turns, after one round that does not count.

    Args:
        ours: One way.
        theirs: The other.
        rounds: How often.

    Returns:
        The times.
    """
    times: tuple[list[float], list[float]] = ([], [])
    for _ in range(rounds + 1):
        for way, kept in zip((ours, theirs), times, strict=True):
            began = time.perf_counter()
            way()
            kept.append(time.perf_counter() - began)
    return Pair(times[0][1:], times[1][1:])
