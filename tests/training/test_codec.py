# SPDX-License-Identifier: GPL-3.0-or-later
"""The torso's square: round trips, what it follows, and maps seen through it."""

from dataclasses import replace

import numpy as np
import pytest
from track_spine.inference.crop import Crop
from track_spine.inference.keypoints import INDEX
from track_spine.inference.pose2d import LANDMARKS, Body
from track_spine.training import codec


def standing_landmarks(size=100.0):
    """Landmarks of a person seen from the front: hips at (0, 0), shoulders one trunk above."""
    xy = np.zeros((33, 2))
    for side, sign in (("left", 1.0), ("right", -1.0)):
        xy[LANDMARKS.index(f"{side}_hip")] = [sign * 0.18 * size, 0.0]
        xy[LANDMARKS.index(f"{side}_shoulder")] = [sign * 0.35 * size, -size]
    return xy


def test_encoding_and_decoding_are_inverse():
    rng = np.random.default_rng(1)
    for _ in range(50):
        square = Crop(rng.normal(0, 300, 2), rng.uniform(20, 900), rng.uniform(-4, 4))
        points = rng.normal(0, 500, (14, 2))
        assert np.allclose(codec.decode(codec.encode(points, square), square), points, atol=1e-9)


def test_the_square_holds_the_trunk_where_agreed():
    square = codec.torso_crop(standing_landmarks(), Crop(np.zeros(2), 500.0, 0.0))
    hips, shoulders = codec.encode(np.array([[0.0, 0.0], [0.0, -100.0]]), square)
    assert np.allclose(hips, [0.5, 1.0 - 0.35 / 2.5])
    assert np.allclose(shoulders, [0.5, 1.15 / 2.5])


@pytest.mark.parametrize("turn", [0.4, -1.7, 3.0])
def test_the_square_turns_and_grows_with_the_person(turn):
    body = Crop(np.array([3.0, 5.0]), 480.0, 0.1)
    square = codec.torso_crop(standing_landmarks(), body)
    rotation = replace(body, angle=turn).rotation()
    xy = 2.0 * standing_landmarks() @ rotation.T + [50.0, -20.0]
    moved = codec.torso_crop(
        xy, Crop(2 * rotation @ body.centre_px + [50.0, -20.0], 960.0, body.angle + turn)
    )
    assert moved.side_px == pytest.approx(2 * square.side_px)
    assert np.allclose(moved.centre_px, 2.0 * rotation @ square.centre_px + [50.0, -20.0])
    assert np.angle(np.exp(1j * (moved.angle - square.angle - turn))) == pytest.approx(0, abs=1e-9)


def test_a_trunk_seen_end_on_still_has_a_square():
    square = codec.torso_crop(np.zeros((33, 2)), Crop(np.zeros(2), 200.0, 0.0))
    assert square.side_px == pytest.approx(2.5 * 0.13 * 200.0)
    assert np.isfinite(square.centre_px).all() and square.angle == pytest.approx(0.0)


def test_a_map_is_seen_through_another_square_where_it_lies():
    """A linear ramp survives bilinear sampling exactly, inside the map."""
    cells = (np.arange(64) + 0.5) / 64
    ramp = np.stack(np.meshgrid(cells, cells), axis=-1).astype(np.float32)
    body, square = Crop(np.array([10.0, 20.0]), 256.0, 0.3), Crop(np.array([0.0, 30.0]), 90.0, -0.5)
    seen = codec.resample(ramp, body, square, 24)
    grid = np.stack(np.meshgrid(*[(np.arange(24) + 0.5) / 24] * 2), axis=-1)
    true = codec.encode(codec.decode(grid, square), body)
    assert np.allclose(seen.transpose(1, 2, 0), true, atol=1e-5)


def test_mirroring_twice_changes_nothing_and_once_changes_sides():
    swap = codec.mirror_names()
    assert np.array_equal(swap[swap], np.arange(37))
    assert swap[INDEX["left_clavicle"]] == INDEX["right_clavicle"]
    assert swap[INDEX["spine_03"]] == INDEX["spine_03"]


def test_facts_do_not_depend_on_where_the_person_is_in_the_frame():
    rng = np.random.default_rng(2)
    xy, world = standing_landmarks() + rng.normal(0, 2, (33, 2)), rng.normal(0, 0.3, (33, 3))
    facts = []
    for shift in (np.zeros(2), np.array([200.0, -70.0])):
        crop = Crop(shift, 500.0, 0.2)
        body = Body(xy + shift, np.ones(33), world, 1.0, crop, shift, shift)
        square = codec.torso_crop(body.xy_px, crop)
        facts.append(codec.context_of(body, square, np.ones((2, 2, 288), np.float32)))
    assert facts[0].shape == (codec.CONTEXT,)
    assert np.allclose(*facts, atol=1e-5)
    places = facts[0][codec.LANDMARK_PLACES].reshape(33, 2)
    assert np.allclose(places, codec.encode(xy + shift, square), atol=1e-5)
