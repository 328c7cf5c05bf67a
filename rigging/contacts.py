# SPDX-License-Identifier: GPL-3.0-or-later
"""When feet, hands and seat rest on something."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

import numpy as np
from scipy.ndimage import label, minimum_filter1d

from .freedoms import Ints
from .lengths import BALL_SHARE, mid_hip, sole
from .motion import Motion3D
from .rotation import Bools, Floats
from .solve import Solved

FEET: Final = ("left_heel", "left_ball", "right_heel", "right_ball")
HANDS: Final = ("left_hand", "right_hand")
SEAT: Final = "seat"
"""What may rest."""


@dataclass(frozen=True)
class _Rest:
    """When a part counts as resting.

    Attributes:
        slow_m_s: Speed below which it may begin to rest; 1.6 times that ends it.
        low_m: Height above the ground below which it may begin to rest; half as much again ends it.
        shortest_s: Shortest time that counts.
    """

    slow_m_s: float
    low_m: float
    shortest_s: float


_RESTS: Final[Mapping[str, _Rest]] = MappingProxyType(
    {
        **dict.fromkeys(FEET, _Rest(0.25, 0.045, 0.1)),
        **dict.fromkeys(HANDS, _Rest(0.1, 0.12, 0.2)),
        SEAT: _Rest(0.06, 0.62, 0.5),
    }
)
"""Feet swing at 2 to 4 m/s and heels leave the ground at 0.5 m/s, twice the speed here; the point
at a heel lies 3 cm up in a shoe, and half of that again is for its error; sprinters' feet rest for
0.1 s (Weyand et al., J. Appl. Physiol. 2000;89:1991). Hands reach at 1 m/s, of which a tenth counts
as rest; a wrist lies up to 0.1 m above the palm. Seats are 0.4 to 0.5 m high and hip joints 0.08 m
above them: a share of the length of the legs."""

_ONE_CAMERA_M: Final = 0.03
_MEASURED_M: Final = 0.005
"""Usual error, from frame to frame, of points seen by one camera, and of points measured.

Deviations of lifted points are larger, but most of that is depth, and stays for a while.
"""

_SPEED_PER_ERROR: Final = 8.0
_HEIGHT_PER_ERROR: Final = 1.5
"""What the error of a point, metres, adds to its speed, m/s, and to its height.

In the monocular take of a walker 7 m away (one-by-one-person-detection.mp4), feet on the ground
seem to move at 0.1 to 0.7 m/s across the view and to rise by up to 0.09 m: what `_ONE_CAMERA_M`
allows by the looser thresholds.
"""

_ALONG_VIEW: Final = 0.2
"""How much of the speed along a camera's view counts: in that take the hips are 55 mm off along it
and 5 to 19 mm across."""

_SPEED_TIME_S: Final = 0.1
"""Time over which a speed is told: that of the shortest contact."""

_GROUND_TIME_S: Final = 1.5
"""Time over which the lowest foot shows where the ground is: who jumps 1 m high is 0.9 s in the
air."""

_FORGIVEN_S: Final = 0.07
"""Interruptions of contact that are taken for noise: a frame of 30 a second. Runners' feet are off
the ground for 0.3 s."""


def find_contacts(motion: Motion3D, solved: Solved) -> dict[str, Bools]:
    """Tell when feet, hands and seat rest.

    A part rests while it is slow and near the ground, by thresholds with hysteresis. The ground is
    where the lowest foot has been for some time, so it may lie anywhere and climb. Feet above the
    hips never rest.

    Args:
        motion: Smoothed key points, T frames.
        solved: The solution for the same frames.

    Returns:
        (T,) each for heels, balls of the feet, hands and seat.
    """
    tracks = _tracks(motion, solved)
    time_s = motion.time_s
    feet = np.stack([tracks[name][:, 2] for name in FEET])
    lowest = np.where(np.isfinite(feet), feet, np.inf).min(axis=0)
    wrists = np.stack([tracks[name][:, 2] for name in HANDS])
    # A person standing on the hands shows the ground by them; without feet nothing does.
    hands = np.where(np.isfinite(wrists), wrists, np.inf).min(axis=0)
    lowest = np.where(np.isfinite(lowest), np.minimum(lowest, hands), np.inf)
    ground = _running_least(time_s, lowest)
    root = solved.motion.root_m[:, 2]
    leg = sum(
        float(solved.skeleton.length_m[solved.skeleton.index(b)]) for b in ("thigh.L", "shin.L")
    )
    contacts = {}
    for name, track in tracks.items():
        height = track[:, 2] - ground
        if name == SEAT:
            height = height / leg
        speed = _speed(motion, track)
        allowed = np.isfinite(speed) & np.isfinite(height)
        if name in FEET:
            allowed &= track[:, 2] < root
        rest, error = _RESTS[name], _error(motion, name)
        pace = speed / (rest.slow_m_s + _SPEED_PER_ERROR * error)
        level = height / (rest.low_m + _HEIGHT_PER_ERROR * error)
        contacts[name] = _lasting(time_s, pace, level, allowed, rest.shortest_s)
    return contacts


def _tracks(motion: Motion3D, solved: Solved) -> dict[str, Floats]:
    """Give the paths (T, 3) of what may rest, NaN where not seen."""
    tracks = {}
    for side in ("left", "right"):
        heel, toes, _ = sole(motion, side)
        tracks[f"{side}_heel"] = heel
        tracks[f"{side}_ball"] = heel + BALL_SHARE * (toes - heel)
    for name in HANDS:
        tracks[name] = motion.point(name.replace("hand", "wrist"))
    tracks[SEAT] = np.where(solved.motion.valid[:, None], mid_hip(motion)[0], np.nan)
    return tracks


def _speed(motion: Motion3D, track: Floats) -> Floats:
    """Give the speed (T,) of a path over a tenth of a second; NaN where it is not seen."""
    time_s = motion.time_s
    seen = np.isfinite(track).all(axis=-1)
    speed = np.full(len(track), np.nan)
    if seen.sum() < 2:
        return speed
    bridged = np.stack([np.interp(time_s, time_s[seen], c[seen]) for c in track.T], axis=-1)
    half = 0.5 * _SPEED_TIME_S
    early = np.clip(time_s - half, time_s[0], None)
    late = np.clip(time_s + half, None, time_s[-1])
    ends = [
        np.stack([np.interp(at, time_s, c) for c in bridged.T], axis=-1) for at in (early, late)
    ]
    velocity = (ends[1] - ends[0]) / (late - early)[:, None]
    if motion.camera is not None:
        ray = bridged - motion.camera.world_from_camera[:3, 3]
        ray /= np.maximum(np.linalg.norm(ray, axis=-1, keepdims=True), 1e-9)
        along = np.sum(velocity * ray, axis=-1, keepdims=True) * ray
        velocity = velocity - (1.0 - _ALONG_VIEW) * along
    speed[seen] = np.linalg.norm(velocity, axis=-1)[seen]
    return speed


def _running_least(time_s: Floats, height: Floats) -> Floats:
    """Give the least height (T,) about each time; infinite where nothing is seen."""
    step = float(np.median(np.diff(time_s))) if len(time_s) > 1 else 1.0
    return np.asarray(minimum_filter1d(height, 2 * round(0.5 * _GROUND_TIME_S / step) + 1))


def _error(motion: Motion3D, name: str) -> float:
    """Give the usual error of a part that may rest, metres."""
    if motion.sigma_m is not None:
        side, _, part = name.partition("_")
        points = {"heel": ("heel",), "ball": ("big_toe", "small_toe"), "hand": ("wrist",)}
        wanted = [f"{side}_{point}" for point in points[part]] if part else ["left_hip"]
        columns = [motion.names.index(point) for point in wanted if point in motion.names]
        known = motion.sigma_m[:, columns]
        if np.isfinite(known).any():
            return min(float(np.nanmedian(known)), _ONE_CAMERA_M)
    return _MEASURED_M if motion.camera is None else _ONE_CAMERA_M


def _lasting(
    time_s: Floats, pace: Floats, level: Floats, allowed: Bools, shortest_s: float
) -> Bools:
    """Tell (T,) when a part rests: both thresholds once passed, the looser ones kept to."""
    strict = allowed & (pace < 1.0) & (level < 1.0)
    loose = allowed & (pace < 1.6) & (level < 1.5)
    runs, count = label(loose)
    begun = np.zeros(count + 1, dtype=bool)
    begun[np.unique(runs[strict])] = True
    begun[0] = False
    resting: Bools = begun[runs]
    for rows in episodes(~resting & allowed):
        inside = rows[0] > 0 and rows[-1] < len(time_s) - 1
        if inside and resting[rows[0] - 1] and resting[rows[-1] + 1]:
            brief = time_s[rows[-1] + 1] - time_s[rows[0] - 1] <= _FORGIVEN_S
            resting[rows] = brief
    for rows in episodes(resting):
        resting[rows] = time_s[rows[-1]] - time_s[rows[0]] >= shortest_s
    return resting


def episodes(which: Bools) -> Iterator[Ints]:
    """Find the runs of what is true.

    Args:
        which: (T,).

    Yields:
        The rows of each run.
    """
    at = np.flatnonzero(which)
    if len(at):
        yield from np.split(at, np.flatnonzero(np.diff(at) > 1) + 1)
