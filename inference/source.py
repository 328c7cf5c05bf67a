# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the frames of a run come from: files here, and whatever else gives frames elsewhere."""

from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from .protocol import ProtocolError, TrackRequest
from .video import Frame, VideoInfo, frames, probe


class Footage(Protocol):
    """Footage that can be tracked."""

    @property
    def info(self) -> VideoInfo:
        """What is known of it before the first frame."""

    def frames(self, start: int) -> Generator[Frame, None, None]:
        """Give the frames in order of display.

        Args:
            start: Index of the first frame wanted: those before it are in the take.

        Yields:
            Frames.
        """


@dataclass(frozen=True)
class FileFootage:
    """Footage in a movie file or an image sequence.

    Attributes:
        info: What the file says, from `probe`.
    """

    info: VideoInfo

    def frames(self, start: int) -> Generator[Frame, None, None]:
        """Decode frames, see `Footage.frames`."""
        return frames(self.info, start)


def open_footage(request: TrackRequest) -> FileFootage:
    """Open the part of a file that a request means.

    Args:
        request: What to track.

    Returns:
        The footage.

    Raises:
        VideoError: The footage cannot be read.
        ProtocolError: A frame rate is given for a movie.
    """
    info = probe(Path(request.video), request.rate_hz, request.part())
    if request.rate_hz is not None and not info.images:
        raise ProtocolError(
            f"{info.path} is a movie and has times of its own: leave out the frame rate "
            f"({request.rate_hz:g} Hz), which is for image sequences"
        )
    return FileFootage(info)
