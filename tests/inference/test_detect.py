# SPDX-License-Identifier: GPL-3.0-or-later
"""The person detector's anchors, tiles, decoding and merging."""

import numpy as np
import pytest
from track_spine.inference.crop import MARGIN
from track_spine.inference.detect import (
    ANCHORS,
    INPUT_PX,
    MIN_SCORE,
    SAME_PERSON,
    Detection,
    detect,
    merge,
    tiles,
)


def person(x, y, score=0.9, reach=100.0):
    hip = np.array([x, y], float)
    return Detection(score, hip, hip + np.array([0.0, -reach]))


class AnsweringSession:
    """Gives every tile the same boxes and scores."""

    def __init__(self, hits):
        """Take hits: anchor -> (logit, hip offset, reach offset), offsets in input pixels."""
        self.boxes = np.zeros((len(ANCHORS), 12), np.float32)
        self.scores = np.full((len(ANCHORS), 1), -20.0, np.float32)
        for anchor, (logit, hip, reach) in hits.items():
            self.scores[anchor] = logit
            self.boxes[anchor, 4:8] = [*hip, *reach]

    def run(self, batch, outputs):
        self.batch = batch
        answers = {"boxes": self.boxes, "scores": self.scores}
        return [np.repeat(answers[name][None], len(batch), axis=0) for name in outputs]


def test_anchors_are_the_cell_centres_of_three_grids():
    # 28 x 28 cells of 8 px with 2 anchors, 14 x 14 of 16 px with 2, 7 x 7 of 32 px with 6.
    assert ANCHORS.shape == (28 * 28 * 2 + 14 * 14 * 2 + 7 * 7 * 6, 2)
    np.testing.assert_allclose(ANCHORS[[0, 1]], [[4 / 224, 4 / 224]] * 2)
    np.testing.assert_allclose(ANCHORS[2], [12 / 224, 4 / 224])
    np.testing.assert_allclose(ANCHORS[28 * 2], [4 / 224, 12 / 224])
    np.testing.assert_allclose(ANCHORS[1568], [8 / 224, 8 / 224])
    np.testing.assert_allclose(ANCHORS[1568 + 392], [16 / 224, 16 / 224])
    np.testing.assert_allclose(ANCHORS[-6:], [[208 / 224, 208 / 224]] * 6)


@pytest.mark.parametrize(
    "size", [(1920, 1080), (1080, 1920), (1000, 1000), (884, 498), (3840, 700), (301, 227)]
)
@pytest.mark.parametrize("levels", [2, 3])
def test_tiles_are_squares_in_the_frame_and_each_level_covers_it(size, levels):
    width, height = size
    whole, *rest = tiles(width, height, levels)
    assert whole.side_px == max(size)
    assert tuple(whole.centre_px) == (width / 2, height / 2)
    sides = sorted({tile.side_px for tile in rest}, reverse=True)
    expected = [min(size) / 2**level for level in range(levels - 1)]
    assert sides == [side for side in expected if side >= INPUT_PX]
    for side in sides:
        level = [tile for tile in rest if tile.side_px == side]
        covered = np.zeros((height, width), bool)
        for tile in level:
            (left, top), (right, bottom) = tile.centre_px - side / 2, tile.centre_px + side / 2
            assert min(left, top) >= -1e-9
            assert right <= width + 1e-9
            assert bottom <= height + 1e-9
            columns = slice(int(np.ceil(left - 1e-9)), int(np.floor(right + 1e-9)))
            rows = slice(int(np.ceil(top - 1e-9)), int(np.floor(bottom + 1e-9)))
            covered[rows, columns] = True
        # A tile's edge may split a pixel, which then lies whole in the neighbour's overlap.
        assert covered.all()


def test_neighbouring_tiles_overlap_by_half_or_more():
    for width, height in ((1920, 1080), (500, 499), (2000, 480)):
        columns = sorted({tile.centre_px[0] for tile in tiles(width, height, 2)[1:]})
        assert max(np.diff(columns), default=0.0) <= min(width, height) / 2 + 1e-9


def test_small_pictures_are_searched_once():
    assert len(tiles(200, 150, 3)) == 1


def test_one_anchor_is_read_as_hip_and_reach_in_frame_pixels():
    # Anchor 60 = row 1, column 2 of the first grid: (20, 12); the frame is twice the input.
    session = AnsweringSession({60: (3.0, (100.0, 90.0), (101.0, 40.0))})
    (found,) = detect(session, np.zeros((448, 448, 3), np.uint8), levels=1)
    np.testing.assert_allclose(found.hip_px, [240.0, 204.0], atol=1e-4)
    np.testing.assert_allclose(found.reach_px, [242.0, 104.0], atol=1e-4)
    assert found.score == pytest.approx(1 / (1 + np.exp(-3.0)), abs=1e-6)
    crop = found.crop()
    assert crop.side_px == pytest.approx(2 * MARGIN * np.hypot(2.0, 100.0), abs=1e-3)


def test_the_black_bars_about_a_wide_frame_are_counted_off():
    session = AnsweringSession({0: (3.0, (108.0, 108.0), (108.0, 58.0))})
    (found,) = detect(session, np.zeros((224, 448, 3), np.uint8), levels=1)
    # Input (112, 112) is the middle of the square, and so of the frame.
    np.testing.assert_allclose(found.hip_px, [224.0, 112.0], atol=1e-4)


def test_the_bars_about_a_wide_frame_are_black():
    session = AnsweringSession({})
    detect(session, np.full((224, 448, 3), 255, np.uint8), levels=1)
    (picture,) = session.batch
    np.testing.assert_allclose(picture[:55], -1.0)
    np.testing.assert_allclose(picture[-55:], -1.0)
    np.testing.assert_allclose(picture[57:-57], 1.0)


def test_pictures_reach_the_network_scaled_to_plus_minus_one():
    frame = np.zeros((224, 224, 3), np.uint8)
    frame[:112] = 255
    session = AnsweringSession({})
    assert detect(session, frame, levels=1) == []
    assert session.batch.shape == (1, 224, 224, 3)
    assert session.batch.dtype == np.float32
    np.testing.assert_allclose(session.batch[0, :112], 1.0)
    np.testing.assert_allclose(session.batch[0, 112:], -1.0)


def test_unsure_anchors_are_left_out():
    half = float(np.log(MIN_SCORE / (1 - MIN_SCORE)))
    hits = {60: (half - 0.1, (100, 90), (100, 40)), 900: (half + 0.1, (-50, -50), (-50, -90))}
    found = detect(AnsweringSession(hits), np.zeros((224, 224, 3), np.uint8), levels=1)
    assert len(found) == 1
    assert found[0].score > MIN_SCORE


def test_detections_of_one_person_become_their_weighted_mean():
    (one,) = merge([person(100, 100, 0.7), person(110, 100, 0.9), person(130, 100, 0.6)])
    assert one.score == 0.9
    # The weakest is the same person too, but scores less than .75 of the best: it moves nothing.
    np.testing.assert_allclose(one.hip_px, [(100 * 0.7 + 110 * 0.9) / 1.6, 100])
    np.testing.assert_allclose(one.reach_px, [(100 * 0.7 + 110 * 0.9) / 1.6, 0])


def test_people_apart_stay_apart_best_first():
    gap = SAME_PERSON * 100.0
    people = merge([person(0, 0, 0.7), person(gap + 1, 0, 0.95), person(0, 500, 0.8)])
    assert [one.score for one in people] == [0.95, 0.8, 0.7]
    assert len(merge([person(0, 0), person(gap - 1, 0)])) == 1


def test_nobody_merges_to_nobody():
    assert merge([]) == []


def test_order_of_tiles_does_not_matter():
    rng = np.random.default_rng(3)
    found = [
        person(x + dx, 300, score)
        for x in (100, 400)
        for dx, score in zip((0, 3, -4), rng.uniform(0.5, 1, 3), strict=True)
    ]
    expected = merge(found)
    assert len(expected) == 2
    for _ in range(5):
        again = merge([found[i] for i in rng.permutation(len(found))])
        np.testing.assert_allclose(
            [one.hip_px for one in again], [one.hip_px for one in expected], atol=1e-9
        )
