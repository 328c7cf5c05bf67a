# SPDX-License-Identifier: GPL-3.0-or-later
"""Person detectors that others publish: pictures become boxes, for RF-DETR and for YOLOX.

Source: dfki-av/spinepose, tools/object_detection (sizes, normalisation, thresholds); Megvii YOLOX,
demo/ONNXRuntime (letterbox, grids); mmdetection, configs/yolox (BGR, no normalisation).
"""

from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from .ends import Ends
from .session import Session
from .simcc import MEAN, STD

Boxes = tuple[NDArray[np.float64], NDArray[np.float64]]
"""(N, 4) x and y of two corners, pixels of the picture; (N,) scores 0..1."""

MIN_SCORE: Final = 0.3
"""Least score of a person; RF-DETR's and YOLOX's in the published library."""

RFDETR_PERSON: Final = 1
"""Column of persons: RF-DETR keeps COCO's own numbers, whose column 0 is nothing."""

YOLOX_PERSON: Final = 0
STRIDES: Final = (8, 16, 32)
SAME_BOX: Final = 0.45
"""Intersection over union from which on two boxes are of one person."""

GREY: Final = 114
BOX_NUMBERS: Final = 5
"""Corners and score: what YOLOX gives with the selection of boxes built in."""

COCO_CLASSES: Final = 80


def raw_yolox_ends(side: int) -> Ends:
    """Ends of a YOLOX network as its makers export it, without selection of boxes.

    Args:
        side: Side of its picture.

    Returns:
        What it takes and gives.
    """
    cells = sum((side // stride) ** 2 for stride in STRIDES)
    return Ends(input=(3, side, side), outputs=((cells, BOX_NUMBERS + COCO_CLASSES),))


def rfdetr(session: Session, side: int, picture: NDArray[np.uint8]) -> Boxes:
    """Find people with RF-DETR.

    Args:
        session: The network: boxes as middle and size in shares of the picture, and logits.
        side: Side of the picture that it takes; it is stretched to that, as trained.
        picture: (H, W, 3) RGB.

    Returns:
        People's boxes.
    """
    height, width = picture.shape[:2]
    stretched = cv2.resize(picture, (side, side), interpolation=cv2.INTER_LINEAR)
    batch = ((stretched - MEAN) / STD).astype(np.float32).transpose(2, 0, 1)[None]
    names = tuple(port.name for port in session.outputs[:2])
    (shares,), (logits,) = session.run(np.ascontiguousarray(batch), names)
    score = expit(logits[:, RFDETR_PERSON].astype(float))
    middle, size = shares[:, :2].astype(float), np.maximum(shares[:, 2:].astype(float), 0.0)
    corners = np.concatenate([middle - size / 2, middle + size / 2], axis=1)
    keep = score > MIN_SCORE
    return (corners * (width, height, width, height))[keep], score[keep]


def yolox(session: Session, side: int, picture: NDArray[np.uint8]) -> Boxes:
    """Find people with YOLOX.

    Args:
        session: The network, with the selection of boxes built in or without.
        side: Side of the picture that it takes.
        picture: (H, W, 3) RGB.

    Returns:
        People's boxes.
    """
    boxed, scale = letterbox(picture, side)
    # As OpenCV reads pictures: blue first, 0..255.
    batch = np.ascontiguousarray(boxed[:, :, ::-1].astype(np.float32).transpose(2, 0, 1)[None])
    ((*_, answers),) = (session.run(batch, (session.outputs[0].name,)),)
    rows = answers[0].astype(float)
    corners, score = (
        (rows[:, :4], rows[:, 4]) if rows.shape[1] == BOX_NUMBERS else decode_grid(rows, side)
    )
    keep = score > MIN_SCORE
    corners, score = corners[keep] / np.tile(scale, 2), score[keep]
    sizes = np.column_stack([corners[:, :2], corners[:, 2:] - corners[:, :2]])
    kept = np.array(cv2.dnn.NMSBoxes(sizes.tolist(), score.tolist(), MIN_SCORE, SAME_BOX), int)
    return corners[kept], score[kept]


def letterbox(
    picture: NDArray[np.uint8], side: int
) -> tuple[NDArray[np.uint8], NDArray[np.float64]]:
    """Fit a picture into the top left of a grey square.

    Args:
        picture: (H, W, 3).
        side: Side of the square, pixels.

    Returns:
        (side, side, 3) picture; (2,) how many of its pixels one pixel of the picture takes, across
        and down: they differ, since sizes are whole.
    """
    height, width = picture.shape[:2]
    ratio = min(side / height, side / width)
    size = np.maximum((int(width * ratio), int(height * ratio)), 1)
    boxed = np.full((side, side, 3), GREY, np.uint8)
    small = cv2.resize(picture, size.tolist(), interpolation=cv2.INTER_LINEAR)
    boxed[: size[1], : size[0]] = small
    return boxed, size / (width, height)


def decode_grid(rows: NDArray[np.float64], side: int) -> Boxes:
    """Read YOLOX's rows, one a cell of three grids.

    Args:
        rows: (M, 5 + classes): middle from the cell's corner in cells, logarithm of the size in
            cells, probability of a thing, probabilities of classes.
        side: Side of the picture, pixels.

    Returns:
        Boxes and scores of persons, one a cell.
    """
    corners, strides = [], []
    for stride in STRIDES:
        y, x = np.mgrid[: side // stride, : side // stride]
        corners.append(np.column_stack([x.ravel(), y.ravel()]))
        strides.append(np.full((x.size, 1), stride))
    cell, stride_px = np.concatenate(corners), np.concatenate(strides)
    middle, half = (rows[:, :2] + cell) * stride_px, np.exp(rows[:, 2:4]) * stride_px / 2
    score = rows[:, 4] * rows[:, BOX_NUMBERS + YOLOX_PERSON]
    return np.concatenate([middle - half, middle + half], axis=1), score
