# SPDX-License-Identifier: GPL-3.0-or-later
"""Keeps what several cameras found as a take: 3D points, cameras, clocks, how well they agree."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ..calibration import calibrated
from ..camera import Camera
from ..errors import TakeError
from ..keypoints import NAMES
from ..lifted_points import lifted_arrays
from ..take import SCHEMA, VERSION, Take
from .combine import Combined
from .view import View


def write_combined(folder: Path, combined: Combined, sources: Sequence[Mapping[str, Any]]) -> Path:
    """Write a take of several cameras.

    Args:
        folder: Its folder, made when missing.
        combined: What was found.
        sources: C, where each camera's points are from: `clip`, `sha256` and `take`.

    Returns:
        The file of 3D points.

    Raises:
        TakeError: The folder cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise TakeError(f"Take folder {folder} cannot be made: {error.strerror}") from error
    take = Take(folder)
    first = combined.views[0]
    count = len(combined.time_s)
    # No one picture holds these points: nothing may be fitted to the first camera's alone.
    nowhere = np.full((count, len(NAMES), 2), np.nan)
    each = {
        "xyz_m": combined.xyz_m,
        "sigma_m": combined.sigma_m,
        "score": calibrated(combined.score),
        "raw_score": combined.score,
        "xy_px": nowhere,
    }
    points = {name: values[:, None] for name, values in each.items()}
    points |= {"frame": np.arange(count), "time_s": combined.time_s, "person": np.array([0])}
    width, height = first.upright_size_px.astype(int).tolist()
    focal_px = float(first.matrix[[0, 1], [0, 1]].mean())
    camera = Camera(width, height, focal_px, "calibration")
    lifted = take.write_lifted(lifted_arrays(points, camera, combined.world_from_camera))
    take.write_json(
        {
            "schema": SCHEMA,
            "version": VERSION,
            "state": "lifted",
            "timestamps": {
                "first_s": float(combined.time_s[0]),
                "last_s": float(combined.time_s[-1]),
                "count": count,
            },
            "cameras": [
                {**source, **_camera(combined, index)} for index, source in enumerate(sources)
            ],
            "calibration_unit_m": combined.unit_m,
            "up_source": combined.up_source,
            "people": [
                {"id": 0, "frames_seen": int(np.isfinite(combined.xyz_m).any((1, 2)).sum())}
            ],
        }
    )
    return lifted


def _camera(combined: Combined, index: int) -> dict[str, Any]:
    view: View = combined.views[index]
    clearness = combined.clocks.clearness[index]
    return {
        "name": view.name,
        "matrix": view.matrix.tolist(),
        "distortion": view.distortion.tolist(),
        "rotation": view.rotation.tolist(),
        "translation_m": view.translation.tolist(),
        "offset_s": float(combined.clocks.offset_s[index]),
        "offset_clearness": float(clearness) if np.isfinite(clearness) else None,
        "shift_px": combined.shift_px[index].tolist(),
        "reprojection_px": float(combined.agreement.off_px[index]),
        "off_others_share_of_trunk": float(combined.agreement.off_alone[index]),
    }
