# SPDX-License-Identifier: GPL-3.0-or-later
"""The 2D network's errors on renders, whole bodies at a time, to be put on simulated detections.

An error belongs to a pose and a view: depths are guessed wrong for who bends towards the camera, a
hidden elbow goes where elbows usually are. So the network is run on renders, and what it got wrong
about each is kept beside the true pose; a simulated body takes over the errors of one much like it.
"""

import os
from collections.abc import Callable
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ..inference.bend import complete
from ..inference.camera import ray_rotation
from ..inference.keypoints import INDEX
from ..inference.pose2d import MIN_PRESENCE
from ..inference.temporal_lifter import normalised
from .anatomy import Floats
from .errors import TrainingError
from .judge_look import Looker, crop_about
from .lift_bank import SUBJECTS_ASIDE
from .shards import picture_of, read_shard
from .splits import TEST, bodies_aside, split_of

HIPS: Final = [INDEX["left_hip"], INDEX["right_hip"]]
SHOULDERS: Final = [INDEX["left_shoulder"], INDEX["right_shoulder"]]


@dataclass(frozen=True)
class Errors:
    """Bodies that the network saw; stature temporal_lifter.STATURE_M, axes of the crop's ray.

    Attributes:
        truth: (N, 37, 3) metres from the middle of the hips.
        relative: (N, 37, 3) what the product's chunks would hold, at the same stature.
        flat: (N, 37, 2) how far the pixels are off, metres at the hips' depth.
        score: (N, 37).
    """

    truth: Floats
    relative: Floats
    flat: Floats
    score: Floats


def measure_errors(shards: list[Path], out: Path, say: Callable[[str], None]) -> None:
    """Run the product's network on renders and keep its errors, a file a shard; resumes.

    Args:
        shards: Made by `track-spine-train render`. Bodies, subjects and pictures that are aside for
            a test are left out.
        out: Folder to write.
        say: Receives a line of progress.

    Raises:
        TrainingError: If a shard is missing or damaged.
    """
    looker = Looker()
    out.mkdir(parents=True, exist_ok=True)
    for shard in shards:
        path = out / shard.name.replace("shard", "errors")
        if path.exists():
            continue
        arrays = read_shard(shard)
        looks = (_look(looker, arrays, row) for row in _usable(arrays))
        found = [one for one in looks if one is not None]
        names = [field.name for field in fields(Errors)]
        stacked = {
            name: np.stack([one[at] for one in found]).astype(np.float32)
            for at, name in enumerate(names)
        }
        partial = path.with_name(f".{path.stem}.{os.getpid()}.part.npz")
        np.savez(partial, **stacked)
        partial.replace(path)
        say(f"{path.name}: {len(found)} bodies")


def read_errors(folder: Path) -> Errors:
    """Read what `measure_errors` wrote.

    Raises:
        TrainingError: If there is nothing, or a file is damaged; the message names it.
    """
    parts = []
    for path in sorted(folder.glob("errors-*.npz")):
        try:
            with np.load(path, allow_pickle=False) as file:
                parts.append({one.name: file[one.name].astype(float) for one in fields(Errors)})
        except Exception as error:
            raise TrainingError(f"{path} is damaged ({error}): delete it, measure again") from error
    if not parts:
        raise TrainingError(f"{folder} holds no errors: run track-spine-train lift-errors")
    return Errors(**{name: np.concatenate([part[name] for part in parts]) for name in parts[0]})


def _usable(arrays: dict[str, NDArray[Any]]) -> list[int]:
    aside = bodies_aside(arrays["body_id"]) | (split_of(arrays) == TEST)
    people = zip(arrays["source"].tolist(), arrays["subject"].tolist(), strict=True)
    aside |= np.array([one in SUBJECTS_ASIDE for one in people])
    return [int(row) for row in np.flatnonzero(~aside)]


def _look(looker: Looker, arrays: dict[str, NDArray[Any]], row: int) -> tuple[Floats, ...] | None:
    frame = picture_of(arrays, row)
    xy = arrays["xy_px"][row].astype(float)
    hip, shoulders = xy[HIPS].mean(axis=0), xy[SHOULDERS].mean(axis=0)
    body = looker.see_again(frame, crop_about(xy, hip, shoulders)).body
    if body.presence < MIN_PRESENCE:
        return None
    points = complete(body)
    focal, centre = float(arrays["focal_px"][row]), arrays["centre_px"][row].astype(float)
    turn = ray_rotation((body.crop.centre_px - centre) / focal)
    seen = arrays["xyz_m"][row].astype(float)
    root = seen[HIPS].mean(axis=0)
    truth = (seen - root) @ turn
    scale = float(normalised(truth[None], np.ones((1, len(xy))))[1])
    off_m = (points.xy_px - xy) / focal * float(np.linalg.norm(root))
    own = normalised(points.relative_m[None], points.score[None])[0][0]
    return truth * scale, own, off_m * scale, points.score
