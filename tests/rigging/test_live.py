# SPDX-License-Identifier: GPL-3.0-or-later
"""The live filter: quiet when still, quick when fast, and never looking ahead."""

import numpy as np
import pytest
from track_spine.rigging.live import OneEuro

TIME_S = np.arange(120) / 30.0


def filtered(tracks):
    live = OneEuro()
    return np.stack([live(float(t), xyz) for t, xyz in zip(TIME_S, tracks, strict=True)])


def test_what_is_still_is_quiet_and_what_is_fast_hardly_lags():
    rng = np.random.default_rng(2)
    still = 0.005 * rng.normal(size=(120, 1, 3))
    assert filtered(still)[30:].std() < 0.6 * 0.005
    punch = np.zeros((120, 1, 3))
    punch[:, 0, 0] = np.clip(3.0 * (TIME_S - 2.0), 0.0, 0.6)
    lag_m = np.abs(filtered(punch) - punch).max()
    # At 3 m/s one frame of lag is 0.1 m.
    assert lag_m < 0.1


@pytest.mark.parametrize(("hz", "reach_m", "lag_s"), [(0.5, 0.4, 0.05), (1.5, 0.3, 0.025)])
def test_lag_is_short_and_jitter_falls_on_a_known_swing(hz, reach_m, lag_s):
    """A wrist that swings, seen with 5 mm of noise."""
    swing = np.zeros((120, 1, 3))
    swing[:, 0, 0] = reach_m * np.sin(2.0 * np.pi * hz * TIME_S)
    noise = np.random.default_rng(4).normal(0.0, 0.005, swing.shape)
    clean, seen = filtered(swing)[30:, 0, 0], filtered(swing + noise)[30:]
    shifts = np.arange(0.0, 0.1, 0.001)
    off = [
        np.abs(clean - reach_m * np.sin(2 * np.pi * hz * (TIME_S[30:] - s))).mean() for s in shifts
    ]
    assert shifts[int(np.argmin(off))] < lag_s

    def jitter(track):
        return np.linalg.norm(np.diff(track, 3, axis=0), axis=-1).mean()

    assert jitter(seen[:, 0] - swing[30:, 0]) < 0.8 * jitter(noise[30:, 0])


def test_results_do_not_depend_on_what_comes_and_gaps_begin_anew():
    rng = np.random.default_rng(3)
    tracks = np.cumsum(0.01 * rng.normal(size=(120, 2, 3)), axis=0)
    tracks[40:50, 1] = np.nan
    changed = tracks.copy()
    changed[60:] += 1.0
    assert np.array_equal(filtered(tracks)[:60], filtered(changed)[:60], equal_nan=True)
    result = filtered(tracks)
    assert np.array_equal(np.isnan(result), np.isnan(tracks))
    assert np.array_equal(result[50, 1], tracks[50, 1])
