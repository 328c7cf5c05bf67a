# SPDX-License-Identifier: GPL-3.0-or-later
"""Every kind of footage, written on the spot: its frames, times, colours and geometry."""

from fractions import Fraction

import av
import cv2
import numpy as np
import pytest
from av.video.reformatter import ColorPrimaries, ColorTrc
from track_spine.inference import video
from track_spine.inference.video import frames, probe

WIDTH, HEIGHT = 96, 64

PATCHES = np.array([[200, 40, 40], [40, 180, 60], [50, 60, 210], [235, 235, 235]])
"""Colours of the four quarters of the test picture: top left and right, bottom left and right."""

BT709, BT601, BT2020 = (0.2126, 0.0722), (0.299, 0.114), (0.2627, 0.0593)
"""Shares of red and blue in the brightness: ITU-R BT.709, BT.601 and BT.2020."""

MATRICES = {1: BT709, 5: BT601, 6: BT601, 9: BT2020}
"""By the code of the colour matrix in a file: ITU-T H.273, table 4."""

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


def quarters(width=WIDTH, height=HEIGHT):
    picture = np.empty((height, width, 3), np.uint8)
    for index, colour in enumerate(PATCHES):
        rows = slice(height // 2) if index < 2 else slice(height // 2, None)
        columns = slice(width // 2) if index % 2 == 0 else slice(width // 2, None)
        picture[rows, columns] = colour
    return picture


def coded(rgb, pix_fmt, matrix=6, full=False):
    """A frame of YUV by the book, tagged: the converter of FFmpeg has no part in it."""
    red, blue = MATRICES[matrix]
    depth = 10 if "10" in pix_fmt else 8
    r, g, b = np.moveaxis(np.asarray(rgb, float) / 255.0, -1, 0)
    y = red * r + (1 - red - blue) * g + blue * b
    u, v = (b - y) / (2 * (1 - blue)), (r - y) / (2 * (1 - red))
    unit = 1 << (depth - 8)
    low, spread, chroma = (0, 255, 255) if full else (16, 219, 224)
    planes = [unit * (low + spread * y), unit * (128 + chroma * u), unit * (128 + chroma * v)]
    frame = av.VideoFrame(y.shape[1], y.shape[0], pix_fmt)
    for plane, values in zip(frame.planes, planes, strict=False):
        step = y.shape[1] // plane.width
        rows = y.shape[0] // plane.height
        kind = np.dtype(np.uint8 if depth == 8 else "<u2")
        lines = np.zeros((plane.height, plane.line_size // kind.itemsize), kind)
        lines[:, : plane.width] = np.round(values[::rows, ::step])
        plane.update(lines.tobytes())
    frame.colorspace, frame.color_range = matrix, 2 if full else 1
    return frame


def encode(path, pictures, encoder, pix_fmt, options=None, rate=25, prepare=None, tags=None):
    """Write ready-made frames, or skip the test where this FFmpeg cannot."""
    try:
        av.Codec(encoder, "w")
    except av.codec.codec.UnknownCodecError:
        pytest.skip(f"this FFmpeg has no encoder {encoder}")
    with av.open(str(path), "w") as container:
        stream = container.add_stream(encoder, rate=rate, options=options or {})
        stream.width, stream.height, stream.pix_fmt = pictures[0].width, pictures[0].height, pix_fmt
        stream.codec_context.thread_count = 1
        for name, value in (tags or {}).items():
            setattr(stream.codec_context, name, value)
        if prepare:
            prepare(stream)
        for index, picture in enumerate(pictures):
            picture.pts, picture.time_base = index, 1 / Fraction(rate)
            container.mux(stream.encode(picture))
        container.mux(stream.encode(None))
    return path


def read(path, **options):
    info = probe(path, **options)
    return info, list(frames(info))


def colours(rgb):
    """Mean colour well inside each quarter."""
    height, width = rgb.shape[:2]
    return np.array(
        [
            rgb[y : y + height // 4, x : x + width // 4].mean((0, 1))
            for y in (height // 8, height * 5 // 8)
            for x in (width // 8, width * 5 // 8)
        ]
    )


def marker(rgb):
    """Centre of the bright square, pixels."""
    y, x = np.nonzero(rgb[..., 1] > 170)
    return np.array([x.mean() + 0.5, y.mean() + 0.5])


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


@pytest.mark.parametrize("full", [False, True], ids=["limited", "full"])
@pytest.mark.parametrize("matrix", [1, 5, 9], ids=["BT.709", "BT.601", "BT.2020"])
def test_the_colour_matrix_and_range_of_the_file_are_used(tmp_path, matrix, full):
    picture = coded(quarters(), "yuv444p", matrix, full)
    tags = {"colorspace": matrix, "color_range": 2 if full else 1}
    _, got = read(encode(tmp_path / "a.mkv", [picture], "ffv1", "yuv444p", tags=tags))
    np.testing.assert_allclose(colours(got[0].rgb), PATCHES, atol=2)


@pytest.mark.parametrize(
    ("size", "matrix"), [((96, 64), 6), ((1280, 64), 1), ((96, 720), 1), ((720, 576), 6)]
)
def test_without_a_matrix_large_pictures_are_taken_for_hd(tmp_path, size, matrix):
    picture = coded(quarters(*size), "yuv444p", matrix)
    picture.colorspace = 2
    _, got = read(encode(tmp_path / "a.mkv", [picture], "ffv1", "yuv444p"))
    np.testing.assert_allclose(colours(got[0].rgb), PATCHES, atol=2)


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


@pytest.mark.parametrize("pix_fmt", ["gray", "gray10le", "gray16le"])
def test_grey_of_any_depth_stays_grey(tmp_path, pix_fmt):
    ramp = np.tile(np.linspace(0, 255, WIDTH).round().astype(np.uint8), (HEIGHT, 1))
    picture = av.VideoFrame.from_ndarray(ramp, "gray").reformat(format=pix_fmt)
    _, got = read(encode(tmp_path / "a.mkv", [picture], "ffv1", pix_fmt))
    assert np.ptp(got[0].rgb, axis=2).max() == 0
    np.testing.assert_allclose(got[0].rgb[..., 0].astype(int), ramp, atol=2)


@pytest.mark.parametrize(("encoder", "pix_fmt"), [("png", "rgba"), ("prores_ks", "yuva444p10le")])
def test_transparent_parts_lie_on_grey(tmp_path, encoder, pix_fmt):
    rgba = np.dstack([quarters(), np.full((HEIGHT, WIDTH), 255, np.uint8)])
    rgba[:, WIDTH // 2 :, 3] = 0
    rgba[HEIGHT // 2 :, : WIDTH // 2, 3] = 127
    picture = av.VideoFrame.from_ndarray(rgba, "rgba").reformat(format=pix_fmt)
    options = {"profile": "4444"} if encoder == "prores_ks" else {}
    _, got = read(encode(tmp_path / "a.mov", [picture], encoder, pix_fmt, options))
    half = (127 * PATCHES[2] + 128 * np.full(3, 128)) / 255
    grey = np.full(3, 128)
    np.testing.assert_allclose(colours(got[0].rgb), [PATCHES[0], grey, half, grey], atol=4)


def pq(nits):
    """ITU-R BT.2100-2, table 4, inverse EOTF."""
    light = (np.asarray(nits) / 10000) ** (2610 / 16384)
    c1, c2, c3 = 3424 / 4096, 2413 / 4096 * 32, 2392 / 4096 * 32
    return ((c1 + c2 * light) / (1 + c3 * light)) ** (2523 / 4096 * 128)


def srgb(light):
    return 255 * np.where(light < 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)


def hdr_clip(path, codes, trc, primaries=ColorPrimaries.BT2020):
    """Ten-bit FFV1 that tells its curve, of one colour a quarter; nothing is lost in coding."""
    values = np.asarray(codes, float).reshape(2, 2, -1) * 255
    rgb = np.kron(values, np.ones((HEIGHT // 2, WIDTH // 2, 1)))
    rgb = np.broadcast_to(rgb, (HEIGHT, WIDTH, 3))
    tags = {"colorspace": 9, "color_range": 1, "color_trc": trc, "color_primaries": primaries}
    picture = coded(rgb, "yuv420p10le", 9)
    picture.color_trc, picture.color_primaries = trc, primaries
    return encode(path, [picture], "ffv1", "yuv420p10le", tags=tags)


def test_pq_is_shown_with_its_reference_white_near_white(tmp_path):
    nits = np.array([5.0, 50.0, 203.0, 1000.0])
    path = hdr_clip(tmp_path / "a.mkv", np.tile(pq(nits)[:, None], 3), ColorTrc.SMPTE2084)
    got = colours(read(path)[1][0].rgb)
    assert np.ptp(got, axis=1).max() <= 1
    # Below the knee as a screen of 203 nits shows it: one step of the ten-bit code is 1 of 255.
    np.testing.assert_allclose(got[:2, 0], srgb(nits[:2] / 203), atol=2)
    assert 225 <= got[2, 0] <= 245  # diffuse white keeps room above it
    assert got[3, 0] == 255


def test_pq_of_wide_colours_is_brought_to_those_of_a_screen(tmp_path):
    # A red, green, blue and grey that an ordinary screen can show, in light of BT.2020 (BT.2087-0).
    light = np.array([[0.45, 0.05, 0.05], [0.05, 0.4, 0.05], [0.08, 0.08, 0.45], [0.2, 0.2, 0.2]])
    to_wide = np.array(
        [[0.6274, 0.3293, 0.0433], [0.0691, 0.9195, 0.0114], [0.0164, 0.0880, 0.8956]]
    )
    path = hdr_clip(tmp_path / "a.mkv", pq(203 * light @ to_wide.T), ColorTrc.SMPTE2084)
    np.testing.assert_allclose(colours(read(path)[1][0].rgb), srgb(light), atol=4)


def test_hlg_is_shown_with_its_reference_white_near_white(tmp_path):
    # BT.2408-7, table 1: 75 % of the signal is diffuse white, 38 % grey card (26 nits).
    codes = np.array([0.0, 0.38, 0.75, 1.0])
    path = hdr_clip(tmp_path / "a.mkv", np.tile(codes[:, None], 3), ColorTrc.ARIB_STD_B67)
    black, card, white, peak = colours(read(path)[1][0].rgb)[:, 0]
    assert (black, peak) == (0, 255)
    assert card == pytest.approx(float(srgb(np.array(26 / 203))), abs=3)
    assert 225 <= white <= 245


def test_ten_bits_of_an_ordinary_curve_are_left_as_they_are(tmp_path):
    codes = PATCHES / 255
    path = hdr_clip(tmp_path / "a.mkv", codes, ColorTrc.BT709, ColorPrimaries.BT709)
    np.testing.assert_allclose(colours(read(path)[1][0].rgb), PATCHES, atol=3)


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
