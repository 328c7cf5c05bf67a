# SPDX-License-Identifier: GPL-3.0-or-later
"""Samples of a track that jump away and come back, as nothing that is alive does."""

from typing import Final

import numpy as np
import numpy.typing as npt
from scipy.ndimage import median_filter

from .rotation import Bools, Floats

FLOOR_M: Final = 0.015
"""Jump that is never an outlier: twice the error of a sample from frame to frame that
`benchmarks/filters.py` draws, so that still clips without noise keep all their samples."""

HARDEST_M_S2: Final = 300.0
"""Acceleration above which nothing is muscles. Movements of least jerk (Flash and Hogan, 1985) over
a way d in a time t peak at 5.8 d / t^2: a kick of 1.4 m in a quarter of a second at 129, a punch of
0.6 m in 0.15 s, as fast as boxers', at 154. Twice that.

From rest to rest within a time t it takes a part less than a quarter of it times t squared: 8 cm
between two frames of 30 a second, 75 cm of 10, 1 mm of 240.
"""

_TIMES_USUAL: Final = 6.0
_WINDOW: Final = 31
"""A jump is more than so many times the median miss of so many steps about it: 4 deviations of
normal noise, over a second of 30 frames."""

_LONGEST_S: Final = 0.25
"""Longest excursion, from the last good sample to the next: what `filters.MAX_GAP_S` bridges."""

_LONGEST_END: Final = 3
"""Most samples at an end of a track that may be off: nothing shows that they come back. Of four, a
velocity and its change can be told."""

_RETURN: Final = 0.5
"""Share of the jump within which the track must go on where it was left: nearer there than to where
it had jumped."""


def outliers(time_s: Floats, y: Floats, per_metre: float = 1.0) -> Bools:
    """Mark samples that a jump leads to and a jump leads away from.

    A step is a jump when neither the velocity before nor that after leads to expect it, by more
    than the floor, what usually is unexpected in the track, and what muscles can do in the time.
    What lies between two jumps is off when the track goes on as if it had not been.

    Args:
        time_s: (N,) strictly increasing seconds.
        y: (N, D) the track, metres or pixels.
        per_metre: Its units in a metre.

    Returns:
        (N,) which samples are off.
    """
    off = np.zeros(len(y), dtype=bool)
    if len(y) < 5:
        return off
    missed = _missed(time_s, y)
    usual = median_filter(missed, size=min(_WINDOW, len(missed)), mode="reflect")
    muscles = 0.25 * HARDEST_M_S2 * np.diff(time_s) ** 2
    # Near the ends a track need not return, so what speeds up through several frames must pass: its
    # steps miss by its acceleration times t squared, half of the hardest.
    muscles[:_LONGEST_END] *= 2.0
    muscles[-_LONGEST_END:] *= 2.0
    jumps = missed > per_metre * (FLOOR_M + muscles) + _TIMES_USUAL * usual
    at = np.flatnonzero(jumps)
    for entry, leave in _pairs(time_s, at):
        whole = not off[entry : leave + 2].any()
        away = min(missed[entry], missed[leave])
        if whole and _apart(time_s, y, entry, leave + 1) < _RETURN * away:
            off[entry + 1 : leave + 1] = True
    return _with_ends(off, at)


def _pairs(time_s: Floats, jumps: npt.NDArray[np.intp]) -> list[tuple[int, int]]:
    """Give the pairs of jumps between which an excursion may lie, the shortest first."""
    pairs = []
    for first, entry in enumerate(jumps):
        for leave in jumps[first + 1 :]:
            lasted_s = time_s[leave + 1] - time_s[entry]
            if lasted_s > _LONGEST_S:
                break
            pairs.append((lasted_s, int(entry), int(leave)))
    return [(entry, leave) for _, entry, leave in sorted(pairs)]


def _missed(time_s: Floats, y: Floats) -> Floats:
    """Give how far each step (N - 1,) is from what the steps before and after it tell."""
    step = np.diff(y, axis=0)
    pace = np.diff(time_s)[:, None]
    velocity = step / pace
    before = np.linalg.norm(step[1:] - velocity[:-1] * pace[1:], axis=-1)
    after = np.linalg.norm(step[:-1] - velocity[1:] * pace[:-1], axis=-1)
    return np.minimum(np.append(np.inf, before), np.append(after, np.inf))


def _apart(time_s: Floats, y: Floats, last: int, first: int) -> float:
    """Give how far the track from `first` on lies from where it led until `last`."""
    between = time_s[first] - time_s[last]
    onward = y[first] - y[last]
    ways = [onward]
    if last > 0:
        velocity = (y[last] - y[last - 1]) / (time_s[last] - time_s[last - 1])
        ways.append(onward - between * velocity)
    if first < len(y) - 1:
        velocity = (y[first + 1] - y[first]) / (time_s[first + 1] - time_s[first])
        ways.append(onward - between * velocity)
    return min(float(np.linalg.norm(way)) for way in ways)


def _with_ends(off: Bools, jumps: npt.NDArray[np.intp]) -> Bools:
    """Mark the few samples before the first jump and after the last one that leads nowhere."""
    free = jumps[~off[jumps] & ~off[jumps + 1]]
    for jump in free:
        if jump < _LONGEST_END:
            off[: jump + 1] = True
        elif jump >= len(off) - 1 - _LONGEST_END:
            off[jump + 1 :] = True
    return off
