# SPDX-License-Identifier: GPL-3.0-or-later
"""SimCC networks with known answers: what goes in, and where the points come out."""

import hashlib

import cv2
import numpy as np
import pytest
from track_spine.inference import simcc
from track_spine.inference.box_crop import BoxCrop
from track_spine.inference.ends import check_ends
from track_spine.inference.keypoints import INDEX, NAMES
from track_spine.inference.models import ModelCard
from track_spine.inference.peaks import simcc_peaks
from track_spine.inference.session import Session
from track_spine.inference.simcc import MIRRORED, decode, estimate
from track_spine.inference.simcc_layout import LARGE, SMALL

BOXES = [np.array([100.0, 50.0, 120.0, 300.0]), np.array([20.0, 30.0, 400.0, 200.0])]
FRAME = np.zeros((480, 640, 3), np.uint8)


@pytest.fixture
def opened(tmp_path):
    def open_bytes(content):
        (tmp_path / "net.onnx").write_bytes(content)
        card = ModelCard("net", "net.onnx", hashlib.sha256(content).hexdigest(), "", "")
        return Session(card, tmp_path, threads=1)

    return open_bytes


def published_points(x, y, box):
    """The published configuration: plain arg-max, split ratio 2, box grown to 3:4 and by 1.25."""
    width, height = 1.25 * box[2:]
    size = np.array([max(width, height * 0.75), max(height, width / 0.75)])
    crop = np.stack([x.argmax(axis=-1), y.argmax(axis=-1)], axis=-1) / 2.0
    return crop / (192, 256) * size + box[:2] + box[2:] / 2 - size / 2


def test_against_the_published_configuration(opened, networks):
    random = np.random.default_rng(0)
    bins = random.uniform(0, 383, 37), random.uniform(0, 511, 37)
    session = opened(networks.simcc(*bins))
    points, score = estimate(session, SMALL, FRAME, BOXES)
    crop = np.zeros((1, 3, 256, 192), np.float32)
    (x,), (y,) = session.run(crop, ("simcc_x", "simcc_y"))
    for found, sure, box in zip(points, score, BOXES, strict=True):
        plain = published_points(x, y, box)
        pixel = 1.25 * max(box[2] / 192, box[3] / 256)  # of the crop, in the frame
        assert np.abs(found - plain).max() <= 0.25 * pixel + 1e-6  # half a bin is all they differ
        np.testing.assert_allclose(sure, (x.max(axis=-1) + y.max(axis=-1)) / 2, atol=1e-5)
        exact = np.stack([*bins], axis=-1) / 2 / (192, 256) - 0.5
        size = pixel * np.array([192, 256])
        np.testing.assert_allclose(found, box[:2] + box[2:] / 2 + exact * size, atol=1e-3)
        assert np.abs(plain - found).max() > 0.2 * pixel


def dot(x, y, colour, sigma, shape=FRAME.shape):
    """Frame with a blob of one colour about (x, y), pixels counted from the frame's corner."""
    rows, columns = np.mgrid[: shape[0], : shape[1]] + 0.5
    blob = 255 * np.exp(-((columns - x) ** 2 + (rows - y) ** 2) / (2 * sigma**2))
    frame = np.zeros(shape, np.uint8)
    frame[..., colour] = np.round(blob)
    return frame


@pytest.mark.parametrize("flip_test", [False, True])
@pytest.mark.parametrize("box", BOXES)
def test_a_seen_blob_is_put_back_where_it_was(opened, networks, box, flip_test):
    red, green = (171.3, 240.0), (150.0, 133.7)
    frame = dot(*red, 0, 12.0) + dot(*green, 1, 12.0)
    points, score = estimate(opened(networks.seeing()), SMALL, frame, [box], flip_test=flip_test)
    assert np.abs(points[0] - [red[0], green[1]]).max() < 0.15  # pixels of the frame
    assert (score > 0.9).all()


def test_published_flip_test_is_a_quarter_of_a_crop_pixel_off_and_ours_is_not(opened, networks):
    """What averaging without moving the mirrored vectors by a bin would do."""
    session = opened(networks.seeing())
    crop = dot(90.0, 120.0, 0, 6.0, (256, 192, 3))[None]
    straight, mirrored = (simcc._run(session, one)[0] for one in (crop, crop[:, :, ::-1]))
    published, _ = simcc_peaks((straight + mirrored[..., ::-1]) / 2, SMALL.sigma[0])
    ours, _ = simcc_peaks(straight, SMALL.sigma[0])
    np.testing.assert_allclose((published - ours) / 2, 0.25, atol=0.02)


@pytest.mark.parametrize("batch", ["batch", 1])
def test_people_and_single_picture_files(opened, networks, batch):
    session = opened(networks.seeing(batch))
    frame = dot(160.4, 200.9, 0, 12.0) + dot(160.4, 200.9, 1, 12.0)
    together, _ = estimate(session, SMALL, frame, BOXES)
    assert together.shape == (2, 37, 2)
    for box, points in zip(BOXES, together, strict=True):
        alone, _ = estimate(session, SMALL, frame, [box])
        np.testing.assert_allclose(points, alone[0], atol=1e-4)


def test_nobody_gives_arrays_of_nobody(opened, networks):
    points, score = estimate(opened(networks.seeing()), SMALL, FRAME, [])
    assert points.shape == (0, 37, 2)
    assert score.shape == (0, 37)


def test_a_point_the_network_does_not_see_is_missing():
    x, y = np.zeros((1, 37, 384), np.float32), np.zeros((1, 37, 512), np.float32)
    x[0, 0, 100], y[0, 0, 200] = 0.8, 0.6
    x[0, 1], y[0, 1] = np.nan, 1.0
    points, score = decode(x, y, SMALL)
    np.testing.assert_allclose(points[0, 0], (50, 100), atol=0.3)
    assert score[0, 0] == pytest.approx(0.7)
    assert np.isnan(points[0, 1:]).all()
    assert (score[0, 1:] == 0.0).all()


def test_every_point_has_its_mirror_partner():
    for name, partner in zip(NAMES, MIRRORED, strict=True):
        other = name.replace("left_", "L_").replace("right_", "left_").replace("L_", "right_")
        assert NAMES[partner] == other
    assert MIRRORED[INDEX["spine_03"]] == INDEX["spine_03"]


@pytest.mark.parametrize("layout", [SMALL, LARGE])
def test_the_layout_is_the_published_one(layout, opened, networks):
    width, height = layout.picture
    assert width / height == 0.75
    vectors = {"x": np.zeros((37, 2 * width)), "y": np.zeros((37, 2 * height))}
    check_ends(opened(networks.constant((3, height, width), vectors)), layout.ends, "net")


def test_the_crop_is_the_published_one():
    """OpenCV's own affine transform from three corners, as MMPose cuts its crops."""
    frame = np.random.default_rng(2).integers(0, 256, FRAME.shape, np.uint8)
    box = np.array([100.5, 50.5, 120.0, 300.0])  # on this project's axes: half a pixel more
    size = np.array([375 * 0.75, 375.0])
    centre = box[:2] - 0.5 + box[2:] / 2
    there = np.float32([centre, centre - (0, size[1] / 2), centre - (size[0] / 2, 0)])
    here = np.float32([(96, 128), (96, 0), (0, 128)])
    matrix = cv2.getAffineTransform(there, here)
    wanted = cv2.warpAffine(frame, matrix, (192, 256), flags=cv2.INTER_LINEAR)
    crop = BoxCrop.around(box, 0.75)
    np.testing.assert_allclose(crop.size_px, size)
    difference = crop.cut(frame, SMALL.picture).astype(int) - wanted
    assert np.abs(difference).max() <= 8  # OpenCV rounds places to 1/32 pixel, either way
    assert np.abs(difference).mean() < 0.3
