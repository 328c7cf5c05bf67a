# SPDX-License-Identifier: GPL-3.0-or-later
"""Gathers the bodies of frames into chunks, and writes these beside the tracking."""

from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

from .bend import complete_all
from .calibration import calibrated
from .pose2d import Body
from .take import Arrays, Take, chunk_arrays
from .video import Frame


@dataclass(frozen=True)
class Row:
    """What is kept of a frame.

    Attributes:
        index: 0-based position in the part that is tracked.
        source_index: 0-based position in the file.
        source_s: Time from the first frame of the file, seconds.
        whole: Whether the frame was looked at.
        bodies: Who was seen, by id.
    """

    index: int
    source_index: int
    source_s: float
    whole: bool
    bodies: Mapping[int, Body]

    @classmethod
    def of(cls, frame: Frame, bodies: Mapping[int, Body]) -> "Row":
        """Keep what matters of a frame without its picture."""
        return cls(frame.index, frame.source_index, frame.source_s, frame.whole, bodies)


def gathered(rows: list[Row], people: int) -> Arrays:
    """Make the arrays of a chunk.

    Args:
        rows: Frames in order.
        people: How many are known by now; their ids count from 0.

    Returns:
        The arrays of CHUNK_ARRAYS, and `person`, at least one: who was never seen is missing.
    """
    arrays = chunk_arrays(len(rows), range(max(people, 1)))
    arrays["row"][:] = [row.index for row in rows]
    arrays["frame"][:] = [row.source_index for row in rows]
    arrays["time_s"][:] = [row.source_s for row in rows]
    arrays["whole"][:] = [row.whole for row in rows]
    seen = [(t, p, body) for t, row in enumerate(rows) for p, body in row.bodies.items()]
    if seen:
        t, p, bodies = zip(*seen, strict=True)
        points = complete_all(bodies)
        arrays["xy_px"][t, p] = points.xy_px
        arrays["raw_score"][t, p] = points.score
        # A network of others has scores of its own, of which nothing is known here.
        arrays["score"][t, p] = points.score if bodies[0].seen else calibrated(points.score)
        arrays["relative_m"][t, p] = points.relative_m
        arrays["ray_px"][t, p] = [body.crop.centre_px for body in bodies]
    return arrays


class ChunkWriter:
    """Completes and writes one chunk while the next one is tracked."""

    def __init__(self, take: Take) -> None:
        """Begin with nothing to write.

        Args:
            take: Where to.
        """
        self._take = take
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="write")
        self._writing: Future[None] | None = None

    def write(self, rows: list[Row], people: int, state: Arrays) -> None:
        """Hand a chunk over; waits for the one before.

        Args:
            rows: Its frames; with none, nothing is written.
            people: How many people are known by now.
            state: What the next chunk begins from.

        Raises:
            TakeError: The chunk before could not be written.
        """
        self.wait()
        if rows:
            self._writing = self._thread.submit(self._write, rows, people, state)

    def wait(self) -> None:
        """Wait until all that was handed over is written.

        Raises:
            TakeError: It could not be written.
        """
        if self._writing:
            writing, self._writing = self._writing, None
            writing.result()

    def close(self) -> None:
        """Let the thread end."""
        self._thread.shutdown()

    def _write(self, rows: list[Row], people: int, state: Arrays) -> None:
        self._take.write_chunk(gathered(rows, people), state)
