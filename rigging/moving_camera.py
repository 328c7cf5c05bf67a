# SPDX-License-Identifier: GPL-3.0-or-later
"""Motion that was lifted as if its camera stood still, filmed by a camera whose path is known."""

from dataclasses import replace

import numpy as np

from .errors import RigError
from .motion import Motion3D
from .rotation import Floats


def follow_camera(motion: Motion3D, world_from_camera: Floats) -> Motion3D:
    """Put key points where a moving camera saw them.

    Args:
        motion: Key points in the world of the camera at rest that they were lifted with.
        world_from_camera: (T, 4, 4) the camera's true place at each time of the motion: camera axes
            (x right, y down, z ahead) to the world, metres.

    Returns:
        The key points in that world. They no longer belong to one camera at rest, so neither
        pixels nor camera are kept.

    Raises:
        RigError: The motion does not tell its camera, or the places are not (T, 4, 4) and rigid.
    """
    if motion.camera is None:
        raise RigError("This take does not tell its camera: track the footage again.")
    turn = world_from_camera[..., :3, :3]
    if world_from_camera.shape != (len(motion.time_s), 4, 4) or not np.allclose(
        turn @ np.swapaxes(turn, -1, -2), np.eye(3), atol=1e-3
    ):
        raise RigError(
            f"A camera path of shape {world_from_camera.shape} does not give {len(motion.time_s)} "
            "places without scale: clear the camera's scale and its parents'."
        )
    seen = motion.camera.seen_from(motion.xyz_m)
    xyz_m = np.einsum("tij,tkj->tki", turn, seen) + world_from_camera[:, None, :3, 3]
    return replace(motion, xyz_m=xyz_m, xy_px=None, camera=None)
