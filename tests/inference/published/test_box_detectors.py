# SPDX-License-Identifier: GPL-3.0-or-later
"""RF-DETR and YOLOX: what they are shown, and where their boxes come out."""

import hashlib
from types import SimpleNamespace

import numpy as np
import pytest
from track_spine.inference.box_detectors import (
    GREY,
    RFDETR_PERSON,
    decode_grid,
    letterbox,
    raw_yolox_ends,
    rfdetr,
    yolox,
)
from track_spine.inference.crop import Crop
from track_spine.inference.finders import find_by_boxes
from track_spine.inference.models import ModelCard
from track_spine.inference.session import Session

PICTURE = np.random.default_rng(3).integers(0, 256, (300, 401, 3), np.uint8)


@pytest.fixture
def opened(tmp_path):
    def open_bytes(content):
        (tmp_path / "net.onnx").write_bytes(content)
        card = ModelCard("net", "net.onnx", hashlib.sha256(content).hexdigest(), "", "")
        return Session(card, tmp_path, threads=1)

    return open_bytes


def shown(find, side, answers):
    """The batch that a detector gives to its network, which answers with these arrays."""
    batches = []
    session = SimpleNamespace(
        outputs=[SimpleNamespace(name=str(number)) for number in range(len(answers))],
        run=lambda batch, names: batches.append(batch) or [answers[int(name)] for name in names],
    )
    find(session, side, PICTURE)
    return batches[0]


def logit(probability):
    return np.log(probability / (1 - probability))


def test_rfdetr_boxes_are_shares_of_the_stretched_picture(opened, networks):
    shares = np.array([[0.5, 0.5, 0.2, 0.4], [0.25, 0.6, 0.1, 0.2], [0.1, 0.1, 0.1, 0.1]])
    logits = np.full((3, 91), -9.0)
    logits[0, RFDETR_PERSON], logits[1, RFDETR_PERSON] = logit(0.9), logit(0.2)
    logits[2, 17] = logit(0.99)  # a horse
    session = opened(networks.constant((3, 384, 384), {"dets": shares, "labels": logits}))
    boxes, score = rfdetr(session, 384, PICTURE)
    np.testing.assert_allclose(boxes, [[0.4 * 401, 90.0, 0.6 * 401, 210.0]], rtol=1e-6)
    np.testing.assert_allclose(score, [0.9], rtol=1e-5)


def test_rfdetr_is_shown_the_picture_in_rgb_stretched_and_normalised():
    batch = shown(rfdetr, 64, [np.zeros((1, 2, 4)), np.zeros((1, 2, 91))])
    assert batch.shape == (1, 3, 64, 64)
    assert batch.dtype == np.float32
    levels = batch[0] * np.array([58.395, 57.12, 57.375])[:, None, None]
    means = levels.mean(axis=(1, 2)) + np.array([123.675, 116.28, 103.53])
    np.testing.assert_allclose(means, PICTURE.mean(axis=(0, 1)), atol=2.0)


def test_yolox_is_shown_blue_first_in_the_corner_of_a_grey_square():
    batch = shown(yolox, 416, [np.zeros((1, 2, 5))])
    size = (int(300 * 416 / 401), 416)
    assert (batch[0, :, size[0] :] == GREY).all()
    assert batch.max() > 200.0  # not normalised
    seen = batch[0, :, : size[0]].mean(axis=(1, 2))
    np.testing.assert_allclose(seen, PICTURE.mean(axis=(0, 1))[::-1], atol=0.5)


def test_letterbox_tells_the_true_scale_of_each_axis():
    boxed, scale = letterbox(np.full((300, 401, 3), 7, np.uint8), 416)
    assert (boxed[:311] == 7).all()
    assert (boxed[311:] == GREY).all()
    np.testing.assert_allclose(scale, [416 / 401, 311 / 300])


@pytest.mark.parametrize("shape", [(40, 4000, 3), (4000, 40, 3), (1, 1, 3)])
def test_letterbox_keeps_pictures_of_any_shape(shape):
    boxed, scale = letterbox(np.zeros(shape, np.uint8), 416)
    assert boxed.shape == (416, 416, 3)
    assert (scale > 0).all()


def test_yolox_boxes_with_selection_built_in(opened, networks):
    dets = np.array([[20.8, 31.1, 208.0, 248.8, 0.8], [0, 0, 9, 9, 0.1]])
    session = opened(networks.constant((3, 416, 416), {"dets": dets, "labels": np.zeros(2)}))
    boxes, score = yolox(session, 416, PICTURE)
    across, down = 401 / 416, 300 / 311
    expected = [20.8 * across, 31.1 * down, 208.0 * across, 248.8 * down]
    np.testing.assert_allclose(boxes, [expected], rtol=1e-5)
    np.testing.assert_allclose(score, [0.8], rtol=1e-5)


def raw_rows(side, people):
    """Rows of a YOLOX network that sees boxes (x, y, w, h, score) in cells of 16 pixels."""
    rows = np.zeros(raw_yolox_ends(side).outputs[0])
    begin, columns = (side // 8) ** 2, side // 16
    for x, y, width, height, score in people:
        column, row = int(x // 16), int(y // 16)
        place = begin + row * columns + column
        rows[place, :2] = x / 16 - column, y / 16 - row
        rows[place, 2:4] = np.log(width / 16), np.log(height / 16)
        rows[place, 4], rows[place, 5] = score, 1.0
    return rows


def test_yolox_rows_are_read_off_the_grids():
    boxes, score = decode_grid(raw_rows(416, [(100, 200, 50, 120, 0.7)]), 416)
    best = int(score.argmax())
    assert len(boxes) == 3549
    np.testing.assert_allclose(boxes[best], [75, 140, 125, 260])
    assert score[best] == pytest.approx(0.7)


def test_of_yolox_boxes_over_one_another_the_surest_is_kept(opened, networks):
    people = [(100, 200, 50, 120, 0.7), (124, 204, 54, 118, 0.9), (300, 200, 50, 120, 0.6)]
    rows = raw_rows(416, people)
    other = rows.copy()
    other[:, 5], other[:, 6] = 0.0, 1.0  # all of them bicycles
    found = yolox(opened(networks.constant((3, 416, 416), {"output": rows})), 416, PICTURE)
    assert sorted(np.round(found[1], 3)) == [0.6, 0.7, 0.9]
    near = raw_rows(416, [(100, 200, 50, 120, 0.7), (116, 200, 60, 120, 0.9)])
    boxes, score = yolox(opened(networks.constant((3, 416, 416), {"output": near})), 416, PICTURE)
    assert score.tolist() == pytest.approx([0.9])
    assert boxes[0, 0] == pytest.approx(86 * 401 / 416)
    nobody = yolox(opened(networks.constant((3, 416, 416), {"output": other})), 416, PICTURE)
    assert nobody[0].shape == (0, 4)


def test_boxes_become_detections_in_the_frame_and_cut_people_are_left_out():
    frame = np.zeros((600, 800, 3), np.uint8)

    def find(picture):
        assert picture.shape == (400, 400, 3)
        whole, cut = [100, 50, 180, 350], [300, 50, 400, 350]
        return np.array([whole, cut], float), np.array([0.9, 0.8])

    (one,) = find_by_boxes(find, frame, [Crop(np.array([300.0, 250.0]), 400.0, 0.0)])
    np.testing.assert_allclose(one.hip_px, [100 + 140, 50 + 200])
    np.testing.assert_allclose(one.reach_px, [240, 100])
    assert one.score == 0.9
    crop = one.crop()
    assert crop.angle == 0.0
    assert crop.side_px == pytest.approx(375.0)


def test_at_the_frames_own_edge_people_are_kept_and_each_once():
    frame = np.zeros((600, 800, 3), np.uint8)

    def find(picture):
        width = picture.shape[1]
        return np.array([[width - 90.0, 10.0, width, 310.0]]), np.array([0.7])

    right = Crop(np.array([600.0, 200.0]), 400.0, 0.0)
    whole = Crop(np.array([400.0, 300.0]), 800.0, 0.0)
    (one,) = find_by_boxes(find, frame, [right, whole])
    np.testing.assert_allclose(one.hip_px, [755.0, 160.0])


def test_a_square_outside_of_the_frame_shows_nobody():
    frame = np.zeros((60, 80, 3), np.uint8)
    assert not find_by_boxes(lambda _: 1 / 0, frame, [Crop(np.array([-99.0, 9.0]), 40.0, 0.0)])
