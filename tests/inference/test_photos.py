# SPDX-License-Identifier: GPL-3.0-or-later
"""Photos: everybody in them, upright whatever the camera's orientation, and files that are none."""

import struct
import zlib

import av
import cv2
import numpy as np
import pytest
from track_spine.inference.boxes import MARGIN, box
from track_spine.inference.errors import VideoError
from track_spine.inference.identities import distance, same_person
from track_spine.inference.keypoints import INDEX, NAMES
from track_spine.inference.photos import PhotoDetector, read_photo

ORIENTATION_TAG = 0x0112


@pytest.fixture(scope="module")
def detector():
    return PhotoDetector()


@pytest.fixture(scope="module")
def rgb(short_clip):
    """The clip's first frame: a man at about (317, 118), a woman at about (653, 367), by eye."""
    with av.open(str(short_clip)) as container:
        return next(container.decode(video=0)).to_ndarray(format="rgb24")


def write(path, rgb, *settings):
    ok, content = cv2.imencode(path.suffix, rgb[..., ::-1], settings)
    assert ok
    path.write_bytes(content.tobytes())
    return path


def with_orientation(path, value):
    """Put an EXIF block with the orientation after a JPEG's first marker."""
    entry = struct.pack(">HHIHH", ORIENTATION_TAG, 3, 1, value, 0)
    tiff = b"MM\x00\x2a" + struct.pack(">IH", 8, 1) + entry + struct.pack(">I", 0)
    block = b"\xff\xe1" + struct.pack(">H", len(tiff) + 8) + b"Exif\x00\x00" + tiff
    content = path.read_bytes()
    path.write_bytes(content[:2] + block + content[2:])
    return path


def hips(person):
    points = np.array(person["keypoints"])
    return points[[INDEX["left_hip"], INDEX["right_hip"]], :2].mean(axis=0)


@pytest.fixture(scope="module")
def people(detector, rgb, tmp_path_factory):
    return detector.detect(write(tmp_path_factory.mktemp("photo") / "a.png", rgb))


def test_everybody_is_found_once(people):
    assert len(people) == 2
    man, woman = sorted(people, key=lambda person: hips(person)[0])
    np.testing.assert_allclose(hips(man), [317, 118], atol=25)
    np.testing.assert_allclose(hips(woman), [653, 367], atol=25)


def test_a_person_is_a_box_and_37_points_of_plain_numbers(people):
    for person in people:
        assert set(person) == {"bbox", "keypoints"}
        assert len(person["keypoints"]) == len(NAMES)
        numbers = [*person["bbox"], *np.ravel(person["keypoints"]).tolist()]
        assert all(type(number) is float for number in person["bbox"])
        assert np.isfinite(numbers).all()
        assert all(0 < score <= 1 for _, _, score in person["keypoints"])


def test_boxes_lie_in_the_picture_about_their_points(people, rgb):
    height, width = rgb.shape[:2]
    for person in people:
        x, y, w, h = person["bbox"]
        assert min(x, y) >= 0
        assert min(w, h) > 30
        assert x + w <= width
        assert y + h <= height
        points = np.array(person["keypoints"])[:, :2]
        assert (points >= [x, y]).all()
        assert (points <= [x + w, y + h]).all()


def test_a_turned_photo_with_its_flag_gives_the_points_of_the_upright_one(detector, rgb, tmp_path):
    quality = (cv2.IMWRITE_JPEG_QUALITY, 98)
    upright = detector.detect(write(tmp_path / "up.jpg", rgb, *quality))
    # Orientation 6: the viewer turns the stored picture clockwise by 90 degrees.
    stored = np.ascontiguousarray(np.rot90(rgb, 1))
    turned = detector.detect(with_orientation(write(tmp_path / "6.jpg", stored, *quality), 6))
    assert len(turned) == len(upright) == 2
    for one, other in zip(upright, turned, strict=True):
        apart = np.subtract(one["keypoints"], other["keypoints"])[:, :2]
        apart = np.linalg.norm(apart, axis=1)
        # JPEG rounds the turned picture otherwise, by 1 of 255 on average: toes move by 9 px.
        assert np.median(apart) < 2.0
        assert apart.max() < 15.0
        np.testing.assert_allclose(other["bbox"], one["bbox"], atol=15.0)


@pytest.mark.parametrize(
    ("value", "turns", "mirrored"),
    [(1, 0, False), (2, 0, True), (3, 2, False), (6, 1, False), (8, -1, False)],
)
def test_every_orientation_is_read_upright(tmp_path, value, turns, mirrored):
    upright = np.zeros((60, 90, 3), np.uint8)
    upright[4:20, 8:30] = (250, 10, 10)
    stored = np.rot90(upright[:, ::-1] if mirrored else upright, turns)
    path = with_orientation(write(tmp_path / "a.jpg", np.ascontiguousarray(stored)), value)
    read = read_photo(path)
    assert read.shape == upright.shape
    assert np.abs(read.astype(int) - upright).mean() < 6


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".webp", ".bmp", ".tiff"])
def test_colours_come_as_rgb(tmp_path, suffix):
    red = np.zeros((32, 48, 3), np.uint8)
    red[..., 0] = 250
    assert np.abs(read_photo(write(tmp_path / f"a{suffix}", red)).astype(int) - red).max() < 8


def test_grey_deep_and_transparent_photos_become_plain_rgb(tmp_path):
    for name, picture in {
        "grey.png": np.full((20, 30), 200, np.uint8),
        "deep.png": np.full((20, 30, 3), 200 * 257, np.uint16),
        "alpha.png": np.full((20, 30, 4), 200, np.uint8),
    }.items():
        cv2.imwrite(str(tmp_path / name), picture)
        read = read_photo(tmp_path / name)
        assert read.shape == (20, 30, 3)
        assert read.dtype == np.uint8
        np.testing.assert_allclose(read, 200, atol=1)


def test_names_need_not_be_ascii(tmp_path):
    path = write(tmp_path / "a.png", np.full((8, 8, 3), 7, np.uint8)).rename(
        tmp_path / "Änne 写.png"
    )
    assert read_photo(path).mean() == 7


@pytest.mark.parametrize(
    "picture",
    [
        np.full((480, 640, 3), 128, np.uint8),
        np.random.default_rng(0).integers(0, 256, (300, 400, 3), np.uint8),
        np.zeros((1, 1, 3), np.uint8),
        np.zeros((3, 2000, 3), np.uint8),
    ],
    ids=["grey", "noise", "one pixel", "sliver"],
)
def test_a_picture_without_people_is_an_empty_list(detector, tmp_path, picture):
    assert detector.detect(write(tmp_path / "a.png", picture)) == []


def png_of(width, height):
    """A PNG that claims a size and holds next to nothing."""

    def chunk(kind, data):
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    body = chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(bytes(1000))) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"not a picture",
        b"\x89PNG\r\n\x1a\n",
        b"\xff\xd8\xff",
        np.random.default_rng(0).bytes(5000),
        png_of(100_000, 100_000),
    ],
    ids=["empty", "text", "png head", "jpeg head", "noise", "huge"],
)
def test_what_is_no_photo_is_refused_by_name(detector, tmp_path, content):
    path = tmp_path / "a.png"
    path.write_bytes(content)
    with pytest.raises(VideoError, match="not a photo") as caught:
        detector.detect(path)
    assert str(path) in str(caught.value)


def test_a_photo_that_breaks_off_is_refused_or_read_in_size(tmp_path, noise):
    for suffix in (".png", ".jpg"):
        path = write(tmp_path / f"a{suffix}", noise[0])
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
        try:
            assert read_photo(path).shape == noise[0].shape
        except VideoError as error:
            assert str(path) in str(error)


def test_a_missing_photo_and_a_folder_are_named(detector, tmp_path):
    for path in (tmp_path / "missing.jpg", tmp_path):
        with pytest.raises(VideoError, match="cannot be read") as caught:
            detector.detect(path)
        assert str(path) in str(caught.value)


def test_a_box_is_the_extent_of_the_sure_points_with_its_margin():
    points = np.array([[100, 200, 0.9], [300, 600, 0.9], [5, 5, 0.01]])
    expected = [100 - MARGIN * 200, 200 - MARGIN * 400]
    size = [200 * (1 + 2 * MARGIN), 400 * (1 + 2 * MARGIN)]
    np.testing.assert_allclose(box(points, (1000, 1000, 3)), [*expected, *size])


def test_a_box_ends_at_the_edge_of_the_picture():
    points = np.array([[-20, 10, 0.9], [90, 75, 0.9]])
    np.testing.assert_allclose(box(points, (80, 96)), [0, 10 - MARGIN * 65, 96, 80 - 4.8])


def test_a_person_of_whom_nothing_is_sure_still_has_a_box():
    points = np.array([[10, 20, 0.1], [30, 60, 0.1]])
    x, y, w, h = box(points, (100, 100))
    assert x < 10 < 30 < x + w
    assert y < 20 < 60 < y + h


def test_distance_is_relative_to_the_larger_body(standing, make_body):
    one = make_body(standing)
    x, y = np.ptp(one.xy_px, axis=0)
    moved = make_body(standing, xy_px=one.xy_px + np.array([30.0, 40.0]))
    assert distance(one, one) == 0.0
    assert distance(one, moved) == pytest.approx(50 / np.sqrt(x * y))
    assert distance(moved, one) == pytest.approx(50 / np.sqrt(x * y))


def test_a_body_seen_again_in_a_wrong_pose_is_the_same_person(standing, make_body):
    xy = 300.0 * standing[:, :2]
    one = make_body(standing, xy_px=xy, hip_px=(0, 0), reach_px=(0, -250))
    lying = make_body(standing, xy_px=xy[:, ::-1], hip_px=(20, 10), reach_px=(-250, 0))
    beside = make_body(
        standing, xy_px=xy + np.array([100.0, 0.0]), hip_px=(100, 0), reach_px=(100, -250)
    )
    assert same_person(one, lying)
    assert not same_person(one, beside)
