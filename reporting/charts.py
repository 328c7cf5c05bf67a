# SPDX-License-Identifier: GPL-3.0-or-later
"""Charts over time as SVG text: curves with bands, strips, and a picture of values in colour."""

import base64
import struct
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

WIDTH: Final = 860
LEFT: Final = 76
RIGHT: Final = 12
PLOT: Final = WIDTH - LEFT - RIGHT

MAX_POINTS: Final = 2000
"""A curve of more samples is thinned: a screen shows no more."""


@dataclass(frozen=True, eq=False)
class Curve:
    """A curve over time.

    Attributes:
        name: For the legend.
        values: (T,), NaN where missing: the curve is broken there.
        colour: CSS colour.
        band: (T,) half width of the band about it, or None.
        dashed: Whether it is drawn as of low trust.
    """

    name: str
    values: Floats
    colour: str
    band: Floats | None = None
    dashed: bool = False


def line_chart(time_s: Floats, curves: Sequence[Curve], unit: str, height: int = 180) -> str:
    """Draw curves over time.

    Args:
        time_s: (T,) seconds.
        curves: What is drawn; all share one axis.
        unit: Name of the values' unit.
        height: Pixels.

    Returns:
        An SVG element.
    """
    low, high = _limits(curves)
    rows = _thinned(len(time_s))
    x = _across(time_s, time_s[rows])

    def y(values: Floats) -> Floats:
        return np.asarray(10 + (high - values) / (high - low) * (height - 34))

    parts = [_frame(time_s, height), *_levels(low, high, y, unit)]
    for curve in curves:
        values = curve.values[rows]
        if curve.band is not None:
            band = y(values - curve.band[rows]), y(values + curve.band[rows])
            fill = f'fill="{curve.colour}" opacity="0.1"'
            parts += [f'<polygon {fill} points="{outline}"/>' for outline in _bands(x, *band)]
        dash = ' stroke-dasharray="5 3"' if curve.dashed else ""
        stroke = f'fill="none" stroke="{curve.colour}" stroke-width="1.5"{dash}'
        parts += [f'<polyline {stroke} points="{line}"/>' for line in _lines(x, y(values))]
    parts.append(_legend(curves, height))
    return _svg(parts, height)


def strips(time_s: Floats, rows: Mapping[str, Floats]) -> str:
    """Draw values of 0 to 1 as strips of grey to green, one above the other.

    Args:
        time_s: (T,) seconds.
        rows: (T,) by name, 0 to 1; NaN is left white.

    Returns:
        An SVG element.
    """
    height = 24 * len(rows) + 24
    parts = [_frame(time_s, height)]
    for place, (name, values) in enumerate(rows.items()):
        colours = _between(np.nan_to_num(values), (205, 205, 205), (44, 140, 90))
        colours[~np.isfinite(values)] = 255
        parts.append(_image(colours[None], LEFT, 10 + 24 * place, PLOT, 16))
        parts.append(_label(name, 22 + 24 * place))
    return _svg(parts, height)


def colour_map(time_s: Floats, values: Floats, labels: Sequence[str], most: float) -> str:
    """Draw values over time and place as colours, blue below zero and red above.

    Args:
        time_s: (T,) seconds.
        values: (T, N), the first column at the bottom; NaN is left white.
        labels: N names, bottom to top.
        most: Value of full colour.

    Returns:
        An SVG element.
    """
    height = 20 * len(labels) + 34
    share = np.clip(np.nan_to_num(values) / most, -1.0, 1.0)[..., None]
    warm, cold, white = np.array([178, 24, 43]), np.array([33, 102, 172]), np.array([247, 247, 247])
    colours = white + np.where(share > 0, share * (warm - white), -share * (cold - white))
    colours[~np.isfinite(values)] = 255
    picture = np.round(colours.transpose(1, 0, 2)[::-1]).astype(np.uint8)
    parts = [_frame(time_s, height), _image(picture, LEFT, 10, PLOT, 20 * len(labels))]
    parts += [_label(label, height - 28 - 20 * place) for place, label in enumerate(labels)]
    return _svg(parts, height)


def png(picture: NDArray[np.uint8]) -> bytes:
    """Encode a picture.

    Args:
        picture: (H, W, 3) RGB.

    Returns:
        A PNG file's bytes.

    Source: PNG specification (W3C, third edition), 8-bit truecolour without filters.
    """

    def chunk(kind: bytes, content: bytes) -> bytes:
        check = struct.pack(">I", zlib.crc32(kind + content))
        return struct.pack(">I", len(content)) + kind + content + check

    height, width, _ = picture.shape
    lines = np.concatenate([np.zeros((height, 1), np.uint8), picture.reshape(height, -1)], axis=1)
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    body = chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(lines.tobytes(), 9))
    return b"\x89PNG\r\n\x1a\n" + body + chunk(b"IEND", b"")


def _svg(parts: Sequence[str], height: int) -> str:
    return (
        f'<svg viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}" role="img">'
        f"{''.join(parts)}</svg>"
    )


def _image(picture: NDArray[Any], x: int, y: int, width: int, height: int) -> str:
    data = base64.b64encode(png(picture.astype(np.uint8))).decode()
    return (
        f'<image x="{x}" y="{y}" width="{width}" height="{height}" preserveAspectRatio="none" '
        f'style="image-rendering:pixelated" href="data:image/png;base64,{data}"/>'
    )


def _label(text: str, y: float) -> str:
    """Text at the left of the plot."""
    return f'<text x="{LEFT - 6}" y="{y:.1f}" text-anchor="end">{escape(text)}</text>'


def _limits(curves: Sequence[Curve]) -> tuple[float, float]:
    """Limits that hold the curves and most of their bands: single wide places may leave."""
    values = np.concatenate([_usual_band(curve) for curve in curves], axis=1)
    known = values[np.isfinite(values)]
    if not len(known):
        return 0.0, 1.0
    low, high = float(known.min()), float(known.max())
    room = max(0.08 * (high - low), 0.5)
    return low - room, high + room


def _usual_band(curve: Curve) -> Floats:
    """The curve (2, T) less and more the band's median."""
    known = np.isfinite(curve.band) if curve.band is not None else np.zeros(1, bool)
    half = float(np.median(curve.band[known])) if curve.band is not None and known.any() else 0.0
    return np.stack([curve.values - half, curve.values + half])


def _thinned(count: int) -> NDArray[np.intp]:
    return np.unique(np.linspace(0, count - 1, min(count, MAX_POINTS)).round().astype(np.intp))


def _across(time_s: Floats, at: Floats) -> Floats:
    length = max(float(time_s[-1] - time_s[0]), 1e-9)
    return np.asarray(LEFT + (at - time_s[0]) / length * PLOT)


def _frame(time_s: Floats, height: int) -> str:
    marks = np.linspace(time_s[0], time_s[-1], 7)
    return "".join(
        f'<text x="{x:.0f}" y="{height - 6}" text-anchor="middle">{mark:.2f} s</text>'
        for x, mark in zip(_across(time_s, marks)[:-1], marks[:-1], strict=True)
    )


def _levels(low: float, high: float, y: Callable[[Floats], Floats], unit: str) -> list[str]:
    step = 10.0 ** np.floor(np.log10((high - low) / 2.0))
    step *= next((factor for factor in (1, 2, 5) if (high - low) / (step * factor) <= 6), 10)
    levels = np.arange(np.ceil(low / step), np.floor(high / step) + 1) * step + 0.0
    return [
        f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{at:.1f}" y2="{at:.1f}" class="grid"/>'
        + _label(f"{level:g}{unit}", at + 4)
        for level, at in zip(levels, y(levels), strict=True)
    ]


def _lines(x: Floats, y: Floats) -> list[str]:
    """Points of each unbroken run of a curve."""
    return [_points(x[run], y[run]) for run in _runs(np.isfinite(y))]


def _bands(x: Floats, low: Floats, high: Floats) -> list[str]:
    """Outline of each unbroken run of a band."""
    return [
        f"{_points(x[run], high[run])} {_points(x[run][::-1], low[run][::-1])}"
        for run in _runs(np.isfinite(low) & np.isfinite(high))
    ]


def _runs(known: NDArray[np.bool_]) -> list[slice]:
    ends = np.flatnonzero(np.diff(np.concatenate([[False], known, [False]])))
    return [slice(first, last) for first, last in ends.reshape(-1, 2)]


def _points(x: Floats, y: Floats) -> str:
    return " ".join(f"{a:.1f},{b:.1f}" for a, b in zip(x, y, strict=True))


def _legend(curves: Sequence[Curve], height: int) -> str:
    return "".join(
        f'<text x="{LEFT + 8 + 170 * place}" y="{height - 22}" style="fill:{curve.colour}">'
        f"{escape(curve.name)}</text>"
        for place, curve in enumerate(curves)
    )


def _between(share: Floats, low: tuple[int, ...], high: tuple[int, ...]) -> NDArray[np.uint8]:
    ends = np.array(low, float), np.array(high, float)
    return np.asarray(np.round(ends[0] + share[:, None] * (ends[1] - ends[0])), np.uint8)
