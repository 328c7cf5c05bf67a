# SPDX-License-Identifier: GPL-3.0-or-later
"""Calibrated cameras that film one scene, in Caliscope's layout: upright frames of each moment.

Source: caliscope, camera_array.toml (OpenCV's camera model, world to camera, metres) and
timestamps.csv (sync_index, cam_id, frame_time; the n-th row of a camera is its n-th frame).
"""

import csv
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from ..inference import video
from ..inference.views.view import PIXEL_MIDDLE, View
from .errors import TrainingError

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Pinhole:
    """A camera without distortion: x = matrix (rotation X + translation).

    Attributes:
        matrix: (3, 3) intrinsic matrix, pixels.
        rotation: (3, 3) world to camera axes (x right, y down, z forward).
        translation: (3,) metres.
    """

    matrix: Floats
    rotation: Floats
    translation: Floats

    def project(self, points: Floats) -> Floats:
        """Give pixels (..., 2) of (..., 3) world points."""
        seen = (points @ self.rotation.T + self.translation) @ self.matrix.T
        return np.asarray(seen[..., :2] / seen[..., 2:])

    def eye(self) -> Floats:
        """(3,) place of the camera, world, metres."""
        return np.asarray(-self.rotation.T @ self.translation)

    def ray(self) -> Floats:
        """(3, 3) from (x, y, 1) in pixels to a direction in the world."""
        return np.asarray(self.rotation.T @ np.linalg.inv(self.matrix))

    def view(self) -> View:
        """The same camera for `inference.views`."""
        matrix = self.matrix.copy()
        matrix[:2, 2] -= PIXEL_MIDDLE
        size = 2.0 * self.matrix[:2, 2]
        return View("pinhole", size, matrix, np.zeros(5), self.rotation, self.translation)

    def turned(self, width: float) -> "Pinhole":
        """The camera of the picture turned by 90 degrees counter-clockwise, as numpy.rot90 does.

        Args:
            width: Width of the picture before, pixels.

        Returns:
            The camera whose (x, y) are the (y, width - x) of this one.
        """
        swap = np.array([[0.0, 1.0, 0.0], [-1.0, 0.0, 0.0], [0.0, 0.0, 1.0]])
        shift = np.array([[1.0, 0.0, 0.0], [0.0, 1.0, width], [0.0, 0.0, 1.0]])
        return Pinhole(
            shift @ swap @ self.matrix @ swap.T, swap @ self.rotation, swap @ self.translation
        )


@dataclass(frozen=True)
class Filming:
    """A camera as it was calibrated.

    Attributes:
        name: As in cam_NAME.mp4.
        raw: Its intrinsic matrix and pose, pixels counted from the middle of the first.
        distortion: (5,) OpenCV's coefficients.
        turns: Turns by 90 degrees counter-clockwise that make its frames upright.
    """

    name: str
    raw: Pinhole
    distortion: Floats
    turns: int

    def upright(self, frame: NDArray[np.uint8]) -> tuple[NDArray[np.uint8], Pinhole]:
        """Take distortion and turn out of a frame.

        Args:
            frame: (H, W, 3) as filmed.

        Returns:
            The upright picture and its camera, which counts from the corner of the first pixel.
        """
        straight = np.asarray(cv2.undistort(frame, self.raw.matrix, self.distortion), np.uint8)
        half = np.array([[1.0, 0.0, PIXEL_MIDDLE], [0.0, 1.0, PIXEL_MIDDLE], [0.0, 0.0, 1.0]])
        camera = Pinhole(half @ self.raw.matrix, self.raw.rotation, self.raw.translation)
        for _ in range(self.turns):
            camera = camera.turned(straight.shape[1])
            straight = np.rot90(straight)
        return np.ascontiguousarray(straight), camera


def read_cameras(path: Path) -> list[Filming]:
    """Read a calibration.

    Args:
        path: Caliscope's camera_array.toml.

    Returns:
        Its cameras; ignored ones are left out.

    Raises:
        TrainingError: If it cannot be read or is not of that layout.
    """
    try:
        content = tomllib.loads(path.read_text())
        used = [one for one in content["cameras"].values() if not one.get("ignore")]
        return [_camera(one) for one in used]
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise TrainingError(
            f"{path} is not a calibration that can be read ({type(error).__name__} {error}): "
            "Caliscope's camera_array.toml is expected"
        ) from error


def moments(
    folder: Path, cameras: list[Filming]
) -> Iterator[tuple[str, float, dict[str, NDArray[np.uint8]]]]:
    """Go through a recording, frames of the same moment together.

    Args:
        folder: Folder of cam_NAME.mp4 and timestamps.csv.
        cameras: The cameras.

    Yields:
        Name of the moment, its time in seconds, and the frame of each camera that has one.

    Raises:
        TrainingError: If there are no timestamps.
        VideoError: If a video cannot be read.
    """
    stamps = _timestamps(folder / "timestamps.csv")
    sources = {
        camera.name: video.frames(video.probe(folder / f"cam_{camera.name}.mp4"))
        for camera in cameras
    }
    first = min(min(rows.values()) for rows in stamps.values())
    try:
        for sync in sorted({sync for rows in stamps.values() for sync in rows}):
            own = [name for name in sources if sync in stamps.get(name, {})]
            frames = {name: next(sources[name], None) for name in own}
            found = {name: frame.rgb for name, frame in frames.items() if frame is not None}
            if found:
                time_s = min(stamps[name][sync] for name in found) - first
                yield f"{folder.name}-{sync}", time_s, found
    finally:
        for source in sources.values():
            source.close()


def _timestamps(path: Path) -> dict[str, dict[int, float]]:
    """Time of each moment by camera and number."""
    result: dict[str, dict[int, float]] = {}
    try:
        with path.open(newline="") as file:
            for row in csv.DictReader(file):
                own = result.setdefault(row["cam_id"], {})
                own[int(row["sync_index"])] = float(row["frame_time"])
    except (OSError, ValueError, KeyError) as error:
        raise TrainingError(
            f"{path} cannot be read ({type(error).__name__} {error}): sync_index, cam_id and "
            "frame_time are expected"
        ) from error
    if not result:
        raise TrainingError(f"{path} names no frame")
    return result


def _camera(values: Mapping[str, Any]) -> Filming:
    pose = Pinhole(
        np.array(values["matrix"], float).reshape(3, 3),
        np.array(values["rotation"], float).reshape(3, 3),
        np.array(values["translation"], float).reshape(3),
    )
    turns = -int(values.get("rotation_count", 0)) % 4
    return Filming(str(values["cam_id"]), pose, np.array(values["distortions"], float), turns)
