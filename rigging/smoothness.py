# SPDX-License-Identifier: GPL-3.0-or-later
"""What smoothing did: jitter before and after, and how much of the movement is left."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

import numpy as np
from scipy.ndimage import label

from .motion import Motion3D
from .rotation import Floats

REGIONS: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "trunk": ("hip", "spine_01", "spine_02", "spine_03", "spine_04", "spine_05", "neck"),
        "head": ("head", "nose", "neck_03"),
        "arms": ("left_elbow", "right_elbow", "left_wrist", "right_wrist"),
        "legs": ("left_knee", "right_knee", "left_ankle", "right_ankle"),
    }
)
"""Key points by which each region is judged."""

MOVEMENT_HZ: Final = 3.0
"""Frequency up to which movement is to be kept."""

_LEAST_FRAMES: Final = 16


@dataclass(frozen=True)
class Effect:
    """What smoothing did to a region.

    Attributes:
        jitter_before: Root mean square of third differences, metres a frame cubed.
        jitter_after: The same afterwards.
        amplitude_kept: Share of the movement up to 3 Hz that is left; NaN where there is none.
    """

    jitter_before: float
    jitter_after: float
    amplitude_kept: float


def effects(before: Motion3D, after: Motion3D) -> dict[str, Effect]:
    """Compare a motion with its smoothed self.

    Args:
        before: Raw key points.
        after: The same frames and points, smoothed.

    Returns:
        The effect by region, of the points both have.
    """
    found = {}
    for region, points in REGIONS.items():
        raw, smooth = (np.stack([m.point(p) for p in points], axis=1) for m in (before, after))
        found[region] = Effect(
            jitter(raw), jitter(smooth), amplitude_kept(before.time_s, raw, smooth)
        )
    return found


def jitter(tracks: Floats) -> float:
    """Give the root mean square of the third differences of tracks (T, ...); NaN without any."""
    third = np.diff(tracks, 3, axis=0)
    seen = third[np.isfinite(third)]
    return float(np.sqrt(np.mean(seen**2))) if len(seen) else float("nan")


def amplitude_kept(time_s: Floats, before: Floats, after: Floats) -> float:
    """Give how much of a movement is left: the part of the result that follows the original.

    Args:
        time_s: (T,) seconds.
        before: (T, ...) original.
        after: (T, ...) result.

    Returns:
        Regression of the result on the original up to `MOVEMENT_HZ`, the steady part left out;
        in the longest stretch in which all tracks are seen; NaN where that shows no movement.
    """
    flat_before, flat_after = before.reshape(len(before), -1), after.reshape(len(after), -1)
    runs, count = label(np.isfinite(flat_before + flat_after).all(axis=1))
    longest = np.flatnonzero(runs == 1 + np.argmax(np.bincount(runs, minlength=count + 2)[1:]))
    if len(longest) < _LEAST_FRAMES:
        return float("nan")
    time_s, flat_before, flat_after = time_s[longest], flat_before[longest], flat_after[longest]
    even = np.linspace(time_s[0], time_s[-1], len(time_s))
    spectra = []
    for tracks in (flat_before, flat_after):
        sampled = np.stack([np.interp(even, time_s, c) for c in tracks.T], axis=-1)
        line = np.linspace(sampled[0], sampled[-1], len(sampled))
        spectra.append(np.fft.rfft((sampled - line) * np.hanning(len(even))[:, None], axis=0))
    frequency = np.fft.rfftfreq(len(even), even[1] - even[0])
    low = (frequency > 0.2) & (frequency <= MOVEMENT_HZ)
    power = np.sum(np.abs(spectra[0][low]) ** 2)
    if power == 0.0:
        return float("nan")
    return float(np.sum((spectra[1][low] * np.conj(spectra[0][low])).real) / power)
