# SPDX-License-Identifier: GPL-3.0-or-later
"""Reading video files written on the spot: times, turns, odd pictures, broken files."""

import hashlib
import threading
from fractions import Fraction

import av
import cv2
import numpy as np
import pytest
from track_spine.inference import video
from track_spine.inference.errors import VideoError
from track_spine.inference.video import DECODE_AHEAD, frames, probe

GREY = np.full((64, 96, 3), 90, np.uint8)

TURNS = {
    # Clockwise degrees: matrix (a, b, c, d) and shift that bring a 96 x 64 picture back to >= 0.
    90: ((0, 1, -1, 0), (64, 0)),
    180: ((-1, 0, 0, -1), (96, 64)),
    270: ((0, -1, 1, 0), (0, 96)),
}


def set_display_matrix(path, matrix, shift):
    """Write a matrix into the track header of an mp4: 16.16 numbers a b u c d v x y w.

    A player shows the stored pixel (x, y) at (a x + c y + tx, b x + d y + ty): ISO 14496-12, 6.2.2.
    """
    content = bytearray(path.read_bytes())
    at = content.index(b"tkhd") + 44
    a, b, c, d = matrix
    one = 1 << 16
    words = (a * one, b * one, 0, c * one, d * one, 0, shift[0] * one, shift[1] * one, 1 << 30)
    assert content[at : at + 4] == one.to_bytes(4, "big")  # the identity's first word
    content[at : at + 36] = b"".join(word.to_bytes(4, "big", signed=True) for word in words)
    path.write_bytes(content)


def read(path, start=0):
    info = probe(path)
    return info, list(frames(info, start))


def decode_threads():
    return [thread for thread in threading.enumerate() if thread.name == "decode"]


def test_a_file_tells_of_itself(tmp_path, write_clip, noise):
    path = write_clip(tmp_path / "a.mp4", noise[:30])
    info = probe(path)
    assert (info.width, info.height, info.rotation_deg) == (96, 64, 0)
    assert (info.rate_hz, info.frame_count) == (30.0, 30)
    assert info.size_bytes == path.stat().st_size
    assert info.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.mark.parametrize("name", ["a.mp4", "a.mov", "a.mkv"])
def test_a_constant_rate_gives_even_times(tmp_path, write_clip, name):
    _, got = read(write_clip(tmp_path / name, [GREY] * 20))
    assert [frame.index for frame in got] == list(range(20))
    # Matroska counts whole milliseconds.
    step = 0.0005 if name == "a.mkv" else 1e-9
    np.testing.assert_allclose([f.time_s for f in got], np.arange(20) / 30, atol=step * 1.01)


def test_a_variable_rate_gives_the_times_of_the_file(tmp_path, write_clip):
    pts = [0, 40, 41, 300, 333, 1000, 1001, 4500, 4533, 9999]
    base = Fraction(1, 1000)
    for name in ("a.mkv", "a.mp4"):
        path = write_clip(tmp_path / name, [GREY] * len(pts), pts, base)
        _, got = read(path)
        np.testing.assert_allclose([f.time_s for f in got], np.array(pts) * 1e-3, atol=1e-12)


def test_times_count_from_the_first_frame(tmp_path, write_clip):
    pts = [700, 740, 760, 900]
    path = write_clip(tmp_path / "a.mkv", [GREY] * 4, pts, Fraction(1, 1000))
    with av.open(str(path)) as container:
        assert next(container.decode(video=0)).time == pytest.approx(0.7)
    _, got = read(path)
    np.testing.assert_allclose([f.time_s for f in got], [0.0, 0.04, 0.06, 0.2], atol=1e-12)


def test_pictures_come_as_they_were_stored(tmp_path, write_clip, noise):
    path = write_clip(tmp_path / "a.mkv", noise[:5], codec="ffv1", pix_fmt="bgr0")
    _, got = read(path)
    np.testing.assert_array_equal([frame.rgb for frame in got], noise[:5])


@pytest.mark.parametrize("clockwise", [90, 180, 270])
def test_the_rotation_flag_is_applied_as_a_player_does(tmp_path, write_clip, clockwise):
    stored = GREY.copy()
    mark = np.array([10.0, 7.0])  # centre, in pixels from the corner of the first one
    stored[3:11, 6:14] = 255
    path = write_clip(tmp_path / "a.mp4", [stored] * 3)
    (a, b, c, d), shift = TURNS[clockwise]
    set_display_matrix(path, (a, b, c, d), shift)
    info, got = read(path)
    shown = np.array([a * mark[0] + c * mark[1], b * mark[0] + d * mark[1]]) + shift
    size = (96, 64) if clockwise == 180 else (64, 96)
    assert (info.width, info.height) == size
    assert info.rotation_deg == (360 - clockwise) % 360
    for frame in got:
        assert frame.rgb.shape == (size[1], size[0], 3)
        y, x = np.nonzero(frame.rgb[..., 0] > 180)
        np.testing.assert_allclose([x.mean() + 0.5, y.mean() + 0.5], shown, atol=0.5)
        assert len(x) == pytest.approx(64, abs=10)
        assert frame.rgb.flags.c_contiguous


def test_odd_sizes_are_kept(tmp_path, write_clip, noise):
    odd = [picture[:63, :95] for picture in noise[:4]]
    path = write_clip(tmp_path / "a.mkv", odd, codec="ffv1", pix_fmt="bgr0")
    info, got = read(path)
    assert (info.width, info.height) == (95, 63)
    np.testing.assert_array_equal([frame.rgb for frame in got], odd)


def test_greyscale_becomes_three_equal_channels(tmp_path, write_clip, noise):
    grey = [picture[..., 0] for picture in noise[:4]]
    _, got = read(write_clip(tmp_path / "a.mkv", grey, codec="ffv1", pix_fmt="gray"))
    for frame, expected in zip(got, grey, strict=True):
        assert frame.rgb.shape == (64, 96, 3)
        assert np.ptp(frame.rgb, axis=2).max() == 0
        # 2 of 255: rounding of the conversion between ranges.
        np.testing.assert_allclose(frame.rgb[..., 0].astype(int), expected, atol=2)


def test_a_single_frame_is_a_video(tmp_path, write_clip):
    info, got = read(write_clip(tmp_path / "a.mp4", [GREY]))
    assert [(frame.index, frame.time_s) for frame in got] == [(0, 0.0)]
    assert info.frame_count == 1


@pytest.mark.parametrize("start", [1, 17, 39, 40, 100])
def test_a_later_start_gives_the_tail_of_the_whole(tmp_path, write_clip, noise, start):
    pts = np.cumsum(np.random.default_rng(4).integers(10, 90, 40)).tolist()
    path = write_clip(tmp_path / "a.mkv", noise[:40], pts, Fraction(1, 1000))
    _, whole = read(path)
    _, tail = read(path, start)
    assert len(tail) == max(40 - start, 0)
    for frame, expected in zip(tail, whole[start:], strict=True):
        assert (frame.index, frame.time_s) == (expected.index, expected.time_s)
        np.testing.assert_array_equal(frame.rgb, expected.rgb)


def refusal(path):
    with pytest.raises(VideoError) as caught:
        read(path)
    assert str(path) in str(caught.value)
    return str(caught.value)


def test_a_missing_file_is_named(tmp_path):
    assert "No such video file" in refusal(tmp_path / "missing.mp4")


def test_a_folder_without_pictures_is_no_video(tmp_path):
    assert "holds no image sequences" in refusal(tmp_path)


def test_an_empty_file_is_named(tmp_path):
    path = tmp_path / "a.mp4"
    path.touch()
    assert "empty (0 bytes)" in refusal(path)


@pytest.mark.parametrize("name", ["a.mp4", "a.txt", "a.json", "a"])
@pytest.mark.parametrize(
    "content",
    [b"hello world\n" * 40, np.random.default_rng(0).bytes(20_000), b"\x00" * 5000, b"{}\n"],
    ids=["text", "noise", "zeros", "json"],
)
def test_what_is_no_video_is_refused(tmp_path, name, content):
    path = tmp_path / name
    path.write_bytes(content)
    assert "not a video" in refusal(path)


def test_a_list_of_other_files_is_not_followed(tmp_path, write_clip):
    clip = write_clip(tmp_path / "a.mp4", [GREY] * 30)
    path = tmp_path / "list.m3u8"
    path.write_text(f"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n{clip}\n#EXT-X-ENDLIST\n")
    assert "not a video" in refusal(path)


def test_sound_alone_is_refused(tmp_path):
    path = tmp_path / "a.m4a"
    with av.open(str(path), "w", format="mp4") as container:
        stream = container.add_stream("aac", rate=48000)
        for index in range(10):
            sound = av.AudioFrame.from_ndarray(np.zeros((2, 1024), np.float32), "fltp", "stereo")
            sound.sample_rate, sound.pts = 48000, index * 1024
            container.mux(stream.encode(sound))
        container.mux(stream.encode(None))
    assert "no video stream" in refusal(path)


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv", "a.avi", "a.mov"])
def test_a_video_without_frames_is_refused(tmp_path, name):
    path = tmp_path / name
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=30)
        stream.width, stream.height, stream.pix_fmt = 96, 64, "yuv420p"
        container.start_encoding()
    assert path.stat().st_size > 100
    refusal(path)


def cut(path, share):
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * share)])


def test_a_file_whose_index_was_cut_off_is_refused(tmp_path, write_clip, noise):
    path = write_clip(tmp_path / "a.mp4", noise)
    assert path.read_bytes().index(b"moov") > path.stat().st_size / 2
    cut(path, 0.5)
    assert "not a video that can be opened" in refusal(path)


@pytest.mark.parametrize(
    ("name", "options", "codec"),
    [
        ("a.mp4", {"movflags": "faststart"}, "libx264"),
        ("a.mkv", None, "libx264"),
        ("a.avi", None, "mpeg4"),
    ],
)
def test_a_file_that_breaks_off_gives_its_frames_and_then_says_so(
    tmp_path, write_clip, noise, name, options, codec
):
    path = write_clip(tmp_path / name, noise, options=options, codec=codec)
    _, whole = read(path)
    cut(path, 0.5)
    info = probe(path)
    assert info.frame_count == 60
    got = []
    with pytest.raises(VideoError, match=r"breaks off after (2|3)\d of 60 frames") as caught:
        got.extend(frames(info))
    assert str(path) in str(caught.value)
    assert 20 <= len(got) <= 40
    for frame, expected in zip(got[:20], whole, strict=False):
        np.testing.assert_array_equal(frame.rgb, expected.rgb)
    assert not decode_threads()


def test_the_cover_of_a_sound_file_is_no_footage(tmp_path):
    path = tmp_path / "song.m4a"
    with av.open(str(path), "w", format="mp4") as container:
        sound = container.add_stream("aac", rate=48000)
        cover = container.add_stream("mjpeg", rate=1)
        cover.width, cover.height, cover.pix_fmt = 64, 64, "yuvj420p"
        cover.disposition = av.stream.Disposition.attached_pic
        picture = av.VideoFrame.from_ndarray(np.full((64, 64, 3), 200, np.uint8), "rgb24")
        picture.pts = 0
        container.mux(cover.encode(picture))
        for index in range(10):
            silence = av.AudioFrame.from_ndarray(np.zeros((2, 1024), np.float32), "fltp", "stereo")
            silence.sample_rate, silence.pts = 48000, index * 1024
            container.mux(sound.encode(silence))
        container.mux(sound.encode(None))
    assert "no video stream" in refusal(path)


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv"])
def test_sound_that_outlasts_the_pictures_is_no_broken_file(tmp_path, name):
    path = tmp_path / name
    with av.open(str(path), "w") as container:
        pictures = container.add_stream("libx264", rate=30)
        pictures.width, pictures.height, pictures.pix_fmt = 96, 64, "yuv420p"
        sound = container.add_stream("aac", rate=48000)
        for _ in range(15):
            container.mux(pictures.encode(av.VideoFrame.from_ndarray(GREY, "rgb24")))
        container.mux(pictures.encode(None))
        for index in range(90):
            silence = av.AudioFrame.from_ndarray(np.zeros((2, 1024), np.float32), "fltp", "stereo")
            silence.sample_rate, silence.pts = 48000, index * 1024
            container.mux(sound.encode(silence))
        container.mux(sound.encode(None))
    with av.open(str(path)) as container:
        assert container.duration / av.time_base > 1.5
    assert len(read(path)[1]) == 15


def test_a_file_that_vanishes_after_the_probe_is_named(tmp_path, write_clip):
    path = write_clip(tmp_path / "a.mp4", [GREY] * 3)
    info = probe(path)
    path.unlink()
    with pytest.raises(VideoError, match="No such video file"):
        next(frames(info))
    assert not decode_threads()


def test_stopping_early_ends_the_decode_thread(tmp_path, write_clip, noise):
    info = probe(write_clip(tmp_path / "a.mp4", noise))
    source = frames(info)
    assert [next(source).index for _ in range(3)] == [0, 1, 2]
    assert len(decode_threads()) == 1
    source.close()
    assert not decode_threads()


def test_a_run_to_the_end_leaves_no_thread(tmp_path, write_clip, noise):
    info = probe(write_clip(tmp_path / "a.mp4", noise[:10]))
    assert len(list(frames(info))) == 10
    assert not decode_threads()


def test_only_a_few_frames_are_decoded_ahead(tmp_path, write_clip, noise, monkeypatch):
    decoded = []
    real = video.upright

    def counting(*arguments):
        decoded.append(1)
        return real(*arguments)

    monkeypatch.setattr(video, "upright", counting)
    source = frames(probe(write_clip(tmp_path / "a.mp4", noise)))
    next(source)
    (thread,) = decode_threads()
    thread.join(0.2)  # it would decode all 60 frames and end if nothing held it back
    assert thread.is_alive()
    # The frame taken, those in the queue, and one that waits to enter it.
    assert len(decoded) <= 1 + DECODE_AHEAD + 1
    source.close()


def test_the_sample_is_read_whole(sample_clip):
    info = probe(sample_clip)
    assert (info.width, info.height, info.frame_count, info.rate_hz) == (1768, 994, 230, 30.0)
    assert info.sha256 == hashlib.sha256(sample_clip.read_bytes()).hexdigest()


def test_an_upright_picture_is_the_one_opencv_reads(short_clip):
    reader = cv2.VideoCapture(str(short_clip))
    ok, bgr = reader.read()
    reader.release()
    assert ok
    source = frames(probe(short_clip))
    mine = next(source).rgb
    source.close()
    # Another reader, other rounding of YUV to RGB: 1 % of the range on average.
    assert np.abs(mine.astype(int) - bgr[..., ::-1]).mean() < 2.5
