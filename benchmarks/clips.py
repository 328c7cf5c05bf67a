# SPDX-License-Identifier: GPL-3.0-or-later
"""The footage of the benchmarks: the part of the sample in which one person walks, cut out."""

from collections.abc import Iterator
from fractions import Fraction
from itertools import islice
from pathlib import Path
from typing import Final

import av
import cv2
import numpy as np
from numpy.typing import NDArray

SAMPLE: Final = Path(__file__).parent.parent / ".cache" / "sample" / "demo.mp4"
"""230 frames of 1768 x 994 at 30 a second; `make bench` fetches it."""

WALK: Final = slice(40, 160)
"""Frames that show the walker all the time."""

SIZE_PX: Final = (1280, 720)
REPEATS: Final = 2
FRAMES: Final = REPEATS * (WALK.stop - WALK.start)
"""Of the clip that `cut` makes unless told otherwise: the walk forwards and backwards."""

OUT: Final = Path(__file__).parent.parent / "out" / "bench.json"
"""Where figures go."""


def cut(path: Path, size: tuple[int, int] = SIZE_PX, repeats: int = REPEATS) -> Path:
    """Write the walk as a clip.

    Args:
        path: File to write.
        size: Width and height, pixels.
        repeats: How often the walk comes, forwards and backwards in turn.

    Returns:
        The file.
    """
    with av.open(str(SAMPLE)) as source:
        decoded = islice(source.decode(video=0), WALK.start, WALK.stop)
        walk = [frame.reformat(*size, "yuv420p") for frame in decoded]
    with av.open(str(path), "w") as target:
        stream = target.add_stream("libx264", rate=30, options={"preset": "veryfast", "crf": "18"})
        stream.width, stream.height = size
        stream.pix_fmt = "yuv420p"
        for index, frame in enumerate(_there_and_back(walk, repeats)):
            frame.pts, frame.time_base = index, Fraction(1, 30)
            target.mux(stream.encode(frame))
        target.mux(stream.encode(None))
    return path


def _there_and_back(walk: list[av.VideoFrame], repeats: int) -> Iterator[av.VideoFrame]:
    for number in range(repeats):
        yield from walk[::-1] if number % 2 else walk


def read_bgr(path: Path) -> Iterator[NDArray[np.uint8]]:
    """Read a clip as OpenCV's own examples do.

    Args:
        path: The clip.

    Yields:
        (H, W, 3) BGR frames.
    """
    capture = cv2.VideoCapture(str(path))
    while (read := capture.read())[0]:
        yield read[1]
    capture.release()
