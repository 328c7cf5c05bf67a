# SPDX-License-Identifier: GPL-3.0-or-later
"""Several calibrated views of one scene: triangulation, offsets of pictures, angles of a back.

The yardstick shares no geometry with what it judges: a change to the product's triangulation
(`inference/views`) must not move the figures of the network.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.optimize import least_squares

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

OUTLIER_PX: Final = 30.0
"""A view that misses a point by more is left out of it, where three views or more see it: a tenth
of the man's trunk in the clip that is judged by."""

OFFSET_SD_PX: Final = 20.0
"""How far a picture may lie off its calibration: 18 px were found between two cameras."""

ROBUST_PX: Final = 2.0
"""Residuals beyond so many pixels count less in the fit of offsets."""


@dataclass(frozen=True)
class View:
    """One camera.

    Attributes:
        matrix: (3, 3) focal lengths and principal point, pixels.
        distortion: (5,) OpenCV's coefficients.
        rotation: (3, 3) world to camera axes: x right, y down, z forward.
        place: (3,) metres, world.
        offset_px: (2,) what is added to pixels of the picture before the calibration holds.
    """

    matrix: Floats
    distortion: Floats
    rotation: Floats
    place: Floats
    offset_px: Floats = field(default_factory=lambda: np.zeros(2))

    def rays(self, xy_px: Floats) -> Floats:
        """Give x / z and y / z (..., 2), camera axes, of pixels (..., 2)."""
        flat = np.asarray(xy_px + self.offset_px, float).reshape(-1, 1, 2)
        flat = cv2.undistortPoints(flat, self.matrix, self.distortion)
        return np.asarray(flat, float).reshape(xy_px.shape)

    def project(self, points: Floats) -> Floats:
        """Give pixels (..., 2) of world points (..., 3)."""
        turn, shift = cv2.Rodrigues(self.rotation)[0], -self.rotation @ self.place
        flat = np.ascontiguousarray(points, float).reshape(-1, 1, 3)
        pixels = cv2.projectPoints(flat, turn, shift, self.matrix, self.distortion)[0]
        return np.asarray(pixels.reshape(*points.shape[:-1], 2) - self.offset_px)


def triangulate(views: Sequence[View], xy_px: Floats, weight: Floats) -> tuple[Floats, Flags]:
    """Find points that several views see; a view that contradicts two or more others is left out.

    Args:
        views: C cameras.
        xy_px: (C, N, 2) pixels.
        weight: (C, N) how much each is trusted, 0 where a view does not see the point.

    Returns:
        (N, 3) metres, NaN where fewer than two views see it, and (C, N) which views were used.
    """
    rays = np.stack([view.rays(xy) for view, xy in zip(views, xy_px, strict=True)])
    used = (weight > 0) & np.isfinite(rays).all(axis=2)
    rays = np.where(used[..., None], rays, 0.0)
    for _ in range(len(views) - 2):
        points = _intersect(views, rays, weight * used)
        off = _misses(views, points, xy_px, used).max(axis=0)
        wrong = np.flatnonzero((off > OUTLIER_PX) & (used.sum(axis=0) > 2))
        if not len(wrong):
            break
        used[_worst_view(views, rays, xy_px, weight, used, wrong), wrong] = False
    points = _intersect(views, rays, weight * used)
    points[used.sum(axis=0) < 2] = np.nan
    return points, used


def _intersect(views: Sequence[View], rays: Floats, weight: Floats) -> Floats:
    """Weighted linear least squares. Source: Hartley, Zisserman, Multiple View Geometry, 12.2."""
    rows = []
    for view, ray, trust in zip(views, rays, weight, strict=True):
        camera = np.column_stack([view.rotation, -view.rotation @ view.place])
        for axis in (0, 1):
            rows.append(trust[:, None] * (ray[:, axis, None] * camera[2] - camera[axis]))
    solution = np.linalg.svd(np.stack(rows, axis=1))[2][:, -1]
    return np.asarray(solution[:, :3] / solution[:, 3:])


def _misses(views: Sequence[View], points: Floats, xy_px: Floats, used: Flags) -> Floats:
    """Distance (C, N) of each used view's pixel from where the point appears in it."""
    away = np.stack([view.project(points) for view in views]) - xy_px
    return np.where(used, np.linalg.norm(np.nan_to_num(away), axis=2), 0.0)


def _worst_view(
    views: Sequence[View],
    rays: Floats,
    xy_px: Floats,
    weight: Floats,
    used: Flags,
    columns: NDArray[np.int64],
) -> NDArray[np.int64]:
    """View without which the others agree best, for each of some points."""
    left = np.full((len(views), len(columns)), np.inf)
    for row in range(len(views)):
        others = used[:, columns].copy()
        others[row] = False
        points = _intersect(views, rays[:, columns], weight[:, columns] * others)
        away = _misses(views, points, xy_px[:, columns], others).max(axis=0)
        left[row] = np.where(used[row, columns], away, np.inf)
    return np.asarray(left.argmin(axis=0))


def fit_offsets(views: Sequence[View], xy_px: Floats) -> list[View]:
    """Find a constant offset for each picture, so that all views agree on where points are.

    A shift of the whole scene cannot be told from offsets, so the least offsets are taken.

    Args:
        views: C cameras.
        xy_px: (C, N, 2) pixels, NaN where unseen; every point is seen by two views or more.

    Returns:
        The cameras with their offsets.
    """
    seen = np.isfinite(xy_px).all(axis=2)

    def moved(offsets: Floats) -> list[View]:
        pairs = zip(views, offsets.reshape(-1, 2), strict=True)
        return [replace(view, offset_px=offset) for view, offset in pairs]

    def residuals(offsets: Floats) -> Floats:
        now = moved(offsets)
        rays = np.stack([view.rays(xy) for view, xy in zip(now, xy_px, strict=True)])
        points = _intersect(now, np.where(seen[..., None], rays, 0.0), seen.astype(float))
        away = np.stack([view.project(points) for view in now]) - xy_px
        return np.concatenate([away[seen].ravel(), offsets / OFFSET_SD_PX])

    start = np.zeros(2 * len(views))
    found = least_squares(residuals, start, loss="soft_l1", f_scale=ROBUST_PX)
    return moved(found.x)


def bend(lower: Floats, upper: Floats, axes: Floats) -> tuple[Floats, Floats]:
    """Angles between the lower and the upper part of a back.

    Args:
        lower: (T, 3) direction of the lower part, upwards.
        upper: (T, 3) direction of the upper part, upwards.
        axes: (T, 3, 3) rows left, forward and up of the trunk.

    Returns:
        (T,) side bend to the left and (T,) flexion forward, degrees.
    """
    low, high = (np.einsum("tij,tj->ti", axes, part) for part in (lower, upper))
    side, forward = (
        np.degrees(np.arctan2(high[:, axis], high[:, 2]) - np.arctan2(low[:, axis], low[:, 2]))
        for axis in (0, 1)
    )
    return (side + 180.0) % 360.0 - 180.0, (forward + 180.0) % 360.0 - 180.0


def agreement(measured: Floats, truth: Floats) -> dict[str, float]:
    """Compare two series: correlation, slope of measured over truth, error without the means."""
    a, b = measured - measured.mean(), truth - truth.mean()
    return {
        "r": float(a @ b / np.sqrt((a @ a) * (b @ b))),
        "slope": float(a @ b / (b @ b)),
        "rmse": float(np.sqrt(np.mean((a - b) ** 2))),
    }
