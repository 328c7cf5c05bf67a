# SPDX-License-Identifier: GPL-3.0-or-later
"""A live camera, played by pictures that come in real time whether or not they are taken."""

import time
from fractions import Fraction

import av
import numpy as np
import pytest
from track_spine.inference.errors import VideoError
from track_spine.inference.live import LiveFootage, camera_address, camera_pictures
from track_spine.inference.video import frames, probe

RATE_HZ = 50


def camera(count, rate_hz=RATE_HZ, stamped=True, breaks_at=None):
    """Grey pictures, each brighter than the last, at their time by the clock."""
    began = time.monotonic()
    for number in range(count):
        if number == breaks_at:
            raise av.FFmpegError(19, "No such device")
        time.sleep(max(began + number / rate_hz - time.monotonic(), 0.0))
        grey = np.full((48, 64, 3), 4 * number, np.uint8)
        picture = av.VideoFrame.from_ndarray(grey, "rgb24")
        if stamped:
            picture.pts, picture.time_base = 1000 + number, Fraction(1, rate_hz)
        yield picture


def test_a_quick_taker_gets_every_picture_with_its_time(tmp_path):
    live = LiveFootage("fake", camera(20), tmp_path / "camera.mkv", rate=RATE_HZ)
    assert (live.info.width, live.info.height) == (64, 48)
    taken = list(live.frames())
    assert [frame.index for frame in taken] == list(range(20))
    assert [frame.source_index for frame in taken] == list(range(20))
    np.testing.assert_allclose([f.source_s for f in taken], np.arange(20) / RATE_HZ, atol=1e-3)
    brightness = [int(frame.rgb.mean()) for frame in taken]
    np.testing.assert_allclose(brightness, 4 * np.arange(20), atol=3)


def test_a_slow_taker_gets_the_newest_and_everything_is_recorded(tmp_path):
    recording = tmp_path / "camera.mkv"
    live = LiveFootage("fake", camera(40), recording, rate=RATE_HZ)
    taken = []
    for frame in live.frames():
        taken.append(frame)
        time.sleep(0.1)  # five pictures of the camera
    assert 6 <= len(taken) <= 12
    steps = np.diff([frame.source_index for frame in taken])
    assert np.median(steps) >= 4
    for frame in taken:
        assert abs(frame.source_s - frame.source_index / RATE_HZ) <= 1e-3
        assert abs(int(frame.rgb.mean()) - 4 * frame.source_index) <= 3
    kept = list(frames(probe(recording)))
    assert len(kept) == live.recorded == 40
    by_index = {frame.index: frame for frame in kept}
    for frame in taken:
        again = by_index[frame.source_index]
        assert abs(again.time_s - frame.source_s) <= 1e-3
        assert abs(int(again.rgb.mean()) - int(frame.rgb.mean())) <= 4


def test_pictures_without_timestamps_get_the_time_of_their_coming(tmp_path):
    live = LiveFootage("fake", camera(15, stamped=False), tmp_path / "camera.mkv", rate=RATE_HZ)
    times = [frame.source_s for frame in live.frames()]
    np.testing.assert_allclose(np.diff(times).sum(), 14 / RATE_HZ, atol=0.1)
    assert (np.diff(times) > 0).all()


def test_recording_ends_after_the_seconds_wanted(tmp_path):
    live = LiveFootage("fake", camera(1000), tmp_path / "camera.mkv", 0.3, rate=RATE_HZ)
    taken = list(live.frames())
    assert live.recorded == 15
    assert taken[-1].source_s < 0.3


def test_recording_ends_when_asked_to(tmp_path):
    asked = []
    live = LiveFootage(
        "fake", camera(1000), tmp_path / "camera.mkv", stopping=lambda: bool(asked), rate=RATE_HZ
    )
    for frame in live.frames():
        if frame.index == 3:
            asked.append(True)
    assert live.recorded < 40
    assert len(list(frames(probe(tmp_path / "camera.mkv")))) == live.recorded


def test_a_camera_pulled_out_leaves_its_recording_and_an_error(tmp_path):
    recording = tmp_path / "camera.mkv"
    live = LiveFootage("fake", camera(20, breaks_at=8), recording, rate=RATE_HZ)
    taken = []
    with pytest.raises(VideoError, match=r"after 8 pictures: .*No such device.*camera\.mkv"):
        taken.extend(iter(live.frames()))
    assert len(list(frames(probe(recording)))) == 8


def test_a_camera_without_a_picture_is_told(tmp_path):
    with pytest.raises(VideoError, match="'fake' gives no picture"):
        LiveFootage("fake", camera(0), tmp_path / "camera.mkv")


def test_a_recording_that_cannot_be_written_is_told(tmp_path):
    live = LiveFootage("fake", camera(5), tmp_path / "gone" / "camera.mkv", rate=RATE_HZ)
    with pytest.raises(VideoError, match=r"Recording broke off.*No such file"):
        list(live.frames())


@pytest.mark.parametrize(
    ("platform", "name", "address"),
    [
        ("linux", "0", ("v4l2", "/dev/video0")),
        ("linux", "/dev/v4l/by-id/x", ("v4l2", "/dev/v4l/by-id/x")),
        ("darwin", "1", ("avfoundation", "1:none")),
        ("win32", "USB Camera", ("dshow", "video=USB Camera")),
    ],
)
def test_cameras_are_called_as_ffmpeg_does(platform, name, address):
    assert camera_address(name, platform) == address


@pytest.mark.parametrize(("platform", "words"), [("win32", "give its name"), ("aix", "no way")])
def test_a_camera_that_cannot_be_called_is_told(platform, words):
    with pytest.raises(VideoError, match=words):
        camera_address("0", platform)


def test_a_camera_that_is_not_there_is_told():
    with (
        pytest.raises(VideoError, match=r"/dev/video99.*plugged in"),
        camera_pictures("/dev/video99"),
    ):
        pass
