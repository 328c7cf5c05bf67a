# SPDX-License-Identifier: GPL-3.0-or-later
"""Colours of footage written on the spot: matrices, ranges, grey, alpha and high dynamic range."""

import av
import numpy as np
import pytest
from av.video.reformatter import ColorPrimaries, ColorTrc

from .written_clips import HEIGHT, PATCHES, WIDTH, coded, colours, encode, quarters, read


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
