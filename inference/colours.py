# SPDX-License-Identifier: GPL-3.0-or-later
"""What a person wears, as far as it tells people apart: how the colours of the trunk are spread."""

from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from .pose2d import Body

ACROSS: Final = np.linspace(0.2, 0.8, 7)
DOWN: Final = np.linspace(0.05, 1.3, 15)
"""Where the trunk is sampled: between the sides, and from the shoulders to the thighs. The outer
fifths are left out, since background shows there."""

BINS: Final = 8
"""Bins for each of lightness, red-green and blue-yellow."""


def trunk_colours(frame: NDArray[np.uint8], body: Body) -> NDArray[np.float64]:
    """Describe what a person wears.

    Args:
        frame: (H, W, 3) RGB that shows the body.
        body: The body.

    Returns:
        (3 * BINS,) shares of lightness, red-green and blue-yellow, each third adding up to 1.
    """
    left_top, right_top, left_low, right_low = body.corners()
    left = left_top + DOWN[:, None] * (left_low - left_top)
    right = right_top + DOWN[:, None] * (right_low - right_top)
    points = left[:, None] + ACROSS[:, None] * (right - left)[:, None]
    height, width = frame.shape[:2]
    column, row = np.clip(points.reshape(-1, 2), 0, (width - 1, height - 1)).astype(int).T
    colours = cv2.cvtColor(frame[row, column][None], cv2.COLOR_RGB2LAB)[0].astype(float)
    # Clothes leave the middle of red-green and blue-yellow by a quarter of the range at most.
    colours[:, 1:] = (colours[:, 1:] - 128.0) * 2.0 + 128.0
    return _spread(np.clip(colours, 0.0, 255.0) / 256.0 * BINS)


def _spread(places: NDArray[np.float64]) -> NDArray[np.float64]:
    """Histograms (3 * BINS,) of places (N, 3) in 0..BINS, each shared by the two nearest bins."""
    low = np.floor(places - 0.5)
    upper = places - 0.5 - low
    counts = np.zeros((3, BINS))
    channel = np.broadcast_to(np.arange(3), places.shape)
    for bins, share in ((low, 1.0 - upper), (low + 1, upper)):
        np.add.at(counts, (channel, np.clip(bins, 0, BINS - 1).astype(int)), share)
    return (counts / len(places)).ravel()


def colour_distance(a: NDArray[np.float64], b: NDArray[np.float64]) -> float:
    """Compare what two people wear.

    Args:
        a: (3 * BINS,) colours of one.
        b: (3 * BINS,) of the other.

    Returns:
        Hellinger distance, 0 for the same spread to 1 for colours that have nothing in common.
    """
    alike = np.sqrt(a * b).sum() / 3.0
    return float(np.sqrt(max(1.0 - alike, 0.0)))
