# SPDX-License-Identifier: GPL-3.0-or-later
"""The temporal lifter: windows of frames of 37 points in, 37 points in metres with deviations out.

What the network is told and what it answers are made here, for training too: points and pixels are
turned to the person's ray and scaled to one stature, so that any camera and any size will do.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from .camera import ray_rotation
from .keypoints import INDEX, NAMES
from .lifter import Answer, Track
from .session import Session
from .stature import stature

Floats = NDArray[np.float64]

STATURE_M: Final = 1.7
"""Stature that bodies are scaled to for the network."""

WINDOW: Final = 27
"""Frames that the network sees at once, as trained."""

HOP: Final = 9
"""Frames from one window to the next: each frame is answered three times."""

STEP_S: Final = 1.0 / 30.0
"""Shortest time between frames of a window, as trained: of faster footage each window takes every
second, third, ... frame."""

GAP_S: Final = 0.5
"""Frames further apart are of two stretches, which know nothing of each other."""

BATCH: Final = 64
"""Windows that are run at once: more gain nothing."""

LEAST_SCORE: Final = 0.05
"""What a point that is not believed in still counts where pixels are scaled to metres."""

_COUNT: Final = len(NAMES)
FEATURES: Final = 9 * _COUNT + 10
"""Of each frame: pixels in metres (37 x 2), points of the single frame (37 x 3), the same along the
trunk's own axes (37 x 3), these axes (3 x 3), scores (37), and the time since the frame before."""

_HIPS, _SHOULDERS = (
    [INDEX[f"{side}_{part}"] for side in ("left", "right")] for part in ("hip", "shoulder")
)


def normalised(relative_m: Floats, score: Floats) -> tuple[Floats, float]:
    """Scale a person's points to STATURE_M.

    Args:
        relative_m: (T, K, 3) metres, any axes.
        score: (T, K) 0..1.

    Returns:
        (T, K, 3) and the factor.
    """
    factor = STATURE_M / stature(relative_m[:, None], score[:, None])
    return relative_m * factor, factor


def features_of(
    slopes: Floats, relative_m: Floats, score: Floats, time_s: Floats
) -> NDArray[np.float32]:
    """What the network is told.

    Args:
        slopes: (..., T, 37, 2) x / z and y / z of the points' rays, axes of each frame's ray.
        relative_m: (..., T, 37, 3) points by the single frame, at STATURE_M, same axes.
        score: (..., T, 37) 0..1.
        time_s: (..., T) seconds.

    Returns:
        (..., T, FEATURES).
    """
    weight = np.maximum(score, LEAST_SCORE)[..., None]
    weight = weight / weight.sum(axis=-2, keepdims=True)
    across = relative_m[..., :2]
    middle = (weight * across).sum(axis=-2, keepdims=True)
    flat = slopes - (weight * slopes).sum(axis=-2, keepdims=True)
    spread = across - middle
    own = (weight * spread**2).sum(axis=(-2, -1), keepdims=True)
    both = (weight * spread * flat).sum(axis=(-2, -1), keepdims=True)
    size = np.sqrt((weight * flat**2).sum(axis=(-2, -1), keepdims=True) / np.maximum(own, 1e-9))
    # Where the two hardly agree the extent alone gives the scale.
    scale = np.maximum(both / np.maximum(own, 1e-9), 0.5 * size)
    flat_m = flat / np.maximum(scale, 1e-9) + middle
    step = np.diff(time_s, axis=-1, prepend=time_s[..., :1])
    told = np.log2(np.maximum(step, 1e-3) / STEP_S)
    told[..., :1] = 0.0
    axes = trunk_axes(relative_m)
    parts = (flat_m, relative_m, relative_m @ axes, axes)
    flattened = [part.reshape(*score.shape[:-1], -1) for part in parts]
    return np.asarray(np.concatenate([*flattened, score, told[..., None]], axis=-1), np.float32)


def trunk_axes(points: Floats) -> Floats:
    """Axes of the trunk: what is wrong with a guessed spine is much the same in them for all views.

    Args:
        points: (..., 37, 3).

    Returns:
        (..., 3, 3) whose columns point to the left, backwards and up.
    """
    hips, shoulders = points[..., _HIPS, :], points[..., _SHOULDERS, :]
    up = _unit(shoulders.mean(axis=-2) - hips.mean(axis=-2))
    across = (hips + shoulders)[..., 0, :] - (hips + shoulders)[..., 1, :]
    left = _unit(across - (across * up).sum(axis=-1, keepdims=True) * up)
    return np.stack([left, np.cross(up, left), up], axis=-1)


def _unit(vectors: Floats) -> Floats:
    return np.asarray(vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-9))


class TemporalLifter:
    """Our network over windows of frames."""

    def __init__(self, session: Session) -> None:
        """Take the open network, see models.LIFTER."""
        self._session = session

    def lift(self, track: Track) -> Answer:
        """Lift a person by the frames about each frame; one frame is enough."""
        turn = ray_rotation(track.ray)
        slopes = _along(track.slopes, turn)
        sized, factor = normalised(track.relative_m, track.score)
        points, sigma = np.zeros_like(sized), np.zeros(track.score.shape)
        total = np.zeros(len(track.time_s))
        for rows in _windows(track.time_s):
            share = _shares(rows.shape[1])
            for start in range(0, len(rows), BATCH):
                some = rows[start : start + BATCH]
                told = features_of(slopes[some], sized[some], track.score[some], track.time_s[some])
                found, told_sigma = self._session.run(told, ("points", "sigma"))
                np.add.at(points, some, share[:, None, None] * found)
                np.add.at(sigma, some, share[:, None] * told_sigma)
                np.add.at(total, some, np.tile(share, (len(some), 1)))
        points /= total[:, None, None] * factor
        sigma /= total[:, None] * factor
        return Answer(np.einsum("tij,tkj->tki", turn, points), sigma, denoised=True)


def _along(slopes: Floats, turn: Floats) -> Floats:
    """Slopes (T, K, 2) about axes that are turned by (T, 3, 3)."""
    rays = np.concatenate([slopes, np.ones((*slopes.shape[:-1], 1))], axis=-1)
    along = np.einsum("tji,tkj->tki", turn, rays)
    return np.asarray(along[..., :2] / along[..., 2:])


def _windows(time_s: Floats) -> list[NDArray[np.intp]]:
    """Rows of the windows, (N, length) for each length that there is."""
    found: dict[int, list[NDArray[np.intp]]] = {}
    breaks = np.flatnonzero(np.diff(time_s) > GAP_S) + 1
    for stretch in np.split(np.arange(len(time_s)), breaks):
        step = float(np.median(np.diff(time_s[stretch]))) if len(stretch) > 1 else STEP_S
        every = max(1, round(STEP_S / step))
        for phase in range(min(every, len(stretch))):
            rows = stretch[phase::every]
            length = min(len(rows), WINDOW)
            last = len(rows) - length
            for start in [*range(0, last, HOP), last]:
                found.setdefault(length, []).append(rows[start : start + length])
    return [np.stack(rows) for rows in found.values()]


def _shares(length: int) -> Floats:
    """How much each frame of a window counts where windows overlap: most in the middle."""
    return np.asarray(1.0 - np.abs(np.arange(length) - (length - 1) / 2) / (length / 2 + 0.5))
