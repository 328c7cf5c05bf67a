# SPDX-License-Identifier: GPL-3.0-or-later
"""Smoothing against closed forms, on regular and irregular times."""

import time

import numpy as np
import pytest
from track_spine.rigging.errors import RigError
from track_spine.rigging.filters import CUTOFF_HZ, ROOT, cutoffs_hz, smooth
from track_spine.rigging.motion import Motion3D

HIPS = ("left_hip", "right_hip")


@pytest.fixture(name="rng")
def _rng():
    return np.random.default_rng(2)


def body(time_s, **tracks):
    """Hips at rest and other points on given tracks (T, 3), all of score 1."""
    still = np.zeros((len(time_s), 3))
    hips = {"left_hip": np.add(still, [0.1, 0, 0.9]), "right_hip": np.add(still, [-0.1, 0, 0.9])}
    points = {**hips, **tracks}
    xyz = np.stack(list(points.values()), axis=1)
    score = np.where(np.isnan(xyz).any(axis=-1), 0.0, 1.0)
    return Motion3D(tuple(points), time_s, xyz, score)


def irregular_times(rng, duration_s=20.0):
    """Between 25 and 60 samples a second, never two steps alike."""
    steps = rng.uniform(1.0 / 60.0, 1.0 / 25.0, size=int(duration_s * 60))
    return np.cumsum(steps)[np.cumsum(steps) < duration_s]


def amplitude_and_phase(time_s, y, frequency_hz):
    """Fit a sinusoid away from the ends."""
    inner = (time_s > time_s[0] + 1.0) & (time_s < time_s[-1] - 1.0)
    t = 2.0 * np.pi * frequency_hz * time_s[inner]
    basis = np.stack([np.sin(t), np.cos(t), np.ones_like(t)], axis=-1)
    (a, b, _), *_ = np.linalg.lstsq(basis, y[inner], rcond=None)
    return np.hypot(a, b), np.arctan2(b, a)


@pytest.mark.parametrize("name", ["spine_03", "nose", "left_knee", "right_wrist", "unknown"])
def test_two_hertz_pass_with_their_amplitude_and_no_lag_at_irregular_times(rng, name):
    time_s = irregular_times(rng)
    wave = np.sin(2.0 * np.pi * 2.0 * time_s)
    track = np.stack([0.2 * wave, 0.0 * wave, 1.0 + 0.0 * wave], axis=-1)
    result = smooth(body(time_s, **{name: track})).point(name)
    amplitude, phase = amplitude_and_phase(time_s, result[:, 0], 2.0)
    assert 0.98 * 0.2 <= amplitude <= 1.005 * 0.2
    assert abs(phase) < 1e-3
    assert np.allclose(result[:, 1:], track[:, 1:], atol=1e-9)


@pytest.mark.parametrize("name", ["spine_03", "right_wrist"])
@pytest.mark.parametrize("rate_hz", [30.0, 120.0])
def test_amplitude_falls_with_the_sixth_power_of_the_frequency(name, rate_hz):
    time_s = np.arange(0.0, 20.0, 1.0 / rate_hz)
    cutoff = CUTOFF_HZ.get(name, CUTOFF_HZ[ROOT])
    for frequency in (0.5 * cutoff, cutoff, 1.5 * cutoff):
        track = np.zeros((len(time_s), 3))
        track[:, 2] = 0.005 * np.sin(2.0 * np.pi * frequency * time_s)
        result = smooth(body(time_s, **{name: track})).point(name)
        amplitude, _ = amplitude_and_phase(time_s, result[:, 2], frequency)
        # At equal steps the third difference of a sinusoid is (2 sin (w dt / 2))^3 times it.
        differed = 2.0 * rate_hz * np.sin(np.pi * frequency / rate_hz) / (2.0 * np.pi * cutoff)
        assert amplitude == pytest.approx(0.005 / (1.0 + differed**6), rel=1e-3)


def test_noise_is_reduced_and_more_so_on_the_trunk_than_on_the_wrist(rng):
    time_s = irregular_times(rng, 60.0)
    noise = 0.005 * rng.normal(size=(2, len(time_s), 3))
    result = smooth(body(time_s, spine_03=noise[0], left_wrist=noise[1]))
    left = [result.point(name)[30:-30].std() / 0.005 for name in ("spine_03", "left_wrist")]
    # White noise keeps a share of about 2.1 x cutoff / sampling rate (37 a second) of its power.
    assert left[0] == pytest.approx(np.sqrt(2.1 * 5.5 / 37.0), rel=0.1)
    assert left[0] < left[1] < 0.7


def test_parabolas_pass_unchanged(rng):
    time_s = irregular_times(rng, 3.0)
    fall = np.stack([2.0 * time_s, 0.0 * time_s, 3.0 * time_s - 4.9 * time_s**2], axis=-1)
    result = smooth(body(time_s, left_wrist=fall, spine_01=fall))
    assert np.allclose(result.point("left_wrist"), fall, atol=1e-7)
    assert np.allclose(result.point("spine_01"), fall, atol=1e-7)


def test_time_reversal_reverses_the_result(rng):
    time_s = irregular_times(rng, 4.0)
    track = np.cumsum(0.02 * rng.normal(size=(len(time_s), 3)), axis=0)
    motion = body(time_s, left_ankle=track)
    backwards = Motion3D(motion.names, -time_s[::-1], motion.xyz_m[::-1], motion.score[::-1])
    assert np.allclose(smooth(backwards).xyz_m[::-1], smooth(motion).xyz_m, atol=1e-9)


def test_a_single_wrong_sample_is_rejected(rng):
    time_s = np.arange(0.0, 5.0, 1.0 / 30.0)
    wave = np.sin(2.0 * np.pi * time_s)
    track = np.stack([0.3 * wave, 0.1 * wave, 0.0 * wave], axis=-1)
    clean = track + 0.001 * rng.normal(size=track.shape)
    spiked = clean.copy()
    spiked[70] += [0.0, 0.25, 0.0]
    result = smooth(body(time_s, left_wrist=spiked)).point("left_wrist")
    unspiked = smooth(body(time_s, left_wrist=clean)).point("left_wrist")
    assert np.abs(result - unspiked).max() < 0.003
    assert np.linalg.norm(result[70] - track[70]) < 0.005


def test_an_arm_that_is_swung_after_rest_is_no_outlier():
    time_s = np.arange(0.0, 4.0, 1.0 / 30.0)
    angle = np.clip((time_s - 2.0) / 0.3, 0.0, 1.0) * np.pi
    track = 0.6 * np.stack([np.cos(angle), 0.0 * angle, np.sin(angle)], axis=-1)
    result = smooth(body(time_s, left_wrist=track)).point("left_wrist")
    assert np.linalg.norm(result - track, axis=-1).max() < 0.06


def test_a_sudden_stop_is_not_taken_for_an_outlier():
    time_s = np.arange(0.0, 4.0, 1.0 / 30.0)
    # A punch: 0.6 m in 0.1 s, held, and back.
    x = np.interp(time_s, [0, 1.5, 1.6, 1.7, 1.8, 4], [0, 0, 0.6, 0.6, 0, 0])
    track = np.stack([x, 0.0 * x, 0.0 * x], axis=-1)
    result = smooth(body(time_s, left_wrist=track)).point("left_wrist")
    assert result[:, 0].max() > 0.5


def test_missing_points_stay_missing_and_long_gaps_part_the_track(rng):
    time_s = np.arange(0.0, 4.0, 1.0 / 30.0)
    track = np.cumsum(0.01 * rng.normal(size=(len(time_s), 3)), axis=0)
    track[20:23] = np.nan
    track[60:75] = np.nan
    motion = body(time_s, left_wrist=track)
    result = smooth(motion).point("left_wrist")
    assert np.array_equal(np.isnan(result), np.isnan(track))
    # Half a second is a gap: what lies after it does not change what lies before.
    changed = track.copy()
    changed[75:] += 5.0
    other = smooth(body(time_s, left_wrist=changed)).point("left_wrist")
    assert np.allclose(other[:60], result[:60], atol=1e-9, equal_nan=True)
    assert np.allclose(other[75:], result[75:] + 5.0, atol=1e-9)
    # A tenth of a second is not: the curve goes on over it.
    changed = track.copy()
    changed[23:60] += 0.02
    other = smooth(body(time_s, left_wrist=changed)).point("left_wrist")
    assert np.abs(other[:20] - result[:20]).max() > 1e-4


def test_samples_of_low_score_count_less(rng):
    time_s = np.arange(0.0, 4.0, 1.0 / 30.0)
    noise = 0.004 * rng.normal(size=(len(time_s), 3))
    track = noise.copy()
    track[50:54] += [0.03, 0.0, 0.0]
    motion = body(time_s, left_wrist=track)
    score = motion.score.copy()
    score[50:54] = 0.1
    doubted = Motion3D(motion.names, time_s, motion.xyz_m, score)
    at = slice(50, 54)
    trusting = smooth(motion).point("left_wrist")[at, 0].mean()
    doubting = smooth(doubted).point("left_wrist")[at, 0].mean()
    assert doubting < 0.5 * trusting


def test_the_body_travels_more_smoothly_where_its_distance_is_uncertain(rng):
    time_s = np.arange(0.0, 20.0, 1.0 / 30.0)
    bounce = 0.03 * np.sin(2.0 * np.pi * 2.0 * time_s)
    path = np.stack([1.2 * time_s, 0.08 * rng.normal(size=len(time_s)), bounce], axis=-1)
    still = body(time_s, spine_03=np.zeros((len(time_s), 3)))
    moving = Motion3D(still.names, time_s, still.xyz_m + path[:, None], still.score)
    result = smooth(moving)
    moved = result.xyz_m - still.xyz_m
    # All points share the travel, so none moves against another.
    assert np.allclose(moved, moved[:, :1], atol=1e-6)
    amplitude, phase = amplitude_and_phase(time_s, moved[:, 0, 2], 2.0)
    assert amplitude > 0.97 * 0.03
    assert abs(phase) < 0.01
    # 5.5 Hz would leave 0.6 of the error of the distance; it is 20 times what that is meant for.
    assert moved[30:-30, 0, 1].std() < 0.4 * 0.08


def test_a_region_is_smoothed_more_strongly_and_the_others_as_before():
    chosen = cutoffs_hz({"arms": 2.0})
    assert chosen["left_wrist"] == 0.5 * CUTOFF_HZ["left_wrist"]
    assert {n: f for n, f in chosen.items() if n.endswith(("ankle", "nose", ROOT))} == {
        n: f for n, f in CUTOFF_HZ.items() if n.endswith(("ankle", "nose", ROOT))
    }
    for wrong in ({"arm": 2.0}, {"arms": 0.0}, {"legs": float("nan")}):
        with pytest.raises(RigError, match="regions are"):
            cutoffs_hz(wrong)


@pytest.mark.parametrize("rate_hz", [1000.0, 10_000.0])
def test_high_speed_footage_is_smoothed_without_fault(rng, rate_hz):
    time_s = np.arange(0.0, 0.5, 1.0 / rate_hz)
    wave = 0.1 * np.sin(2.0 * np.pi * 2.0 * time_s)
    track = np.stack([wave, 0.0 * wave, 0.0 * wave], axis=-1)
    noisy = track + 0.003 * rng.normal(size=track.shape)
    result = smooth(body(time_s, left_wrist=noisy)).point("left_wrist")
    assert np.abs(result - track).max() < 0.005


def test_short_and_empty_tracks_stay_as_they_are(rng):
    time_s = np.arange(3) / 30.0
    track = rng.normal(size=(3, 3))
    result = smooth(body(time_s, left_wrist=track, nose=np.full((3, 3), np.nan)))
    assert np.allclose(result.point("left_wrist"), track)
    assert np.isnan(result.point("nose")).all()
    empty = Motion3D(HIPS, np.empty(0), np.empty((0, 2, 3)), np.empty((0, 2)))
    assert len(smooth(empty).time_s) == 0


def test_ten_thousand_frames_take_well_under_two_seconds(rng):
    time_s = np.arange(10_000) / 30.0
    tracks = {f"point_{k}": rng.normal(size=(10_000, 3)) for k in range(35)}
    motion = body(time_s, **tracks)
    begun = time.perf_counter()
    smooth(motion)
    # 0.3 s on two cores of the machine that this was written on.
    assert time.perf_counter() - begun < 2.0
