# SPDX-License-Identifier: GPL-3.0-or-later
"""Pictures of two fields made whole: one full picture each, at the time of the first field."""

from collections import deque
from collections.abc import Iterable, Iterator
from fractions import Fraction
from typing import Final

import av

from .stored import Stored

TICK: Final = Fraction(1, 1000)
"""Time base of the filter: it only orders pictures, their times are kept beside it."""


def deinterlaced(pictures: Iterable[Stored]) -> Iterator[Stored]:
    """Fill in the missing lines of pictures marked as interlaced; leave the others as they are.

    Args:
        pictures: In order of display.

    Yields:
        As many, in the same order and with the same times.

    Source: FFmpeg's `bwdif` filter, one picture out for each in.
    """
    fields: _Fields | None = None
    for stored in pictures:
        picture = stored.picture
        if fields and picture and fields.shape != _shape(picture):
            yield from fields.finished()
            fields = None
        if fields is None and picture and picture.interlaced_frame:
            fields = _Fields(picture)
        if fields is None:
            yield stored
        else:
            yield from fields.filtered(stored)
    if fields:
        yield from fields.finished()


class _Fields:
    """The filter, and what waits in it for the next picture."""

    def __init__(self, picture: av.VideoFrame) -> None:
        self.shape = _shape(picture)
        self._graph = av.filter.Graph()
        source = self._graph.add(
            "buffer",
            video_size=f"{picture.width}x{picture.height}",
            pix_fmt=picture.format.name,
            time_base=str(TICK),
            colorspace=str(int(picture.colorspace)),
            range=str(int(picture.color_range)),
        )
        bwdif = self._graph.add("bwdif", mode="send_frame", deint="interlaced")
        self._graph.link_nodes(source, bwdif, self._graph.add("buffersink")).configure()
        self._waiting: deque[Stored] = deque()
        self._pushed = 0

    def filtered(self, stored: Stored) -> Iterator[Stored]:
        self._waiting.append(stored)
        if stored.picture:
            stored.picture.pts, stored.picture.time_base = self._pushed, TICK
            self._pushed += 1
            self._graph.vpush(stored.picture)
            yield from self._ready()

    def finished(self) -> Iterator[Stored]:
        self._graph.vpush(None)
        yield from self._ready()
        yield from self._waiting

    def _ready(self) -> Iterator[Stored]:
        while True:
            try:
                picture = self._graph.vpull()
            except (av.BlockingIOError, av.EOFError):
                return
            while self._waiting[0].picture is None:
                yield self._waiting.popleft()
            first = self._waiting.popleft()
            yield Stored(first.time_s, picture, first.whole)


def _shape(picture: av.VideoFrame) -> tuple[int, int, str, int, int]:
    colour = int(picture.colorspace), int(picture.color_range)
    return picture.width, picture.height, picture.format.name, *colour
