# SPDX-License-Identifier: GPL-3.0-or-later
"""Fewer keys: those that straight lines between the others already say are left out."""

import numpy as np
import numpy.typing as npt

from .errors import RigError
from .rotation import Bools, Floats


def keys_to_keep(at: Floats, values: Floats, tolerance: float, fixed: Bools) -> Bools:
    """Choose the keys whose straight lines stay within a tolerance of all of them.

    The error is the Euclidean distance over the channels, so for quaternions a tolerance of
    sin(angle / 2) keeps every rotation within that angle. Between keys both curves are straight,
    so no moment is further off than the keys.

    Args:
        at: (T,) when the keys are, increasing.
        values: (T, C) channels that are keyed together.
        tolerance: Largest distance from a key that is left out to the line that replaces it.
        fixed: (T,) keys that stay whatever they hold; the first and the last always do.

    Returns:
        (T,) True for the keys to keep.

    Raises:
        RigError: The tolerance is negative or no number.

    Source:
        Douglas and Peucker, Cartographica 10(2), 1973, with the distance taken at equal times; all
        pieces of a level are split at once.
    """
    if not tolerance >= 0.0:
        raise RigError(f"A tolerance of {tolerance} for leaving out keys is not possible.")
    keep = np.asarray(fixed, dtype=bool).copy()
    keep[[0, -1]] = True
    ends = np.flatnonzero(keep)
    pieces = np.stack([ends[:-1], ends[1:]], axis=1)
    while len(pieces := pieces[pieces[:, 1] - pieces[:, 0] > 1]):
        worst, error = _furthest(at, values, pieces)
        split = error > tolerance
        middle = worst[split]
        keep[middle] = True
        low, high = pieces[split].T
        pieces = np.concatenate([np.stack([low, middle], 1), np.stack([middle, high], 1)])
    return keep


def _furthest(
    at: Floats, values: Floats, pieces: npt.NDArray[np.intp]
) -> tuple[npt.NDArray[np.intp], Floats]:
    """Find in each piece (low, high) the inner key furthest from the line, and how far it is."""
    inner = pieces[:, 1] - pieces[:, 0] - 1
    begins = np.concatenate([[0], np.cumsum(inner)[:-1]])
    piece = np.repeat(np.arange(len(pieces)), inner)
    rows = np.arange(inner.sum()) - begins[piece] + pieces[piece, 0] + 1
    low, high = pieces[piece].T
    share = ((at[rows] - at[low]) / (at[high] - at[low]))[:, None]
    line = values[low] + share * (values[high] - values[low])
    error = np.linalg.norm(values[rows] - line, axis=-1)
    largest = np.maximum.reduceat(error, begins)
    hits = np.flatnonzero(error == largest[piece])
    first = hits[np.unique(piece[hits], return_index=True)[1]]
    return rows[first], largest
