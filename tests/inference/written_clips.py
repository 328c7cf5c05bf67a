# SPDX-License-Identifier: GPL-3.0-or-later
"""Footage that tests write on the spot: test pictures by the book, and what is read off them."""

from fractions import Fraction

import av
import numpy as np
import pytest
from track_spine.inference.video import frames, probe

WIDTH, HEIGHT = 96, 64

PATCHES = np.array([[200, 40, 40], [40, 180, 60], [50, 60, 210], [235, 235, 235]])
"""Colours of the four quarters of the test picture: top left and right, bottom left and right."""

BT709, BT601, BT2020 = (0.2126, 0.0722), (0.299, 0.114), (0.2627, 0.0593)
"""Shares of red and blue in the brightness: ITU-R BT.709, BT.601 and BT.2020."""

MATRICES = {1: BT709, 5: BT601, 6: BT601, 9: BT2020}
"""By the code of the colour matrix in a file: ITU-T H.273, table 4."""


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
