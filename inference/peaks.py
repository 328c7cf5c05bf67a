# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the peaks of SimCC vectors and of heatmaps lie, to a fraction of a bin.

The logarithm of a Gaussian is a parabola. It is fitted by least squares to the bins about the
highest one, each weighted by its squared height, so that low and noisy bins count little; bins
beyond the edge do not count at all. A plain arg-max moves in steps of half a crop pixel.

Source: Guo, "A Simple Algorithm for Fitting a Gaussian Function", IEEE Signal Processing Magazine
28(5), 2011 (weights); Zhang et al., "Distribution-Aware Coordinate Representation for Human Pose
Estimation", CVPR 2020, arXiv 1910.06278 (logarithm of heatmaps).
"""

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

FLOOR: Final = 1e-3
"""Bins lower than this share of the peak are not fitted: their logarithm is noise."""

BASELINE_STEP: Final = 8
"""Every eighth bin is enough to find the level that a vector has away from its peak."""

RIDGE: Final = 1e-9
"""Added to the normal equations, whose entries are of the order of 1: flat and cut-off peaks leave
them singular."""

Array = NDArray[np.floating[Any]]


def simcc_peaks(vectors: Array, sigma: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Read one coordinate of every key point.

    Args:
        vectors: (..., L) SimCC vectors; bin i stands for the coordinate i / split ratio.
        sigma: Standard deviation of the Gaussians that the network was trained on, bins.

    Returns:
        (...) peaks in bins, -0.5 .. L - 0.5, and (...) heights. A height is the published score,
        the maximum, less what the vector holds everywhere: 0 for a flat one.
    """
    length = vectors.shape[-1]
    offsets = _window(sigma, 1)
    top = vectors.argmax(axis=-1)
    bins = top[..., None] + offsets[:, 0]
    inside = (bins >= 0) & (bins < length)
    values = np.take_along_axis(vectors, bins.clip(0, length - 1), axis=-1)
    height = np.take_along_axis(vectors, top[..., None], axis=-1)[..., 0].astype(float)
    step = _vertex(offsets, values, inside, height)[..., 0]
    level = np.median(vectors[..., ::BASELINE_STEP], axis=-1)
    return (top + step).clip(-0.5, length - 0.5), (height - level.clip(0.0)).clip(0.0)


def heatmap_peaks(heatmaps: Array, sigma: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Read the place of every key point off its heatmap.

    Args:
        heatmaps: (..., H, W) heights, not logits; 0 or more.
        sigma: Standard deviation of the peaks, cells; they may be oblong and turned.

    Returns:
        (..., 2) x and y in cells, counted from the middle of the first cell, and (...) heights of
        the highest cells.
    """
    *leading, rows, columns = heatmaps.shape
    flat = heatmaps.reshape(*leading, rows * columns)
    offsets = _window(sigma, 2)
    top = flat.argmax(axis=-1)
    cells = np.stack([top % columns, top // columns], axis=-1)
    size = np.array([columns, rows])
    near = cells[..., None, :] + offsets
    inside = ((near >= 0) & (near < size)).all(axis=-1)
    near = near.clip(0, size - 1)
    values = np.take_along_axis(flat, near[..., 1] * columns + near[..., 0], axis=-1)
    height = np.take_along_axis(flat, top[..., None], axis=-1)[..., 0].astype(float)
    peaks = cells + _vertex(offsets, values, inside, height)
    return peaks.clip(-0.5, size - 0.5), height


def unmirror(x: Array, y: Array, partners: Sequence[int], split: int) -> tuple[Array, Array]:
    """Carry SimCC vectors of the mirrored picture back to the picture itself.

    Mirroring takes pixel p of W to W - 1 - p, so bin b to split (W - 1) - b, while the last bin is
    split W - 1. MMPose's flip test only reverses the vectors, which moves the average of both by
    half of split - 1 bins: a quarter of a pixel with two bins a pixel.

    Args:
        x: (N, K, Lx) vectors of the mirrored picture.
        y: (N, K, Ly) likewise.
        partners: (K,) index of each point's partner on the other side, or its own.
        split: Bins a pixel.

    Returns:
        Vectors of the same shapes, to be averaged with those of the picture.

    Source: mmpose/models/utils/tta.py, flip_vectors, for reversing and swapping.
    """
    length = x.shape[-1]
    mirrored = (length - split - np.arange(length)).clip(0)
    order = list(partners)
    return x[:, order][..., mirrored], y[:, order]


def _window(sigma: float, dimensions: int) -> NDArray[np.int64]:
    """Offsets (M, D) within one standard deviation, where peaks stand clear of each other."""
    reach = max(1, round(sigma))
    grid = np.meshgrid(*[np.arange(-reach, reach + 1)] * dimensions, indexing="ij")
    return np.column_stack([axis.ravel() for axis in grid])


def _vertex(
    offsets: NDArray[np.int64], values: Array, inside: NDArray[np.bool_], height: Array
) -> NDArray[np.float64]:
    """Vertex (..., D) of the parabola through the logarithms (..., M); 0 where there is none."""
    scaled = values / np.where(height > 0.0, height, 1.0)[..., None]
    used = inside & (scaled > FLOOR) & (height > 0.0)[..., None]
    scaled = np.where(used, scaled, 1.0)
    weights = np.where(used, scaled**2, 0.0)
    reach = int(offsets.max())
    places = offsets / reach
    first, second = np.triu_indices(offsets.shape[1])
    design = np.column_stack([np.ones(len(places)), places, places[:, first] * places[:, second]])
    normal = np.einsum("...m,mp,mq->...pq", weights, design, design)
    right = np.einsum("...m,mp->...p", weights * np.log(scaled), design)
    solved = np.linalg.solve(normal + RIDGE * np.eye(design.shape[1]), right[..., None])[..., 0]
    step: NDArray[np.float64] = _summit(solved, first, second, offsets.shape[1])
    return step.clip(-1.0, 1.0) * float(reach)  # beyond the window it would be guessed, not found


def _summit(
    solved: Array, first: NDArray[np.int64], second: NDArray[np.int64], dimensions: int
) -> NDArray[np.float64]:
    """Where the gradient of the fitted parabola is zero, if the parabola is open downwards."""
    gradient = solved[..., 1 : 1 + dimensions]
    hessian = np.zeros((*solved.shape[:-1], dimensions, dimensions))
    hessian[..., first, second] += solved[..., 1 + dimensions :]
    hessian[..., second, first] += solved[..., 1 + dimensions :]
    is_peak = (np.linalg.eigvalsh(hessian) < 0.0).all(axis=-1)
    hessian = np.where(is_peak[..., None, None], hessian, -np.eye(dimensions))
    step = -np.linalg.solve(hessian, gradient[..., None])[..., 0]
    return np.where(is_peak[..., None], step, 0.0)
