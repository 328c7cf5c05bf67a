# SPDX-License-Identifier: GPL-3.0-or-later
"""The file of 3D points, `lifted.npz`, as one camera or several make it; see docs/take.md."""

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from .camera import Camera
from .keypoints import NAMES
from .take import Arrays

LIFTED_SCHEMA: Final = "track_spine.lifted"
LIFTED_VERSION: Final = 3

_TYPES: Final = {
    "frame": "i8",
    "time_s": "f8",
    "person": "i8",
    "xyz_m": "f4",
    "sigma_m": "f4",
    "xy_px": "f4",
    "score": "f4",
    "raw_score": "f4",
}


def lifted_arrays(
    points: Mapping[str, NDArray[Any]],
    camera: Camera,
    world_from_camera: NDArray[np.float64],
) -> Arrays:
    """Gather what the file holds.

    Args:
        points: frame and time_s (T,), person (P,), xyz_m (T, P, 37, 3), sigma_m, score and
            raw_score (T, P, 37), xy_px (T, P, 37, 2); others are left out.
        camera: The camera, the first one of several.
        world_from_camera: (4, 4) where it stands.

    Returns:
        The arrays by name, for Take.write_lifted.
    """
    return {
        "schema": np.array(LIFTED_SCHEMA),
        "version": np.array(LIFTED_VERSION),
        "names": np.array(NAMES),
        **{name: points[name].astype(kind) for name, kind in _TYPES.items()},
        "world_from_camera": world_from_camera,
        "focal_px": np.array(camera.focal_px),
        "focal_source": np.array(camera.focal_source),
        "focal_spread": np.array(camera.focal_spread),
        "image_size_px": np.array([camera.width, camera.height], np.int64),
    }
