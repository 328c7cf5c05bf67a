# SPDX-License-Identifier: GPL-3.0-or-later
"""Labelled pictures through the frozen base: the same arrays as of renders, and rays that meet."""

import cv2
import numpy as np
import pytest

pytest.importorskip("anny", reason="training has its own environment, see training/README.md")
pytest.importorskip("onnx", reason="training has its own environment, see training/README.md")

import torch
from track_spine.inference.spine import ROWS
from track_spine.training.augment import body_crop
from track_spine.training.config import Config
from track_spine.training.errors import TrainingError
from track_spine.training.labels import TRUSTED, UNKNOWN, WEAK, person_entry, write_labels
from track_spine.training.multi_view import rays_of
from track_spine.training.prepare import prepare
from track_spine.training.prepare_photos import WEIGHT, prepare_photos
from track_spine.training.sample import draw_samples
from track_spine.training.shards import picture_of, read_shard, write_shard
from track_spine.training.views import Views, read_views, views_loss

STILL = Config(passes=1, roll_sd_deg=0.0, scale_sd=0.0, shift_sd=0.0, torso_jitter=0.0, damage=0.0)


@pytest.fixture(scope="module")
def renders(studio, tmp_path_factory):
    folder = tmp_path_factory.mktemp("renders")
    write_shard(folder, 0, 1, draw_samples(studio, 23, 3, np.random.default_rng([4, 6])))
    return folder


@pytest.fixture(scope="module")
def photos(renders, tmp_path_factory):
    """The renders as photos labelled by hand: the first point a weak label, the second unknown."""
    folder = tmp_path_factory.mktemp("photos")
    arrays = read_shard(renders / "shard-00000.npz")
    images, people = [], []
    for row in range(len(arrays["xy_px"])):
        frame, xy = picture_of(arrays, row), arrays["xy_px"][row].astype(float)
        cv2.imwrite(str(folder / f"{row}.png"), frame[..., ::-1])
        known = np.full(37, TRUSTED)
        known[ROWS[0]], known[ROWS[1]] = WEAK, UNKNOWN
        camera = {
            "matrix": _matrix(arrays, row),
            "rotation": np.eye(3).tolist(),
            "translation": [0.0, 0.0, 0.0],
        }
        images.append({"id": row, "file_name": f"{row}.png", "camera": camera, "moment": f"m{row}"})
        crop = body_crop(xy, STILL, np.random.default_rng(0))
        people.append(person_entry(row + 1, row, xy, known, crop))
    write_labels(folder / "labels.json", images, people)
    return folder


def _matrix(arrays, row):
    focal, centre = float(arrays["focal_px"][row]), arrays["centre_px"][row].tolist()
    return [[focal, 0.0, centre[0]], [0.0, focal, centre[1]], [0.0, 0.0, 1.0]]


@pytest.fixture(scope="module")
def features(photos, tmp_path_factory):
    out = tmp_path_factory.mktemp("features")
    assert prepare_photos([photos / "labels.json"], out, STILL, 1, lambda line: None) == 1
    with np.load(next(out.glob("features-photos-*.npz"))) as file:
        return out, {name: file[name] for name in file.files}


def test_photos_and_renders_give_the_same_arrays(renders, features, tmp_path):
    out, photos = features
    prepare(renders, tmp_path, Config(passes=1), 1, lambda line: None)
    with np.load(tmp_path / "features-00000.npz") as file:
        assert set(file.files) == set(photos)
        for name in file.files:
            assert file[name].shape[1:] == photos[name].shape[1:], name
            assert np.isfinite(photos[name].astype(float)).all()
    assert photos["weight"][:, :3].tolist() == [[WEIGHT[WEAK], 0.0, 1.0]] * len(photos["weight"])
    assert prepare_photos([], out, STILL, 1, lambda line: None) == 0


def test_rays_of_the_targets_are_those_of_the_points(renders, photos, features):
    """Through crop, square and camera back: each target's ray passes its point in space."""
    out, arrays = features
    shard, views = read_shard(renders / "shard-00000.npz"), read_views(out)
    assert len(views) == len(arrays["image"])
    ray = torch.from_numpy(views.arrays["ray"]).double()
    way = rays_of(torch.from_numpy(arrays["target"]).double(), ray).numpy()
    for row, image in enumerate(arrays["image"]):
        points = shard["xyz_m"][image % 10_000_000 - 1][ROWS].astype(float)
        off = np.linalg.norm(np.cross(way[row], points), axis=1)
        # Float32 features of crops of about 400 px: under a millimetre at some metres.
        assert off[2:].max() < 2e-3


def test_what_is_there_stays_and_missing_pictures_are_named(photos, features, tmp_path):
    out, _ = features
    assert prepare_photos([photos / "labels.json"], out, STILL, 1, lambda line: None) == 0
    (tmp_path / "labels.json").write_text((photos / "labels.json").read_text())
    with pytest.raises(TrainingError, match=r"0\.png"):
        prepare_photos([tmp_path / "labels.json"], tmp_path / "out", STILL, 1, lambda line: None)


def views_of(moments):
    count = len(moments)
    return Views(
        {
            "cells": np.zeros((count, 4, 2), np.float16),
            "ray": np.tile(np.eye(3, dtype=np.float32), (count, 1, 1)),
            "eye": np.zeros((count, 3), np.float32),
            "trunk_m": np.full(count, 0.5, np.float32),
            "weight": np.ones((count, 2), np.float32),
            "moment": np.array(moments),
        }
    )


def test_moments_are_drawn_whole():
    views = views_of([9, 9, 4, 4, 4, 7])
    for seed in range(6):
        batch = views.draw(3, np.random.default_rng(seed))
        count = np.bincount(batch["group"].numpy())
        assert 3 <= count.sum() <= 6 and set(count.tolist()) <= {1, 2, 3}
        assert batch["cells"].shape[0] == count.sum()
    assert len(views.draw(99, np.random.default_rng(0))["eye"]) == 6


def test_a_view_that_is_sure_and_wrong_cannot_draw_the_rest_far():
    batch = views_of([1, 1, 1, 1]).draw(4, np.random.default_rng(0))
    batch["eye"] = torch.tensor([[0.0, 0, 0], [0, 0, 0], [0.0, 0, 0], [1.0, 0, 0]])
    points = torch.zeros((4, 2, 2))
    alike = views_loss(points, torch.full((4, 2), 0.02), batch)
    scale = torch.full((4, 2), 0.02)
    scale[3] = 1e-4
    sure = views_loss(points, scale, batch)
    # Rays along z, one a metre aside: 0.75 m and three times 0.25 m in trunks of 0.5 m.
    assert float(alike) == pytest.approx(0.75, abs=0.01)
    assert float(sure) < 1.2 and float(sure) > float(alike)
    batch["weight"][3] = 0.0
    assert float(views_loss(points, scale, batch)) < 1e-3


def test_damaged_views_are_named(tmp_path):
    assert read_views(tmp_path) is None
    (tmp_path / "views-a-00000.npz").write_bytes(b"nothing")
    with pytest.raises(TrainingError, match="views-a-00000"):
        read_views(tmp_path)
