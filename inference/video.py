# SPDX-License-Identifier: GPL-3.0-or-later
"""Frames of footage: upright, with the time the file gives to each, decoded ahead of use."""

import contextlib
import hashlib
import queue
import threading
from collections.abc import Generator, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import av
import numpy as np
from numpy.typing import NDArray

from . import movie, sequence
from .deinterlace import deinterlaced
from .errors import VideoError
from .key_frames import begin_before
from .picture import orientation, upright
from .stored import Stored
from .trim import Trim

DECODE_AHEAD: Final = 6
"""Frames kept ready: enough that the network never waits on one slow frame."""

AHEAD_BYTES: Final = 256 << 20
"""Room for them: two frames of 8K, 33 million pixels each."""

ALL: Final = Trim()

SAME_SHAPE: Final = 0.02
"""A picture of another size is the same view scaled if its shape differs by less than this."""


@dataclass(frozen=True)
class VideoInfo:
    """What a movie file says of its first video stream, or an image sequence of its first picture.

    Attributes:
        path: The file, folder or pattern.
        sha256: Hash of the file, or of all pictures, hexadecimal.
        size_bytes: Size of the file, or of all pictures.
        width: Width of the upright frame, pixels; a frame has square pixels.
        height: Height of the upright frame, pixels.
        rotation_deg: Turn that makes a stored frame upright, counter-clockwise: 0, 90, 180, 270.
        rate_hz: Nominal frame rate.
        frame_count: Number of frames wanted as far as the file announces them, else what its length
            and rate make, or None.
        pixel_aspect: Width of a stored pixel over its height.
        mirrored: Whether stored frames are to be mirrored left to right, before the turn.
        trim: The part that is wanted.
        images: Files of an image sequence by place, None where one is missing; empty for a movie.
    """

    path: Path
    sha256: str
    size_bytes: int
    width: int
    height: int
    rotation_deg: int
    rate_hz: float
    frame_count: int | None
    pixel_aspect: float = 1.0
    mirrored: bool = False
    trim: Trim = ALL
    images: tuple[Path | None, ...] = ()


@dataclass(frozen=True)
class Frame:
    """One frame.

    Attributes:
        index: 0-based position in the part that is wanted.
        time_s: Time from the first frame of that part by the stream's timestamps, seconds.
        rgb: (H, W, 3) upright picture.
        whole: False where the file is damaged here: `rgb` repeats the last picture before, or is
            what the decoder could save.
        source_index: 0-based position in the file.
        source_s: Time from the first frame of the file, seconds.
    """

    index: int
    time_s: float
    rgb: NDArray[np.uint8]
    whole: bool
    source_index: int
    source_s: float


def probe(path: Path, rate_hz: float | None = None, trim: Trim = ALL) -> VideoInfo:
    """Read what footage says of itself, and decode its first frame to be sure of it.

    Args:
        path: A movie file; or an image sequence: its folder, first picture or pattern (`####` or
            `%04d` for the number).
        rate_hz: Frame rate of an image sequence; a movie has its own timestamps.
        trim: The part wanted.

    Returns:
        Its description.

    Raises:
        VideoError: The footage is missing, empty, not a video, has no video stream or no frame; or
            it is a sequence without a rate.
    """
    if sequence.is_sequence(path):
        return _probe_sequence(path, rate_hz, trim)
    with movie.opened(path) as (container, stream):
        found = movie.pictures(path, container, stream)
        first = next((one.picture for one in found if one.picture), None)
        if first is None:
            raise VideoError(f"{path} holds a video stream without a single frame")
        rate, count = movie.rate_hz(stream), movie.frame_count(container, stream)
        aspect = float(stream.sample_aspect_ratio or 1)
    with path.open("rb") as file:
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    count = count and trim.count(count, rate)
    return _described(path, sha256, path.stat().st_size, first, rate, count, aspect, trim, ())


def _probe_sequence(path: Path, rate_hz: float | None, trim: Trim) -> VideoInfo:
    images, step = sequence.find(path)
    if rate_hz is None and len(images) > 1:
        raise VideoError(f"{path} is an image sequence of no known speed: give its frame rate")
    if rate_hz is not None and not 0.0 < rate_hz < np.inf:
        raise VideoError(f"A frame rate of {rate_hz} is none: give a positive number")
    rate = (rate_hz or movie.FALLBACK_RATE_HZ) / step
    first = next(filter(None, map(sequence.decoded, filter(None, images))), None)
    if first is None:
        raise VideoError(f"{path} holds no picture that can be decoded")
    count = trim.count(len(images), rate)
    return _described(path, *sequence.digest(images), first, rate, count, 1.0, trim, images)


def _described(
    path: Path,
    sha256: str,
    size_bytes: int,
    first: av.VideoFrame,
    rate_hz: float,
    frame_count: int | None,
    pixel_aspect: float,
    trim: Trim,
    images: tuple[Path | None, ...],
) -> VideoInfo:
    turn, mirrored = orientation(first)
    size = max(round(first.width * pixel_aspect), 1), first.height
    return VideoInfo(
        path,
        sha256,
        size_bytes,
        *(size if turn % 180 == 0 else size[::-1]),
        turn,
        rate_hz,
        frame_count,
        pixel_aspect,
        mirrored,
        trim,
        images,
    )


def frames(info: VideoInfo, start: int = 0) -> Generator[Frame, None, None]:
    """Decode footage in a thread of its own, a few frames ahead of the caller.

    Args:
        info: The footage, from `probe`.
        start: Index of the first frame wanted, in the part of `info.trim`; what lies before it is
            passed over where the file allows (`key_frames.py`), else decoded and dropped.

    Yields:
        Frames in order of display.

    Raises:
        VideoError: Decoding fails, the file breaks off before its announced end, or the trim lies
            beyond it.
    """
    fitting = AHEAD_BYTES // (3 * info.width * info.height)
    ready: queue.Queue[Frame | BaseException | None] = queue.Queue(
        min(max(fitting, 1), DECODE_AHEAD)
    )
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


def damage_note(damaged: Sequence[int]) -> str:
    """Tell of damaged frames in one sentence.

    Args:
        damaged: Positions in the file of the frames that are not whole, in order.

    Returns:
        The sentence, empty where there is none.
    """
    runs: list[list[int]] = []
    for index in damaged:
        if runs and index == runs[-1][-1] + 1:
            runs[-1].append(index)
        else:
            runs.append([index])
    places = [f"{run[0]}-{run[-1]}" if len(run) > 1 else str(run[0]) for run in runs[:8]]
    if not places:
        return ""
    more = f" and {len(runs) - 8} more places" if len(runs) > 8 else ""
    count = "1 damaged frame was" if len(damaged) == 1 else f"{len(damaged)} damaged frames were"
    return (
        f"{count} left out ({', '.join(places)}{more}): copy the file again from its source if "
        "needed"
    )


def _decode(info: VideoInfo, start: int) -> Generator[Frame, None, None]:
    trim = info.trim
    first = (0, 0.0) if trim.begins_by(0, 0.0) else None
    if first is None and start:
        with contextlib.closing(_decode(info, 0)) as part:
            first = next((frame.source_index, frame.source_s) for frame in part)
    last: av.VideoFrame | None = None
    with ExitStack() as stack:
        for place, stored in _stored(info, first[0] + start if first else None, stack):
            if trim.ends_by(place, stored.time_s):
                break
            fits = stored.picture is not None and _fits(stored.picture, info)
            last = stored.picture if fits else last
            if first is None and trim.begins_by(place, stored.time_s):
                first = place, stored.time_s
            if first and place >= first[0] + start:
                rgb, whole = _shown(last, info), stored.whole and fits
                index, time_s = place - first[0], stored.time_s - first[1]
                yield Frame(index, time_s, rgb, whole, place, stored.time_s)
    if first is None:
        raise VideoError(f"{info.path} ends before the part that was asked for: {trim}")


def _stored(info: VideoInfo, place: int | None, stack: ExitStack) -> Iterator[tuple[int, Stored]]:
    """What is stored from some place on, before the one wanted (None: where the part begins)."""
    time_s = 0.0 if place is not None else info.trim.first_s or 0.0
    place = (info.trim.first or 0) if place is None else place
    if info.images:
        return enumerate(sequence.pictures(info.images, info.rate_hz, place))
    begin = begin_before(info.path, place, time_s) if place or time_s else None
    container, stream = stack.enter_context(movie.opened(info.path))
    stream.thread_type = "AUTO"
    if begin is None:
        return enumerate(deinterlaced(movie.pictures(info.path, container, stream)))
    container.seek(begin.timestamp, stream=stream)
    found = movie.pictures(info.path, container, stream, begin.place, begin.origin_s)
    return enumerate(deinterlaced(found), begin.place)


def _fits(picture: av.VideoFrame, info: VideoInfo) -> bool:
    size = info.width, info.height
    width, height = size if info.rotation_deg % 180 == 0 else size[::-1]
    expected = picture.height * width / height
    # One pixel more: the upright size is rounded.
    return abs(picture.width * info.pixel_aspect - expected) <= SAME_SHAPE * expected + 1


def _shown(picture: av.VideoFrame | None, info: VideoInfo) -> NDArray[np.uint8]:
    if picture is None:
        return np.zeros((info.height, info.width, 3), np.uint8)
    return upright(picture, (info.width, info.height), info.rotation_deg, info.mirrored)
