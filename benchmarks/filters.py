# SPDX-License-Identifier: GPL-3.0-or-later
"""Compares ways to smooth key points on captured motion with the noise of a network."""

from collections.abc import Callable
from pathlib import Path
from typing import Final

import numpy as np
from known_motion import CHOSEN_ON, JUDGED_ON, RATE_HZ, captured, with_noise
from scipy.interpolate import make_smoothing_spline
from scipy.signal import butter, sosfiltfilt
from track_spine.rigging.attachments import attach
from track_spine.rigging.filters import smooth
from track_spine.rigging.motion import Motion3D
from track_spine.rigging.reconstruct import Reconstruction, reconstruct
from track_spine.rigging.rotation import Floats
from track_spine.rigging.smoothness import amplitude_kept, jitter

WHITE_M: Final = 0.008
SLOW_M: Final = 0.012
"""Independent and lasting error, as `with_noise` adds them: 14 mm together, where points of a take
are 5 to 19 mm off across the view (`rigging/filters.py`)."""

Tracks = Callable[[Motion3D], Floats]


def butterworth(motion: Motion3D, cutoff_hz: float = 7.0) -> Floats:
    """Second order, forwards and backwards."""
    sections = butter(2, cutoff_hz, fs=RATE_HZ, output="sos")
    return np.asarray(sosfiltfilt(sections, motion.xyz_m, axis=0))


def gcv_spline(motion: Motion3D) -> Floats:
    """Smoothing spline of each coordinate, its strength by generalised cross-validation."""
    flat = motion.xyz_m.reshape(len(motion.time_s), -1)
    fitted = [make_smoothing_spline(motion.time_s, track)(motion.time_s) for track in flat.T]
    return np.stack(fitted, axis=-1).reshape(motion.xyz_m.shape)


def kalman(motion: Motion3D, jerk: float = 150.0, error_m: float = 0.01) -> Floats:
    """Constant acceleration, driven by white jerk, smoothed backwards (Rauch, Tung, Striebel)."""
    h = 1.0 / RATE_HZ
    move = np.array([[1.0, h, h * h / 2.0], [0.0, 1.0, h], [0.0, 0.0, 1.0]])
    push = np.array([h**3 / 6.0, h**2 / 2.0, h])
    drive = jerk**2 * np.outer(push, push) / h
    flat = motion.xyz_m.reshape(len(motion.time_s), -1)
    state, spread = np.zeros((3, flat.shape[1])), np.diag([error_m**2, 1.0, 100.0])
    state[0] = flat[0]
    past: list[tuple[Floats, Floats, Floats, Floats]] = []
    for sample in flat:
        ahead, wider = move @ state, move @ spread @ move.T + drive
        if not past:
            ahead, wider = state, spread
        gain = wider[:, 0] / (wider[0, 0] + error_m**2)
        state = ahead + gain[:, None] * (sample - ahead[0])
        spread = wider - np.outer(gain, wider[0])
        past.append((state, spread, ahead, wider))
    smoothed = [past[-1][0]]
    for (now, here, _, _), (_, _, ahead, wider) in zip(past[-2::-1], past[:0:-1], strict=True):
        back = here @ move.T @ np.linalg.inv(wider)
        smoothed.append(now + back @ (smoothed[-1] - ahead))
    return np.stack([one[0] for one in smoothed[::-1]]).reshape(motion.xyz_m.shape)


def whole_clip(motion: Motion3D) -> Floats:
    """The product: smoothing, and the skeleton fitted to the whole clip."""
    solved = reconstruct(motion, Reconstruction(contacts=False))
    return attach(motion, solved).place(solved.heads_m, solved.turn)


METHODS: Final[dict[str, Tracks]] = {
    "nothing": lambda motion: motion.xyz_m,
    "Butterworth, 7 Hz": butterworth,
    "GCV spline": gcv_spline,
    "Kalman, RTS": kalman,
    "third-derivative (ours)": lambda motion: smooth(motion).xyz_m,
    "ours and whole-clip fit": whole_clip,
}


def compare(clips: tuple[tuple[str, str], ...]) -> dict[str, tuple[float, float, float]]:
    """Give error (mm), jitter against raw and amplitude kept up to 3 Hz by method."""
    rng = np.random.default_rng(31)
    table: dict[str, list[tuple[float, float, float]]] = {name: [] for name in METHODS}
    for clip in clips:
        truth = captured(*clip)
        seen = with_noise(truth, rng, WHITE_M, SLOW_M)
        noise = jitter(seen.xyz_m - truth.xyz_m)
        inner = slice(10, -10)
        for name, method in METHODS.items():
            found = method(seen)
            error = np.linalg.norm(found - truth.xyz_m, axis=-1)[inner].mean()
            left = jitter((found - truth.xyz_m)[inner]) / noise
            kept = amplitude_kept(truth.time_s[inner], truth.xyz_m[inner], found[inner])
            table[name].append((1e3 * float(error), left, kept))
    return {
        name: (
            float(np.mean([row[0] for row in rows])),
            float(np.mean([row[1] for row in rows])),
            min(row[2] for row in rows),
        )
        for name, rows in table.items()
    }


if __name__ == "__main__":
    for title, clips in (("chosen on", CHOSEN_ON), ("judged on", JUDGED_ON)):
        print(f"{title}: {', '.join(Path(clip).stem for _, clip in clips)}")
        print(f"{'':26}{'error':>9}{'jitter left':>13}{'amplitude kept':>16}")
        for name, (error_mm, left, kept) in compare(clips).items():
            print(f"{name:26}{error_mm:6.2f} mm{left:13.3f}{kept:16.3f}")
