# SPDX-License-Identifier: GPL-3.0-or-later
"""Pictures of a movie file in order of display, with the times of its stream; damage is passed."""

import contextlib
import heapq
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Final

import av

from .errors import VideoError
from .stored import Stored

MISSING_SHARE: Final = 0.05
"""A file that ends earlier than it says by more than this share is broken off."""

NEW_CLOCK_S: Final = 1.0
"""A timestamp that goes back by more than this belongs to a clock that began anew."""

FALLBACK_RATE_HZ: Final = 25.0
"""Where a file tells no frame rate: FFmpeg's own choice for streams without one."""

DEMUX_TRIES: Final = 16
"""Places in a row that the file's structure cannot be read at, before it counts as ended."""

NO_FOOTAGE: Final = ("tty", "hls", "dash", "concat")
"""Formats of FFmpeg that draw text as pictures, or open other files than the one named."""


@contextlib.contextmanager
def opened(
    path: Path,
) -> Generator[tuple[av.container.InputContainer, av.VideoStream], None, None]:
    """Open a movie file at its footage.

    Args:
        path: The file.

    Yields:
        The container, and the first video stream that is no cover picture.

    Raises:
        VideoError: The file is missing, empty, not a video, or has no video stream; or, from within
            the context, FFmpeg gives up on it.
    """
    if not path.is_file():
        raise VideoError(f"No such video file: {path}")
    if path.stat().st_size == 0:
        raise VideoError(f"{path} is empty (0 bytes)")
    try:
        # A colon would name a protocol: hence the absolute path. Titles may be in any encoding.
        container = av.open(str(path.resolve()), mode="r", metadata_errors="replace")
    except (av.FFmpegError, OSError) as error:
        raise VideoError(
            f"{path} is not a video that can be opened: {error.strerror or error}. "
            "Was it copied whole?"
        ) from error
    with container, _told_as_video_errors(path):
        if container.format.name in NO_FOOTAGE:
            raise VideoError(f"{path} is not a video but {container.format.long_name}")
        cover = av.stream.Disposition.attached_pic
        footage = [one for one in container.streams.video if not one.disposition & cover]
        if not footage:
            raise VideoError(f"{path} has no video stream (sound only, or not a video)")
        # None where this FFmpeg has no decoder, whatever the type hints say.
        if getattr(footage[0], "codec_context", None) is None:
            raise VideoError(
                f"{path} is coded in a way that cannot be decoded here: convert it, for example "
                "to H.264"
            )
        yield container, footage[0]


def rate_hz(stream: av.VideoStream) -> float:
    """Nominal frame rate.

    Args:
        stream: An open stream.

    Returns:
        Frames a second.
    """
    return float(stream.average_rate or stream.guessed_rate or FALLBACK_RATE_HZ)


def frame_count(container: av.container.InputContainer, stream: av.VideoStream) -> int | None:
    """Number of pictures a file announces.

    Args:
        container: The open file.
        stream: Its footage.

    Returns:
        The number without those that an edit list cuts away, else what length and rate make, or
        None.
    """
    if announced := _announced(container, stream):
        return announced - sum(entry.is_discard for entry in stream.index_entries)
    if container.duration:
        return round(container.duration / av.time_base * rate_hz(stream))
    return None


def pictures(
    path: Path,
    container: av.container.InputContainer,
    stream: av.VideoStream,
    place: int = 0,
    origin_s: float | None = None,
) -> Iterator[Stored]:
    """Decode a movie from where it stands: its beginning, or what was sought in it.

    Args:
        path: The file, for messages.
        container: The open file.
        stream: Its footage.
        place: 0-based position in the file of the first picture to come.
        origin_s: Timestamp of the first picture of the file, seconds; None if that is to come.

    Yields:
        Pictures in order of display, at strictly increasing times; lost ones, after the first that
        can be decoded, at the times their packets tell.

    Raises:
        VideoError: The file breaks off before its announced end.
    """
    order = _Order()
    clock = _Clock(1.0 / rate_hz(stream), origin_s)
    found = place
    for packet in _packets(container, stream):
        if packet.size:
            found += 1
            if packet.pts is not None and not packet.is_discard:
                order.expect(packet.pts)
        decoded: list[av.VideoFrame] = []
        try:
            decoded = packet.decode()
        except av.FFmpegError:  # not only InvalidDataError: decoders answer damage in many ways
            order.damaged = True
        for picture in decoded:
            for lost in order.lost_before(picture.pts):
                yield Stored(clock.elapsed(float(lost * packet.time_base)), None, False)
            yield Stored(clock.elapsed(picture.time), picture, not picture.is_corrupt)
    for lost in order.lost_before(None):
        yield Stored(clock.elapsed(float(lost * (stream.time_base or 0))), None, False)
    if _ends_early(container, stream, found, clock.end_s):
        raise VideoError(
            f"{path} breaks off after {found} of {frame_count(container, stream)} frames: copy it "
            "again from its source, or cut it to the part that plays"
        )


class _Order:
    """Which packets' pictures are still to come out of the decoder."""

    def __init__(self) -> None:
        self.damaged = False
        self._hides = False
        self._begun = False
        self._awaited: list[int] = []

    def expect(self, pts: int) -> None:
        heapq.heappush(self._awaited, pts)

    def lost_before(self, pts: int | None) -> list[int]:
        """Timestamps that a picture (or the end, None) has overtaken for good."""
        overtaken = []
        while self._awaited and (pts is None or self._awaited[0] < pts):
            overtaken.append(heapq.heappop(self._awaited))
        if self._awaited and self._awaited[0] == pts:
            heapq.heappop(self._awaited)
        # A decoder that leaves out pictures without complaint means to: VP8 has hidden ones.
        self._hides |= self._begun and bool(overtaken) and not self.damaged
        lost = self._begun and self.damaged and not self._hides
        self._begun = True
        return overtaken if lost else []


class _Clock:
    """Timestamps made into times that start at 0 and increase."""

    def __init__(self, step_s: float, origin_s: float | None) -> None:
        self._step_s = step_s
        self._origin_s = origin_s
        self._last_s = None if origin_s is None else 0.0

    @property
    def end_s(self) -> float:
        """Where the stream says that its last picture ends."""
        return (self._origin_s or 0.0) + (self._last_s or 0.0) + self._step_s

    def elapsed(self, stamp_s: float | None) -> float:
        if self._last_s is None or self._origin_s is None:
            self._origin_s, self._last_s = stamp_s or 0.0, 0.0
            return 0.0
        following = self._last_s + self._step_s
        elapsed = following if stamp_s is None else stamp_s - self._origin_s
        if stamp_s is not None and elapsed < self._last_s - NEW_CLOCK_S:
            self._origin_s = stamp_s - following
        self._last_s = elapsed if elapsed > self._last_s else following
        return self._last_s


def _packets(
    container: av.container.InputContainer, stream: av.VideoStream
) -> Iterator["av.Packet[av.VideoStream]"]:
    failures = 0
    while failures < DEMUX_TRIES:
        try:
            for packet in container.demux(stream):
                failures = 0
                yield packet
            return
        except av.InvalidDataError:
            failures += 1


def _ends_early(
    container: av.container.InputContainer, stream: av.VideoStream, found: int, end_s: float
) -> bool:
    if announced := _announced(container, stream):
        return found < announced * (1.0 - MISSING_SHARE) - 1
    # Only the length of the whole is known: the rate may vary, and sound may outlast the pictures.
    length_s = 0.0 if len(container.streams) > 1 else (container.duration or 0) / av.time_base
    return end_s < length_s * (1.0 - MISSING_SHARE)


def _announced(container: av.container.InputContainer, stream: av.VideoStream) -> int:
    """Packets that the file says it holds, 0 where it does not say."""
    edited = container.format.name.startswith("mov")  # the index is what edit lists leave
    return len(stream.index_entries) if edited and stream.frames else stream.frames


@contextlib.contextmanager
def _told_as_video_errors(path: Path) -> Generator[None, None, None]:
    try:
        yield
    except av.FFmpegError as error:
        raise VideoError(
            f"{path} is damaged and cannot be decoded ({error.strerror or error}): copy it again "
            "from its source, or convert it"
        ) from error
