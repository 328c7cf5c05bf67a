# SPDX-License-Identifier: GPL-3.0-or-later
"""Networks of the SimCC family (RTMPose, SpinePose): people's boxes become 37 points and scores.

Source: dfki-av/spinepose, branch evaluation, configs/spinepose-*.py (input, normalisation, RGB
order, split ratio, sigmas, flip test).
"""

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from .box_crop import BoxCrop
from .keypoints import INDEX, NAMES
from .peaks import simcc_peaks, unmirror
from .session import Session
from .simcc_layout import SPLIT, SimccLayout

MEAN: Final = np.array([123.675, 116.28, 103.53], np.float32)
STD: Final = np.array([58.395, 57.12, 57.375], np.float32)
"""Of ImageNet, for red, green and blue in this order."""


def _partner(name: str) -> str:
    sides = {"left": "right", "right": "left"}
    side, _, part = name.partition("_")
    return f"{sides[side]}_{part}" if side in sides else name


MIRRORED: Final = tuple(INDEX[_partner(name)] for name in NAMES)
"""Index of each point's partner on the other side of the body."""


def estimate(
    session: Session,
    layout: SimccLayout,
    frame: NDArray[np.uint8],
    boxes: Sequence[NDArray[np.float64]],
    *,
    flip_test: bool = False,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Find the points of people whose boxes are known.

    Args:
        session: A network of this layout.
        layout: Its layout.
        frame: (H, W, 3) RGB.
        boxes: (4,) x, y, width and height a person, pixels of the upright frame.
        flip_test: Look at the mirrored crops too and average, as the published figures were made;
            twice the work.

    Returns:
        (P, 37, 2) points, pixels of the upright frame, NaN where missing; (P, 37) scores, mean of
        the two heights, 0 where missing.
    """
    return estimate_each(session, layout, [(frame, box) for box in boxes], flip_test=flip_test)


def estimate_each(
    session: Session,
    layout: SimccLayout,
    people: Sequence[tuple[NDArray[np.uint8], NDArray[np.float64]]],
    *,
    flip_test: bool = False,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Find the points of people in several frames, in one run of the network.

    Args:
        session: A network of this layout.
        layout: Its layout.
        people: For each, the frame, (H, W, 3) RGB, and the box, as in `estimate`.
        flip_test: As in `estimate`.

    Returns:
        As `estimate`.
    """
    width, height = layout.picture
    crops = [BoxCrop.around(box, width / height) for _, box in people]
    if not crops:
        return np.zeros((0, len(NAMES), 2)), np.zeros((0, len(NAMES)))
    pictures = np.stack(
        [crop.cut(frame, layout.picture) for crop, (frame, _) in zip(crops, people, strict=True)]
    )
    x, y = _run(session, pictures)
    if flip_test:
        mirrored = unmirror(*_run(session, pictures[:, :, ::-1]), MIRRORED, SPLIT)
        x, y = (x + mirrored[0]) / 2, (y + mirrored[1]) / 2
    points, score = decode(x, y, layout)
    in_frame = [crop.to_frame(one, layout.picture) for crop, one in zip(crops, points, strict=True)]
    return np.stack(in_frame), score


def decode(
    x: NDArray[np.float32], y: NDArray[np.float32], layout: SimccLayout
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Read points off the network's outputs.

    Args:
        x: (P, K, Lx) vectors across the crop.
        y: (P, K, Ly) vectors down the crop.
        layout: The network's layout.

    Returns:
        (P, K, 2) points, pixels of the crop, 0 in the middle of its first pixel, NaN where missing;
        (P, K) scores 0..1, 0 where missing.
    """
    across, down = (
        simcc_peaks(vectors, sigma) for vectors, sigma in zip((x, y), layout.sigma, strict=True)
    )
    score = (across[1] + down[1]) / 2
    seen = score > 0.0
    points = np.stack([across[0], down[0]], axis=-1) / SPLIT
    return np.where(seen[..., None], points, np.nan), np.where(seen, score, 0.0).clip(0.0, 1.0)


def _run(
    session: Session, pictures: NDArray[np.uint8]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Vectors (P, K, Lx) and (P, K, Ly) of RGB pictures (P, H, W, 3)."""
    batch = np.empty((len(pictures), 3, *pictures.shape[1:3]), np.float32)
    for channel, (mean, std) in enumerate(zip(MEAN, STD, strict=True)):
        np.subtract(pictures[..., channel], mean, out=batch[:, channel])
        batch[:, channel] /= std
    names = tuple(port.name for port in session.outputs[:2])
    x, y = session.run(batch, names)
    return x, y
