# SPDX-License-Identifier: GPL-3.0-or-later
"""Smoothing frame by frame, without knowing what comes: for live use."""

import numpy as np

from .rotation import Floats


class OneEuro:
    """A low-pass filter that lags less the faster the motion.

    Source: Casiez, Roussel and Vogel, 1 euro filter, CHI 2012.
    """

    def __init__(
        self, least_hz: float = 1.5, hz_per_m_s: float = 12.0, speed_hz: float = 2.0
    ) -> None:
        """Begin without a past.

        Args:
            least_hz: Cutoff for what is still.
            hz_per_m_s: How much the cutoff rises with speed.
            speed_hz: Cutoff of the speed itself.
        """
        self._least_hz, self._hz_per_m_s, self._speed_hz = least_hz, hz_per_m_s, speed_hz
        self._time_s = -np.inf
        self._value = np.empty(0)
        self._speed = np.empty(0)

    def __call__(self, time_s: float, xyz_m: Floats) -> Floats:
        """Filter the next frame.

        Args:
            time_s: Seconds, later than the frame before.
            xyz_m: (K, 3) metres, NaN where missing.

        Returns:
            (K, 3) metres; a point that was missing begins anew.
        """
        if self._value.shape != xyz_m.shape:
            self._value, self._speed = np.full_like(xyz_m, np.nan), np.zeros_like(xyz_m)
        step = time_s - self._time_s
        fresh = np.isnan(self._value) | ~np.isfinite(step)
        before = np.where(fresh, xyz_m, self._value)
        speed = (xyz_m - before) / step
        speed = self._speed + _share(step, self._speed_hz) * (np.nan_to_num(speed) - self._speed)
        pace = np.linalg.norm(speed, axis=-1, keepdims=True)
        cutoff = self._least_hz + self._hz_per_m_s * pace
        self._value = before + _share(step, cutoff) * (xyz_m - before)
        self._speed = np.where(np.isnan(self._value), 0.0, speed)
        self._time_s = time_s
        return self._value.copy()


def _share(step_s: float, cutoff_hz: Floats | float) -> Floats:
    """Give how much of a new sample a first-order filter takes over."""
    turn = 2.0 * np.pi * np.asarray(cutoff_hz) * step_s
    return np.asarray(turn / (1.0 + turn)) if np.isfinite(step_s) else np.ones_like(turn)
