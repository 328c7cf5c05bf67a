# SPDX-License-Identifier: GPL-3.0-or-later
"""The focal length that a file tells, and the one that a person's perspective tells."""

import struct
from dataclasses import dataclass

import av
import cv2
import numpy as np
import pytest
from scipy.spatial.transform import Rotation
from track_spine.inference.camera import Camera, ray_rotation
from track_spine.inference.focal import APPLE_TAG, Body, estimated_camera, focal_in_file
from track_spine.inference.lifter import FrameLifter
from track_spine.inference.video import probe

SIZE = 1280, 720
TIME_S = np.arange(81) / 27.0
DIAGONAL_MM = 43.267


def walking(upright, camera, distance_m, noise_px=2.0):
    """Somebody who turns and comes nearer, as a camera sees them and a single frame tells them."""
    turns = Rotation.from_euler("y", np.linspace(0.0, 4.0, len(TIME_S))[:, None]).as_matrix()
    points = np.einsum("tij,kj->tki", turns, upright)
    share = np.linspace(0.0, 1.0, len(TIME_S))
    roots = np.stack([share - 0.5, 0.1 + 0.0 * share, distance_m * (1.3 - 0.6 * share)], -1)
    xy = camera.project(points + roots[:, None])
    xy += np.random.default_rng(1).normal(0.0, noise_px, xy.shape)
    ray = camera.project(roots)
    back = ray_rotation(camera.slopes(ray))
    relative = np.einsum("tji,tkj->tki", back, points)
    return Body(xy, np.ones(xy.shape[:2]), relative, ray, TIME_S)


@pytest.mark.parametrize("share", [0.6, 0.9, 1.5])
def test_perspective_tells_the_focal_length_within_its_deviation(upright, share):
    truth = Camera(*SIZE, share * SIZE[0])
    found = estimated_camera(*SIZE, walking(upright, truth, 2.5), FrameLifter())
    assert found.focal_source == "estimated"
    assert abs(np.log(found.focal_px / truth.focal_px)) < found.focal_spread < 0.36


@pytest.mark.parametrize("share", [0.5, 2.0])
def test_it_lies_between_the_assumption_and_the_lens(upright, share):
    truth = Camera(*SIZE, share * SIZE[0])
    found = estimated_camera(*SIZE, walking(upright, truth, 4.0 * share), FrameLifter())
    # 0.39 is the share that deviations of 0.4, the assumption's, and 0.5, the lifter's, leave.
    assert 0.3 < np.log(found.focal_px / SIZE[0]) / np.log(share) < 0.5


def test_however_long_the_clip_a_lifter_may_lean(upright):
    body = walking(upright, Camera(*SIZE, 1000.0), 2.0, noise_px=0.0)
    found = estimated_camera(*SIZE, body, FrameLifter())
    # 0.31 is what a deviation of 0.4, the assumption's, and one of 0.5, the lifter's, leave.
    assert 0.31 < found.focal_spread < 0.33


@dataclass
class CountingLifter(FrameLifter):
    """Counts the frames that it was asked for."""

    frames: int = 0

    def lift(self, track):
        self.frames += len(track.time_s)
        return super().lift(track)


def test_long_clips_cost_no_more_than_five_windows(upright):
    body = walking(upright, Camera(*SIZE, 1000.0), 3.0)
    rows = np.tile(np.arange(len(TIME_S)), 40)
    named = {name: values[rows] for name, values in vars(body).items()}
    long = Body(**named | {"time_s": np.arange(len(rows)) / 27.0})
    lifter = CountingLifter()
    estimated_camera(*SIZE, long, lifter)
    assert 0 < lifter.frames <= 5 * 27


def test_from_far_away_it_is_assumed_and_said_to_be(upright):
    truth = Camera(*SIZE, 2.0 * SIZE[0])
    found = estimated_camera(*SIZE, walking(upright, truth, 40.0), FrameLifter())
    assert found == Camera.assumed(*SIZE)
    assert found.focal_source == "assumed"


def test_two_frames_are_enough_to_be_asked(upright):
    body = walking(upright, Camera(*SIZE, 1000.0), 3.0)
    pair = Body(*(values[:2] for values in vars(body).values()))
    found = estimated_camera(*SIZE, pair, FrameLifter())
    assert 0.3 * SIZE[0] < found.focal_px < 3.0 * SIZE[0]


def tagged_movie(path, told):
    with av.open(str(path), "w", options={"movflags": "use_metadata_tags"}) as container:
        container.metadata[APPLE_TAG] = told
        stream = container.add_stream("libx264", rate=25)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for _ in range(3):
            picture = av.VideoFrame.from_ndarray(np.zeros((48, 64, 3), np.uint8))
            container.mux(stream.encode(picture))
        container.mux(stream.encode(None))
    return probe(path)


def test_the_tag_of_a_telephone_s_movie_is_read(tmp_path):
    found = focal_in_file(tagged_movie(tmp_path / "clip.mov", "26"))
    assert found.focal_px == pytest.approx(26.0 / DIAGONAL_MM * 80.0, rel=1e-3)
    assert (found.focal_source, found.focal_spread) == ("file", 0.1)


@pytest.mark.parametrize("told", ["0", "-26", "1e9", "nan", "wide"])
def test_a_tag_that_no_lens_has_tells_nothing(tmp_path, told):
    assert focal_in_file(tagged_movie(tmp_path / "clip.mov", told)) is None


@pytest.mark.parametrize(("told_mm", "known"), [(28, True), (0, False)])
def test_exif_of_an_image_sequence_is_read_and_0_is_not_known(tmp_path, told_mm, known):
    for number in (1, 2):
        (tmp_path / f"walk_{number}.jpg").write_bytes(jpeg(told_mm))
    found = focal_in_file(probe(tmp_path, rate_hz=25.0))
    if not known:
        assert found is None
        return
    assert found.focal_px == pytest.approx(28.0 / DIAGONAL_MM * 80.0, rel=1e-3)
    assert (found.focal_source, found.focal_spread) == ("file", 0.05)


def test_a_file_without_tags_tells_nothing(tmp_path):
    assert cv2.imwrite(str(tmp_path / "one.png"), np.zeros((48, 64, 3), np.uint8))
    assert focal_in_file(probe(tmp_path / "one.png")) is None


def jpeg(told_mm):
    """A black picture with an EXIF directory that holds FocalLengthIn35mmFilm (EXIF 2.32)."""
    data = cv2.imencode(".jpg", np.zeros((48, 64, 3), np.uint8))[1].tobytes()
    pointer = struct.pack("<HHHII", 1, 0x8769, 4, 1, 26) + bytes(4)
    entry = struct.pack("<HHHIHH", 1, 0xA405, 3, 1, told_mm, 0) + bytes(4)
    app = b"Exif\0\0II*\0" + struct.pack("<I", 8) + pointer + entry
    return data[:2] + b"\xff\xe1" + struct.pack(">H", len(app) + 2) + app + data[2:]
