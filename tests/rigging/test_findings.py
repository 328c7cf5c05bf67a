# SPDX-License-Identifier: GPL-3.0-or-later
"""What a report says of steadiness, amplitude and reprojection is what was put in."""

from dataclasses import replace

import numpy as np
import pytest
from track_spine.rigging.angles import REGIONS
from track_spine.rigging.findings import examine
from track_spine.rigging.motion import Camera, Motion3D

FOCAL_PX = 1000.0
PLACE = np.array(
    [[1.0, 0.0, 0.0, 0.0], [0.0, 0.0, 1.0, -4.0], [0.0, -1.0, 0.0, 1.0], [0.0, 0.0, 0.0, 1.0]]
)


@pytest.fixture(name="clean", scope="module")
def _clean(dancer, key_points):
    """Key points that the solved motion fits exactly, with the camera that would see them."""
    motion = key_points(dancer.skeleton, dancer.motion)
    camera = Camera(PLACE, FOCAL_PX, (1280, 720))
    seen = camera.seen_from(motion.xyz_m)
    xy_px = seen[..., :2] / seen[..., 2:] * FOCAL_PX + [640.0, 360.0]
    return replace(motion, camera=camera, xy_px=xy_px)


def test_an_exact_fit_keeps_everything(clean, dancer):
    findings = examine(clean, dancer)
    assert findings.jitter == pytest.approx(1.0, abs=1e-6)
    assert findings.amplitude == pytest.approx(1.0, abs=1e-6)
    assert np.nanmax(findings.reprojection) < 1e-6
    assert findings.sigma == {}
    assert set(findings.angles) == set(REGIONS)


def test_noise_shows_as_jitter_and_shrinking_as_lost_amplitude(clean, dancer):
    rng = np.random.default_rng(2)
    noisy = replace(clean, xyz_m=clean.xyz_m + rng.normal(0.0, 0.02, clean.xyz_m.shape))
    assert examine(noisy, dancer).jitter < 0.3
    hips = clean.xyz_m.mean(axis=1, keepdims=True)
    larger = replace(clean, xyz_m=hips + 1.25 * (clean.xyz_m - hips))
    assert examine(larger, dancer).amplitude == pytest.approx(0.8, abs=0.03)


def test_a_picture_shifted_by_a_tenth_of_the_trunk_is_told(clean, dancer):
    hip, neck = (clean.xy_px[:, clean.names.index(name)] for name in ("hip", "neck"))
    trunk = np.linalg.norm(hip - neck, axis=1)
    shifted = clean.xy_px + 0.1 * trunk[:, None, None] * [1.0, 0.0]
    findings = examine(replace(clean, xy_px=shifted), dancer)
    np.testing.assert_allclose(findings.reprojection, 0.1, atol=1e-6)


def test_bands_are_the_spread_of_two_segments(clean, dancer):
    sigma = np.full(clean.score.shape, 0.005)
    findings = examine(replace(clean, sigma_m=sigma), dancer)
    ends = [("left_hip", "right_hip"), ("spine_05", "neck")]
    length = [
        np.linalg.norm(clean.xyz_m[0, clean.names.index(a)] - clean.xyz_m[0, clean.names.index(b)])
        for a, b in ends
    ]
    wanted = np.hypot(*(np.sqrt(2.0) * 0.005 / np.array(length)))
    np.testing.assert_allclose(findings.sigma["trunk"], wanted, rtol=1e-6)


def test_a_clip_too_short_for_jitter_says_so(dancer, clean):
    short = Motion3D(clean.names, clean.time_s[:2], clean.xyz_m[:2], clean.score[:2])
    few = replace(
        dancer,
        motion=replace(
            dancer.motion,
            time_s=dancer.motion.time_s[:2],
            rotation=dancer.motion.rotation[:2],
            root_m=dancer.motion.root_m[:2],
            valid=dancer.motion.valid[:2],
        ),
        heads_m=dancer.heads_m[:2],
        tails_m=dancer.tails_m[:2],
        contacts={},
    )
    findings = examine(short, few)
    assert np.isnan(findings.jitter)
    assert findings.reprojection is None
