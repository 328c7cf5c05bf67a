# SPDX-License-Identifier: GPL-3.0-or-later
"""Cuts in the middle of a clip: the whole body is elsewhere from one frame to the next."""

from typing import Final

import numpy as np
import numpy.typing as npt

from .motion import Motion3D
from .rotation import Floats

_LEAST_JUMP_M: Final = 0.25
"""Jump of the typical point, against the motion before and after, that nobody makes between two
frames of 30 a second: 22 g, where sprinters starting and gymnasts landing stay below 10 g."""

_TIMES_USUAL: Final = 8.0
"""The same against what is usual in the clip: noise is beyond 8 times its median, 5.4 deviations,
once in ten million frames, and the median of many points seldomer."""

_LEAST_POINTS: Final = 5
"""Points that tell where a body is: fewer may all be of one limb that was lost."""


def cut_rows(motion: Motion3D) -> npt.NDArray[np.intp]:
    """Find the frames that begin a new shot.

    At a cut most points jump, and go on from where they jumped to; the motion before does not lead
    there, nor does the motion after lead back. A single wrong frame comes back and is no cut.

    Args:
        motion: Raw key points.

    Returns:
        (C,) rows, in order.
    """
    time_s, xyz = motion.time_s, motion.xyz_m
    if len(time_s) < 4:
        return np.empty(0, dtype=np.intp)
    step = np.diff(time_s)[:, None, None]
    velocity = np.diff(xyz, axis=0) / step
    # The step from row i + 1 to i + 2, less what the steps before and after it lead to expect.
    size = np.diff(xyz, axis=0)[1:-1]
    misses = [_typical(size - v * step[1:-1]) for v in (velocity[:-2], velocity[2:])]
    miss = np.minimum(*misses)
    known = np.isfinite(miss)
    usual = float(np.median(miss[known])) if known.any() else 0.0
    cut = known & (miss > _LEAST_JUMP_M) & (miss > _TIMES_USUAL * usual)
    # After a spike the body is back where it was.
    back = _typical(xyz[3:] - xyz[1:-2]) < 0.5 * miss
    ahead = _typical(xyz[2:-1] - xyz[:-3]) < 0.5 * miss
    return np.flatnonzero(cut & ~back & ~ahead) + 2


def _typical(change: Floats) -> Floats:
    """Give the median length (T,) of changes (T, K, 3) of the points seen; NaN of too few."""
    length = np.linalg.norm(change, axis=-1)
    enough = np.isfinite(length).sum(axis=1) >= _LEAST_POINTS
    typical = np.full(len(length), np.nan)
    typical[enough] = np.nanmedian(length[enough], axis=1)
    return typical
