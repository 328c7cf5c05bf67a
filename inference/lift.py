# SPDX-License-Identifier: GPL-3.0-or-later
"""From 37 points a frame to metric 3D in the world: lifter, scale by stature, path, floor.

The whole clip is used at once; nothing is smoothed here and nothing is invented for empty frames.
"""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from .camera import Camera, world_axes
from .keypoints import INDEX
from .lifter import Lifter, Track
from .root_path import root_path
from .stature import stature
from .upright import FEET, find_up

FLOOR_WINDOW_S: Final = 0.5
"""The lowest foot of so long a time is on the floor; the median over the clip is taken, so that bad
frames and jumps do not count."""

FARTHEST_PICTURES: Final = 10.0
FARTHEST_M: Final = 5.0
"""Somebody with a point further from the picture, in its long sides, or from the hips was not seen:
no network that works says so."""

SURE_RAY_M: Final = 0.081
UNSURE_RAY_M: Final = 0.171
"""Standard deviation of a point from its ray along an axis, at a score of 1 and of 0; measured as
`lifter.SURE_SIGMA_M`."""


@dataclass(frozen=True)
class Lifted:
    """A clip's people in the world.

    Attributes:
        xyz_m: (T, P, K, 3) metres, world frame, NaN where a person is not seen.
        sigma_m: (T, P, K) standard deviation of each point, metres, NaN where not seen.
        world_from_camera: (4, 4) rigid transform.
        up_source: What told which way is up, see `upright.find_up`.
    """

    xyz_m: NDArray[np.float32]
    sigma_m: NDArray[np.float32]
    world_from_camera: NDArray[np.float64]
    up_source: str


def lift(
    xy_px: NDArray[np.floating[Any]],
    score: NDArray[np.floating[Any]],
    relative_m: NDArray[np.floating[Any]],
    ray_px: NDArray[np.floating[Any]],
    time_s: NDArray[np.float64],
    camera: Camera,
    subject_height_m: float,
    lifter: Lifter,
) -> Lifted:
    """Place the people of a clip in the world.

    Args:
        xy_px: (T, P, K, 2) pixels of the upright frame, NaN where a person is not seen.
        score: (T, P, K) 0..1.
        relative_m: (T, P, K, 3) from the middle of the hips, x right, y down, z away along the ray.
        ray_px: (T, P, 2) centre of the crop that each body was seen in.
        time_s: (T,) times of the frames, seconds.
        camera: The camera.
        subject_height_m: Standing height of the people, metres.
        lifter: What makes points in space of points in the image.

    Returns:
        Points in the world: +Z up; the person seen in most frames walks on the floor at 0 and is
        found first above the origin.
    """
    seen = _possible(xy_px, FARTHEST_PICTURES * max(camera.width, camera.height))
    seen &= _possible(relative_m, FARTHEST_M)
    score = np.where(seen[..., None], score, 0.0)
    xyz_camera = np.full(relative_m.shape, np.nan)
    sigma = np.full(score.shape, np.nan, np.float32)
    for person in np.flatnonzero(seen.any(axis=0)):
        rows = seen[:, person]
        # Double precision for one person at a time: hours of film are whole in memory here.
        track = Track(
            camera.slopes(xy_px[rows, person].astype(np.float64)),
            camera.slopes(ray_px[rows, person].astype(np.float64)),
            relative_m[rows, person].astype(np.float64),
            score[rows, person].astype(np.float64),
            time_s[rows],
        )
        xyz_camera[rows, person], sigma[rows, person] = place(track, lifter, subject_height_m)
    up, source = find_up(xyz_camera, score)
    axes = world_axes(up)
    xyz = xyz_camera @ axes.T
    del xyz_camera
    most = int(seen.sum(axis=0).argmax())
    shift = -ground_origin(xyz[:, most : most + 1], time_s)
    world_from_camera = np.eye(4)
    world_from_camera[:3, :3], world_from_camera[:3, 3] = axes, shift
    xyz += shift
    return Lifted(xyz.astype(np.float32), sigma, world_from_camera, source)


def _possible(points: NDArray[np.floating[Any]], farthest: float) -> NDArray[np.bool_]:
    """(T, P) whether all points (T, P, K, C) are numbers no further than that from 0."""
    return np.asarray((np.abs(points) < farthest).all(axis=(2, 3)))


def place(
    track: Track, lifter: Lifter, height_m: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Place one person before the camera.

    Args:
        track: The frames in which the person is seen.
        lifter: What makes points in space of points in the image.
        height_m: Standing height, metres.

    Returns:
        Points (T, K, 3), camera frame, and their standard deviations (T, K), metres.
    """
    answer = lifter.lift(track)
    scale = height_m / stature(answer.relative_m[:, None], track.score[:, None])
    points, sigma = scale * answer.relative_m, scale * answer.sigma_m
    points += root_path(track.slopes, track.score, points, track.time_s)[:, None]
    # Points go onto their rays: the image tells their place across far better than a single frame
    # in metres, and a foot that stands in the image then stands in the world. Those of a lifter
    # that knows what the image gets wrong go as far as they are less sure than it.
    ray_m = UNSURE_RAY_M + (SURE_RAY_M - UNSURE_RAY_M) * track.score
    share = sigma**2 / (sigma**2 + ray_m**2) if answer.denoised else np.ones_like(sigma)
    across = track.slopes * points[..., 2:] - points[..., :2]
    points[..., :2] += share[..., None] * across
    return points, sigma


def ground_origin(xyz: NDArray[np.float64], time_s: NDArray[np.float64]) -> NDArray[np.float64]:
    """Point on the floor below the hips of the first body found.

    Args:
        xyz: (T, P, K, 3) metres, +Z up, NaN where nobody is seen.
        time_s: (T,) times of the frames, seconds.

    Returns:
        (3,) metres; its height is that of the lowest foot, median over stretches of FLOOR_WINDOW_S.
    """
    lowest = xyz[:, :, FEET, 2].min(axis=(1, 2))
    seen = np.isfinite(lowest)
    windows = np.floor((time_s - time_s[seen][0]) / FLOOR_WINDOW_S)
    floor = np.median([lowest[seen & (windows == one)].min() for one in np.unique(windows[seen])])
    hips = xyz[:, :, INDEX["hip"]].reshape(-1, 3)
    first = hips[np.isfinite(hips).all(axis=-1)][0]
    return np.array([first[0], first[1], float(floor)])
