# SPDX-License-Identifier: GPL-3.0-or-later
"""The torso's square: round trips, what it follows, and maps seen through it."""

import numpy as np
import pytest

pytest.importorskip("torch", reason="see training/README.md")

import torch
from track_spine.inference.crop import Crop
from track_spine.inference.keypoints import INDEX
from track_spine.inference.pose2d import LANDMARKS
from track_spine.training import codec

MIDDLE = torch.tensor([128.0, 150.0], dtype=torch.float64)


def standing(size=60.0):
    """Landmarks of a person seen from the front: hips at MIDDLE, shoulders one trunk above."""
    xy = torch.zeros(1, 33, 2, dtype=torch.float64)
    for side, sign in (("left", 1.0), ("right", -1.0)):
        xy[0, LANDMARKS.index(f"{side}_hip")] = torch.tensor([sign * 0.18 * size, 0.0])
        xy[0, LANDMARKS.index(f"{side}_shoulder")] = torch.tensor([sign * 0.35 * size, -size])
    return xy + MIDDLE


def squares(count, rng):
    up = rng.normal(size=(count, 2))
    up /= np.linalg.norm(up, axis=1, keepdims=True)
    parts = (rng.uniform(0, 256, (count, 2)), rng.uniform(20, 300, count), up)
    return codec.Square(*(torch.tensor(part) for part in parts))


def test_encoding_and_decoding_are_inverse():
    rng = np.random.default_rng(1)
    square = squares(50, rng)
    points = torch.tensor(rng.normal(128, 200, (50, 14, 2)))
    assert torch.allclose(square.decode(square.encode(points)), points, atol=1e-9)


def test_the_square_holds_the_trunk_where_agreed():
    square = codec.square_about(standing())
    trunk = torch.stack([MIDDLE, MIDDLE - torch.tensor([0.0, 60.0])])[None]
    hips, shoulders = square.encode(trunk)[0]
    assert np.allclose(hips, [0.5, 1.0 - 0.35 / 2.5])
    assert np.allclose(shoulders, [0.5, 1.15 / 2.5])


@pytest.mark.parametrize("turn", [0.4, -1.7, 3.0])
def test_the_square_turns_and_grows_with_the_trunk(turn):
    """Up to the small pull of the crop's own up, which is a tenth of the trunk's length."""
    square = codec.square_about(standing())
    rotation = torch.tensor([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    moved = codec.square_about(2.0 * (standing() - MIDDLE) @ rotation.T + MIDDLE)
    assert float(moved.side) == pytest.approx(2 * float(square.side))
    cos = float(moved.up[0] @ (rotation @ square.up[0]))
    assert np.arccos(min(cos, 1.0)) <= np.arcsin(codec.UPRIGHT_PULL) + 1e-6


def test_a_trunk_seen_end_on_still_has_a_square():
    square = codec.square_about(torch.full((1, 33, 2), 128.0))
    assert float(square.side) == pytest.approx(2.5 * 0.13 * 256)
    assert torch.allclose(square.up, torch.tensor([[0.0, -1.0]]))
    assert torch.isfinite(square.centre).all()


def test_maps_are_seen_through_squares_where_they_lie():
    """Linear ramps survive bilinear sampling exactly, inside the map; outside its edge goes on."""
    rng = np.random.default_rng(6)
    cells = (torch.arange(64, dtype=torch.float64) + 0.5) * 4
    x, y = torch.meshgrid(cells, cells, indexing="xy")
    decoder = torch.stack([x, y, *[x - 2 * y] * 46]).expand(3, -1, -1, -1)
    square = squares(3, rng)
    square = square._replace(centre=torch.full((3, 2), 120.0, dtype=torch.float64))
    square = square._replace(side=torch.tensor([60.0, 110.0, 600.0], dtype=torch.float64))
    seen = codec.look_through(square, decoder)
    assert seen.shape == (3, codec.GRID_CELLS**2, codec.DECODER_CHANNELS)
    middle = (torch.arange(24, dtype=torch.float64) + 0.5) / 24
    grid = torch.stack(torch.meshgrid(middle, middle, indexing="xy"), dim=-1).view(1, -1, 2)
    place = square.decode(grid)
    assert torch.allclose(seen[:2, :, :2], place[:2], atol=1e-9)
    assert torch.allclose(seen[:2, :, 30], place[:2, :, 0] - 2 * place[:2, :, 1], atol=1e-9)
    assert float(seen[2, :, 0].max()) == 254.0 and float(seen[2, :, 0].min()) == 2.0


def test_pixels_of_the_crop_go_to_the_frame_and_back():
    rng = np.random.default_rng(4)
    crop = Crop(np.array([310.0, 90.0]), 420.0, 0.7)
    points = rng.normal(200, 100, (20, 2))
    assert np.allclose(crop.to_frame(codec.in_crop(points, crop), 256), points, atol=1e-9)
    assert np.allclose(codec.in_crop(points, codec.WHOLE_CROP), points)


def test_mirroring_twice_changes_nothing_and_once_changes_sides():
    swap = codec.mirror_names()
    assert np.array_equal(swap[swap], np.arange(37))
    assert swap[INDEX["left_clavicle"]] == INDEX["right_clavicle"]
    assert swap[INDEX["spine_03"]] == INDEX["spine_03"]


def test_facts_are_told_in_the_square_and_do_not_move_with_the_person():
    rng = np.random.default_rng(2)
    landmarks = torch.zeros(1, 39, 5, dtype=torch.float64)
    landmarks[:, :33, :2] = standing() + torch.tensor(rng.normal(0, 2, (1, 33, 2)))
    world = torch.tensor(rng.normal(0, 0.3, (1, 117)))
    facts = []
    for shift in (0.0, 20.0):
        moved = landmarks.clone()
        moved[:, :33, :2] += shift
        square = codec.square_about(moved[:, :33, :2])
        facts.append(codec.context_of(torch.ones(1, 288, 2, 2), moved.flatten(1), world, square)[0])
    assert facts[0].shape == (codec.CONTEXT,)
    crop_places = slice(codec.CONTEXT - 5, codec.CONTEXT - 3)
    same = np.ones(codec.CONTEXT, bool)
    same[crop_places] = False  # where the crop's middle lies in the square
    assert torch.allclose(facts[0][same], facts[1][same], atol=1e-9)
    assert not torch.allclose(facts[0][crop_places], facts[1][crop_places], atol=0.05)
    places = facts[0][codec.LANDMARK_PLACES].view(1, 33, 2)
    square = codec.square_about(landmarks[:, :33, :2])
    assert torch.allclose(square.decode(places), landmarks[:, :33, :2], atol=1e-9)
