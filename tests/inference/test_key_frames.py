# SPDX-License-Identifier: GPL-3.0-or-later
"""Frames read from a key frame on: the same to the bit as those read from the start."""

from fractions import Fraction

import av
import numpy as np
import pytest
from track_spine.inference import key_frames
from track_spine.inference.key_frames import LEAD, begin_before
from track_spine.inference.trim import Trim
from track_spine.inference.video import frames, probe

COUNT, GROUP = 60, 12
UNEVEN = np.cumsum([0, *np.random.default_rng(5).integers(1, 9, COUNT - 1)]).tolist()
X265 = f"log-level=none:pools=none:frame-threads=1:keyint={GROUP}:min-keyint={GROUP}:scenecut=0"
H264 = {"preset": "veryfast", "bf": "3", "g": str(GROUP), "sc_threshold": "0"}

CLIPS = {
    # Name: encoder, pixel format, options, file, timestamps; place of the picture begun at for 40.
    "H.264 with B-frames": ("libx264", "yuv420p", H264, "a.mp4", None, 36),
    "H.264, variable rate": ("libx264", "yuv420p", H264, "a.mov", UNEVEN, 36),
    "H.264, interlaced": (
        "libx264",
        "yuv420p",
        H264 | {"bf": "0", "x264-params": "tff=1"},
        "a.mp4",
        None,
        36,
    ),
    "HEVC": ("libx265", "yuv420p", {"x265-params": f"{X265}:open-gop=0"}, "a.mp4", None, 36),
    "ProRes": ("prores_ks", "yuv422p10le", {}, "a.mov", UNEVEN, 40 - LEAD),
    "DNxHR": ("dnxhd", "yuv422p", {"profile": "dnxhr_hq"}, "a.mov", None, 40 - LEAD),
    # None of these may be begun at: what follows their key frames needs what lies before, nothing
    # tells how many pictures there are, or what a key frame means is not known here.
    "open groups of H.264": (
        "libx264",
        "yuv420p",
        H264 | {"x264-params": "open-gop=1"},
        "a.mp4",
        None,
        0,
    ),
    "open groups of HEVC": (
        "libx265",
        "yuv420p",
        {"x265-params": f"{X265}:open-gop=1:bframes=3"},
        "a.mp4",
        None,
        0,
    ),
    "intra refresh": (
        "libx264",
        "yuv420p",
        H264 | {"bf": "0", "x264-params": "intra-refresh=1"},
        "a.mp4",
        None,
        0,
    ),
    "Matroska": ("libx264", "yuv420p", H264, "a.mkv", None, 0),
    "fragments": ("libx264", "yuv420p", H264, "a.mp4", None, 0),
    "MPEG-4": ("mpeg4", "yuv420p", {"g": str(GROUP)}, "a.mp4", None, 0),
}


@pytest.fixture(scope="module")
def moving():
    """A bright square that crosses noise: frames that are predicted from each other."""
    still = np.random.default_rng(3).integers(0, 90, (128, 256, 3), np.uint8)
    pictures = np.repeat(still[None], COUNT, axis=0)
    for index, picture in enumerate(pictures):
        picture[20:36, index : index + 16] = 250
    return pictures


def write(path, pictures, encoder, pix_fmt, options, pts, fragments=False):
    container_options = {"movflags": "frag_keyframe+empty_moov"} if fragments else {}
    with av.open(str(path), "w", container_options=container_options) as container:
        stream = container.add_stream(encoder, rate=25, options=options)
        stream.height, stream.width = pictures[0].shape[:2]
        stream.pix_fmt = pix_fmt
        stream.codec_context.thread_count = 1
        stream.codec_context.time_base = Fraction(1, 100)
        for index, picture in enumerate(pictures):
            frame = av.VideoFrame.from_ndarray(picture, "rgb24")
            frame.pts = 4 * index if pts is None else pts[index]
            frame.time_base = Fraction(1, 100)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


@pytest.fixture(scope="module", params=CLIPS)
def clip(request, moving, tmp_path_factory):
    """A clip, where it is begun at for frame 40, and its frames read from the start."""
    encoder, pix_fmt, options, file, pts, place = CLIPS[request.param]
    path = tmp_path_factory.mktemp("clip") / file
    write(path, moving, encoder, pix_fmt, options, pts, request.param == "fragments")
    whole = list(frames(probe(path)))
    assert len(whole) == COUNT
    return path, place, whole


def assert_same(got, expected):
    assert [frame.source_index for frame in got] == [frame.source_index for frame in expected]
    assert [frame.source_s for frame in got] == [frame.source_s for frame in expected]
    assert [frame.whole for frame in got] == [frame.whole for frame in expected]
    for frame, other in zip(got, expected, strict=True):
        np.testing.assert_array_equal(frame.rgb, other.rgb)


def test_decoding_begins_at_the_last_key_frame_that_stands_alone(clip):
    path, place, _ = clip
    begin = begin_before(path, 40)
    assert (begin.place if begin else 0) == place


@pytest.mark.parametrize("start", [13, 40, 60])
def test_a_later_start_gives_the_same_frames(clip, start):
    path, _, whole = clip
    assert_same(list(frames(probe(path), start)), whole[start:])


@pytest.mark.parametrize("start", [0, 9])
def test_a_trim_gives_the_same_frames(clip, start):
    path, _, whole = clip
    for trim in (Trim(first=30, end=50), Trim(first_s=whole[30].source_s, end=50)):
        got = list(frames(probe(path, trim=trim), start))
        assert_same(got, whole[30 + start : 50])
        assert [frame.index for frame in got] == list(range(start, 20))
        assert got[0].time_s == whole[30 + start].source_s - whole[30].source_s


def damage(path, number):
    """Overwrite all of a stored picture but the length of its first unit."""
    with av.open(str(path)) as container:
        entry = container.streams.video[0].index_entries[number]
        assert entry.is_keyframe
        place = slice(entry.pos + 4, entry.pos + entry.size)
    content = bytearray(path.read_bytes())
    content[place] = bytes(place.stop - place.start)
    path.write_bytes(content)


def test_a_damaged_key_frame_is_not_begun_at(moving, tmp_path):
    path = write(tmp_path / "a.mp4", moving, "libx264", "yuv420p", H264, None)
    damage(path, 36)
    assert begin_before(path, 40).place == 24
    assert_same(list(frames(probe(path), 40)), list(frames(probe(path)))[40:])


def test_a_damaged_first_picture_lets_nothing_be_passed_over(moving, tmp_path):
    path = write(tmp_path / "a.mp4", moving, "libx264", "yuv420p", H264, None)
    damage(path, 0)
    assert begin_before(path, 40) is None
    assert_same(list(frames(probe(path), 40)), list(frames(probe(path)))[40:])


def test_what_lies_before_is_not_decoded(moving, tmp_path, monkeypatch):
    path = write(tmp_path / "a.mp4", moving, "libx264", "yuv420p", H264, None)
    info, decoded = probe(path), []
    plain = key_frames.movie.pictures

    def counted(*arguments):
        for stored in plain(*arguments):
            decoded.append(stored)
            yield stored

    monkeypatch.setattr(key_frames.movie, "pictures", counted)
    assert len(list(frames(info, 50))) == 10
    # The group of frame 50, and a look at the key frames that it begins and the file begins with.
    assert len(decoded) == COUNT - 48 + 2
