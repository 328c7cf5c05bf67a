# SPDX-License-Identifier: GPL-3.0-or-later
"""Rendered people through the frozen base: what comes out fits its labels, and work is kept."""

import json

import numpy as np
import pytest

pytest.importorskip("anny", reason="training has its own environment, see training/README.md")
pytest.importorskip("onnx", reason="training has its own environment, see training/README.md")

from track_spine.inference.crop import Crop
from track_spine.inference.keypoints import INDEX
from track_spine.inference.pose2d import LANDMARKS
from track_spine.inference.spine import POINTS
from track_spine.training.augment import LEAST_LEFT, cut_off, damage, mirrored
from track_spine.training.base import MAPS, FrozenBase, bodies_in_crop
from track_spine.training.camera import PICTURE_PX
from track_spine.training.codec import CONTEXT, LANDMARK_PLACES
from track_spine.training.config import Config
from track_spine.training.errors import TrainingError
from track_spine.training.prepare import look_again, prepare
from track_spine.training.sample import draw_samples
from track_spine.training.shards import picture_of, read_shard, write_shard


@pytest.fixture(scope="module")
def renders(studio, tmp_path_factory):
    folder = tmp_path_factory.mktemp("renders")
    samples = draw_samples(studio, 17, 4, np.random.default_rng([4, 5]))
    write_shard(folder, 0, 1, samples)
    return folder


@pytest.fixture(scope="module")
def features(renders, tmp_path_factory):
    folder = tmp_path_factory.mktemp("features")
    made = prepare(renders, folder, Config(), 2, lambda line: None)
    with np.load(folder / "features-00000.npz") as file:
        return made, folder, {name: file[name] for name in file.files}


def test_features_have_the_agreed_shapes(features):
    made, _, arrays = features
    count = len(arrays["split"])
    assert made == 1 and 0 < count <= 8
    assert arrays["cells"].shape == (count, 576, 48)
    assert arrays["context"].shape == (count, CONTEXT)
    assert arrays["target"].shape == (count, len(POINTS), 2)
    for values in arrays.values():
        assert np.isfinite(values.astype(float)).all()


def test_what_the_base_sees_lies_by_the_labels(features):
    """Hips and shoulders are no targets, but clavicles lie between shoulders in every view."""
    _, _, arrays = features
    places = arrays["context"][:, LANDMARK_PLACES].astype(float).reshape(-1, 33, 2)
    shoulders = places[:, [LANDMARKS.index(f"{s}_shoulder") for s in ("left", "right")]]
    clavicles = arrays["target"][:, [POINTS.index(f"{s}_clavicle") for s in ("left", "right")]]
    away = np.linalg.norm(shoulders.mean(axis=1) - clavicles.mean(axis=1), axis=1)
    assert np.median(away / arrays["torso"]) < 0.25


def test_what_is_there_is_not_made_again_and_settings_do_not_mix(renders, features):
    _, folder, _ = features
    assert prepare(renders, folder, Config(epochs=3), 2, lambda line: None) == 0
    with pytest.raises(TrainingError, match="other settings"):
        prepare(renders, folder, Config(roll_sd_deg=0.0), 2, lambda line: None)
    assert "roll_sd_deg" in json.loads((folder / "config.json").read_text())


def test_no_renders_and_damaged_renders_are_named(renders, tmp_path):
    with pytest.raises(TrainingError, match="no shards"):
        prepare(tmp_path, tmp_path / "out", Config(), 2, lambda line: None)
    content = (renders / "shard-00000.npz").read_bytes()
    (tmp_path / "shard-00000.npz").write_bytes(content[:3000])
    with pytest.raises(TrainingError, match=r"shard-00000\.npz"):
        prepare(tmp_path, tmp_path / "out", Config(), 2, lambda line: None)
    assert not list((tmp_path / "out").glob("*.npz"))


def test_mirrored_pictures_carry_their_labels(renders):
    arrays = read_shard(renders / "shard-00000.npz")
    frame, xy = picture_of(arrays, 0), arrays["xy_px"][0].astype(float)
    other, moved = mirrored(frame, xy)
    assert np.array_equal(other[:, ::-1], frame)
    assert moved[INDEX["left_hip"], 0] == pytest.approx(PICTURE_PX - xy[INDEX["right_hip"], 0])
    again, back = mirrored(other, moved)
    assert np.array_equal(again, frame) and np.allclose(back, xy)


def test_damage_keeps_the_picture_recognisable():
    rng = np.random.default_rng(1)
    frame = np.tile(np.arange(0, 240, 10, np.uint8)[:, None, None], (1, 24, 3))
    for _ in range(20):
        spoilt = damage(frame, rng)
        assert spoilt.dtype == np.uint8 and spoilt.shape == frame.shape
        assert np.corrcoef(spoilt.ravel(), frame.ravel())[0, 1] > 0.8


@pytest.mark.parametrize("seed", range(8))
def test_a_cut_takes_one_side_and_leaves_the_rest(seed):
    rng = np.random.default_rng(seed)
    frame = rng.integers(0, 255, (90, 120, 3), np.uint8)
    xy = rng.uniform([10, 10], [110, 80], (37, 2))
    changed = (cut_off(frame, xy, np.random.default_rng(seed)) != frame).any(axis=2)
    columns, rows = changed.any(axis=0), changed.any(axis=1)
    assert columns.all() or rows.all() or not changed.any()
    inside = ~changed[xy[:, 1].astype(int), xy[:, 0].astype(int)]
    assert inside.mean() >= LEAST_LEFT - 0.05
    assert cut_off(frame, xy, np.random.default_rng(seed)).flags.c_contiguous


def test_crops_half_outside_black_or_tiny_give_finite_maps():
    frame = np.zeros((60, 80, 3), np.uint8)
    crops = [
        Crop(np.array([0.0, 0.0]), 100.0, 0.0),
        Crop(np.array([40.0, 30.0]), 12.0, 3.1),
        Crop(np.array([500.0, 500.0]), 900.0, 1.0),
    ]
    outputs = FrozenBase(2).run(
        np.stack([crop.cut(frame, 256, black_outside=False) for crop in crops])
    )
    assert [outputs[name].shape[1:] for name in MAPS] == [(48, 64, 64), (288, 2, 2)]
    looks = look_again(outputs, np.zeros(3), [np.random.default_rng(0)] * 3)
    for look, body in zip(looks, bodies_in_crop(outputs), strict=True):
        for name in ("cells", "context"):
            assert np.isfinite(look[name]).all()
        assert body.presence < 0.5
