# SPDX-License-Identifier: GPL-3.0-or-later
"""Where decoding a movie can begin later than at its start and give the same frames, to the bit.

Only QuickTime and MP4 files list every picture, so that those passed over are counted. Of their key
frames those will do that nothing after them looks back beyond: all of ProRes and DNxHR, and IDR
pictures of H.264 and HEVC, which key frames of open groups and of intra refresh are not. In a
damaged picture of MJPEG the decoder leaves what earlier ones wrote to the same memory.
"""

from bisect import bisect_left
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import av

from . import movie
from .errors import VideoError

LEAD: Final = 2
"""Frames that are decoded before the first one wanted: a deinterlacer looks at those beside it."""

MOST_REORDERED: Final = 16
"""Pictures that can wait to be shown, in H.264 and HEVC: by so many may more be stored before a
time than are shown before it."""

_ALONE: Final = ("prores", "dnxhd")
_SLICES: Final = {"h264": range(1, 6), "hevc": range(32)}
_IDR: Final = {"h264": (5,), "hevc": (19, 20)}
"""Codecs that predict nothing from other pictures; types of units that hold parts of pictures, and
of those that are IDR pictures.

Source: ITU-T H.264, table 7-1, and H.265, table 7-1.
"""


@dataclass(frozen=True)
class Begin:
    """A key frame to begin at.

    Attributes:
        place: 0-based position of its picture in the file.
        timestamp: What to seek, in the stream's time base.
        origin_s: Timestamp of the first picture of the file, seconds.
    """

    place: int
    timestamp: int
    origin_s: float


def begin_before(path: Path, place: int, time_s: float = 0.0) -> Begin | None:
    """Find the last key frame from which all frames wanted can be decoded.

    Args:
        path: A movie file.
        place: Position in the file of the first frame wanted.
        time_s: Time in the file of the first frame wanted, if that is later, seconds.

    Returns:
        The key frame, or None to begin at the start.

    Raises:
        VideoError: The file cannot be opened.
    """
    with movie.opened(path) as (container, stream):
        entries = stream.index_entries
        if not _is_listed(container, stream, entries):
            return None
        # Entries are valid until the next seek only.
        times = [entry.timestamp for entry in entries]
        keys = [number for number, entry in enumerate(entries) if entry.is_keyframe]
        # Pictures are shown later than they are decoded, and sought by when they are shown.
        sought = [times[key] - 1 for key in keys[1:]] + times[-1:]
        found = _shown_at(path, container, stream, times[0], sought[0])
        if found is None:
            return None
        time_base = float(stream.time_base or 0)
        origin_s = float(found * time_base)
        before = bisect_left(times, (origin_s + time_s) / time_base)
        latest = max(place, before - MOST_REORDERED if time_s else 0) - LEAD
        for key, timestamp in reversed(list(zip(keys, sought, strict=True))):
            if not 0 < key <= latest:
                continue
            if _shown_at(path, container, stream, times[key], timestamp) is not None:
                return Begin(key, timestamp, origin_s)
    return None


def _is_listed(
    container: av.container.InputContainer,
    stream: av.VideoStream,
    entries: av.index.IndexEntries,
) -> bool:
    """Whether the file lists all its pictures, each with a time of its own and none cut away."""
    if not container.format.name.startswith("mov") or not 0 < len(entries) == stream.frames:
        return False
    times = [entry.timestamp for entry in entries]
    return not any(entry.is_discard for entry in entries) and times == sorted(set(times))


def _shown_at(
    path: Path,
    container: av.container.InputContainer,
    stream: av.VideoStream,
    dts: int,
    timestamp: int,
) -> int | None:
    """When the picture is shown that seeking should find, if decoding can begin with it."""
    container.seek(timestamp, stream=stream)
    packet = next(iter(container.demux(stream)), None)
    if packet is None or packet.dts != dts or not _stands_alone(stream, bytes(packet)):
        return None
    container.seek(timestamp, stream=stream)
    try:
        picture = next(movie.pictures(path, container, stream)).picture
    except (StopIteration, VideoError):
        return None
    whole = picture is not None and not picture.is_corrupt and picture.pts == packet.pts
    return packet.pts if whole else None


def _stands_alone(stream: av.VideoStream, content: bytes) -> bool:
    """Whether no picture from this one on, in the order they are stored, needs one before it."""
    name, head = stream.codec_context.codec.canonical_name, stream.codec_context.extradata or b""
    if name in _ALONE:
        return True
    size_at = {"h264": 4, "hevc": 21}.get(name, 0)
    if not 0 < size_at < len(head):
        return False
    length = (head[size_at] & 3) + 1
    kinds, at = set(), 0
    while at + length < len(content):
        unit = content[at + length]
        kinds.add(unit & 31 if name == "h264" else unit >> 1 & 63)
        at += length + int.from_bytes(content[at : at + length], "big")
    pictures = kinds.intersection(_SLICES[name])
    return bool(pictures) and pictures.issubset(_IDR[name])
