# SPDX-License-Identifier: GPL-3.0-or-later
"""Which way is up, from people who stand and from the ground they walk on."""

from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.stats import theilslopes

from .camera import LEVEL_UP, world_axes
from .keypoints import INDEX

SURE_SCORE: Final = 0.5
STANDING_BEND: Final = np.radians(60.0)
"""Knees and hips bent less than this: the person stands or walks. A whole stride must pass, or only
the frames in which the walker leans one way would count."""
STANDING_FRAMES: Final = 10
MAX_TILT: Final = np.radians(25.0)
"""A camera tilted further is not taken from the person's word alone."""

STEP: Final = 0.5
STEPS: Final = 3
STEP_FRAMES: Final = 3
MAX_SLOPE: Final = np.radians(8.0)
"""Ground is taken to be level where somebody walks at least so many steps over it, each half as
long as feet to neck, and it seems to rise or fall by less than this; else it is a stair or hill."""

FEET: Final = [
    INDEX[f"{side}_{part}"] for side in ("left", "right") for part in ("heel", "big_toe")
]

ANKLES: Final = [INDEX["left_ankle"], INDEX["right_ankle"]]


def find_up(
    xyz_m: NDArray[np.float64], score: NDArray[np.float64]
) -> tuple[NDArray[np.float64], str]:
    """Find the direction against gravity.

    Args:
        xyz_m: (T, P, K, 3) points, camera frame, NaN where nobody is seen.
        score: (T, P, K) 0..1.

    Returns:
        (3,) unit vector, camera frame; and what told it: "standing person" or, where nobody stands,
        "camera assumed level", with " and walked ground" where somebody walks.
    """
    standing = standing_up(xyz_m, score)
    up, source = LEVEL_UP, "camera assumed level"
    if standing is not None:
        up, source = standing, "standing person"
    walked = walked_up(xyz_m, score, up)
    return (up, source) if walked is None else (walked, f"{source} and walked ground")


def walked_up(
    xyz_m: NDArray[np.float64], score: NDArray[np.float64], up: NDArray[np.float64]
) -> NDArray[np.float64] | None:
    """Correct the direction against gravity so that a walker stays on level ground.

    Args:
        xyz_m: (T, P, K, 3) points, camera frame, NaN where nobody is seen.
        score: (T, P, K) 0..1; frames with hidden feet do not count.
        up: (3,) unit vector, camera frame, known roughly.

    Returns:
        (3,) unit vector, camera frame: `up` turned in the plane of the walk, by the slope of the
        lowest feet of each step; None where nobody walks far enough, or the slope is too steep.
    """
    axes = world_axes(up)
    seen = score[..., ANKLES].min(axis=-1) >= SURE_SCORE
    points = xyz_m[seen][:, [*FEET, INDEX["neck"]]] @ axes.T
    if len(points) < STANDING_FRAMES:
        return None
    feet = points[:, :-1]
    step = STEP * float(np.median(np.linalg.norm(points[:, -1] - feet.mean(axis=1), axis=-1)))
    if not step > 0.0:  # all points in one place
        return None
    place, height = feet.mean(axis=1)[:, :2], feet[..., 2].min(axis=1)
    _, _, directions = np.linalg.svd(place - place.mean(axis=0), full_matrices=False)
    along = (place - place.mean(axis=0)) @ directions[0]
    steps = np.floor((along - along.min()) / step).astype(int)
    taken, frames = np.unique(steps, return_counts=True)
    taken = taken[frames >= STEP_FRAMES]
    if len(taken) <= STEPS:
        return None
    lowest = [height[steps == step].min() for step in taken]
    slope = float(theilslopes(lowest, step * taken).slope)
    if abs(slope) > np.tan(MAX_SLOPE):
        return None
    level = axes.T @ np.array([*(-slope * directions[0]), 1.0])
    return np.asarray(level / np.linalg.norm(level))


def standing_up(
    xyz_m: NDArray[np.float64], score: NDArray[np.float64]
) -> NDArray[np.float64] | None:
    """Direction against gravity, from people who stand or walk.

    Args:
        xyz_m: (T, P, K, 3) points, camera axes, NaN where nobody is seen.
        score: (T, P, K) 0..1.

    Returns:
        (3,) unit vector, camera frame: median from feet to neck over the frames in which legs and
        trunk are in line; None where these are too few or lean too far from a level camera.
    """

    def middle(*parts: str) -> NDArray[np.float64]:
        rows = [INDEX[f"{side}_{part}"] for side in ("left", "right") for part in parts]
        return np.asarray(xyz_m[..., rows, :].mean(axis=-2))

    feet, knees, hips = middle("heel", "big_toe"), middle("knee"), middle("hip")
    neck = xyz_m[..., INDEX["neck"], :]
    sure = score[..., ANKLES].min(axis=-1) >= SURE_SCORE
    stands = sure & (neck != feet).any(axis=-1)
    stands &= _angle(knees - feet, hips - knees) < STANDING_BEND
    stands &= _angle(hips - feet, neck - hips) < STANDING_BEND
    if stands.sum() < STANDING_FRAMES:
        return None
    body = (neck - feet)[stands]
    up = np.median(body / np.linalg.norm(body, axis=-1, keepdims=True), axis=0)
    up /= np.linalg.norm(up)
    return up if _angle(up, LEVEL_UP) < MAX_TILT else None


def _angle(a: NDArray[np.float64], b: NDArray[np.float64]) -> NDArray[np.float64]:
    cross = np.linalg.norm(np.cross(a, b), axis=-1)
    return np.asarray(np.arctan2(cross, (a * b).sum(axis=-1)))
