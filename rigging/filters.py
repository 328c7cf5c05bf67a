# SPDX-License-Identifier: GPL-3.0-or-later
"""Smoothing of key points over true time, without lag and never across gaps."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy.linalg import solveh_banded

from .errors import RigError
from .gaps import fill_values
from .motion import Motion3D
from .outliers import outliers
from .rotation import Bools, Floats

ROOT: Final = "root"

CUTOFF_HZ: Final[Mapping[str, float]] = MappingProxyType(
    {
        ROOT: 5.5,
        "head": 5.5,
        "nose": 5.5,
        **{
            f"{side}_{part}": cutoff
            for side in ("left", "right")
            for cutoff, parts in (
                (5.5, ("eye", "ear")),
                (6.0, ("elbow", "knee")),
                (7.0, ("wrist", "ankle", "heel", "big_toe", "small_toe")),
            )
            for part in parts
        },
    }
)
"""Frequency at which half the amplitude is left, by key point.

`ROOT` is the travel of the whole body and stands for every point that is not named: the trunk. At
5.5 Hz a movement of 3 Hz keeps 97.4 % of its amplitude, what is asked for; walking's fastest foot
movement lies under 6 Hz (Winter, Biomechanics and Motor Control of Human Movement), and hands and
feet get 1 Hz more, elbows and knees half of that. `benchmarks/filters.py` judges on clips that were
not looked at for this.
"""

REGIONS: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "trunk": (ROOT,),
        "head": ("head", "nose", "eye", "ear"),
        "arms": ("elbow", "wrist"),
        "legs": ("knee", "ankle", "heel", "toe"),
    }
)
"""Regions that are smoothed with a strength of their own, and how names of their points end."""

_TRAVEL_ERROR_M: Final = 0.004
"""Error of a sample of the body's travel up to which its cutoff stays as given.

In the monocular take of a walker 7 m away, samples are 5 mm off vertically, 15 to 19 mm along the
way walked and 51 to 59 mm along the view; steps bounce and sway by several times the first.
"""

MAX_GAP_S: Final = 0.25
"""Longest time unseen that is bridged: a hand that reaches (0.5 s and more) cannot go and come back
in it."""

_NEAREST_M: Final = 0.1
"""Depth below which no point is before a camera: as near as lenses focus on a person. Where a body
reaches behind the picture plane, it keeps pixels from being told in metres of a negative depth."""

_STIFFEST: Final = 1e10
"""What double precision solves, of a third difference against a sample: footage of more than 1700
frames a second is smoothed less than its cutoff says."""


def cutoffs_hz(strength: Mapping[str, float]) -> dict[str, float]:
    """Give cutoffs for `smooth` by how strongly regions are to be smoothed.

    Args:
        strength: By region of `REGIONS`, 1 as usual, 2 for half the frequency; regions left out
            have 1.

    Returns:
        Hz by key point and for `ROOT`.

    Raises:
        RigError: There is no such region, or a strength is not above 0 and at most 10.
    """
    wrong = {r: s for r, s in strength.items() if r not in REGIONS or not 0.0 < s <= 10.0}
    if wrong:
        raise RigError(
            f"Cannot smooth by {wrong}: regions are {', '.join(REGIONS)}, strengths above 0 up to "
            "10, 1 as usual."
        )
    chosen = dict(CUTOFF_HZ)
    for region, factor in strength.items():
        for name in CUTOFF_HZ:
            if name.endswith(REGIONS[region]):
                chosen[name] = CUTOFF_HZ[name] / factor
    return chosen


def smooth(motion: Motion3D, *, cutoff_hz: Mapping[str, float] = CUTOFF_HZ) -> Motion3D:
    """Smooth every key point, each region as strongly as its movement allows.

    A track is the curve x(t) that makes the sum of w (y - x)^2 dt plus the integral of (x''')^2 /
    (2 pi f)^6 least: in the long run a filter with amplitude 1 / (1 + (frequency / f)^6) and no
    phase, whatever the times of the samples. The body's travel (mid-hip) and the points relative to
    it are smoothed apart, because errors in a person's distance from the camera move all points
    together; f of the travel falls with the cube root of its error, direction by direction, which
    is best for a path with random jerks. Weights follow the scores within a track; `outliers`
    have no weight, and the curve's value replaces them. Pixels are smoothed like points, with
    outliers of their own. A point unseen for longer than `MAX_GAP_S` is smoothed on either side on
    its own.

    Args:
        motion: Raw key points.
        cutoff_hz: f by key point and for `ROOT`; points that are not named are treated like the
            root.

    Returns:
        The same frames, names and scores; missing points stay missing.

    Source:
        Smoothing by penalised third derivatives: Woltring, Adv. Eng. Softw. 1986;8:104. Divided
        differences of a discrete curve: Eilers, Anal. Chem. 2003;75:3631.
    """
    time_s = motion.time_s
    seen = motion.score > 0.0
    weight = _weights(motion, motion.xyz_m, seen)
    travel, smooth_travel = _travel(motion, weight, cutoff_hz[ROOT])
    xyz = np.full_like(motion.xyz_m, np.nan)
    for k, name in enumerate(motion.names):
        f = cutoff_hz.get(name, cutoff_hz[ROOT])
        for rows in _runs(time_s, seen[:, k]):
            relative = motion.xyz_m[rows, k] - travel[rows]
            xyz[rows, k] = smooth_travel[rows] + _fit(time_s[rows], relative, weight[rows, k], f)
    return replace(motion, xyz_m=xyz, xy_px=_smooth_pixels(motion, cutoff_hz))


def _smooth_pixels(motion: Motion3D, cutoff_hz: Mapping[str, float]) -> Floats | None:
    """Smooth where a camera sees points (T, K, 2) as strongly as where they are."""
    if motion.xy_px is None or motion.camera is None:
        return motion.xy_px
    seen = np.isfinite(motion.xy_px).all(axis=-1) & (motion.score > 0.0)
    if not seen.any():
        return motion.xy_px
    depth_m = motion.camera.seen_from(motion.xyz_m)[..., 2]
    px_per_m = motion.camera.focal_px / np.nanmedian(np.maximum(depth_m, _NEAREST_M))
    weight = _weights(motion, motion.xy_px, seen, px_per_m)
    xy_px = motion.xy_px.copy()
    for k, name in enumerate(motion.names):
        f = cutoff_hz.get(name, cutoff_hz[ROOT])
        for rows in _runs(motion.time_s, seen[:, k]):
            xy_px[rows, k] = _fit(motion.time_s[rows], xy_px[rows, k], weight[rows, k], f)
    return xy_px


def _weights(motion: Motion3D, tracks: Floats, seen: Bools, per_metre: float = 1.0) -> Floats:
    """Weigh samples (T, K) by score, relative to the track's median; outliers weigh nothing."""
    weight = np.zeros(motion.score.shape)
    for k in np.flatnonzero(seen.any(axis=0)):
        score = motion.score[:, k]
        weight[:, k] = np.minimum(score / np.median(score[seen[:, k]]), 2.0) ** 2
        for rows in _runs(motion.time_s, seen[:, k]):
            off = outliers(motion.time_s[rows], tracks[rows, k], per_metre)
            weight[rows[off], k] = 0.0
    return weight


def _travel(motion: Motion3D, weight: Floats, cutoff_hz: float) -> tuple[Floats, Floats]:
    """Give the path of mid-hip before and after smoothing, (T, 3) each, bridged where not seen."""
    hips = [motion.names.index(n) for n in ("left_hip", "right_hip") if n in motion.names]
    seen = (weight[:, hips] > 0.0).all(axis=1) & (len(hips) == 2)
    raw = np.zeros((len(motion.time_s), 3))
    if not seen.any():
        return raw, raw
    raw[seen] = motion.xyz_m[np.ix_(seen, hips)].mean(axis=1)
    runs = list(_runs(motion.time_s, seen))
    axes, errors_m = _error_axes([(motion.time_s[rows], raw[rows]) for rows in runs])
    fitted = raw.copy()
    for rows in runs:
        trust = weight[rows][:, hips].mean(axis=1)
        along = raw[rows] @ axes
        for a, error_m in enumerate(errors_m):
            f = cutoff_hz * min(1.0, (_TRAVEL_ERROR_M / max(error_m, 1e-9)) ** (1.0 / 3.0))
            along[:, a : a + 1] = _fit(motion.time_s[rows], along[:, a : a + 1], trust, f)
        fitted[rows] = along @ axes.T
    return fill_values(motion.time_s, raw, seen), fill_values(motion.time_s, fitted, seen)


def _error_axes(runs: list[tuple[Floats, Floats]]) -> tuple[Floats, Floats]:
    """Find the directions in which a path is most and least certain.

    Args:
        runs: Times (N,) and positions (N, 3) of each stretch.

    Returns:
        (3, 3) unit vectors as columns and (3,) standard deviation of a sample along each, metres.
    """
    rough = [np.empty((0, 3))]
    for time_s, y in runs:
        if len(y) >= 4:
            third = _third_derivative(time_s)
            change = np.sum(third[..., None] * _windows(y), axis=0)
            rough.append(change / np.linalg.norm(third, axis=0)[:, None])
    sample = np.concatenate(rough)
    size = np.linalg.norm(sample, axis=-1)
    usual = sample[size <= 3.0 * np.median(size)] if len(size) else sample
    if len(usual) < 3:
        return np.eye(3), np.zeros(3)
    variances, axes = np.linalg.eigh(usual.T @ usual / len(usual))
    return axes, np.sqrt(np.maximum(variances, 0.0))


def _runs(time_s: Floats, seen: Bools) -> Iterator[npt.NDArray[np.intp]]:
    """Yield the rows of each stretch in which samples follow one another within `MAX_GAP_S`."""
    at = np.flatnonzero(seen)
    if len(at):
        yield from np.split(at, np.flatnonzero(np.diff(time_s[at]) > MAX_GAP_S) + 1)


def _windows(samples: Floats) -> Floats:
    """Give samples (N, ...) in fours: (4, N - 3, ...)."""
    return np.stack([samples[a : len(samples) - 3 + a] for a in range(4)])


def _third_derivative(t: Floats) -> Floats:
    """Give what to multiply samples at times (N,) with, in fours, for the third derivative."""
    corner = _windows(t)
    gaps = corner[:, None] - corner[None, :]
    gaps[np.arange(4), np.arange(4)] = 1.0
    return np.asarray(6.0 / gaps.prod(axis=1))


def _fit(time_s: Floats, y: Floats, weight: Floats, cutoff_hz: float) -> Floats:
    """Fit the smooth curve to one stretch (N, C); fewer than four weighted samples stay as is."""
    if np.count_nonzero(weight) < 4:
        return y
    # Time in units of the usual step keeps the numbers of the system near one.
    step = np.median(np.diff(time_s))
    t = time_s / step
    count = len(t)
    third = _third_derivative(t)
    stiffness = min((2.0 * np.pi * cutoff_hz * step) ** -6.0, _STIFFEST)
    penalty = stiffness * (t[3:] - t[:-3]) / 3.0
    fidelity = weight * np.gradient(t)
    bands = np.zeros((4, count))
    bands[0] = fidelity
    for a in range(4):
        for b in range(a, 4):
            bands[b - a, a : count - 3 + a] += penalty * third[a] * third[b]
    return np.asarray(solveh_banded(bands, fidelity[:, None] * y, lower=True))
