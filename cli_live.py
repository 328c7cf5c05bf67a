# SPDX-License-Identifier: GPL-3.0-or-later
"""`track-spine track --camera`: a live camera in place of a clip."""

import argparse
import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path

from .inference.live import LiveFootage, camera_pictures
from .inference.protocol import ProtocolError
from .inference.source import Footage

RECORDING = "camera.mkv"


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
        if arguments.clip is None or arguments.seconds is not None:
            raise ProtocolError("Name a clip, or a camera with --camera; --seconds is for cameras")
        return Path(arguments.clip)
    if arguments.clip or arguments.trim or arguments.fps:
        raise ProtocolError("A camera goes with neither a clip, nor --trim, nor --fps")
    if arguments.seconds is not None and not 0.0 < arguments.seconds <= 86_400.0:
        raise ProtocolError(f"--seconds is {arguments.seconds:g}; it must lie in 0..86400")
    recording = Path(arguments.out, RECORDING)
    if recording.exists():
        raise ProtocolError(f"{recording} is there already: name another folder with --out")
    return recording


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
