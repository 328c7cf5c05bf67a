# SPDX-License-Identifier: GPL-3.0-or-later
"""The guessed spine, bent in 3D onto the spine seen: known bends, noise, and what cannot be."""

import numpy as np
import pytest
from scipy.spatial.transform import Rotation
from track_spine.inference import prior
from track_spine.inference.bend import MOST_STRETCH, complete, lean, limited
from track_spine.inference.keypoints import INDEX, NAMES, SPINE
from track_spine.inference.pose2d import LANDMARKS
from track_spine.inference.spine import POINTS, ROWS, Spine

PX_PER_M = 300.0
"""Of the bodies that `make_body` gives."""

CHAIN = [INDEX[name] for name in SPINE]
ROW = {name: row for row, name in enumerate(LANDMARKS)}
ARC = np.array(prior.CONTRACT_ARC)
BULGE = np.sin(np.pi * np.minimum(ARC, 1.0))
"""Bend between hip and C7, which stay where they are."""

OTHERS = [INDEX[name] for name in NAMES if name not in POINTS]


@pytest.fixture
def guessed(make_body):
    """Make a body of a spine seen where it is guessed, moved by (14, 2) pixels."""

    def make(world_m, away_px=0.0, score=0.8, **keywords):
        xy = prior.complete(make_body(world_m, **keywords)).xy_px[ROWS] + away_px
        spine = Spine(xy, np.broadcast_to(np.asarray(score, float), len(POINTS)))
        return make_body(world_m, spine=spine, **keywords)

    return make


def bulging(px, axis=0):
    """(14, 2) pixels: the spine bulges to one side by so many."""
    away = np.zeros((len(POINTS), 2))
    away[: len(SPINE), axis] = px * BULGE
    return away


def segments(points):
    return np.linalg.norm(np.diff(points.relative_m[CHAIN], axis=0), axis=1)


def test_a_spine_seen_where_it_was_guessed_leaves_the_guess(standing, guessed):
    body = guessed(standing)
    points, guess = complete(body), prior.complete(body)
    np.testing.assert_allclose(points.relative_m, guess.relative_m, atol=1e-9)
    np.testing.assert_allclose(points.xy_px, guess.xy_px, atol=1e-9)


def test_pixels_and_scores_are_those_seen_and_the_rest_stays(standing, guessed):
    seen = np.linspace(0.2, 0.9, len(POINTS))
    body = guessed(standing, bulging(25.0), score=seen)
    points, guess = complete(body), prior.complete(body)
    np.testing.assert_array_equal(points.xy_px[ROWS], body.spine.xy_px)
    np.testing.assert_array_equal(points.score[ROWS], seen)
    for name in ("xy_px", "score", "relative_m"):
        np.testing.assert_array_equal(getattr(points, name)[OTHERS], getattr(guess, name)[OTHERS])


def test_a_point_seen_without_any_score_is_still_there(standing, guessed):
    score = complete(guessed(standing, score=0.0)).score[ROWS]
    assert (score > 0.0).all()
    assert (score < 0.01).all()


def test_without_a_spine_head_the_spine_is_guessed(standing, make_body):
    body = make_body(standing)
    np.testing.assert_array_equal(complete(body).relative_m, prior.complete(body).relative_m)


@pytest.mark.parametrize("side", [1.0, -1.0])
def test_a_side_bend_seen_is_the_side_bend_in_metres(standing, guessed, side):
    body = guessed(standing, bulging(side * 24.0))  # 8 cm
    points, guess = complete(body), prior.complete(body)
    moved = points.relative_m[CHAIN] - guess.relative_m[CHAIN]
    np.testing.assert_allclose(moved[:, 0], side * 0.08 * BULGE, atol=1e-9)
    np.testing.assert_allclose(moved[:, 1], 0.0, atol=1e-9)
    # Longer segments turn into the plane of the image: the sagittal curve flattens, by millimetres.
    np.testing.assert_allclose(moved[:, 2], 0.0, atol=0.01)


def test_a_back_rounded_in_profile_is_round_in_metres(standing, guessed):
    profile = Rotation.from_euler("y", 90, degrees=True).apply(standing)
    body = guessed(profile, bulging(24.0))
    points, guess = complete(body), prior.complete(body)
    moved = points.relative_m[CHAIN] - guess.relative_m[CHAIN]
    np.testing.assert_allclose(moved[:, 0], 0.08 * BULGE, atol=1e-9)
    # Seen from the side, the symmetric body has no depth to begin with.
    np.testing.assert_allclose(moved[:, 2], 0.0, atol=1e-9)


def test_a_back_rounded_towards_the_camera_is_nearer_to_the_truth_than_guessed(standing, guessed):
    # The chest lies at the end of an arc of 70 degrees towards the camera; along it, the image
    # shows the lower back at its full length and the upper one foreshortened.
    bend, length = np.radians(70.0), 0.5
    radius = length / bend
    upper = [
        row
        for name, row in ROW.items()
        if not any(part in name for part in ("hip", "knee", "ankle", "heel", "foot"))
    ]
    bowed = standing.copy()
    about_chest = standing[upper] - [0.0, -length, 0.0]
    chest = radius * np.array([0.0, -np.sin(bend), np.cos(bend) - 1.0])
    bowed[upper] = chest + Rotation.from_rotvec([bend, 0, 0]).apply(about_chest)
    guess = prior.complete(guessed(bowed)).relative_m[CHAIN[:7]]
    hip, c7 = guess[0], guess[-1]
    chord = c7 - hip
    arc = radius * np.column_stack(
        [0 * ARC[:7], -np.sin(bend * ARC[:7]), np.cos(bend * ARC[:7]) - 1.0]
    )
    # The same arc, turned and sized to run from the guessed hip to the guessed C7.
    size = np.linalg.norm(chord) / np.linalg.norm(arc[-1])
    turn = np.arctan2(chord[2], -chord[1]) - np.arctan2(arc[-1, 2], -arc[-1, 1])
    truth = hip + size * Rotation.from_rotvec([-turn, 0, 0]).apply(arc)
    away = np.zeros((len(POINTS), 2))
    away[:7] = PX_PER_M * (truth - guess)[:, :2]
    bent = complete(guessed(bowed, away)).relative_m[CHAIN[:7]]
    np.testing.assert_allclose(bent[:, :2], truth[:, :2], atol=1e-9)
    error = {
        name: np.abs(points - truth)[:, 2].max()
        for name, points in {"guess": guess, "bent": bent}.items()
    }
    assert error["guess"] > 0.05
    assert error["bent"] < 0.6 * error["guess"]


def test_hip_c7_and_c1_keep_the_depth_of_the_body_they_hang_on(standing, guessed):
    turned = Rotation.from_euler("xy", [40, 30], degrees=True).apply(standing)
    away = np.random.default_rng(0).normal(0, 6, (len(POINTS), 2))
    body = guessed(turned, away)
    held = [INDEX[name] for name in ("hip", "neck", "neck_03")]
    np.testing.assert_allclose(
        complete(body).relative_m[held, 2], prior.complete(body).relative_m[held, 2], atol=1e-9
    )


def test_noise_is_not_amplified(standing, guessed):
    rng = np.random.default_rng(3)
    noise_px, depths = 3.0, []
    for turn in Rotation.random(20, random_state=2):
        world = turn.apply(standing)
        noise = rng.normal(0, noise_px, (40, len(POINTS), 2))
        place = np.stack([complete(guessed(world, one)).relative_m[ROWS] for one in noise])
        spread = place.std(axis=0) * PX_PER_M / noise_px
        np.testing.assert_allclose(spread[:, :2].mean(), 1.0, atol=0.1)
        depths.append(spread[:, 2])
    # Depth is a sum of leans, each moved by less than the noise, between two points that are held.
    assert np.mean(depths) < 1.0
    assert np.max(depths) < 2.0


def test_a_turned_picture_turns_the_metres(standing, guessed):
    rng = np.random.default_rng(4)
    away = rng.normal(0, 8, (len(POINTS), 2))
    leaning = Rotation.from_euler("xyz", [30, 50, 10], degrees=True).apply(standing)
    turn = Rotation.from_euler("z", 70, degrees=True)
    flat = turn.as_matrix()[:2, :2]
    before = complete(guessed(leaning, away))
    after = complete(guessed(turn.apply(leaning), away @ flat.T))
    np.testing.assert_allclose(after.relative_m, turn.apply(before.relative_m), atol=1e-9)


def test_pixels_scale_with_the_picture_and_metres_stay(standing, guessed):
    away = np.random.default_rng(5).normal(0, 8, (len(POINTS), 2))
    small = complete(guessed(standing, away))
    large = complete(guessed(standing, 2.5 * away, xy_px=2.5 * (300.0 * standing[:, :2])))
    np.testing.assert_allclose(large.relative_m, small.relative_m, atol=1e-9)
    assert large.px_per_m == pytest.approx(2.5 * small.px_per_m)


@pytest.mark.parametrize("name", POINTS)
def test_one_point_far_off_stretches_nothing_beyond_its_bound(standing, guessed, name):
    away = np.zeros((len(POINTS), 2))
    away[POINTS.index(name)] = [4000.0, -2500.0]
    body = guessed(standing, away)
    points, guess = complete(body), prior.complete(body)
    assert np.isfinite(points.relative_m).all()
    # In depth a segment keeps at most what it had.
    assert (segments(points) <= (MOST_STRETCH + 1.0) * segments(guess) + 1e-9).all()
    assert np.linalg.norm(points.relative_m[CHAIN[0]] - guess.relative_m[CHAIN[0]]) < 0.3


def test_a_body_without_extent_stays_finite(make_body):
    spine = Spine(np.full((len(POINTS), 2), 9.0), np.full(len(POINTS), 0.5))
    body = make_body(np.zeros((33, 3)), xy_px=np.full((33, 2), 7.0), spine=spine)
    points = complete(body)
    assert np.isfinite(points.relative_m).all()
    np.testing.assert_allclose(points.xy_px[ROWS], 9.0)


def test_a_segment_seen_as_guessed_keeps_its_depth_and_one_in_the_plane_gets_none():
    segment = np.array([[0.0, 0.08, 0.06], [0.0, 0.08, -0.06], [0.0, 0.1, 0.0]])
    np.testing.assert_allclose(lean(segment, segment[:, :2]), segment[:, 2])
    assert lean(segment, 0.5 * segment[:, :2])[2] == 0.0
    shorter, longer = lean(segment, 0.9 * segment[:, :2]), lean(segment, 1.1 * segment[:, :2])
    assert shorter[0] > 0.06 > longer[0] > 0
    np.testing.assert_allclose([shorter[1], longer[1]], [-shorter[0], -longer[0]])


def test_a_leaning_segment_keeps_nearly_its_length():
    length, seen = 0.1, np.linspace(0.02, 0.07, 6)
    segment = np.tile([0.0, 0.05, np.sqrt(length**2 - 0.05**2)], (6, 1))
    depth = lean(segment, np.column_stack([np.zeros(6), seen]))
    kept = np.hypot(seen, depth)
    # Without taking up depth, lengths would go from 0.89 to 1.11.
    np.testing.assert_allclose(kept / length, 1.0, atol=0.07)


def test_depth_moves_by_no_more_than_the_extent_seen_over_the_length():
    rng = np.random.default_rng(6)
    segment = rng.normal(0, 0.05, (500, 3))
    length = np.linalg.norm(segment, axis=1)
    seen = np.column_stack([rng.uniform(0, 2, 500) * length, np.zeros(500)])
    step = 1e-6
    more = seen + np.array([step, 0.0])
    slope = np.abs(lean(segment, more) - lean(segment, seen)) / step
    assert (slope <= seen[:, 0] / length + 1e-4).all()


def test_vectors_too_long_keep_their_direction():
    vectors = np.array([[3.0, 4.0], [0.3, 0.4], [0.0, 0.0]])
    shortened = limited(vectors, np.array([1.0, 1.0, 0.0]))
    np.testing.assert_allclose(shortened, [[0.6, 0.8], [0.3, 0.4], [0.0, 0.0]])
