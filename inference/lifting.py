# SPDX-License-Identifier: GPL-3.0-or-later
"""From the tracked frames of a take to its file of 3D points."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from .camera import Camera
from .doubts import doubted
from .errors import NobodyFoundError
from .focal import Body, find_camera
from .lens import known_lens, lens_camera, straightened
from .lift import Lifted, lift
from .lifted_points import lifted_arrays
from .lifter import Lifter
from .models import LIFTER
from .passing import passing_note, without_passing
from .protocol import TrackRequest
from .session import Session
from .swaps import unswapped
from .take import Arrays, Take
from .temporal_lifter import TemporalLifter
from .video import VideoInfo, damage_note


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
        damaged frames and of who was left out, empty where there is nothing.

    Raises:
        NobodyFoundError: No frame shows a person.
        TakeError: The take cannot be written, or a chunk is damaged.
        ModelError: The lifter's file is missing or not the pinned one.
        CalibrationError: The lens cannot be read, or is of other footage.
    """
    raw, left_out = take.read_chunks()[0], 0
    if request.people == "all" and request.model is None:
        raw, left_out = without_passing(raw)
    raw = doubted(unswapped(raw), (info.width, info.height))
    each = np.isfinite(raw["xy_px"]).all(axis=(2, 3))
    seen = each.any(axis=1)
    if not seen.any():
        raise _nobody(info, request, len(seen))
    lifter = lifter or TemporalLifter(Session(LIFTER, threads=1))
    raw, camera = _through_lens(info, request, raw, lifter)
    lifted = lift(
        raw["xy_px"],
        raw["raw_score"],
        raw["relative_m"],
        raw["ray_px"],
        raw["time_s"],
        camera,
        request.subject_height_m,
        lifter,
    )
    points = raw | {"xyz_m": lifted.xyz_m, "sigma_m": lifted.sigma_m}
    path = take.write_lifted(lifted_arrays(points, camera, lifted.world_from_camera))
    found = _found(raw, each, camera, lifted) | {"subject_height_m": request.subject_height_m}
    take.write_json(take.read_json() | found)
    notes = damage_note(raw["frame"][~raw["whole"]].tolist()), passing_note(left_out)
    return path, seen, " ".join(filter(None, notes))


def _found(
    raw: Arrays, each: NDArray[np.bool_], camera: Camera, lifted: Lifted
) -> dict[str, object]:
    """What a lifted take tells of itself; `each` (T, P) are the frames that each person is in."""
    times = raw["time_s"]
    return {
        "state": "lifted",
        "timestamps": {
            "first_s": float(times[0]),
            "last_s": float(times[-1]),
            "count": len(times),
        },
        "camera": {
            "focal_px": camera.focal_px,
            "focal_source": camera.focal_source,
            "focal_spread": camera.focal_spread,
            "world_from_camera": lifted.world_from_camera.tolist(),
            "up_source": lifted.up_source,
        },
        "people": [
            {"id": int(person), "frames_seen": int(count)}
            for person, count in zip(raw["person"], each.sum(axis=0), strict=True)
        ],
    }


def _through_lens(
    info: VideoInfo, request: TrackRequest, raw: Arrays, lifter: Lifter
) -> tuple[Arrays, Camera]:
    """The points as a camera without distortion sees them, and that camera."""
    lens = known_lens(request, info)
    if lens is not None:
        camera = lens_camera(lens, request, info)
        straight = {name: straightened(raw[name], lens, camera) for name in ("xy_px", "ray_px")}
        return raw | straight, camera
    if request.focal_px is not None:
        camera = Camera(info.width, info.height, request.focal_px, request.focal_source)
        return raw, camera
    each = (np.isfinite(raw["xy_px"]) & np.isfinite(raw["relative_m"][..., :2])).all(axis=(2, 3))
    most = int(each.sum(axis=0).argmax())
    rows = each[:, most]
    names = ("xy_px", "raw_score", "relative_m", "ray_px")
    xy_px, score, relative_m, ray_px = (raw[n][rows, most].astype(np.float64) for n in names)
    body = Body(xy_px, score, relative_m, ray_px, raw["time_s"][rows])
    return raw, find_camera(info, body, lifter)


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
