# SPDX-License-Identifier: GPL-3.0-or-later
"""From the tracked frames of a take to its file of 3D points."""

from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from .camera import Camera
from .errors import NobodyFoundError
from .keypoints import NAMES
from .lift import Lifted, lift
from .lifter import Lifter
from .models import LIFTER
from .protocol import TrackRequest
from .session import Session
from .take import Arrays, Take
from .temporal_lifter import TemporalLifter
from .video import VideoInfo, damage_note

LIFTED_SCHEMA: Final = "track_spine.lifted"
LIFTED_VERSION: Final = 2


def lift_take(
    info: VideoInfo, take: Take, request: TrackRequest, lifter: Lifter | None = None
) -> tuple[Path, NDArray[np.bool_], str]:
    """Lift a take whose frames are all tracked, and enter in it what was found.

    Args:
        info: The footage.
        take: Its take.
        request: What was asked.
        lifter: What makes points in space of points in the image; None for the one that ships.

    Returns:
        File of the 3D points; (T,) which frames show anybody followed; what the user should know of
        damaged frames, empty where there are none.

    Raises:
        NobodyFoundError: No frame shows a person.
        TakeError: The take cannot be written, or a chunk is damaged.
        ModelError: The lifter's file is missing or not the pinned one.
    """
    raw, _ = take.read_chunks()
    each = np.isfinite(raw["xy_px"]).all(axis=(2, 3))
    seen = each.any(axis=1)
    if not seen.any():
        raise _nobody(info, request, len(seen))
    camera = Camera.of(info.width, info.height, request.focal_px)
    lifted = lift(
        raw["xy_px"].astype(np.float64),
        raw["score"].astype(np.float64),
        raw["relative_m"].astype(np.float64),
        raw["ray_px"].astype(np.float64),
        raw["time_s"],
        camera,
        request.subject_height_m,
        lifter or TemporalLifter(Session(LIFTER, threads=1)),
    )
    path = take.write_lifted(_lifted_arrays(raw, lifted, camera))
    ends = {"first_s": float(raw["time_s"][0]), "last_s": float(raw["time_s"][-1])}
    found = {
        "state": "lifted",
        "timestamps": {**ends, "count": len(seen)},
        "camera": {
            "focal_px": camera.focal_px,
            "focal_source": camera.focal_source,
            "world_from_camera": lifted.world_from_camera.tolist(),
            "up_source": lifted.up_source,
        },
        "subject_height_m": request.subject_height_m,
        "people": [
            {"id": int(person), "frames_seen": int(count)}
            for person, count in zip(raw["person"], each.sum(axis=0), strict=True)
        ],
    }
    take.write_json(take.read_json() | found)
    return path, seen, damage_note(raw["frame"][~raw["whole"]].tolist())


def _nobody(info: VideoInfo, request: TrackRequest, frame_count: int) -> NobodyFoundError:
    if request.subject_px:
        return NobodyFoundError(
            f"Nobody passes the subject point {request.subject_px} in the {frame_count} frames "
            f"of {info.path}: choose another point, or leave it out"
        )
    return NobodyFoundError(
        f"Nobody was found in the {frame_count} frames of {info.path}: the person must be seen "
        "from head to hips at least, and take up a quarter of the frame's height"
    )


def _lifted_arrays(raw: Arrays, lifted: Lifted, camera: Camera) -> Arrays:
    return {
        "schema": np.array(LIFTED_SCHEMA),
        "version": np.array(LIFTED_VERSION),
        "names": np.array(NAMES),
        "frame": raw["frame"],
        "time_s": raw["time_s"],
        "xyz_m": lifted.xyz_m,
        "sigma_m": lifted.sigma_m,
        "xy_px": raw["xy_px"].astype(np.float32),
        "score": raw["score"],
        "person": raw["person"],
        "world_from_camera": lifted.world_from_camera,
        "focal_px": np.array(camera.focal_px),
        "image_size_px": np.array([camera.width, camera.height], np.int64),
    }
