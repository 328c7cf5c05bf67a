# SPDX-License-Identifier: GPL-3.0-or-later
"""Frames of a video file: upright, with the time the file gives to each, decoded ahead of use."""

import contextlib
import hashlib
import queue
import threading
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import av
import numpy as np
from numpy.typing import NDArray

from .errors import VideoError

DECODE_AHEAD: Final = 6
"""Frames kept ready: enough that the network never waits on one slow frame."""

MISSING_SHARE: Final = 0.05
"""A file that ends earlier than it says by more than this share is broken off."""

NO_FOOTAGE: Final = ("tty", "hls", "dash", "concat")
"""Formats of FFmpeg that draw text as pictures, or open other files than the one named."""


@dataclass(frozen=True)
class VideoInfo:
    """What a file says of its first video stream.

    Attributes:
        path: The file.
        sha256: Hash of the file, hexadecimal.
        size_bytes: Size of the file.
        width: Width of the upright frame, pixels.
        height: Height of the upright frame, pixels.
        rotation_deg: Turn that makes a stored frame upright, counter-clockwise: 0, 90, 180, 270.
        rate_hz: Nominal frame rate.
        frame_count: Number of frames the file announces, else what its length and rate make, or
            None.
    """

    path: Path
    sha256: str
    size_bytes: int
    width: int
    height: int
    rotation_deg: int
    rate_hz: float
    frame_count: int | None


@dataclass(frozen=True)
class Frame:
    """One frame.

    Attributes:
        index: 0-based position in the file.
        time_s: Time from the first frame by the stream's timestamps, seconds.
        rgb: (H, W, 3) upright picture.
    """

    index: int
    time_s: float
    rgb: NDArray[np.uint8]


def probe(path: Path) -> VideoInfo:
    """Read what a video file says of itself, and decode its first frame to be sure of it.

    Args:
        path: The file.

    Returns:
        Its description.

    Raises:
        VideoError: The file is missing, empty, not a video, has no video stream or no frame.
    """
    with _opened(path) as (container, stream):
        with _decoding_errors(path):
            first = next(container.decode(stream), None)
        if first is None:
            raise VideoError(f"{path} holds a video stream without a single frame")
        rotation = first.rotation % 360
        upright = (first.width, first.height)
        width, height = upright if rotation % 180 == 0 else upright[::-1]
        rate = float(stream.average_rate or stream.guessed_rate or 0.0) or 25.0
        count = stream.frames or None
        if count is None and container.duration:
            count = round(container.duration / av.time_base * rate)
    with path.open("rb") as file:
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    return VideoInfo(path, sha256, path.stat().st_size, width, height, rotation, rate, count)


def frames(info: VideoInfo, start: int = 0) -> Generator[Frame, None, None]:
    """Decode a video in a thread of its own, a few frames ahead of the caller.

    Args:
        info: The file, from `probe`.
        start: Index of the first frame wanted; those before it are decoded and dropped.

    Yields:
        Frames in order of display.

    Raises:
        VideoError: Decoding fails, or the file breaks off before its announced end.
    """
    ready: queue.Queue[Frame | BaseException | None] = queue.Queue(DECODE_AHEAD)
    stop = threading.Event()

    def put(item: Frame | BaseException | None) -> None:
        while not stop.is_set():
            with contextlib.suppress(queue.Full):
                return ready.put(item, timeout=0.1)

    def work() -> None:
        try:
            for frame in _decode(info, start):
                put(frame)
                if stop.is_set():
                    return
        except BaseException as error:  # carried to the caller's thread
            put(error)
        else:
            put(None)

    thread = threading.Thread(target=work, name="decode", daemon=True)
    thread.start()
    try:
        while (item := ready.get()) is not None:
            if isinstance(item, BaseException):
                raise item
            yield item
    finally:
        stop.set()
        thread.join()


def _decode(info: VideoInfo, start: int) -> Iterator[Frame]:
    with _opened(info.path) as (container, stream):
        stream.thread_type = "AUTO"
        index, first, last = -1, None, None
        with _decoding_errors(info.path):
            for index, picture in enumerate(container.decode(stream)):
                time = picture.time
                if first is None:
                    first = time or 0.0
                elapsed = (time if time is not None else -np.inf) - first
                if last is not None and elapsed <= last:
                    elapsed = last + 1.0 / info.rate_hz  # no timestamp, or one that goes back
                last = max(elapsed, 0.0)
                if index >= start:
                    yield Frame(index, last, upright(picture, info.rotation_deg))
        end_s = (first or 0.0) + (last or 0.0) + 1.0 / info.rate_hz
        if _ends_early(container, stream, index + 1, end_s):
            raise VideoError(
                f"{info.path} breaks off after {index + 1} of {info.frame_count} frames: copy it "
                "again from its source, or cut it to the part that plays"
            )


def _ends_early(
    container: av.container.InputContainer, stream: av.VideoStream, found: int, end_s: float
) -> bool:
    if stream.frames:
        return found < stream.frames * (1.0 - MISSING_SHARE) - 1
    # Only the length of the whole is known: the rate may vary, and sound may outlast the pictures.
    announced = 0.0 if len(container.streams) > 1 else (container.duration or 0) / av.time_base
    return end_s < announced * (1.0 - MISSING_SHARE)


def upright(picture: av.VideoFrame, rotation_deg: int) -> NDArray[np.uint8]:
    """Turn a decoded picture upright.

    Args:
        picture: As decoded.
        rotation_deg: Counter-clockwise turn to apply, a multiple of 90 degrees.

    Returns:
        (H, W, 3) RGB.
    """
    rgb = np.asarray(picture.to_ndarray(format="rgb24"), np.uint8)
    if rotation_deg:
        rgb = np.ascontiguousarray(np.rot90(rgb, rotation_deg // 90))
    return rgb


@contextlib.contextmanager
def _opened(
    path: Path,
) -> Generator[tuple[av.container.InputContainer, av.VideoStream], None, None]:
    if not path.is_file():
        raise VideoError(f"No such video file: {path}")
    if path.stat().st_size == 0:
        raise VideoError(f"{path} is empty (0 bytes)")
    try:
        container = av.open(str(path.resolve()), mode="r")  # a colon would name a protocol
    except (av.FFmpegError, OSError) as error:
        raise VideoError(
            f"{path} is not a video that can be opened: {error.strerror or error}. "
            "Was it copied whole?"
        ) from error
    with container:
        if container.format.name in NO_FOOTAGE:
            raise VideoError(f"{path} is not a video but {container.format.long_name}")
        pictures = av.stream.Disposition.attached_pic  # the cover of a sound file
        footage = [one for one in container.streams.video if not one.disposition & pictures]
        if not footage:
            raise VideoError(f"{path} has no video stream (sound only, or not a video)")
        yield container, footage[0]


@contextlib.contextmanager
def _decoding_errors(path: Path) -> Generator[None, None, None]:
    try:
        yield
    except av.FFmpegError as error:
        raise VideoError(
            f"{path} is damaged and cannot be decoded ({error.strerror or error}): copy it again "
            "from its source, or convert it"
        ) from error
