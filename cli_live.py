# SPDX-License-Identifier: GPL-3.0-or-later
"""`track-spine track --camera`: a live camera in place of a clip."""

import argparse
import contextlib
import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TextIO

from .inference.bend import complete
from .inference.chunks import Row
from .inference.keypoints import NAMES
from .inference.live import LiveFootage, camera_pictures
from .inference.protocol import ProtocolError
from .inference.source import Footage
from .rigging.live import OneEuro

RECORDING = "camera.mkv"


class PointStream:
    """Writes people's points as they come, each filtered without looking ahead."""

    def __init__(self, file: TextIO) -> None:
        """Begin.

        Args:
            file: Where to, a JSON object a line.
        """
        self._file = file
        self._filters: dict[int, OneEuro] = {}

    def __call__(self, row: Row) -> None:
        """Write who is seen in a frame.

        Args:
            row: What was found.
        """
        for person, body in row.bodies.items():
            smooth = self._filters.setdefault(person, OneEuro())
            xyz_m = smooth(row.source_s, complete(body).relative_m)
            points = dict(zip(NAMES, xyz_m.round(4).tolist(), strict=True))
            line = {"time_s": round(row.source_s, 4), "person": person, "xyz_m": points}
            print(json.dumps(line), file=self._file, flush=True)


def add_camera_options(track: argparse.ArgumentParser) -> None:
    """Add the options of a live camera.

    Args:
        track: Parser of `track-spine track`.
    """
    track.add_argument(
        "--camera",
        metavar="NAME",
        help="track a camera instead of a clip: its number from 0, or its name; Ctrl-C ends it",
    )
    track.add_argument(
        "--stream",
        action="store_true",
        help="of a camera: print people's points as they come, smoothed, a JSON object a line",
    )
    track.add_argument(
        "--seconds", type=float, metavar="S", help="record so long (default: until Ctrl-C)"
    )


def footage_path(arguments: argparse.Namespace) -> Path:
    """Find what is tracked: the clip, or the file that the camera's pictures go to.

    Args:
        arguments: Of `track-spine track`.

    Returns:
        The path.

    Raises:
        ProtocolError: Options do not go together, or the recording would overwrite another.
    """
    if arguments.camera is None:
        if arguments.clip is None or arguments.seconds is not None or arguments.stream:
            raise ProtocolError(
                "Name a clip, or a camera with --camera; --seconds and --stream are for cameras"
            )
        return Path(arguments.clip)
    if arguments.clip or arguments.trim or arguments.fps:
        raise ProtocolError("A camera goes with neither a clip, nor --trim, nor --fps")
    if arguments.seconds is not None and not 0.0 < arguments.seconds <= 86_400.0:
        raise ProtocolError(f"--seconds is {arguments.seconds:g}; it must lie in 0..86400")
    recording = Path(arguments.out, RECORDING)
    if recording.exists():
        raise ProtocolError(f"{recording} is there already: name another folder with --out")
    return recording


def shown_live(arguments: argparse.Namespace) -> Callable[[Row], None]:
    """Choose what is done with points as they come.

    Args:
        arguments: Of `track-spine track`.

    Returns:
        What takes each frame's findings.
    """
    return PointStream(sys.stdout) if arguments.stream else lambda _: None


@contextlib.contextmanager
def live_footage(
    name: str, recording: Path, seconds: float | None, stopping: Callable[[], bool]
) -> Iterator[Footage]:
    """Open a camera for one take.

    Args:
        name: Number, name or path of the camera.
        recording: File for its pictures; its folder is made.
        seconds: How long to record; None until it is stopped.
        stopping: Asked whether to stop recording.

    Yields:
        Its footage.

    Raises:
        VideoError: The camera cannot be read.
        ProtocolError: The folder cannot be made.
    """
    try:
        recording.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ProtocolError(f"Folder {recording.parent} cannot be made: {error}") from error
    with camera_pictures(name) as pictures:
        yield LiveFootage(name, pictures, recording, seconds, stopping)
