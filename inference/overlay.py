# SPDX-License-Identifier: GPL-3.0-or-later
"""Draws tracked points over the footage they came from: the 37 points, and the spine as a curve.

The spine is the yellower, the surer its points are.
"""

import contextlib
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Final

import av
import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import CubicSpline

from .errors import TakeError
from .keypoints import INDEX, LIMBS, NAMES, SPINE
from .video import VideoInfo, frames

LEFT_RGB: Final = (64, 160, 255)
RIGHT_RGB: Final = (255, 120, 64)
MIDDLE_RGB: Final = (240, 240, 240)
SPINE_RGB: Final = (255, 230, 0)
UNSURE_RGB: Final = (150, 40, 170)
"""The spine where its points score 1 and 0; between them the colours are mixed."""

_CHAIN: Final = [INDEX[name] for name in (*SPINE, "head")]

FRACTION_BITS: Final = 4
"""OpenCV draws at sixteenths of a pixel: points do not jump from pixel to pixel."""

TIME_BASE: Final = Fraction(1, 90_000)


def draw(
    picture: NDArray[np.uint8], xy_px: NDArray[np.float64], score: NDArray[np.float64]
) -> None:
    """Draw one person into a picture.

    Args:
        picture: (H, W, 3) RGB, drawn into.
        xy_px: (37, 2) pixels, all finite.
        score: (37,) 0..1.
    """
    size = float(np.linalg.norm(xy_px[INDEX["neck"]] - xy_px[INDEX["hip"]]))
    thick = int(np.clip(round(size / 60), 1, 8))
    for a, b in LIMBS:
        ends = xy_px[[INDEX[a], INDEX[b]]]
        _polyline(picture, ends, _side_colour(a), thick)
    sure = score[_CHAIN]
    for piece, share in zip(spine_curve(xy_px), (sure[:-1] + sure[1:]) / 2, strict=True):
        _polyline(picture, piece, spine_colour(float(share)), 2 * thick)
    for name, point, share in zip(NAMES, xy_px, score, strict=True):
        on_spine = name in SPINE
        colour = spine_colour(float(share)) if on_spine else _side_colour(name)
        centre = _fixed(point)
        radius = round((1.7 if on_spine else 1.4) * thick) << FRACTION_BITS
        cv2.circle(picture, centre, radius, colour, -1, cv2.LINE_AA, FRACTION_BITS)
        cv2.circle(picture, centre, radius, (0, 0, 0), 1, cv2.LINE_AA, FRACTION_BITS)


def spine_curve(xy_px: NDArray[np.float64], samples: int = 8) -> NDArray[np.float64]:
    """Smooth curve through the spine points and the head top.

    Args:
        xy_px: (37, 2) pixels.
        samples: Number of points wanted from one spine point to the next, both included.

    Returns:
        (9, samples, 2) pixels: the pieces between neighbours, from hip to head top.
    """
    chain = xy_px[_CHAIN]
    steps = np.maximum(np.linalg.norm(np.diff(chain, axis=0), axis=1), 1e-3)
    arc = np.concatenate([[0.0], np.cumsum(steps)])
    return np.asarray(CubicSpline(arc, chain)(np.linspace(arc[:-1], arc[1:], samples, axis=1)))


def spine_colour(score: float) -> tuple[int, int, int]:
    """Colour of the spine where it is so sure.

    Args:
        score: 0..1.

    Returns:
        Red, green, blue.
    """
    red, green, blue = (
        round(low + score * (high - low)) for low, high in zip(UNSURE_RGB, SPINE_RGB, strict=True)
    )
    return red, green, blue


def write_overlay(
    info: VideoInfo,
    xy_px: NDArray[np.float32],
    score: NDArray[np.float32],
    path: Path,
    report: Callable[[int], None],
) -> None:
    """Write the footage with its points as an H.264 file with the footage's own time stamps.

    Args:
        info: The footage.
        xy_px: (T, P, 37, 2) pixels of the upright frame, NaN where nobody is seen.
        score: (T, P, 37) 0..1.
        path: File to write; it appears once it is whole.
        report: Called with the number of frames written.

    Raises:
        VideoError: The footage cannot be read.
        TakeError: The file cannot be written.
    """
    partial = path.with_name(path.name + ".part")
    size = (info.width - info.width % 2, info.height - info.height % 2)
    try:
        with av.open(str(partial.resolve()), "w", format="mp4") as container:
            stream = container.add_stream(
                "libx264", rate=Fraction(info.rate_hz).limit_denominator(1001)
            )
            stream.width, stream.height = size
            stream.pix_fmt = "yuv420p"
            stream.codec_context.time_base = TIME_BASE
            stream.options = {"preset": "veryfast", "crf": "21"}
            for frame in frames(info):
                if frame.index == len(xy_px):
                    break
                picture = frame.rgb[: size[1], : size[0]]
                _draw_people(picture, xy_px[frame.index], score[frame.index])
                output = av.VideoFrame.from_ndarray(np.ascontiguousarray(picture), "rgb24")
                output.pts = round(frame.time_s / TIME_BASE)
                output.time_base = TIME_BASE
                container.mux(stream.encode(output))
                report(frame.index + 1)
            container.mux(stream.encode(None))
        partial.replace(path)
    except (OSError, av.FFmpegError) as error:
        raise TakeError(f"{path} cannot be written: {error}") from error
    finally:
        with contextlib.suppress(OSError):
            partial.unlink(missing_ok=True)


def _draw_people(
    picture: NDArray[np.uint8], xy_px: NDArray[np.float32], score: NDArray[np.float32]
) -> None:
    for person, sure in zip(xy_px, score, strict=True):
        if np.isfinite(person).all():
            draw(picture, person.astype(np.float64), sure.astype(np.float64))


def _side_colour(name: str) -> tuple[int, int, int]:
    if name.startswith("left"):
        return LEFT_RGB
    return RIGHT_RGB if name.startswith("right") else MIDDLE_RGB


def _fixed(point: NDArray[np.float64]) -> tuple[int, int]:
    x, y = np.round((point - 0.5) * (1 << FRACTION_BITS)).astype(int)
    return int(x), int(y)


def _polyline(
    picture: NDArray[np.uint8],
    points: NDArray[np.float64],
    colour: tuple[int, int, int],
    thickness: int,
) -> None:
    fixed = np.array([_fixed(point) for point in points], np.int32)
    cv2.polylines(picture, [fixed], False, colour, thickness, cv2.LINE_AA, FRACTION_BITS)
