# SPDX-License-Identifier: GPL-3.0-or-later
"""Finds how far the clocks of calibrated cameras lie apart, from the motion that they all film.

Rays of two cameras to the same moving point pass closest to each other when they are of the same
moment; at any other they miss by as much as the point has moved across their common plane.
"""

from collections.abc import Sequence
from dataclasses import dataclass
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
"""Sights of a point by both cameras, over all points and moments, below which nothing is told."""

SMOOTH_S: Final = 0.05
"""Deviation of the Gaussian that pixels are smoothed with first. Without it offsets halfway between
two frames win, where interpolation averages the noise of both."""

CLEAR: Final = 0.5
"""The best offset must bring rays this much closer than the middle of all offsets tried. In the
four-camera clip of Pose2Sim, by hand: cameras reach .22 to .29, and .74 and more where the clip of
one is mirrored or runs backwards."""

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
        clearness: (C,) how close rays come at these offsets over how close they come at the middle
            of all offsets tried; 1 for the first.
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
        CalibrationError: A camera's motion does not fit that of the others at any offset.
    """
    rays = [_rays(view, clip) for view, clip in zip(views, clips, strict=True)]
    times = [clip.time_s for clip in clips]
    places = [view.place for view in views]
    offset_s, clearness = np.zeros(len(views)), np.ones(len(views))

    def apart(camera: int, others: Sequence[int], lag: float) -> float:
        pairs = []
        for other in others:
            moments = times[other] + lag - offset_s[other]
            there = sample(times[camera], rays[camera], moments)
            pairs.append(_apart(rays[other], there, places[camera] - places[other]))
        return float(np.mean(pairs))

    lags = np.arange(-reach_s, reach_s + STEP_S / 2, STEP_S)
    for camera in range(1, len(views)):
        missed = np.array([apart(camera, range(camera), lag) for lag in lags])
        _require_motion(views[camera].name, missed)
        offset_s[camera] = lags[np.nanargmin(missed)]
        clearness[camera] = np.nanmin(missed) / np.nanmedian(missed)
    fine = np.arange(-FINE_STEPS, FINE_STEPS + 1) * STEP_S / FINE_STEPS
    for camera in (*range(1, len(views)),) * ROUNDS:
        others = [other for other in range(len(views)) if other != camera]
        near = offset_s[camera] + fine
        offset_s[camera] = near[np.nanargmin([apart(camera, others, lag) for lag in near])]
    return Clocks(offset_s, clearness)


def _rays(view: View, clip: Seen) -> Floats:
    sure = (clip.score >= MIN_SCORE)[..., None] & np.isfinite(clip.xy_px)
    frames = SMOOTH_S / float(np.median(np.diff(clip.time_s)))
    weight = gaussian_filter1d(sure.astype(float), frames, axis=0, mode="constant")
    total = gaussian_filter1d(np.where(sure, clip.xy_px, 0.0), frames, axis=0, mode="constant")
    return view.rays(np.where(sure, total / np.maximum(weight, 1e-9), np.nan))


def _apart(rays: Floats, others: Floats, base: Floats) -> float:
    """Median distance between the lines of two cameras to each point."""
    normal = np.cross(rays, others)
    normal /= np.maximum(np.linalg.norm(normal, axis=2, keepdims=True), 1e-9)
    apart = np.abs(normal @ base)
    known = np.isfinite(apart)
    return float(np.median(apart[known])) if known.sum() >= MIN_SHARED else np.nan


def _require_motion(name: str, missed: Floats) -> None:
    if not np.isfinite(missed).any():
        raise CalibrationError(
            f"Camera {name} and the others never see the person at the same time, whatever the "
            "offset: check that the clips are of one recording"
        )
    clear = np.nanmin(missed) / np.nanmedian(missed)
    if clear > CLEAR:
        raise CalibrationError(
            f"Camera {name} cannot be synchronised by motion (at its best offset rays miss by "
            f"{100 * clear:.0f} % of what they do at others, {100 * CLEAR:.0f} % is the most): the "
            "person must move, and clip and calibration must belong together; or give the offsets"
        )
