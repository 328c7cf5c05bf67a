# SPDX-License-Identifier: GPL-3.0-or-later
"""Bridging samples that were not seen between samples that were."""

import numpy as np

from .rotation import IDENTITY, Bools, Floats, slerp


def fill_values(time_s: Floats, values: Floats, seen: Bools) -> Floats:
    """Interpolate values where they were not seen; before the first and after the last they hold.

    Args:
        time_s: (T,) strictly increasing seconds.
        values: (T, N) numbers.
        seen: (T,) which rows count; at least one.

    Returns:
        (T, N) numbers; rows seen are as given.
    """
    filled = [np.interp(time_s, time_s[seen], column[seen]) for column in values.T]
    return np.stack(filled, axis=-1)


def fill_rotations(time_s: Floats, rotations: Floats, seen: Bools) -> Floats:
    """Interpolate rotations where not seen; they hold before the first and after the last.

    Args:
        time_s: (T,) strictly increasing seconds.
        rotations: (T, 4) unit quaternions.
        seen: (T,) which rows count; when none does, the result is no rotation at all.

    Returns:
        (T, 4) unit quaternions; rows seen are as given.
    """
    at = np.flatnonzero(seen)
    if len(at) == 0:
        return np.tile(IDENTITY, (len(time_s), 1))
    after = np.clip(np.searchsorted(at, np.arange(len(time_s))), 0, len(at) - 1)
    before = np.where(at[after] > np.arange(len(time_s)), np.maximum(after - 1, 0), after)
    start, end = at[before], at[after]
    span = np.where(end > start, time_s[end] - time_s[start], 1.0)
    fraction = np.clip((time_s - time_s[start]) / span, 0.0, 1.0)
    bridged = slerp(rotations[start], rotations[end], np.where(end > start, fraction, 0.0))
    return np.where(seen[:, None], rotations, bridged)
