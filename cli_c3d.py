# SPDX-License-Identifier: GPL-3.0-or-later
"""Key points as a C3D file, through the ezc3d library where it is installed."""

import tempfile
from pathlib import Path

import numpy as np

from .inference.protocol import ProtocolError
from .rigging.lab_formats import median_step
from .rigging.motion import Motion3D

_MM_PER_M = 1000.0
_MISSING = -1.0  # what C3D writes as a residual where there is no point


def c3d_bytes(motion: Motion3D) -> bytes:
    """Write key points as C3D: millimetres, +Z up, the person facing -Y in the first axes.

    Args:
        motion: Key points at equal steps.

    Returns:
        The content of a .c3d file.

    Raises:
        ProtocolError: ezc3d is not installed.
        RigError: There are fewer than two frames.
    """
    try:
        import ezc3d  # optional: the extra "labs"
    except ImportError as error:
        raise ProtocolError(
            "C3D files are written by the library ezc3d, which is not installed: "
            'pip install "track-spine[labs]", or export .trc, which needs nothing'
        ) from error
    points = np.ones((4, len(motion.names), len(motion.time_s)))
    points[:3] = _MM_PER_M * np.moveaxis(motion.xyz_m, -1, 0).swapaxes(1, 2)
    missing = np.isnan(points[0])
    file = ezc3d.c3d()
    parameters = file["parameters"]["POINT"]
    parameters["RATE"]["value"] = [1.0 / median_step(motion.time_s)]
    parameters["LABELS"]["value"] = list(motion.names)
    parameters["UNITS"]["value"] = ["mm"]
    file["data"]["points"] = points
    file["data"]["meta_points"] = {
        "residuals": np.where(missing, _MISSING, 0.0)[None],
        "camera_masks": np.zeros((7, *missing.shape), dtype=bool),
    }
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "points.c3d")
        file.write(str(path))
        return path.read_bytes()
