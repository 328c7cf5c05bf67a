# SPDX-License-Identifier: GPL-3.0-or-later
"""The overlay: a curve through the spine, drawn where the points are, at the footage's times."""

from fractions import Fraction

import av
import numpy as np
import pytest
from track_spine.inference.errors import TakeError, VideoError
from track_spine.inference.keypoints import INDEX, NAMES, SPINE
from track_spine.inference.overlay import (
    SPINE_RGB,
    UNSURE_RGB,
    draw,
    spine_colour,
    spine_curve,
    write_overlay,
)
from track_spine.inference.video import frames, probe

GREY = np.full((240, 320, 3), 100, np.uint8)
CHAIN = [INDEX[name] for name in (*SPINE, "head")]
SURE = np.ones(len(NAMES))


@pytest.fixture
def points():
    """(37, 2) points within (60..140, 60..180), the spine upright and bent."""
    xy = np.random.default_rng(0).uniform([60, 60], [140, 180], (len(NAMES), 2))
    steps = np.linspace(0, 1, len(CHAIN))
    xy[CHAIN] = np.column_stack([100 + 15 * np.sin(3 * steps), 175 - 110 * steps])
    return xy


def ignore(_count):
    pass


def sure(xy):
    """Scores of 1 for points (T, P, 37, 2)."""
    return np.ones(xy.shape[:-1])


def curve_of(points, samples):
    """The pieces of the curve as one; where they meet, points come once."""
    pieces = spine_curve(points, samples)
    np.testing.assert_allclose(pieces[:-1, -1], pieces[1:, 0], atol=1e-9)
    return np.concatenate([pieces[:, :-1].reshape(-1, 2), pieces[-1:, -1]])


def test_the_curve_passes_through_the_ten_points_in_order(points):
    curve = curve_of(points, samples=450)
    apart = np.linalg.norm(curve[:, None] - points[CHAIN], axis=-1)
    # Half a step of the sampling: about 115 px in 4000 steps.
    np.testing.assert_allclose(apart.min(axis=0), 0.0, atol=0.02)
    assert (np.diff(apart.argmin(axis=0)) > 0).all()
    np.testing.assert_allclose(curve[[0, -1]], points[[INDEX["hip"], INDEX["head"]]], atol=1e-9)


def test_the_curve_is_smooth_where_the_chain_has_corners(points):
    curve = curve_of(points, samples=45)
    steps = np.diff(curve, axis=0)
    turns = np.abs(np.diff(np.unwrap(np.arctan2(steps[:, 1], steps[:, 0]))))
    assert turns.max() < np.radians(3)


def test_the_curve_of_a_straight_spine_is_straight(points):
    points[CHAIN] = np.column_stack([np.full(10, 50.0), np.linspace(200, 20, 10)])
    curve = spine_curve(points, samples=5)
    assert curve.shape == (9, 5, 2)
    np.testing.assert_allclose(curve[..., 0], 50.0, atol=1e-9)
    even = np.linspace(200, 20, 37)
    np.testing.assert_allclose(curve[:, :-1, 1].ravel(), even[:-1], atol=1e-6)
    np.testing.assert_allclose(curve[:, -1, 1], even[4::4], atol=1e-6)


def test_points_on_top_of_each_other_are_no_crash(points):
    points[CHAIN[3]] = points[CHAIN[4]]
    assert np.isfinite(spine_curve(points)).all()
    draw(GREY.copy(), np.full((37, 2), 50.0), SURE)


def test_drawing_stays_about_the_points(points):
    picture = GREY.copy()
    draw(picture, points, SURE)
    rows, columns = np.nonzero((picture != GREY).any(axis=2))
    # The curve may swing out a little; lines and dots are a few pixels thick.
    assert points[:, 0].min() - 8 < columns.min() < columns.max() < points[:, 0].max() + 8
    assert points[:, 1].min() - 8 < rows.min() < rows.max() < points[:, 1].max() + 8


def test_every_point_is_marked_where_it_lies(points):
    # Far apart, so that no point covers another's middle.
    grid = np.stack(np.meshgrid(np.arange(7) * 30 + 40.5, np.arange(6) * 30 + 40.5), axis=-1)
    spread = grid.reshape(-1, 2)[: len(NAMES)]
    spread[[INDEX["hip"], 0]] = spread[[0, INDEX["hip"]]]  # dots are sized by hip to neck
    picture = GREY.copy()
    draw(picture, spread, SURE)
    for name, (x, y) in zip(NAMES, spread, strict=True):
        colour = picture[int(y), int(x)].astype(int)
        red, _, blue = colour
        if name in SPINE:
            np.testing.assert_allclose(colour, SPINE_RGB, atol=3)
        elif name.startswith("left"):
            assert blue > red + 50
        elif name.startswith("right"):
            assert red > blue + 50
        else:
            assert colour.min() > 200


def test_the_spine_shows_where_it_is_unsure(points):
    points[CHAIN] = np.column_stack([np.full(10, 100.0), np.linspace(220, 20, 10)])
    score = SURE.copy()
    score[CHAIN[:4]] = 0.0
    picture = np.full_like(GREY, 100)
    draw(picture, points, score)
    middles = [
        picture[int((points[a, 1] + points[b, 1]) / 2), 99]
        for a, b in ((CHAIN[1], CHAIN[2]), (CHAIN[7], CHAIN[8]))
    ]
    np.testing.assert_allclose(middles[0].astype(int), UNSURE_RGB, atol=6)
    np.testing.assert_allclose(middles[1].astype(int), SPINE_RGB, atol=6)


def test_colours_go_evenly_from_unsure_to_sure():
    assert spine_colour(0.0) == UNSURE_RGB
    assert spine_colour(1.0) == SPINE_RGB
    np.testing.assert_allclose(spine_colour(0.5), np.add(UNSURE_RGB, SPINE_RGB) / 2, atol=0.5)


def test_points_far_outside_the_picture_are_no_crash():
    picture = GREY.copy()
    draw(picture, np.random.default_rng(1).uniform(-1e5, 1e5, (37, 2)), SURE)


def overlay_of(clip, xy, path):
    write_overlay(probe(clip), xy, sure(xy), path, ignore)
    return list(frames(probe(path)))


def test_the_footage_comes_back_with_its_times_and_size(tmp_path, write_clip, points):
    pts = [0, 33, 90, 100, 340, 350, 600]
    clip = write_clip(tmp_path / "a.mkv", [GREY] * len(pts), pts, Fraction(1, 1000))
    xy = np.tile(points, (len(pts), 1, 1, 1)).astype(np.float32)
    counts = []
    write_overlay(probe(clip), xy, sure(xy), tmp_path / "o.mp4", counts.append)
    assert counts == [1, 2, 3, 4, 5, 6, 7]
    info = probe(tmp_path / "o.mp4")
    got = list(frames(info))
    assert (info.width, info.height) == (320, 240)
    np.testing.assert_allclose([f.time_s for f in got], np.array(pts) / 1000, atol=1e-3)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.mkv", "o.mp4"]


def test_frames_without_the_person_are_left_as_they_are(tmp_path, write_clip, points):
    clip = write_clip(tmp_path / "a.mp4", [GREY] * 6)
    xy = np.tile(points, (6, 1, 1, 1)).astype(np.float32)
    xy[2:4] = np.nan
    changed = [
        (np.abs(frame.rgb.astype(int) - 100).max(axis=2) > 40).sum()
        for frame in overlay_of(clip, xy, tmp_path / "o.mp4")
    ]
    assert changed[2:4] == [0, 0]
    assert min(changed[:2] + changed[4:]) > 300


def test_both_people_are_drawn(tmp_path, write_clip, points):
    clip = write_clip(tmp_path / "a.mp4", [GREY] * 2)
    pair = np.stack([points, points + np.array([150.0, 0.0])])
    xy = np.tile(pair, (2, 1, 1, 1)).astype(np.float32)
    rgb = overlay_of(clip, xy, tmp_path / "o.mp4")[0].rgb.astype(int)
    marked = np.abs(rgb - 100).max(axis=2) > 40
    assert marked[:, :160].sum() > 300
    assert marked[:, 200:].sum() > 300


def test_odd_footage_loses_its_last_row_and_column_only(tmp_path, write_clip, noise, points):
    odd = [GREY[:239, :319]] * 3
    clip = write_clip(tmp_path / "a.mkv", odd, codec="ffv1", pix_fmt="bgr0")
    xy = np.tile(points, (3, 1, 1, 1)).astype(np.float32)
    got = overlay_of(clip, xy, tmp_path / "o.mp4")
    assert len(got) == 3
    assert got[0].rgb.shape == (238, 318, 3)
    assert (np.abs(got[0].rgb.astype(int) - 100).max(axis=2) > 40).sum() > 300


def test_a_take_shorter_than_the_clip_ends_the_overlay(tmp_path, write_clip, points):
    clip = write_clip(tmp_path / "a.mp4", [GREY] * 9)
    xy = np.tile(points, (4, 1, 1, 1)).astype(np.float32)
    assert len(overlay_of(clip, xy, tmp_path / "o.mp4")) == 4


@pytest.mark.parametrize("place", ["missing/o.mp4", "file/o.mp4"])
def test_a_path_that_cannot_be_written_is_named(tmp_path, write_clip, points, place):
    clip = write_clip(tmp_path / "a.mp4", [GREY] * 2)
    (tmp_path / "file").write_text("in the way")
    before = sorted(tmp_path.rglob("*"))
    path = tmp_path / place
    with pytest.raises(TakeError) as caught:
        xy = np.tile(points, (2, 1, 1, 1))
        write_overlay(probe(clip), xy, sure(xy), path, ignore)
    assert str(path) in str(caught.value)
    assert sorted(tmp_path.rglob("*")) == before


def test_a_full_disk_leaves_the_earlier_overlay(tmp_path, write_clip, points, monkeypatch):
    clip = write_clip(tmp_path / "a.mp4", [GREY] * 3)
    path = tmp_path / "o.mp4"
    path.write_bytes(b"earlier")
    xy = np.tile(points, (3, 1, 1, 1))

    def full(count):
        raise OSError(28, "No space left on device")

    with pytest.raises(TakeError, match="No space left"):
        write_overlay(probe(clip), xy, sure(xy), path, full)
    assert path.read_bytes() == b"earlier"
    assert sorted(file.name for file in tmp_path.iterdir()) == ["a.mp4", "o.mp4"]


def test_footage_that_breaks_off_or_an_interrupt_leaves_no_half_written_file(
    tmp_path, write_clip, noise, points
):
    clip = write_clip(tmp_path / "a.avi", noise, codec="mpeg4")
    xy = np.tile(points, (60, 1, 1, 1))

    def interrupt(count):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_overlay(probe(clip), xy, sure(xy), tmp_path / "o.mp4", interrupt)
    clip.write_bytes(clip.read_bytes()[: clip.stat().st_size // 2])
    with pytest.raises(VideoError, match="breaks off"):
        write_overlay(probe(clip), xy, sure(xy), tmp_path / "o.mp4", ignore)
    assert [file.name for file in tmp_path.iterdir()] == ["a.avi"]


def test_the_overlay_plays_as_plain_h264(tmp_path, write_clip, points):
    clip = write_clip(tmp_path / "a.mp4", [GREY] * 3)
    overlay_of(clip, np.tile(points, (3, 1, 1, 1)), tmp_path / "o.mp4")
    with av.open(str(tmp_path / "o.mp4")) as container:
        (stream,) = container.streams
        assert stream.codec_context.name == "h264"
        assert stream.codec_context.pix_fmt == "yuv420p"
