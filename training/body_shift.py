# SPDX-License-Identifier: GPL-3.0-or-later
"""How far body points move when the decoder is no longer the base's: heatmaps refine them."""

import numpy as np
import torch
from numpy.typing import NDArray

from ..inference.pose2d import LANDMARKS, refine
from .codec import LANDMARK_COUNT
from .dataset import Dataset
from .late_stages import CUT, Decoder
from .unfrozen import UnfrozenHead

BATCH = 32


def body_shift(head: UnfrozenHead, data: Dataset) -> dict[str, float]:
    """Compare the landmarks refined by the trained decoder's heatmaps and by the base's.

    Args:
        head: The head.
        data: N crops prepared for it.

    Returns:
        Median, mean and 95th percentile of their distance, pixels of the 256 px crop; share of the
        landmarks of which one refines and the other does not.
    """
    own, base = (refined(decoder, data) for decoder in (head.decoder, head.teacher))
    raw = raw_landmarks(data)
    moved = np.linalg.norm(own - base, axis=2).ravel()
    sure = [(points != raw).any(axis=2) for points in (own, base)]
    return {
        "median px": float(np.median(moved)),
        "mean px": float(moved.mean()),
        "95 % px": float(np.quantile(moved, 0.95)),
        "changed sureness": float((sure[0] != sure[1]).mean()),
    }


@torch.no_grad()
def refined(decoder: Decoder, data: Dataset) -> NDArray[np.float64]:
    """Read body points off a decoder's heatmaps as the product does.

    Args:
        decoder: The decoder.
        data: N crops prepared for it.

    Returns:
        (N, 33, 2) pixels of the crop.
    """
    raw, points = raw_landmarks(data), []
    for start in range(0, len(data), BATCH):
        rows = np.arange(start, min(start + BATCH, len(data)))
        batch = data.batch(rows)
        logits = decoder(*(batch[name] for name in CUT))[1].permute(0, 2, 3, 1).numpy()
        points += [
            refine(raw[row], one[..., : len(LANDMARKS)])
            for row, one in zip(rows, logits, strict=True)
        ]
    return np.array(points)


def raw_landmarks(data: Dataset) -> NDArray[np.float64]:
    """Landmarks before they are refined: (N, 33, 2) pixels of the crop."""
    values = data.arrays["landmarks"].reshape(-1, LANDMARK_COUNT, 5)
    return values[:, : len(LANDMARKS), :2].astype(float)
