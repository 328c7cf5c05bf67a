# SPDX-License-Identifier: GPL-3.0-or-later
"""Run a head on prepared crops."""

import numpy as np
import torch
from numpy.typing import NDArray

from .dataset import Dataset
from .model import SpineHead

BATCH = 128


@torch.no_grad()
def answers_of(head: SpineHead, data: Dataset) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Ask a head about crops.

    Args:
        head: The head; it is put into evaluation mode.
        data: N crops.

    Returns:
        (N, P, 2) points in units of the square and (N, P) their scales.
    """
    head.eval()
    points, scales = [], []
    for start in range(0, len(data), BATCH):
        rows = np.arange(start, min(start + BATCH, len(data)))
        batch = data.only(rows).batch(np.arange(len(rows)))
        answers = head.answer(batch)
        points.append(answers[0].numpy())
        scales.append(answers[1].numpy())
    return np.concatenate(points), np.concatenate(scales)
