# SPDX-License-Identifier: GPL-3.0-or-later
"""Points in space from the rays of several cameras, each trusted as far as others bear it out."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from .view import View

Floats = NDArray[np.float64]

ROUNDS: Final = 8
"""Rounds of reweighting; the points stand still after about five."""

SOFT: Final = 4.0
"""Rays that miss by so many times the error expected of them keep a quarter of their weight. For
normal errors in a picture this constant is 95 % as exact as least squares (computed); at 1.5, which
is 61 %, cameras took turns from frame to frame."""

MIN_PARALLAX: Final = np.radians(3.0)
"""Rays that meet at a smaller angle do not tell how far away the point is."""

MIN_PARALLEL: Final = float(2.0 * np.sin(MIN_PARALLAX / 2.0) ** 2)
"""Least eigenvalue of the mean of two rays' projections across them, at that angle."""


@dataclass(frozen=True, eq=False)
class Triangulated:
    """What several cameras say of N points.

    Attributes:
        xyz_m: (N, 3) metres, the calibration's world; NaN where fewer than two cameras tell.
        sigma_m: (N,) standard deviation of a coordinate, metres, NaN likewise.
        trust: (C, N) 0..1, how far each camera was believed in the end; 0 where it does not see.
    """

    xyz_m: Floats
    sigma_m: Floats
    trust: Floats


def triangulate(views: Sequence[View], xy_px: Floats, error_px: Floats) -> Triangulated:
    """Find where the rays of several cameras meet; a camera that is off loses its say.

    Args:
        views: C cameras, metres.
        xy_px: (C, N, 2) pixels of their upright footage, NaN where unseen.
        error_px: (C, N) how far off each is expected to be, pixels.

    Returns:
        The points.

    Source: nearest point to several lines, each weighted by the inverse square of the distance
    that its expected error makes at the point; iteratively reweighted by the Geman-McClure loss.
    """
    ahead = np.stack([view.rays(xy) for view, xy in zip(views, xy_px, strict=True)])
    places = np.stack([view.place for view in views])
    seen = np.isfinite(ahead).all(axis=2)
    across = np.eye(3) - ahead[..., :, None] * ahead[..., None, :]
    across = np.where(seen[..., None, None], across, 0.0)
    towards = np.einsum("cnij,cj->cni", across, places)
    focal = np.array([view.matrix[[0, 1], [0, 1]].mean() for view in views])
    angle = error_px / focal[:, None]
    weight, trust = seen / angle**2, seen.astype(float)
    for _ in range(ROUNDS):
        normal = np.einsum("cn,cnij->nij", weight, across)
        points = _solved(normal, np.einsum("cn,cni->ni", weight, towards))
        away = points - places[:, None]
        distance = np.linalg.norm(away, axis=2)
        off = np.linalg.norm(np.einsum("cnij,cnj->cni", across, away), axis=2)
        trust = seen / (1.0 + (off / (distance * angle * SOFT)) ** 2) ** 2
        weight = np.nan_to_num(trust / (distance * angle) ** 2)
    known = _well_seen(across, np.nan_to_num(trust))
    variance = np.full(len(points), np.nan)
    adjugate, determinant = _inverted(np.einsum("cn,cnij->nij", weight, across)[known])
    variance[known] = np.trace(adjugate, axis1=1, axis2=2) / (3.0 * determinant)
    points = np.where(known[:, None], points, np.nan)
    return Triangulated(points, np.sqrt(variance), np.where(known, np.nan_to_num(trust), 0.0))


def _solved(normal: Floats, right: Floats) -> Floats:
    points = np.full(right.shape, np.nan)
    adjugate, determinant = _inverted(normal)
    firm = determinant > 1e-9 * np.trace(normal, axis1=1, axis2=2) ** 3
    found = np.einsum("nij,nj->ni", adjugate[firm], right[firm])
    points[firm] = found / determinant[firm, None]
    return points


def _inverted(symmetric: Floats) -> tuple[Floats, Floats]:
    """Adjugates and determinants of (N, 3, 3) matrices.

    LAPACK, called for each small matrix, waits for threads that other programs keep from running.
    """
    a, b, c = np.moveaxis(symmetric, 1, 0)
    adjugate = np.stack([np.cross(b, c), np.cross(c, a), np.cross(a, b)], axis=1)
    return adjugate, np.einsum("ni,ni->n", a, adjugate[:, 0])


def _well_seen(across: Floats, trust: Floats) -> NDArray[np.bool_]:
    """Points that at least two rays, believed and not nearly parallel, meet in."""
    total = np.einsum("cn,cnij->nij", trust, across)
    return np.asarray(_least_eigenvalue(total) > MIN_PARALLEL / 2.0)


def _least_eigenvalue(symmetric: Floats) -> Floats:
    """Of (N, 3, 3) symmetric matrices. Source: Smith, Communications of the ACM 1961;4:168."""
    mean = np.trace(symmetric, axis1=1, axis2=2) / 3.0
    rest = symmetric - mean[:, None, None] * np.eye(3)
    spread = np.sqrt(np.einsum("nij,nij->n", rest, rest) / 6.0)
    cosine = _inverted(rest)[1] / np.maximum(2.0 * spread**3, 1e-300)
    angle = np.arccos(np.clip(cosine, -1.0, 1.0)) / 3.0
    return np.asarray(mean + 2.0 * spread * np.cos(angle + 2.0 * np.pi / 3.0))
