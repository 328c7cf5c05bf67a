# SPDX-License-Identifier: GPL-3.0-or-later
"""From bodies to chunks: everybody in place, written beside the tracking, in order."""

import numpy as np
import pytest
from track_spine.inference.bend import complete, complete_all
from track_spine.inference.chunks import ChunkWriter, Row, gathered
from track_spine.inference.errors import TakeError
from track_spine.inference.keypoints import NAMES
from track_spine.inference.spine import POINTS, Spine
from track_spine.inference.take import Take
from track_spine.inference.tracks import to_arrays


@pytest.fixture
def bodies(standing, make_body):
    """Five bodies, each posed and scored otherwise."""
    rng = np.random.default_rng(2)

    def body():
        world = standing + rng.normal(0.0, 0.03, standing.shape)
        xy = 300.0 * world[:, :2] + rng.normal(400.0, 5.0, world[:, :2].shape)
        spine = Spine(rng.uniform(300, 500, (len(POINTS), 2)), rng.random(len(POINTS)))
        return make_body(world, xy_px=xy, score=rng.random(len(world)), spine=spine)

    return [body() for _ in range(5)]


def row(index, **seen):
    return Row(index, index + 70, index / 30.0, True, {int(k[1:]): v for k, v in seen.items()})


def test_many_bodies_are_completed_as_each_alone(bodies):
    together = complete_all(bodies)
    assert together.xy_px.shape == (len(bodies), len(NAMES), 2)
    for index, body in enumerate(bodies):
        alone = complete(body)
        for name in ("xy_px", "score", "relative_m", "px_per_m"):
            np.testing.assert_allclose(
                getattr(together, name)[index], getattr(alone, name), rtol=1e-9, atol=1e-9
            )


def test_everybody_has_a_place_and_who_is_not_seen_is_missing(bodies):
    rows = [row(0, p1=bodies[0]), row(1), row(2, p0=bodies[1], p1=bodies[2])]
    arrays = gathered(rows, people=3)
    assert arrays["person"].tolist() == [0, 1, 2]
    assert arrays["frame"].tolist() == [70, 71, 72]
    seen = np.isfinite(arrays["xy_px"]).all(axis=(2, 3))
    np.testing.assert_array_equal(seen, [[0, 1, 0], [0, 0, 0], [1, 1, 0]])
    np.testing.assert_array_equal(arrays["score"].any(axis=2), seen)
    np.testing.assert_allclose(arrays["xy_px"][2, 0], complete(bodies[1]).xy_px, rtol=1e-6)
    np.testing.assert_allclose(
        arrays["relative_m"][0, 1], complete(bodies[0]).relative_m, rtol=1e-4
    )


def test_chunks_are_written_in_order_and_a_failure_reaches_the_next_caller(bodies, tmp_path):
    take = Take(tmp_path)
    take.begin({"source": {}, "models": [], "settings": {}})
    writer = ChunkWriter(take)
    for first in (0, 2):
        writer.write([row(first, p0=bodies[0]), row(first + 1)], 1, to_arrays([]))
    writer.write([], 1, to_arrays([]))
    writer.wait()
    assert take.read_chunks()[0]["row"].tolist() == [0, 1, 2, 3]
    for path in (tmp_path / "chunks").iterdir():
        path.unlink()
    (tmp_path / "chunks").rmdir()
    writer.write([row(4)], 1, to_arrays([]))
    with pytest.raises(TakeError, match="cannot be written"):
        writer.wait()
    writer.close()
