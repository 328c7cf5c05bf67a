# SPDX-License-Identifier: GPL-3.0-or-later
"""Footage that is damaged, cut, without times or edited: what can be read is, at its true time."""

from dataclasses import dataclass
from fractions import Fraction

import av
import numpy as np
import pytest
from track_spine.inference import movie
from track_spine.inference.errors import VideoError
from track_spine.inference.video import Trim, damage_note, frames, probe

GREY = np.full((64, 96, 3), 90, np.uint8)


def read(path, start=0, **options):
    info = probe(path, **options)
    return info, list(frames(info, start))


def times(got):
    return np.array([frame.time_s for frame in got])


def numbered(count):
    """Pictures that tell their number by their brightness."""
    return [np.full((64, 96, 3), 20 + 4 * index, np.uint8) for index in range(count)]


def number_of(frame):
    return round((float(frame.rgb.mean()) - 20) / 4)


def spoil(path, share=0.5, length=1 / 15):
    """Overwrite part of a file with noise; returns the part."""
    content = bytearray(path.read_bytes())
    begin, size = int(len(content) * share), int(len(content) * length)
    content[begin : begin + size] = np.random.default_rng(1).bytes(size)
    path.write_bytes(content)
    return begin, begin + size


def packets_within(path, part):
    """Positions in order of display of the packets that lie in a part of the file."""
    with av.open(str(path)) as container:
        packets = [one for one in container.demux(container.streams.video[0]) if one.size]
    shown = {pts: place for place, pts in enumerate(sorted(one.pts for one in packets))}
    return {shown[one.pts] for one in packets if one.pos < part[1] and one.pos + one.size > part[0]}


DAMAGED = {
    # Each picture for itself, so that all but the spoilt come out as before; and predicted ones.
    "ProRes": ("prores_ks", "yuv422p10le", "a.mov", True),
    "MJPEG": ("mjpeg", "yuvj420p", "a.mov", True),
    "H.264": ("libx264", "yuv420p", "a.mp4", False),
    "MPEG-4": ("mpeg4", "yuv420p", "a.mp4", False),
}


@pytest.mark.parametrize("name", DAMAGED)
def test_damage_in_mid_clip_costs_only_the_frames_it_hits(tmp_path, write_clip, noise, name):
    codec, pix_fmt, file, alone = DAMAGED[name]
    try:
        av.Codec(codec, "w")
    except av.codec.codec.UnknownCodecError:
        pytest.skip(f"this FFmpeg has no encoder {codec}")
    path = write_clip(tmp_path / file, noise[:30], codec=codec, pix_fmt=pix_fmt)
    whole = read(path)[1]
    hit = packets_within(path, spoil(path, length=0.12))
    assert 2 <= len(hit) <= 8
    info, got = read(path)
    assert [frame.index for frame in got] == list(range(30))
    assert info.frame_count == 30
    np.testing.assert_allclose(times(got), np.arange(30) / 30, atol=1e-6)
    damaged = [frame.index for frame in got if not frame.whole]
    if alone:  # the first and last may have lost but a few bytes
        assert set(damaged) <= hit and len(damaged) >= len(hit) - 2
    assert 1 <= len(damaged) <= 20
    assert min(damaged) >= min(hit) - 8
    for frame, expected in zip(got, whole, strict=True):
        if frame.index < min(hit) - 8 or (alone and frame.index not in hit):
            np.testing.assert_array_equal(frame.rgb, expected.rgb)
    if alone:  # a lost frame repeats the last one before it
        lost = max(damaged)
        np.testing.assert_array_equal(got[lost].rgb, got[lost - 1].rgb)


def test_a_run_that_resumes_within_damage_sees_what_an_undisturbed_one_does(
    tmp_path, write_clip, noise
):
    path = write_clip(tmp_path / "a.mov", noise[:30], codec="mjpeg", pix_fmt="yuvj420p")
    spoil(path, length=0.12)
    whole = read(path)[1]
    start = next(frame.index for frame in whole if not frame.whole)
    tail = read(path, start)[1]
    assert len(tail) == 30 - start
    for frame, expected in zip(tail, whole[start:], strict=True):
        assert (frame.index, frame.time_s, frame.whole) == (
            expected.index,
            expected.time_s,
            expected.whole,
        )
        np.testing.assert_array_equal(frame.rgb, expected.rgb)


@pytest.mark.parametrize("name", ["a.mkv", "a.ts"])
def test_packets_that_vanish_leave_a_gap_of_their_length(tmp_path, write_clip, noise, name):
    pictures = [np.roll(noise[0], 3 * index, axis=1) for index in range(60)]
    path = write_clip(tmp_path / name, pictures)
    spoil(path, 0.5, 1 / 30)
    info = probe(path)
    got = []
    with_end = frames(info)
    try:
        got.extend(with_end)
    except VideoError as error:  # Matroska: the rest of the file may be one block
        assert "breaks off" in str(error)
    assert len(got) >= 20
    # Each frame that came through stands at a whole multiple of the frame time: none slid.
    places = times(got) * 30
    np.testing.assert_allclose(places, np.round(places), atol=0.03 if name == "a.mkv" else 1e-4)
    assert (np.diff(places) > 0.5).all()


def test_damage_at_the_very_beginning_begins_with_the_first_frame_that_decodes(
    tmp_path, write_clip, noise
):
    path = write_clip(tmp_path / "a.mov", noise[:20], codec="mjpeg", pix_fmt="yuvj420p")
    whole = read(path)[1]
    with av.open(str(path)) as container:
        first = next(container.demux(container.streams.video[0]))
        begin, end = first.pos, first.pos + first.size
    content = bytearray(path.read_bytes())
    content[begin:end] = b"\x00" * (end - begin)
    path.write_bytes(content)
    got = read(path)[1]
    assert len(got) == 19
    np.testing.assert_allclose(times(got), np.arange(19) / 30, atol=1e-6)
    np.testing.assert_array_equal(got[0].rgb, whole[1].rgb)


def test_a_file_of_which_nothing_decodes_is_refused(tmp_path, write_clip, noise):
    path = write_clip(tmp_path / "a.mov", noise[:10], codec="mjpeg", pix_fmt="yuvj420p")
    content = bytearray(path.read_bytes())
    index = content.index(b"moov") - 4
    content[48:index] = b"\x00" * (index - 48)
    path.write_bytes(content)
    with pytest.raises(VideoError, match="without a single frame"):
        probe(path)


def test_a_note_tells_which_frames_are_damaged():
    assert damage_note([]) == ""
    assert "4 damaged frames were left out (3, 7-9)" in damage_note([3, 7, 8, 9])
    many = damage_note(list(range(0, 40, 2)))
    assert "20 damaged frames" in many and "14)" not in many and "and 12 more places" in many


def stream_of_sizes(path, sizes):
    """MPEG-TS whose pictures change size midway, as a screen share or a broadcast does."""
    parts = []
    for index, (width, height, colour) in enumerate(sizes):
        part = path.with_name(f"{index}.h264")
        with av.open(str(part), "w") as container:
            stream = container.add_stream("libx264", rate=25, options={"preset": "ultrafast"})
            stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
            picture = np.full((height, width, 3), colour, np.uint8)
            picture[height // 4 : height // 2, width // 4 : width // 2] = 250
            for _ in range(4):
                container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, "rgb24")))
            container.mux(stream.encode(None))
        parts.append(part.read_bytes())
    path.write_bytes(b"".join(parts))
    return path


def test_a_change_of_size_midway_is_scaled_to_the_first(tmp_path):
    path = stream_of_sizes(tmp_path / "a.h264", [(96, 64, 60), (192, 128, 60), (48, 32, 60)])
    info, got = read(path)
    assert (info.width, info.height, len(got)) == (96, 64, 12)
    for frame in got:
        assert frame.whole
        assert frame.rgb.shape == (64, 96, 3)
        y, x = np.nonzero(frame.rgb[..., 0] > 170)
        np.testing.assert_allclose([x.mean() + 0.5, y.mean() + 0.5], (36, 24), atol=1)


def test_a_change_of_shape_midway_is_marked(tmp_path):
    path = stream_of_sizes(tmp_path / "a.h264", [(96, 64, 60), (64, 96, 120), (96, 64, 60)])
    _, got = read(path)
    assert [frame.whole for frame in got] == [True] * 4 + [False] * 4 + [True] * 4
    assert all(frame.rgb[0, 0, 0] == pytest.approx(60, abs=3) for frame in got)


@pytest.mark.parametrize(("codec", "name"), [("libx264", "a.h264"), ("mjpeg", "a.mjpeg")])
def test_a_bare_stream_without_timestamps_has_even_times(tmp_path, write_clip, codec, name):
    pix_fmt = "yuvj420p" if codec == "mjpeg" else "yuv420p"
    path = write_clip(tmp_path / name, numbered(12), codec=codec, pix_fmt=pix_fmt)
    info, got = read(path)
    assert [number_of(frame) for frame in got] == list(range(12))
    np.testing.assert_allclose(times(got), np.arange(12) / info.rate_hz, atol=1e-6)


def test_a_clock_that_begins_anew_goes_on_where_it_was(tmp_path, write_clip):
    pts = [0, 100, 150, 300, 330, 1000, 1800, 2000, 2200, 2400]
    path = write_clip(tmp_path / "a.ts", numbered(10), pts, Fraction(1, 1000))
    joined = tmp_path / "b.ts"
    joined.write_bytes(path.read_bytes() * 2)
    got = read(joined)[1]
    assert len(got) == 20
    steps = np.diff(times(got))
    assert (steps > 0).all()
    # MPEG-TS counts 90,000 a second; the step over the joint is one at the nominal rate.
    np.testing.assert_allclose(steps[:9], np.diff(pts) / 1000, atol=2e-5)
    np.testing.assert_allclose(steps[10:], np.diff(pts) / 1000, atol=2e-5)


@dataclass
class Picture:
    time: float | None
    pts: int | None = None
    is_corrupt = False


@dataclass
class Packet:
    time: float | None
    size = 1
    pts = None
    is_discard = False
    time_base = Fraction(1, 1000)

    def decode(self):
        return [Picture(self.time)]


def test_times_go_on_where_the_file_gives_none_or_goes_back(tmp_path):
    stamps = [2.0, 2.1, None, 2.05, 2.5, 2.5, 3.0]

    class Container:
        format = av.ContainerFormat("avi")
        streams = (None,)

        def demux(self, stream):
            return map(Packet, stamps)

    class Stream:
        frames = 7
        average_rate = Fraction(30)

    got = [one.time_s for one in movie.pictures(tmp_path, Container(), Stream())]
    step = 1 / 30
    expected = [0.0, 0.1, 0.1 + step, 0.1 + 2 * step, 0.5, 0.5 + step, 1.0]
    np.testing.assert_allclose(got, expected, atol=1e-9)


@pytest.mark.parametrize(("codec", "pix_fmt"), [("libx264", "yuv420p"), ("mjpeg", "yuvj420p")])
def test_an_edit_list_cuts_the_beginning(tmp_path, codec, pix_fmt, write_clip):
    """Frames before time 0 are stored, to decode the rest from, but not shown."""
    pts = list(range(-10, 30))
    path = write_clip(
        tmp_path / "a.mov",
        numbered(40),
        pts,
        Fraction(1, 30),
        codec=codec,
        pix_fmt=pix_fmt,
        options={"avoid_negative_ts": "disabled"},
    )
    info, got = read(path)
    assert info.frame_count == len(got) == 30
    assert [number_of(frame) for frame in got] == list(range(10, 40))
    np.testing.assert_allclose(times(got), np.arange(30) / 30, atol=1e-6)
    assert all(frame.whole for frame in got)


def test_an_edit_list_cuts_the_end(tmp_path, write_clip):
    path = write_clip(tmp_path / "a.mov", numbered(40), codec="mjpeg", pix_fmt="yuvj420p")
    content = bytearray(path.read_bytes())
    at = content.index(b"elst") + 12  # version and flags, number of entries, then the duration
    assert int.from_bytes(content[at - 4 : at], "big") == 1
    whole = int.from_bytes(content[at : at + 4], "big")
    content[at : at + 4] = (whole // 2).to_bytes(4, "big")
    path.write_bytes(content)
    info, got = read(path)
    assert 19 <= len(got) <= 22  # FFmpeg keeps a frame or two that only begin before the cut
    assert info.frame_count == len(got)
    assert [number_of(frame) for frame in got] == list(range(len(got)))


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv", "a.avi"])
def test_a_stream_without_length_is_one_frame(tmp_path, write_clip, name):
    codec = "mpeg4" if name == "a.avi" else "libx264"
    path = write_clip(tmp_path / name, [GREY], codec=codec)
    if name == "a.mp4":  # the durations of movie, track and media are set to 0
        content = bytearray(path.read_bytes())
        for box, offset in ((b"mvhd", 20), (b"tkhd", 24), (b"mdhd", 20)):
            at = content.index(box) + offset
            content[at : at + 4] = bytes(4)
        path.write_bytes(content)
    info, got = read(path)
    assert [(frame.index, frame.time_s) for frame in got] == [(0, 0.0)]
    assert info.rate_hz > 0


@pytest.mark.parametrize(
    ("trim", "expected"),
    [
        (Trim(), range(40)),
        (Trim(first=10), range(10, 40)),
        (Trim(end=7), range(7)),
        (Trim(first=10, end=12), range(10, 12)),
        (Trim(first=35, end=99), range(35, 40)),
        (Trim(first_s=0.5), range(15, 40)),
        (Trim(first_s=0.5, end_s=1.0), range(15, 30)),
        (Trim(first_s=0.49, end_s=0.51), range(15, 16)),
        (Trim(first=3, end_s=0.5), range(3, 15)),
    ],
)
@pytest.mark.parametrize("start", [0, 1])
def test_a_trim_gives_that_part_counted_from_its_first_frame(
    tmp_path, write_clip, trim, expected, start
):
    path = write_clip(tmp_path / "a.mp4", numbered(40))
    info, got = read(path, start, trim=trim)
    assert info.frame_count == len(expected)
    assert [number_of(frame) for frame in got] == list(expected[start:])
    assert [frame.index for frame in got] == list(range(start, len(expected)))
    assert [frame.source_index for frame in got] == list(expected[start:])
    np.testing.assert_allclose(times(got), np.arange(start, len(expected)) / 30, atol=1e-6)
    source_s = [frame.source_s for frame in got]
    np.testing.assert_allclose(source_s, np.array(expected[start:]) / 30, atol=1e-6)


def test_a_trim_of_uneven_frames_goes_by_their_own_times(tmp_path, write_clip):
    pts = [0, 40, 41, 300, 333, 1000, 1001, 4500]
    path = write_clip(tmp_path / "a.mkv", numbered(8), pts, Fraction(1, 1000))
    _, got = read(path, trim=Trim(first_s=0.041, end_s=1.001))
    assert [number_of(frame) for frame in got] == [2, 3, 4, 5]
    np.testing.assert_allclose(times(got), [0.0, 0.259, 0.292, 0.959], atol=1e-6)


def test_a_trim_before_a_broken_end_is_read_without_complaint(tmp_path, write_clip, noise):
    path = write_clip(tmp_path / "a.mp4", noise, options={"movflags": "faststart"})
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    _, got = read(path, trim=Trim(end=10))
    assert len(got) == 10


def test_a_trim_beyond_the_end_is_told(tmp_path, write_clip):
    path = write_clip(tmp_path / "a.mp4", [GREY] * 5)
    with pytest.raises(VideoError, match="ends before the part that was asked for"):
        read(path, trim=Trim(first=5))


@pytest.mark.parametrize(
    ("text", "trim"),
    [
        ("120:480", Trim(first=120, end=480)),
        ("120:", Trim(first=120)),
        (":480", Trim(end=480)),
        ("2.5s:10s", Trim(first_s=2.5, end_s=10.0)),
        (".5s:", Trim(first_s=0.5)),
        ("30:2s", Trim(first=30, end_s=2.0)),
        (":", Trim()),
    ],
)
def test_a_trim_is_read_as_written(text, trim):
    assert Trim.parse(text) == trim


@pytest.mark.parametrize("text", ["", "12", "a:b", "-3:5", "1.5:3", "1s:2s:3s", "5:5", "3s:1s"])
def test_a_trim_that_makes_no_sense_is_refused(text):
    with pytest.raises(VideoError, match=r"[Tt]rim"):
        Trim.parse(text)
