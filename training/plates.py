# SPDX-License-Identifier: GPL-3.0-or-later
"""Places in front of which clips were filmed, with the people masked out."""

import tempfile
import zipfile
from pathlib import Path
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from ..inference import video
from ..inference.errors import InferenceError
from ..inference.pose2d import Body
from .base import FrozenBase
from .crowd import Crowd
from .errors import TrainingError

Picture = NDArray[np.uint8]

PLATES: Final = (
    ("clips_permissive.zip", "intel_samples/one-by-one-person-detection.mp4"),
    ("clips_permissive.zip", "tfjs_pose/pose-detection/test_data/pose_squats.mp4"),
    ("clips_permissive.zip", "tfjs_pose/pose-detection/test_data/pose_1.mp4"),
)
"""Archive and clip; the camera stands still in all of them."""

LOOKS: Final = 24
"""Frames of a clip that are looked at, evenly over it."""

LONGEST_PX: Final = 720
"""Longer side of a plate; people are rendered into 288 px of it."""

MARGIN: Final = 0.3
"""What is taken for a person around the hull of the landmarks, in trunk lengths: hair, clothes."""

INPAINT_PX: Final = 5


def plate(base: FrozenBase, archive: Path, member: str) -> Picture:
    """Make the picture of a place from a clip of people in it.

    Each pixel is the median over the frames in which nobody stands before it; what nobody ever
    uncovers is filled in from its rim (Telea 2004).

    Args:
        base: Network that finds the people.
        archive: Zip file with the clip.
        member: Its name there.

    Returns:
        (H, W, 3) RGB.

    Raises:
        TrainingError: If the clip cannot be read.
    """
    with tempfile.TemporaryDirectory() as folder:
        try:
            frames = _looks(unpacked(archive, member, Path(folder)))
        except InferenceError as error:
            raise TrainingError(f"cannot read {member} of {archive}: {error}") from error
    seen, covered = [], []
    for frame in frames:
        bodies = [body for _, body in Crowd(base).step(frame, 0.0)]
        seen.append(_small(frame))
        covered.append(_small(_people(bodies, frame.shape[:2])) > 0)
    return clear(np.stack(seen), np.stack(covered))


def clear(seen: Picture, covered: NDArray[np.bool_]) -> Picture:
    """Put a picture together from what is uncovered in each frame.

    Args:
        seen: (N, H, W, 3) frames of a camera that stands still.
        covered: (N, H, W) where somebody is.

    Returns:
        (H, W, 3) picture without them.
    """
    values = np.where(covered[..., None], np.float32(np.nan), seen)
    never = covered.all(axis=0)
    values[:, never] = 0.0
    picture = np.nanmedian(values, axis=0).astype(np.uint8)
    hole = never.astype(np.uint8)
    return np.asarray(cv2.inpaint(picture, hole, INPAINT_PX, cv2.INPAINT_TELEA), np.uint8)


def unpacked(archive: Path, member: str, folder: Path) -> Path:
    """Take a clip out of its archive.

    Args:
        archive: Zip file.
        member: The clip's name there.
        folder: Where to put it.

    Returns:
        The clip.

    Raises:
        TrainingError: If it cannot be read.
    """
    clip = folder / Path(member).name
    try:
        with zipfile.ZipFile(archive) as file:
            clip.write_bytes(file.read(member))
    except (OSError, KeyError, zipfile.BadZipFile) as error:
        raise TrainingError(f"cannot read {member} of {archive}: {error}") from error
    return clip


def _looks(clip: Path) -> list[Picture]:
    info = video.probe(clip)
    step = max((info.frame_count or LOOKS) // LOOKS, 1)
    return [frame.rgb for frame in video.frames(info) if frame.index % step == step // 2]


def _people(bodies: list[Body], shape: tuple[int, ...]) -> Picture:
    mask = np.zeros(shape, np.uint8)
    for body in bodies:
        hull = np.asarray(cv2.convexHull(body.xy_px.astype(np.int32)), np.int32)
        rim_px = 2 * int(MARGIN * body.trunk_px()) + 1
        cv2.fillConvexPoly(mask, hull, (255,))
        cv2.polylines(mask, [hull], isClosed=True, color=(255,), thickness=rim_px)
    return mask


def _small(picture: Picture) -> Picture:
    height, width = picture.shape[:2]
    share = min(LONGEST_PX / max(height, width), 1.0)
    size = (round(width * share), round(height * share))
    return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.uint8)
