# SPDX-License-Identifier: GPL-3.0-or-later
"""Samples and shards: same seed same bytes, labels that project, resuming, damage."""

import numpy as np
import pytest

pytest.importorskip("anny", reason="training has its own environment, see training/README.md")

from track_spine.training import render as rendering
from track_spine.training.camera import PICTURE_PX
from track_spine.training.errors import TrainingError
from track_spine.training.sample import draw_samples
from track_spine.training.shards import picture_of, read_shard, shard_path, write_shard


@pytest.fixture(scope="module")
def samples(studio):
    return draw_samples(studio, 17, 2, np.random.default_rng([1, 2, 3]))


def test_the_same_seed_gives_the_same_picture_and_labels(studio, samples):
    again = draw_samples(studio, 17, 2, np.random.default_rng([1, 2, 3]))
    for one, two in zip(samples, again, strict=True):
        assert one.jpeg == two.jpeg
        assert np.array_equal(one.xyz_m, two.xyz_m)
        assert one.strings == two.strings


def test_3d_labels_project_onto_2d_labels(samples):
    for sample in samples:
        flat = sample.focal_px * sample.xyz_m[:, :2] / sample.xyz_m[:, 2:] + sample.centre_px
        assert np.allclose(flat, sample.xy_px, atol=1e-6)
        assert np.all(sample.xyz_m[:, 2] > 0.2)


def test_the_body_fills_the_picture_as_agreed(samples):
    for sample in samples:
        hip = sample.xy_px[[11, 12]].mean(axis=0)
        circle = 2 * np.linalg.norm(sample.xy_px - hip, axis=1).max() / PICTURE_PX
        assert 0.62 < circle < 0.92


def test_the_picture_shows_the_body_where_the_labels_are(studio, standing):
    from track_spine.training.camera import Camera
    from track_spine.training.people import draw_person, stand_up
    from track_spine.training.posing import put_on
    from track_spine.training.scene import draw_light

    rng = np.random.default_rng(9)
    person = draw_person(studio.model, studio.pattern, 30, rng)
    posed = put_on(person.figure, studio.model, standing)
    rotation = np.array([[1.0, 0, 0], [0, 0, -1.0], [0, 1.0, 0]])
    camera = Camera(np.array([0.0, -5.0, 0.0]), rotation, 525.0, np.full(2, PICTURE_PX / 2))
    alpha = studio.stage.draw(stand_up(person, studio.model, posed), camera, draw_light(8, rng))[
        ..., 3
    ]
    for x, y in camera.project(posed.points)[[5, 6, 11, 12, 13, 14, 18, 26, 29]]:
        assert alpha[int(y), int(x)] > 200
    assert alpha[:10].max() == 0


def test_a_studio_of_things_aside_draws_nothing_else(studio):
    from track_spine.training.poses import draw_pose
    from track_spine.training.sample import only_aside
    from track_spine.training.splits import TEST, split_of

    aside = only_aside(studio)
    assert 0.08 < len(aside.bodies) / len(studio.bodies) < 0.16
    assert aside.motions and len(aside.motions) < len(studio.motions) / 3
    assert aside.backgrounds.photos and len(aside.lights)
    rng = np.random.default_rng(2)
    poses = [draw_pose(aside.motions, rng) for _ in range(60)]
    names = [*aside.backgrounds.photos, *(f"world/{row}" for row in aside.lights), "plain"]
    arrays = {
        "body_id": rng.choice(aside.bodies, 60),
        "source": np.array([pose.source for pose in poses]),
        "clip": np.array([pose.clip for pose in poses]),
        "background": rng.choice(names, 60),
    }
    assert np.all(split_of(arrays) == TEST)
    assert 10 < sum(pose.clip != "" for pose in poses) < 50


def test_a_picture_of_things_aside_is_for_the_test(studio):
    from track_spine.training.sample import only_aside
    from track_spine.training.splits import TEST, split_of

    aside = only_aside(studio)
    (sample,) = draw_samples(aside, int(aside.bodies[3]), 1, np.random.default_rng(8))
    source, _, clip, background, _ = sample.strings
    row = {"source": source, "clip": clip, "background": background, "body_id": sample.body_id}
    assert split_of({name: np.array([value]) for name, value in row.items()}) == [TEST]


def test_a_shard_comes_back_as_written(samples, tmp_path):
    arrays = read_shard(write_shard(tmp_path, 4, 1, samples))
    assert arrays["xy_px"].shape == (2, 37, 2)
    assert arrays["spine_deg"].shape == (2, 25, 3)
    assert picture_of(arrays, 1).shape == (PICTURE_PX, PICTURE_PX, 3)
    assert picture_of(arrays, 1).std() > 3
    assert [path.name for path in tmp_path.iterdir()] == ["shard-00004.npz"]


def test_what_is_there_is_not_made_again(samples, tmp_path):
    write_shard(tmp_path, 1, 1, samples)
    assert rendering.missing_shards(tmp_path, 3 * rendering.SHARD_IMAGES) == [0, 2]


@pytest.mark.parametrize("keep", [0, 100, 5000])
def test_a_damaged_shard_is_named(samples, tmp_path, keep):
    path = write_shard(tmp_path, 0, 1, samples)
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(TrainingError, match=r"shard-00000\.npz"):
        rendering.missing_shards(tmp_path, 1)
    assert shard_path(tmp_path, 0) == path
