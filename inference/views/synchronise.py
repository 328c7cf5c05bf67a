# SPDX-License-Identifier: GPL-3.0-or-later
"""Finds how far the clocks of calibrated cameras lie apart, from the motion that they all film.

Rays of two cameras to the same moving point pass each other at a steady distance when they are of
the same moment; at any other the distance changes with the point's velocity across their common
plane. The distance itself tells less: networks and calibrations are off by steady amounts.
"""

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d

from ..errors import CalibrationError
from ..swaps import unswapped
from ..take import Take
from .view import View

Floats = NDArray[np.float64]

MIN_SCORE: Final = 0.3
MAX_GAP_S: Final = 0.2
"""Pixels between two frames further apart are not interpolated."""

STEP_S: Final = 0.02
FINE_STEPS: Final = 10
"""Offsets are tried in steps of STEP_S over the whole reach, then finer about the best."""

MIN_SHARED: Final = 100
"""Spans of a point that both cameras see, over all points, below which nothing is told."""

SMOOTH_S: Final = 0.08
"""Deviation of the Gaussian that pixels are smoothed with first. Without it offsets halfway between
two frames win, where interpolation averages the noise of both; at 0.05 s they still do at 30 Hz."""

SPAN_S: Final = 0.5
"""Time over which the distance between two rays must not change. Over less the noise of single
frames counts, over more what networks see differently from each side as the person turns. Chosen
on the made person of the tests: offsets come back to 6 ms, to 50 ms over 0.15 s."""

MAX_SPANS: Final = 500
"""Longer clips are looked at in so many places."""

CLEAR: Final = 0.4
"""The best offset must make distances between rays change less than the middle of all offsets
tried, by this factor. In the four-camera clip of Pose2Sim, by hand: cameras reach .09 to .18, up to
.32 within half a second, and .45 and more where the clip of one is mirrored or runs backwards."""

ROUNDS: Final = 2
"""Rounds of moving each camera against all others, after they were added one by one."""


@dataclass(frozen=True, eq=False)
class Seen:
    """One camera's points over its own time.

    Attributes:
        time_s: (T,) seconds of that camera's clock, rising.
        xy_px: (T, K, 2) pixels of the upright footage, NaN where unseen.
        score: (T, K) 0..1, as the networks give it.
    """

    time_s: Floats
    xy_px: Floats
    score: Floats

    @classmethod
    def of(cls, take: Take) -> "Seen":
        """Read what a camera saw of its first person.

        Args:
            take: The camera's take.

        Returns:
            The points.

        Raises:
            TakeError: A chunk is damaged.
        """
        arrays = unswapped(take.read_chunks()[0])
        xy_px, score = (arrays[name][:, 0].astype(np.float64) for name in ("xy_px", "raw_score"))
        return cls(arrays["time_s"], xy_px, score)


@dataclass(frozen=True, eq=False)
class Clocks:
    """How the clocks of cameras lie to the first one's.

    Attributes:
        offset_s: (C,) what to add to the first camera's times to get each one's; the first is 0.
        clearness: (C,) how unsteady distances between rays are at these offsets, over how unsteady
            they are at the middle of all offsets tried; 1 for the first.
    """

    offset_s: Floats
    clearness: Floats


def sample(time_s: Floats, values: Floats, at_s: Floats) -> Floats:
    """Interpolate values at other times, never across a gap.

    Args:
        time_s: (T,) seconds, rising.
        values: (T, K, D), NaN where missing.
        at_s: (S,) seconds.

    Returns:
        (S, K, D), NaN outside the times, across gaps and beside missing values.
    """
    after = np.searchsorted(time_s, at_s).clip(1, len(time_s) - 1)
    apart = time_s[after] - time_s[after - 1]
    share = (at_s - time_s[after - 1]) / apart
    inside = (share >= -1e-9) & (share <= 1.0 + 1e-9) & (apart <= MAX_GAP_S)
    part = share[:, None, None]
    between = (1.0 - part) * values[after - 1] + part * values[after]
    return np.asarray(np.where(inside[:, None, None], between, np.nan))


def synchronise(views: Sequence[View], clips: Sequence[Seen], reach_s: float) -> Clocks:
    """Find the offsets between the clocks of cameras.

    Args:
        views: C cameras, lengths in one unit.
        clips: C what each saw of one person.
        reach_s: Largest offset looked for, seconds.

    Returns:
        The offsets.

    Raises:
        CalibrationError: A camera's motion does not fit that of the others at any offset; where it
            would with two clips swapped, these are named.
    """
    try:
        return _synchronised(views, clips, reach_s)
    except CalibrationError as error:
        pair = _swapped(views, clips, reach_s)
        if pair is None:
            raise
        raise CalibrationError(
            f"Cameras {pair[0]} and {pair[1]} are swapped: only with the clip of each given to the "
            "other do all cameras show one motion. Swap clips"
        ) from error


def _swapped(
    views: Sequence[View], clips: Sequence[Seen], reach_s: float
) -> tuple[str, str] | None:
    """Names of two cameras with whose clips swapped all fit together."""
    for a, b in combinations(range(len(views)), 2):
        order = list(range(len(views)))
        order[a], order[b] = b, a
        with contextlib.suppress(CalibrationError):
            _synchronised(views, [clips[index] for index in order], reach_s)
            return views[a].name, views[b].name
    return None


def _synchronised(views: Sequence[View], clips: Sequence[Seen], reach_s: float) -> Clocks:
    seen = [_Sight.of(view, clip) for view, clip in zip(views, clips, strict=True)]
    offset_s, clearness = np.zeros(len(views)), np.ones(len(views))
    lags = np.arange(-reach_s, reach_s + STEP_S / 2, STEP_S)
    for camera in range(1, len(views)):
        pairs = [_unsteady(seen[camera], seen[it], lags - offset_s[it]) for it in range(camera)]
        changed = _mean_known(np.stack(pairs))
        _require_motion(views[camera].name, changed)
        offset_s[camera] = lags[np.nanargmin(changed)]
        clearness[camera] = np.nanmin(changed) / np.nanmedian(changed)
    fine = np.arange(-FINE_STEPS, FINE_STEPS + 1) * STEP_S / FINE_STEPS
    for camera in (*range(1, len(views)),) * ROUNDS:
        near = offset_s[camera] + fine
        others = [it for it in range(len(views)) if it != camera]
        pairs = [_unsteady(seen[camera], seen[it], near - offset_s[it]) for it in others]
        offset_s[camera] = near[np.nanargmin(_mean_known(np.stack(pairs)))]
    return Clocks(offset_s, clearness)


@dataclass(frozen=True, eq=False)
class _Sight:
    """Smoothed rays (T, K, 3) of a camera, its place, and which frames are looked at."""

    time_s: Floats
    rays: Floats
    place: Floats
    spans: NDArray[np.intp]

    @classmethod
    def of(cls, view: View, clip: Seen) -> "_Sight":
        interval_s = float(np.median(np.diff(clip.time_s)))
        sure = (clip.score >= MIN_SCORE)[..., None] & np.isfinite(clip.xy_px)
        frames = SMOOTH_S / interval_s
        weight = gaussian_filter1d(sure.astype(float), frames, axis=0, mode="constant")
        total = gaussian_filter1d(np.where(sure, clip.xy_px, 0.0), frames, axis=0, mode="constant")
        smooth = np.where(sure, total / np.maximum(weight, 1e-9), np.nan)
        spans = _spans(len(clip.time_s), max(1, round(SPAN_S / interval_s)))
        return cls(clip.time_s, view.rays(smooth), view.place, spans)


def _spans(frames: int, apart: int) -> NDArray[np.intp]:
    """Frames at both ends (2 N,) of spans all over a clip: the begins, then the ends."""
    count = max(frames - apart, 0)
    begins = np.unique(np.linspace(0, count - 1, min(count, MAX_SPANS)).astype(np.intp))
    return np.concatenate([begins, begins + apart])


def _unsteady(one: _Sight, other: _Sight, lags: Floats) -> Floats:
    """Mean change (L,), over spans, of the distance between two cameras' lines to each point."""
    moments, there = other.time_s[other.spans], other.rays[other.spans]
    changed = np.full(len(lags), np.nan)
    for row, lag in enumerate(lags):
        normal = np.cross(there, sample(one.time_s, one.rays, moments + lag))
        normal /= np.maximum(np.linalg.norm(normal, axis=2, keepdims=True), 1e-9)
        begins, ends = np.split(normal @ (one.place - other.place), 2)
        change = np.abs(ends - begins)
        known = np.isfinite(change)
        if known.sum() >= MIN_SHARED:
            changed[row] = np.mean(change[known])
    return changed


def _mean_known(pairs: Floats) -> Floats:
    """Mean (L,) over cameras (P, L); NaN where none shows enough of the same."""
    known = np.isfinite(pairs)
    count = known.sum(axis=0)
    total = np.where(known, pairs, 0.0).sum(axis=0)
    return np.asarray(np.where(count > 0, total / np.maximum(count, 1), np.nan))


def _require_motion(name: str, missed: Floats) -> None:
    if not np.isfinite(missed).any():
        raise CalibrationError(
            f"Camera {name} and the others never see the person at the same time, whatever the "
            "offset, and for half a second: check that the clips are of one recording"
        )
    clear = np.nanmin(missed) / np.nanmedian(missed)
    if clear > CLEAR:
        raise CalibrationError(
            f"Camera {name} cannot be synchronised by motion (at its best offset distances between "
            f"rays change by {100 * clear:.0f} % of what they do at others, {100 * CLEAR:.0f} % is "
            "the most): the person must move, and clip and calibration must belong together; or "
            "give the offsets"
        )
