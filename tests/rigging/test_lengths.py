# SPDX-License-Identifier: GPL-3.0-or-later
"""Lengths of a synthetic person, found again."""

import numpy as np
import pytest
from track_spine.rigging.lengths import measure_lengths
from track_spine.rigging.motion import Motion3D
from track_spine.rigging.skeleton import DEFAULT_LENGTHS_M, DEFAULT_OFFSETS_M, canonical_skeleton

# No key point shows the end of the hand or the toe.
UNSEEN = {"hand", "toe"}


@pytest.fixture(name="person", scope="module")
def _person():
    rng = np.random.default_rng(8)
    lengths = {name: value * rng.uniform(0.85, 1.15) for name, value in DEFAULT_LENGTHS_M.items()}
    offsets = {
        "spine_back": 0.06,
        "spine_up": -0.01,
        "shoulder_drop": 0.04,
        "shoulder_forward": 0.02,
    }
    return {**lengths, **offsets}


@pytest.fixture(name="moving", scope="module")
def _moving(person, pose, key_points, turn_about):
    time_s = np.arange(60) / 30.0
    swing = np.sin(np.arange(60) / 5.0)
    skeleton = canonical_skeleton(person)
    local = {
        "pelvis": turn_about("y", swing),
        "upper_arm.L": turn_about("z", swing),
        "forearm.R": turn_about("x", 1.0 + swing),
        "thigh.R": turn_about("x", swing),
        "shin.L": turn_about("x", 1.0 + swing),
        "foot.L": turn_about("z", 0.3 * swing),
        "spine_04": turn_about("x", 0.2 * swing),
    }
    return key_points(skeleton, pose(skeleton, time_s, local))


def test_every_length_and_offset_that_shows_is_found(person, moving):
    measured = measure_lengths(moving)
    assert set(measured) == set(DEFAULT_LENGTHS_M) | set(DEFAULT_OFFSETS_M)
    for name in set(person) - UNSEEN:
        assert measured[name] == pytest.approx(person[name], abs=1e-9), name


def test_a_third_of_wildly_wrong_frames_does_not_matter(person, moving):
    rng = np.random.default_rng(1)
    xyz = moving.xyz_m.copy()
    xyz[::3] += 0.3 * rng.normal(size=xyz[::3].shape)
    measured = measure_lengths(Motion3D(moving.names, moving.time_s, xyz, moving.score))
    assert measured["thigh"] == pytest.approx(person["thigh"], abs=0.005)
    assert measured["spine_04"] == pytest.approx(person["spine_04"], abs=0.005)


def test_frames_seen_badly_do_not_count_where_others_are_seen_well(person, moving):
    xyz, score = moving.xyz_m.copy(), moving.score.copy()
    xyz[20:, :, 2] *= 0.7
    score[20:] = 0.3
    measured = measure_lengths(Motion3D(moving.names, moving.time_s, xyz, score))
    for name in ("thigh", "shin", "spine_05"):
        assert measured[name] == pytest.approx(person[name], abs=1e-9)


def test_sides_are_averaged(person, moving):
    xyz = moving.xyz_m.copy()
    wrist, elbow = (moving.names.index(f"left_{part}") for part in ("wrist", "elbow"))
    xyz[:, wrist] += 0.2 * (xyz[:, wrist] - xyz[:, elbow])
    measured = measure_lengths(Motion3D(moving.names, moving.time_s, xyz, moving.score))
    assert measured["forearm"] == pytest.approx(1.1 * person["forearm"], abs=1e-9)


def test_lengths_that_never_show_follow_the_persons_size(pose, key_points):
    skeleton = canonical_skeleton({n: 0.7 * v for n, v in DEFAULT_LENGTHS_M.items()})
    whole = key_points(skeleton, pose(skeleton, np.arange(5.0), {}))
    xyz, score = whole.xyz_m.copy(), whole.score.copy()
    hidden = [
        k
        for k, name in enumerate(whole.names)
        if any(part in name for part in ("wrist", "heel", "spine_0", "neck", "hip"))
        and name not in ("left_hip", "right_hip")
    ]
    xyz[:, hidden], score[:, hidden] = np.nan, 0.0
    measured = measure_lengths(Motion3D(whole.names, whole.time_s, xyz, score))
    for name in ("forearm", "hand", "foot", "toe", "spine_01", "spine_05", "spine_08_neck"):
        assert measured[name] == pytest.approx(0.7 * DEFAULT_LENGTHS_M[name], rel=0.02), name


def test_nonsense_stays_within_a_factor_of_two_of_the_usual(moving):
    rng = np.random.default_rng(4)
    xyz = 0.2 * rng.normal(size=moving.xyz_m.shape)
    measured = measure_lengths(Motion3D(moving.names, moving.time_s, xyz, moving.score))
    canonical_skeleton(measured)
    size = np.median([measured[n] / DEFAULT_LENGTHS_M[n] for n in DEFAULT_LENGTHS_M])
    for name, usual in DEFAULT_LENGTHS_M.items():
        assert 0.2 * size * usual < measured[name] < 5.0 * size * usual
    for name in DEFAULT_OFFSETS_M:
        assert abs(measured[name]) < 0.5
