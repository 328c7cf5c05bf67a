# SPDX-License-Identifier: GPL-3.0-or-later
"""Points that jump for some frames leave the motion as it was; what moves fast is no outlier."""

from dataclasses import replace

import numpy as np
import pytest
from track_spine.rigging.motion import Camera, Motion3D
from track_spine.rigging.outliers import outliers
from track_spine.rigging.reconstruct import Reconstruction, reconstruct
from track_spine.rigging.skeleton import canonical_skeleton

TIME_S = np.arange(75) / 30.0
CAMERA = Camera(
    np.array([[1.0, 0, 0, 0], [0, 0, 1, -4], [0, -1, 0, 1], [0, 0, 0, 1]]), 800.0, (640, 480)
)
FREE = Reconstruction(contacts=False)


def seen_by(camera, xyz_m):
    inside = camera.seen_from(xyz_m)
    return camera.focal_px * inside[..., :2] / inside[..., 2:] + [320.0, 240.0]


@pytest.fixture(name="walk", scope="module")
def _walk(pose, key_points, turn_about):
    """Somebody who walks on the spot before a camera, points 4 mm and half a pixel off."""
    skeleton = canonical_skeleton({})
    wave = np.sin(2.0 * np.pi * TIME_S)
    local = {}
    for side, sign in (("L", 1.0), ("R", -1.0)):
        local[f"thigh.{side}"] = turn_about("x", -0.4 + 0.4 * sign * wave)
        local[f"shin.{side}"] = turn_about("x", 0.6 - 0.4 * sign * wave)
        local[f"upper_arm.{side}"] = turn_about("z", -1.0 * sign + 0.2 * wave)
        local[f"forearm.{side}"] = turn_about("x", 0.9 + 0.3 * sign * wave)
    points = key_points(skeleton, pose(skeleton, TIME_S, local))
    rng = np.random.default_rng(3)
    xyz = points.xyz_m + 0.004 * rng.normal(size=points.xyz_m.shape)
    xy_px = seen_by(CAMERA, points.xyz_m)
    xy_px += 0.5 * rng.normal(size=xy_px.shape)
    sigma = np.full(points.score.shape, 0.03)
    score = 0.9 * points.score
    return Motion3D(points.names, TIME_S, xyz, score, sigma_m=sigma, xy_px=xy_px, camera=CAMERA)


@pytest.fixture(name="still", scope="module")
def _still(walk):
    return reconstruct(walk, FREE)


def jumped(motion, name, rows, jump_m, what):
    """A point that is elsewhere in some frames: in space, in the picture, or in both."""
    k = motion.names.index(name)
    xyz, xy_px = motion.xyz_m.copy(), motion.xy_px.copy()
    away = xyz[rows, k] + jump_m
    if "picture" in what:
        xy_px[rows, k] = seen_by(CAMERA, away)
    if "space" in what:
        xyz[rows, k] = away
    return replace(motion, xyz_m=xyz, xy_px=xy_px)


@pytest.mark.parametrize("what", ["space", "picture", "space and picture"])
@pytest.mark.parametrize(("frames", "most_m"), [(1, 0.01), (2, 0.01), (4, 0.02)])
@pytest.mark.parametrize("size_m", [0.2, 1.0, 2.0])
def test_points_that_jump_for_some_frames_move_nothing(walk, still, what, frames, most_m, size_m):
    """Four frames are a tenth of a stride, over which a knee has to be guessed."""
    rng = np.random.default_rng(7)
    names = ("left_ankle", "right_wrist", "left_knee", "right_hip", "left_shoulder", "spine_03")
    harmed = walk
    for at, name in zip((12, 20, 31, 40, 50, 58), names, strict=True):
        jump = rng.normal(size=3) * [1.0, 0.3, 1.0]
        jump *= size_m / np.linalg.norm(jump)
        harmed = jumped(harmed, name, np.arange(at, at + frames), jump, what)
    off = np.linalg.norm(reconstruct(harmed, FREE).heads_m - still.heads_m, axis=-1)
    assert off.max() < most_m


def rise(time_s, begins_s, lasts_s):
    """From 0 to 1 as limbs are moved: the least jerk (Flash and Hogan, 1985)."""
    share = np.clip((time_s - begins_s) / lasts_s, 0.0, 1.0)
    return share**3 * (10.0 - 15.0 * share + 6.0 * share**2)


@pytest.mark.parametrize("rate_hz", [10.0, 25.0, 30.0, 60.0, 240.0])
def test_kicks_punches_jumps_and_claps_are_no_outliers(rate_hz):
    time_s = np.arange(0.0, 4.0, 1.0 / rate_hz)
    for begins_s in (1.0, 1.013, 1.027):
        kick = 1.4 * (rise(time_s, begins_s, 0.25) - rise(time_s, begins_s + 0.25, 0.25))
        punch = 0.6 * (rise(time_s, begins_s, 0.15) - rise(time_s, begins_s + 0.2, 0.15))
        clap = 0.2 * np.sin(2.0 * np.pi * 4.0 * time_s)
        flight = np.clip(time_s - begins_s, 0.0, 0.6)
        jump = 2.943 * flight - 4.905 * flight**2
        for x in (kick, punch, clap, jump):
            track = np.stack([x, 0.3 * x, 0.0 * x], axis=-1)
            track += 0.002 * np.random.default_rng(1).normal(size=track.shape)
            assert not outliers(time_s, track).any()


@pytest.mark.parametrize("rate_hz", [24.0, 60.0, 240.0])
def test_just_the_samples_that_are_off_are_marked(rate_hz):
    time_s = np.arange(0.0, 3.0, 1.0 / rate_hz)
    wave = 0.3 * np.sin(2.0 * np.pi * time_s)
    track = np.stack([wave, 0.5 * wave, 0.0 * wave], axis=-1)
    track += 0.003 * np.random.default_rng(2).normal(size=track.shape)
    wrong = np.zeros(len(time_s), dtype=bool)
    wrong[[0, 20, 30, 31, 32, 33]] = wrong[-2:] = True
    track[wrong] += [0.0, 0.0, 0.4]
    assert np.array_equal(outliers(time_s, track), wrong)
    assert np.array_equal(outliers(time_s, 500.0 * track, 500.0), wrong)


@pytest.mark.parametrize("rate_hz", [24.0, 30.0, 60.0, 240.0])
def test_a_slap_as_the_clip_ends_is_no_outlier(rate_hz):
    """A hand moves off at 100 m/s^2 within the last steps of a clip, or stops in its first."""
    for frames in np.linspace(0.3, 3.3, 7):
        time_s = np.arange(0.0, 2.0, 1.0 / rate_hz)
        after_s = np.clip(time_s - time_s[-1] + frames / rate_hz, 0.0, None)
        track = 50.0 * after_s[:, None] ** 2 * [1.0, 0.2, 0.0]
        assert not outliers(time_s, track).any()
        assert not outliers(time_s, track[::-1]).any()


@pytest.mark.parametrize("count", [0, 1, 4])
def test_of_a_few_samples_none_is_off(count):
    track = np.random.default_rng(5).normal(size=(count, 3))
    assert not outliers(np.arange(count) / 30.0, track).any()
