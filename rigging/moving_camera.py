# SPDX-License-Identifier: GPL-3.0-or-later
"""Motion that was lifted as if its camera stood still, filmed by a camera whose path is known."""

from dataclasses import replace
from typing import Final

import numpy as np

from .errors import RigError
from .motion import Motion3D
from .rotation import Floats

FEET: Final = ("left_heel", "left_big_toe", "right_heel", "right_big_toe")
SURE_SCORE: Final = 0.5

FLOOR_WINDOW_S: Final = 0.5
"""The lowest foot of so long a time is on the floor, as where the camera's place is not known."""

LEAST_SLOPE: Final = 0.05
"""A foot must lie 3 degrees below the camera: there an angle that is half a degree off makes the
distance wrong by a sixth."""

STILL: Final = 1e-5
"""A camera that moves less, metres and rotation matrix, is at rest: Blender's numbers are single
precision."""


def follow_camera(motion: Motion3D, world_from_camera: Floats) -> Motion3D:
    """Put key points where a camera saw them whose places are known.

    Args:
        motion: Key points in the world of the camera at rest that they were lifted with.
        world_from_camera: (T, 4, 4) the camera's true place at each time of the motion: camera axes
            (x right, y down, z ahead) to the world, metres.

    Returns:
        The key points in that world. Where the camera moves they belong to no camera at rest, so
        that neither pixels nor camera are kept.

    Raises:
        RigError: The motion does not tell its camera, or the places are not (T, 4, 4) and rigid.
    """
    if motion.camera is None:
        raise RigError("This take does not tell its camera: track the footage again.")
    if world_from_camera.shape != (len(motion.time_s), 4, 4):
        raise RigError(
            f"A camera path of shape {world_from_camera.shape} does not give {len(motion.time_s)} "
            "places: read the camera once for each time of the motion."
        )
    turn, place_m = world_from_camera[:, :3, :3], world_from_camera[:, :3, 3]
    rigid = np.allclose(turn @ np.swapaxes(turn, -1, -2), np.eye(3), atol=1e-3)
    if not np.isfinite(place_m).all() or not rigid or (np.linalg.det(turn) < 0.0).any():
        raise RigError(
            "The camera is sheared, mirrored or scaled to nothing: clear its scale and those of "
            "its parents."
        )
    seen = motion.camera.seen_from(motion.xyz_m)
    xyz_m = np.einsum("tij,tkj->tki", turn, seen) + place_m[:, None]
    if np.ptp(world_from_camera, axis=0).max(initial=0.0) > STILL:
        return replace(motion, xyz_m=xyz_m, xy_px=None, camera=None)
    camera = replace(motion.camera, world_from_camera=world_from_camera[0])
    return replace(motion, xyz_m=xyz_m, camera=camera)


def floor_share(motion: Motion3D, place_m: Floats) -> float | None:
    """Tell how much larger and further away a person must be to stand on the floor at 0.

    Args:
        motion: Key points in the camera's world, +Z up.
        place_m: (T, 3) where the camera is.

    Returns:
        The share: 1 for a person who stands on it; None where no sure foot is seen from above.
    """
    xyz_m = np.stack([motion.point(name) for name in FEET], axis=1)
    score = np.stack([motion.point_score(name) for name in FEET], axis=1)
    below_m = place_m[:, None, 2] - xyz_m[..., 2]
    level_m = np.linalg.norm(xyz_m[..., :2] - place_m[:, None, :2], axis=-1)
    sure = (score >= SURE_SCORE) & (below_m > LEAST_SLOPE * level_m) & (place_m[:, None, 2] > 0.0)
    share = np.full(score.shape, np.inf)
    np.divide(np.broadcast_to(place_m[:, None, 2], score.shape), below_m, out=share, where=sure)
    whole = np.floor(motion.time_s / FLOOR_WINDOW_S + 1e-6)
    window = np.unique(whole, return_inverse=True)[1]
    lowest = np.full(window.max(initial=-1) + 1, np.inf)
    np.minimum.at(lowest, window, share.min(axis=1))
    lowest = lowest[np.isfinite(lowest)]
    return float(np.median(lowest)) if len(lowest) else None


def seen_larger(motion: Motion3D, place_m: Floats, share: float) -> Motion3D:
    """Make a person larger and as much further away, so that the camera sees no difference.

    Args:
        motion: Key points in the camera's world.
        place_m: (T, 3) where the camera is.
        share: How much larger.

    Returns:
        The person.
    """
    sigma_m = None if motion.sigma_m is None else share * motion.sigma_m
    xyz_m = place_m[:, None] + share * (motion.xyz_m - place_m[:, None])
    return replace(motion, xyz_m=xyz_m, sigma_m=sigma_m)
