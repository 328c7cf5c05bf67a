# SPDX-License-Identifier: GPL-3.0-or-later
"""Ways to find people in parts of a frame: the detector that ships, or one of others."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Final

import numpy as np
from numpy.typing import NDArray

from .box_detectors import Boxes, rfdetr, yolox
from .crop import Crop
from .detect import MIN_SCORE, Detection, detect_in, merge
from .models import ModelCard
from .published import open_published
from .session import Session

Finder = Callable[[NDArray[np.uint8], Sequence[Crop]], list[Detection]]
"""From a frame, (H, W, 3) RGB, and squares of it to people, best score first."""

FAMILIES: Final = {"rfdetr": rfdetr, "yolox": yolox}

HIPS_DOWN: Final = 0.5
"""Middle of the hips below the top of a person's box, as a share of its height: of a standing
person 0.47 (hip joint at 0.53 of the stature), of a sitting one more."""

AT_EDGE_PX: Final = 2.0
"""Boxes so near to where a square was cut off the frame show a part of somebody."""


def shipped_finder(detector: Session, min_score: float = MIN_SCORE) -> Finder:
    """Finder that asks the detector that ships.

    Args:
        detector: The network of `models.DETECTOR`.
        min_score: What scores less is nobody.

    Returns:
        The finder.
    """
    return partial(detect_in, detector, min_score=min_score)


def published_finder(name: str, provider: str | None = None) -> tuple[Finder, ModelCard]:
    """Finder that asks a detector of others.

    Args:
        name: Of an installed detector, or path of its ONNX file.
        provider: As in `Session`.

    Returns:
        The finder, and the card of its network.

    Raises:
        ModelError: As `open_published`.
    """
    opened = open_published(name, tuple(FAMILIES), provider)
    find = partial(FAMILIES[opened.family], opened.session, opened.ends.input[1])
    return partial(find_by_boxes, find), opened.card


def find_by_boxes(
    find: Callable[[NDArray[np.uint8]], Boxes], frame: NDArray[np.uint8], squares: Sequence[Crop]
) -> list[Detection]:
    """Find people by their boxes in parts of a frame.

    A box does not tell where the head is: people are taken to be upright, and who lies or stands on
    the hands is found worse than by the detector that ships.

    Args:
        find: From a picture to boxes.
        frame: (H, W, 3) RGB.
        squares: The parts, upright; what of them lies outside of the frame is left out.

    Returns:
        People, best score first.
    """
    found: list[Detection] = []
    size = np.array([frame.shape[1], frame.shape[0]])
    for square in squares:
        low = np.clip(np.floor(square.centre_px - square.side_px / 2), 0, size).astype(int)
        high = np.clip(np.ceil(square.centre_px + square.side_px / 2), 0, size).astype(int)
        if (high - low < 1).any():
            continue
        corners, score = find(np.ascontiguousarray(frame[low[1] : high[1], low[0] : high[0]]))
        corners = corners + np.tile(low, 2)
        inner_low = np.where(low > 0, low + AT_EDGE_PX, -np.inf)
        inner_high = np.where(high < size, high - AT_EDGE_PX, np.inf)
        whole = ((corners[:, :2] > inner_low) & (corners[:, 2:] < inner_high)).all(axis=1)
        found += map(_detection, corners[whole], score[whole])
    return merge(found)


def _detection(corners: NDArray[np.float64], score: float) -> Detection:
    low, high = corners[:2], corners[2:]
    width, height = high - low
    hip = np.array([(low[0] + high[0]) / 2, low[1] + HIPS_DOWN * height])
    return Detection(float(score), hip, hip - (0.0, max(width, height) / 2))
