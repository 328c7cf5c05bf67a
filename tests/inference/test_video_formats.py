# SPDX-License-Identifier: GPL-3.0-or-later
"""Every kind of footage, written on the spot: its frames, times and geometry."""

from fractions import Fraction

import av
import cv2
import numpy as np
import pytest
from track_spine.inference import video
from track_spine.inference.video import frames, probe

from .written_clips import HEIGHT, PATCHES, WIDTH, coded, colours, encode, marker, quarters, read

# Ten bits go into a transport stream: now and then FFmpeg 8.1.2's writer of MP4 cannot read the
# headers that x265 gives it, and the test would fail before it begins.
X265 = "log-level=none:pools=none:frame-threads=1:rd=2:"

CODECS = {
    # Name: encoder, pixel format, options, file.
    "H.264": ("libx264", "yuv420p", {"preset": "ultrafast", "crf": "10"}, "a.mp4"),
    "H.264 4:4:4": ("libx264", "yuv444p", {"preset": "ultrafast", "crf": "10"}, "a.mkv"),
    "H.264 10 bit": ("libx264", "yuv420p10le", {"preset": "ultrafast", "crf": "10"}, "a.mp4"),
    "HEVC": ("libx265", "yuv420p", {"x265-params": X265 + "crf=10"}, "a.mp4"),
    "HEVC 10 bit": ("libx265", "yuv420p10le", {"x265-params": X265 + "crf=10"}, "a.ts"),
    "ProRes 422": ("prores_ks", "yuv422p10le", {}, "a.mov"),
    "ProRes 4444": ("prores_ks", "yuva444p10le", {"profile": "4444"}, "a.mov"),
    "DNxHR": ("dnxhd", "yuv422p", {"profile": "dnxhr_hq"}, "a.mov"),
    "VP8": ("libvpx", "yuv420p", {"b": "2M", "deadline": "realtime"}, "a.webm"),
    "VP9": ("libvpx-vp9", "yuv420p", {"crf": "10", "deadline": "realtime"}, "a.webm"),
    "AV1": ("libsvtav1", "yuv420p", {"preset": "12", "crf": "10"}, "a.mp4"),
    "MJPEG": ("mjpeg", "yuvj420p", {"qmin": "1", "q": "1"}, "a.avi"),
    "MPEG-2": ("mpeg2video", "yuv420p", {"b": "4M"}, "a.ts"),
    "MPEG-4": ("mpeg4", "yuv420p", {"b": "4M"}, "a.avi"),
    "FFV1": ("ffv1", "yuv420p", {}, "a.mkv"),
    "Animation": ("qtrle", "rgb24", {}, "a.mov"),
    "GIF": ("gif", "rgb8", {}, "a.gif"),
}


@pytest.mark.parametrize("name", CODECS)
def test_every_codec_gives_its_frames_times_and_colours(tmp_path, name):
    encoder, pix_fmt, options, file = CODECS[name]
    size = (256, 128) if name == "DNxHR" else (WIDTH, HEIGHT)  # DNxHR has no smaller one
    matrix = 1 if name == "DNxHR" else 6  # and is always told to be BT.709
    if "yuv" in pix_fmt and "a" not in pix_fmt:
        pictures = [coded(quarters(*size), pix_fmt, matrix, "j" in pix_fmt) for _ in range(8)]
    else:
        rgb = [av.VideoFrame.from_ndarray(quarters(*size), "rgb24") for _ in range(8)]
        pictures = [picture.reformat(format=pix_fmt) for picture in rgb]
    info, got = read(encode(tmp_path / file, pictures, encoder, pix_fmt, options))
    assert (info.width, info.height, len(got)) == (*size, 8)
    assert info.rate_hz == 25.0
    np.testing.assert_allclose([frame.time_s for frame in got], np.arange(8) / 25, atol=1e-6)
    assert all(frame.whole for frame in got)
    # Lossy coding and rounding: 4 of 255; the palette of a GIF has 8 x 8 x 4 colours.
    tolerance = 45 if name == "GIF" else 4
    for frame in got:
        np.testing.assert_allclose(colours(frame.rgb), PATCHES, atol=tolerance)


@pytest.mark.parametrize("rate", [1, Fraction(24000, 1001), 120, 240])
def test_every_rate_keeps_its_times(tmp_path, rate):
    pictures = [coded(quarters(), "yuv420p") for _ in range(12)]
    path = encode(tmp_path / "a.mp4", pictures, "libx264", "yuv420p", {"preset": "ultrafast"}, rate)
    info, got = read(path)
    assert info.rate_hz == pytest.approx(float(rate))
    times = np.arange(12) / float(rate)
    np.testing.assert_allclose([frame.time_s for frame in got], times, atol=1e-6)


@pytest.mark.parametrize(
    ("turn", "flip", "place"),
    [
        # Where the stored point (10, 7) of 96 x 64 ends: counter-clockwise turn, then the mirror.
        (0, False, (10, 7)),
        (90, False, (7, 86)),
        (180, False, (86, 57)),
        (270, False, (57, 10)),
        (0, True, (86, 7)),
        (90, True, (57, 86)),
        (180, True, (10, 57)),
        (270, True, (7, 10)),
    ],
)
def test_turned_and_mirrored_footage_is_shown_as_a_player_does(tmp_path, turn, flip, place):
    rgb = np.full((HEIGHT, WIDTH, 3), 60, np.uint8)
    rgb[3:11, 6:14] = 250
    pictures = [coded(rgb, "yuv420p") for _ in range(2)]
    path = encode(
        tmp_path / "a.mp4",
        pictures,
        "libx264",
        "yuv420p",
        {"preset": "ultrafast"},
        prepare=lambda stream: stream.set_display_rotation(turn, hflip=flip),
    )
    info, got = read(path)
    assert (info.width, info.height) == ((96, 64) if turn % 180 == 0 else (64, 96))
    assert info.mirrored is flip
    for frame in got:
        assert frame.rgb.shape == (info.height, info.width, 3)
        assert frame.rgb.flags.c_contiguous
        np.testing.assert_allclose(marker(frame.rgb), place, atol=0.5)


@pytest.mark.parametrize("turn", [0, 90])
@pytest.mark.parametrize(
    ("aspect", "width"), [(Fraction(4, 3), 128), (Fraction(8, 9), 85), (Fraction(16, 11), 140)]
)
def test_pixels_that_are_not_square_are_made_so(tmp_path, aspect, width, turn):
    rgb = np.full((HEIGHT, WIDTH, 3), 60, np.uint8)
    rgb[40:56, 60:76] = 250

    def prepare(stream):
        stream.codec_context.sample_aspect_ratio = aspect
        stream.set_display_rotation(turn)

    pictures = [coded(rgb, "yuv420p") for _ in range(2)]
    options = {"preset": "ultrafast"}
    path = encode(tmp_path / "a.mp4", pictures, "libx264", "yuv420p", options, prepare=prepare)
    info, got = read(path)
    assert info.pixel_aspect == pytest.approx(float(aspect))
    assert (info.width, info.height) == ((width, 64) if turn == 0 else (64, width))
    x, y = 68 * width / WIDTH, 48.0
    place = (x, y) if turn == 0 else (y, width - x)
    np.testing.assert_allclose(marker(got[0].rgb), place, atol=0.7)


def field_clip(path, interlaced=True, order="tff"):
    """A bright bar that moves 8 pixels a field: its lines comb unless the fields are parted."""
    pictures = []
    for index in range(6):
        rgb = np.full((HEIGHT, WIDTH, 3), 40, np.uint8)
        for field, parity in enumerate((0, 1) if order == "tff" else (1, 0)):
            x = 4 + 6 * (2 * index + field)
            rgb[parity::2, x : x + 8] = 220
        pictures.append(marked(coded(rgb, "yuv422p"), order))
    options = {"preset": "ultrafast", "crf": "5", "x264-params": f"tff={int(interlaced)}"}
    return encode(path, pictures, "libx264", "yuv422p", options)


def marked(picture, order):
    """The same frame, its upper (tff) or lower (bff) field said to be the first."""
    graph = av.filter.Graph()
    source = graph.add("buffer", video_size="96x64", pix_fmt=picture.format.name, time_base="1/25")
    setfield = graph.add("setfield", order)
    graph.link_nodes(source, setfield, graph.add("buffersink")).configure()
    graph.vpush(picture)
    return graph.vpull()


def combing(rgb):
    """Mean difference of neighbouring lines."""
    return np.abs(np.diff(rgb[8:-8, :, 0].astype(float), axis=0)).mean()


@pytest.mark.parametrize("order", ["tff", "bff"])
def test_interlaced_footage_is_parted_into_its_fields(tmp_path, order):
    woven = read(field_clip(tmp_path / "p.mkv", False, order))[1]
    info, got = read(field_clip(tmp_path / "i.mkv", True, order))
    assert (info.frame_count, len(got)) == (6, 6)
    np.testing.assert_allclose([frame.time_s for frame in got], np.arange(6) / 25, atol=1e-6)
    for index, (frame, raw) in enumerate(zip(got, woven, strict=True)):
        assert combing(raw.rgb) > 15
        # The ends of the clip have no neighbour to fill lines from but the other field.
        if 0 < index < 5:
            assert combing(frame.rgb) < 0.25 * combing(raw.rgb)
            bar = frame.rgb[32:34, :, 0].mean(axis=0) - 40
            centre = (bar * (np.arange(WIDTH) + 0.5)).sum() / bar.sum()
            assert centre == pytest.approx(8 + 12 * index, abs=2)  # where the first field has it


def test_footage_that_changes_to_interlaced_midway_keeps_every_frame(tmp_path):
    still = [coded(quarters(), "yuv422p") for _ in range(6)]
    options = {"preset": "ultrafast", "crf": "5"}
    plain = encode(tmp_path / "a.h264", still, "libx264", "yuv422p", options)
    fields = field_clip(tmp_path / "b.h264")
    both = tmp_path / "c.h264"
    both.write_bytes(plain.read_bytes() + fields.read_bytes())
    got = read(both)[1]
    assert [frame.index for frame in got] == list(range(12))
    for frame in got[:6]:
        np.testing.assert_allclose(colours(frame.rgb), PATCHES, atol=4)
    assert all(combing(frame.rgb) < 8 for frame in got[7:11])


def test_8k_is_read_with_little_of_it_in_store(tmp_path):
    size = (7680, 4320)
    rgb = np.full((size[1], size[0], 3), 60, np.uint8)
    rgb[4000:4032, 7000:7032] = 250
    picture = av.VideoFrame.from_ndarray(rgb, "rgb24").reformat(format="yuvj420p")
    path = encode(tmp_path / "a.avi", [picture] * 2, "mjpeg", "yuvj420p", {"threads": "1"})
    info = probe(path)
    assert (info.width, info.height) == size
    assert 3 * size[0] * size[1] * 2 <= video.AHEAD_BYTES < 3 * size[0] * size[1] * 3
    source = frames(info)
    first = next(source)
    source.close()
    np.testing.assert_allclose(marker(first.rgb), (7016, 4016), atol=0.5)


def test_a_title_in_another_encoding_is_no_obstacle(tmp_path):
    pictures = [coded(quarters(), "yuv420p") for _ in range(3)]
    path = tmp_path / "a.avi"
    encode(path, pictures, "mpeg4", "yuv420p", prepare=_titled)
    content = path.read_bytes()
    assert content.count(b"Gross!") == 1
    path.write_bytes(content.replace(b"Gross!", "Größe!".encode("latin-1")))
    assert len(read(path)[1]) == 3


def _titled(stream):
    stream.container.metadata["title"] = "Gross!"


def test_a_picture_with_an_orientation_is_turned(tmp_path):
    rgb = np.full((HEIGHT, WIDTH, 3), 60, np.uint8)
    rgb[3:11, 6:14] = 250
    ok, jpeg = cv2.imencode(".jpg", rgb)
    assert ok
    # EXIF with one tag, Orientation (0x0112) 6: to be turned clockwise by 90 degrees.
    tiff = b"MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0"
    exif = b"Exif\0\0" + tiff
    app1 = b"\xff\xe1" + (len(exif) + 2).to_bytes(2, "big") + exif
    path = tmp_path / "walk_1.jpg"
    path.write_bytes(jpeg.tobytes()[:2] + app1 + jpeg.tobytes()[2:])
    info, got = read(path, rate_hz=25.0)
    assert (info.width, info.height) == (64, 96)
    np.testing.assert_allclose(marker(got[0].rgb), (57, 10), atol=0.5)
