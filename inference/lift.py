# SPDX-License-Identifier: GPL-3.0-or-later
"""From 37 points a frame to metric 3D in the world: scale by stature, root by reprojection, floor.

The whole clip is used at once; nothing is smoothed here and nothing is invented for empty frames.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from .camera import Camera, ray_rotation, world_axes
from .keypoints import INDEX
from .upright import FEET, SURE_SCORE, find_up

STATURE_CHAIN: Final = (
    ("heel", "knee"),
    ("knee", "hip"),
)
"""Leg segments, both sides; with the chain hip, neck, neck_03, head they add up to stature."""

FLOOR_WINDOW_S: Final = 0.5
"""The lowest foot of so long a time is on the floor; the median over the clip is taken, so that bad
frames and jumps do not count."""


@dataclass(frozen=True)
class Lifted:
    """A clip's people in the world.

    Attributes:
        xyz_m: (T, P, K, 3) metres, world frame, NaN where nobody is seen.
        world_from_camera: (4, 4) rigid transform.
        up_source: What told which way is up, see `upright.find_up`.
    """

    xyz_m: NDArray[np.float32]
    world_from_camera: NDArray[np.float64]
    up_source: str


def lift(
    xy_px: NDArray[np.float64],
    score: NDArray[np.float64],
    relative_m: NDArray[np.float64],
    ray_px: NDArray[np.float64],
    time_s: NDArray[np.float64],
    camera: Camera,
    subject_height_m: float,
) -> Lifted:
    """Place the people of a clip in the world.

    Args:
        xy_px: (T, P, K, 2) pixels of the upright frame, NaN where nobody is seen.
        score: (T, P, K) 0..1.
        relative_m: (T, P, K, 3) from the middle of the hips, x right, y down, z away along the ray.
        ray_px: (T, P, 2) centre of the crop that each body was seen in.
        time_s: (T,) times of the frames, seconds.
        camera: The camera.
        subject_height_m: Standing height of the people, metres.

    Returns:
        Points in the world: +Z up, floor at 0, the first body found stands above the origin.
    """
    scale = subject_height_m / stature(relative_m, score)
    turned = np.einsum("tpij,tpkj->tpki", ray_rotation(camera.slopes(ray_px)), scale * relative_m)
    xyz_camera = turned + root_translation(xy_px, score, turned, camera)[:, :, None]
    # Each point goes onto its own ray: the image tells its place across far better than the network
    # tells it in metres, and a foot that stands in the image then stands in the world.
    xyz_camera[..., :2] = camera.slopes(xy_px) * xyz_camera[..., 2:]
    up, source = find_up(xyz_camera, score)
    axes = world_axes(up)
    xyz = xyz_camera @ axes.T
    shift = -_ground_origin(xyz, time_s)
    world_from_camera = np.eye(4)
    world_from_camera[:3, :3], world_from_camera[:3, 3] = axes, shift
    return Lifted((xyz + shift).astype(np.float32), world_from_camera, source)


def stature(relative_m: NDArray[np.float64], score: NDArray[np.float64]) -> float:
    """Standing height that the bodies' segments add up to.

    Args:
        relative_m: (T, P, K, 3) points in one frame of axes, NaN where nobody is seen.
        score: (T, P, K) 0..1.

    Returns:
        Median over the frames where the legs are seen (all frames when there are none), in the
        units of the points.
    """

    def length(a: str, b: str) -> NDArray[np.float64]:
        apart = relative_m[..., INDEX[a], :] - relative_m[..., INDEX[b], :]
        return np.asarray(np.linalg.norm(apart, axis=-1))

    legs = sum(
        (length(f"left_{a}", f"left_{b}") + length(f"right_{a}", f"right_{b}")) / 2
        for a, b in STATURE_CHAIN
    )
    total = legs + length("hip", "neck") + length("neck", "neck_03") + length("neck_03", "head")
    parts = [INDEX[f"{side}_{part}"] for side in ("left", "right") for part in ("ankle", "knee")]
    seen = np.isfinite(total)
    sure = seen & (score[..., parts].min(axis=-1) >= SURE_SCORE)
    return float(np.median(total[sure if sure.any() else seen]))


def root_translation(
    xy_px: NDArray[np.float64],
    score: NDArray[np.float64],
    relative_m: NDArray[np.float64],
    camera: Camera,
) -> NDArray[np.float64]:
    """Where the hips are, so that the body projects onto its points in the image.

    Args:
        xy_px: (T, P, K, 2) pixels.
        score: (T, P, K) weights 0..1.
        relative_m: (T, P, K, 3) metres from the middle of the hips, camera axes.
        camera: The camera.

    Returns:
        (T, P, 3) metres, camera frame; least squares over the points, NaN where nobody is seen.

    Source: linear triangulation of a translation; each point gives x (Z + tz) = X + tx and
    y (Z + tz) = Y + ty, with x and y the slopes of its ray.
    """
    slopes = camera.slopes(xy_px)
    weight = score**2
    x, y = slopes[..., 0], slopes[..., 1]
    one, zero = np.ones_like(x), np.zeros_like(x)
    rows = np.stack([np.stack([one, zero, -x], -1), np.stack([zero, one, -y], -1)], -2)
    sides = slopes * relative_m[..., 2:] - relative_m[..., :2]
    normal = np.einsum("tpkri,tpkrj,tpk->tpij", rows, rows, weight)
    right = np.einsum("tpkri,tpkr,tpk->tpi", rows, sides, weight)
    seen = np.isfinite(right).all(axis=-1)
    translation = np.full(right.shape, np.nan)
    translation[seen] = np.linalg.solve(normal[seen], right[seen][..., None])[..., 0]
    return translation


def _ground_origin(xyz: NDArray[np.float64], time_s: NDArray[np.float64]) -> NDArray[np.float64]:
    lowest = xyz[:, :, FEET, 2].min(axis=(1, 2))
    seen = np.isfinite(lowest)
    windows = np.floor((time_s - time_s[seen][0]) / FLOOR_WINDOW_S)
    floor = np.median([lowest[seen & (windows == one)].min() for one in np.unique(windows[seen])])
    hips = xyz[:, :, INDEX["hip"]].reshape(-1, 3)
    first = hips[np.isfinite(hips).all(axis=-1)][0]
    return np.array([first[0], first[1], float(floor)])
