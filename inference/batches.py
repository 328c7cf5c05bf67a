# SPDX-License-Identifier: GPL-3.0-or-later
"""Tracks the frames of a clip a few at a time, and hands finished chunks over to be written."""

import contextlib
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from itertools import islice
from typing import Final

from .chunks import ChunkWriter, Row
from .errors import VideoError
from .follow import Follower
from .protocol import Progress
from .second_look import SecondLook
from .source import Footage
from .take import Take
from .tracks import to_arrays
from .video import Frame

CHUNK_FRAMES: Final = 120
"""Frames a chunk: two to four seconds of work, the most that a killed run loses."""

PROGRESS_PERIOD_S: Final = 0.1

Report = Callable[[Progress], None]


class Stopwatch:
    """Seconds that the tracking spent in each stage, or waiting for it where it runs beside."""

    def __init__(self) -> None:
        """Begin without any stage."""
        self.seconds: dict[str, float] = {}

    @contextlib.contextmanager
    def timing(self, stage: str) -> Generator[None, None, None]:
        """Add the time within the context.

        Args:
            stage: What it is spent on.
        """
        began = time.perf_counter()
        try:
            yield
        finally:
            spent = time.perf_counter() - began
            self.seconds[stage] = self.seconds.get(stage, 0.0) + spent


def track_frames(
    footage: Footage,
    follower: Follower,
    second_look: SecondLook | None,
    take: Take,
    together: int,
    report: Report,
    stopping: Callable[[], bool],
    watch: Stopwatch,
    shown: Callable[[Row], None] = lambda _: None,
) -> int | None:
    """Track what a take lacks of its footage.

    Args:
        footage: The frames.
        follower: Who looks at them, in the state that the take ends with.
        second_look: A network of others that looks again at who was found, if any.
        take: Where chunks go.
        together: How many frames are looked at at once.
        report: Told of progress, some ten times a second.
        stopping: Asked after so many frames whether to stop.
        watch: Takes the time.
        shown: Given each frame's findings as soon as they are there.

    Returns:
        How many frames the take holds where it was stopped, else None.

    Raises:
        VideoError: The footage cannot be read on; the frames before are kept.
        TakeError: A chunk cannot be written.
    """
    start = done = len(take.read_chunks()[0]["row"])
    pace = _Pace(report, start, footage.info.frame_count)
    rows: list[Row] = []
    stopped = False
    with (
        contextlib.closing(ChunkWriter(take)) as writer,
        contextlib.closing(footage.frames(start)) as frames,
    ):

        def hand_over() -> None:
            with watch.timing("write"):
                writer.write(rows, len(follower.people()), to_arrays(follower.tracks))

        try:
            for batch in _batches(frames, start, together, watch):
                with watch.timing("follow"):
                    found = _looked_at(follower, second_look, batch)
                for row in found:
                    shown(row)
                rows += found
                done += len(batch)
                pace.tell(done, len(rows[-1].bodies))
                if stopped := stopping():
                    break
                if len(rows) >= CHUNK_FRAMES:
                    hand_over()
                    rows = []
        except VideoError:
            hand_over()
            writer.wait()
            raise
        hand_over()
        with watch.timing("write"):
            writer.wait()
    return done if stopped else None


def _batches(
    frames: Iterator[Frame], start: int, together: int, watch: Stopwatch
) -> Iterator[list[Frame]]:
    """Frames by `together`, counted from frame 0 so that a resumed run takes the same together."""
    at = start
    while True:
        batch: list[Frame] = []
        try:
            with watch.timing("decode"):
                batch += islice(frames, together - at % together)
        except VideoError:
            if batch:
                yield batch
            raise
        if not batch:
            return
        at += len(batch)
        yield batch


def _looked_at(
    follower: Follower, second_look: SecondLook | None, batch: Sequence[Frame]
) -> list[Row]:
    whole = [(frame.rgb, frame.source_s) for frame in batch if frame.whole]
    found = follower.follow(whole)
    if second_look:
        found = second_look([rgb for rgb, _ in whole], found)
    seen = iter(found)
    return [Row.of(frame, next(seen) if frame.whole else {}) for frame in batch]


class _Pace:
    """Tells how far and how fast it goes, not more often than anybody can read."""

    def __init__(self, report: Report, start: int, total: int | None) -> None:
        self._report, self._start, self._total = report, start, total
        self._began = self._told = time.monotonic()

    def tell(self, done: int, people: int) -> None:
        now = time.monotonic()
        if now - self._told >= PROGRESS_PERIOD_S or done == self._total:
            self._told = now
            rate = (done - self._start) / max(now - self._began, 1e-6)
            self._report(Progress("track", done, self._total, people, rate))
