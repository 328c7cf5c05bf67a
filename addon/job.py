# SPDX-License-Identifier: GPL-3.0-or-later
"""A tracking run as its messages tell it: how far it is, how it is stopped, and how it ended."""

import time
from collections.abc import Callable
from typing import Final

from ..inference.protocol import (
    Cancelled,
    CancelRequest,
    Failure,
    Fetched,
    FetchRequest,
    FramesWanted,
    Message,
    Progress,
    ProtocolError,
    Ready,
    Result,
    SlotFree,
    TrackRequest,
    decode,
    encode,
)
from .errors import NobodyFoundError, SourceError, StoppedError, WorkerError
from .frame_feed import FrameFeed
from .process import Worker

# A first start on a slow disk takes its time; past this, the program is not our worker.
READY_LIMIT_S: Final = 120.0
# The worker finishes the chunk at hand when asked to stop; past this it is ended.
STOP_LIMIT_S: Final = 10.0

# Frames made at one step: Blender's window stays alive between steps. One is always made.
FEED_S: Final = 0.05


class TrackJob:
    """One run of the worker, stepped from Blender's main thread."""

    def __init__(
        self,
        worker: Worker,
        request: TrackRequest | FetchRequest,
        feed: FrameFeed | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Send the request.

        Args:
            worker: A child that was just started.
            request: What to track, or to download.
            feed: Where the frames come from; None where the worker reads a file.
            clock: Seconds from any start, never going back.
        """
        self._worker = worker
        self._feed = feed
        self._clock = clock
        self._deadline = clock() + READY_LIMIT_S
        self.ready: Ready | None = None
        self.progress: Progress | None = None
        self.stopping = False
        self.outcome: Result | Fetched | Exception | None = None
        if feed is not None:
            worker.send(encode(feed.description))
        worker.send(encode(request))

    @property
    def finished(self) -> bool:
        """True once the run has an outcome and the child is gone."""
        return self.outcome is not None

    @property
    def fraction(self) -> float:
        """Share of the present stage that is done, 0..1; 0 where its length is not known."""
        if self.progress is None or not self.progress.total:
            return 0.0
        return min(1.0, self.progress.done / self.progress.total)

    @property
    def status(self) -> str:
        """One line for the user about what is going on."""
        if self.stopping:
            return "Stopping, Esc again ends it at once"
        if self.progress is None:
            return "Starting the worker" if self.ready is None else "Opening the clip"
        return progress_line(self.progress)

    def step(self, wait_s: float = 0.0) -> bool:
        """Take in what the worker has said since the last step.

        Args:
            wait_s: How long to wait for news, seconds.

        Returns:
            True when anything changed.
        """
        if self.finished:
            return False
        feeding = self._feed is not None and self._feed.due
        lines = self._worker.poll(0.0 if feeding else wait_s)
        for line in lines:
            self._take_in(line)
            if self.finished:
                return True
        if self._worker.ended:
            self._end_unfinished(self._worker.wait())
        elif self._clock() > self._deadline and (self.stopping or self.ready is None):
            self._end_overdue()
        elif self._feed is not None:
            self._feed_frames(self._feed)
        return bool(lines) or self.finished

    def request_stop(self) -> None:
        """Ask the worker to stop in good order; asked a second time, end it at once."""
        if self.finished:
            return
        if self.stopping:
            self.abandon()
            return
        self.stopping = True
        self._deadline = self._clock() + STOP_LIMIT_S
        self._worker.send(encode(CancelRequest()))

    def abandon(self) -> None:
        """End the worker at once; what it has written is kept."""
        if not self.finished:
            self._worker.close()
            self._settle(self._stopped(None))

    def result(self) -> Result:
        """Give the result of a finished run.

        Returns:
            Where the take is and how many frames show someone.

        Raises:
            NobodyFoundError: No frame shows a person.
            StoppedError: The user stopped the run.
            WorkerError: The worker failed, broke off or spoke rubbish; the message says which.
        """
        if isinstance(self.outcome, Result):
            return self.outcome
        if isinstance(self.outcome, Exception):
            raise self.outcome
        raise WorkerError("The run has not ended yet, or was no tracking")

    def _take_in(self, line: str) -> None:
        try:
            self._act_on(decode(line))
        except ProtocolError as error:
            self._end(_rubbish(str(error)))

    def _act_on(self, message: Message) -> None:
        match message:
            case Ready():
                self.ready = message
            case Progress():
                self.progress = message
            case FramesWanted() if self._feed:
                self._feed.begin(message.first)
            case SlotFree() if self._feed:
                self._feed.take_back(message.slot)
            case Result() | Fetched():
                self._end(message)
            case Failure(kind="NobodyFoundError"):
                self._end(NobodyFoundError(message.message))
            case Failure(detail=""):
                self._end(WorkerError(message.message))
            case Failure():
                self._worker.note(message.detail)
                self._end(
                    WorkerError(
                        f"{message.kind}: {message.message}. "
                        f"Where it happened is in the worker's log, {self._worker.log}"
                    )
                )
            case Cancelled():
                self._end(self._stopped(message.frames))
            case _:
                self._end(_rubbish(f"Unexpected message {message.type!r}"))

    def _end_unfinished(self, exit_code: int) -> None:
        if self.stopping:
            self._settle(self._stopped(None))
            return
        tail = self._worker.log_tail().splitlines()
        reason = f": {tail[-1].strip()}" if tail else ""
        self._settle(
            WorkerError(
                f"The worker ended with code {exit_code}{reason}. Its log is {self._worker.log}. "
                f"What it computed is kept, and {self._next_run()}"
            )
        )

    def _end_overdue(self) -> None:
        if self.stopping:
            self.abandon()
            return
        self._end(
            WorkerError(
                f"The worker said nothing for {READY_LIMIT_S:.0f} s. "
                "Check the worker's Python in the preferences of Track Spine"
            )
        )

    def _feed_frames(self, feed: FrameFeed) -> None:
        enough = self._clock() + FEED_S
        try:
            while feed.due:
                self._worker.send(encode(feed.next_frame()))
                if self._clock() >= enough:
                    break
        except SourceError as error:
            self._worker.close()
            self._settle(error)

    def _stopped(self, frames: int | None) -> StoppedError:
        kept = "What was computed is kept" if frames is None else f"{frames} frames are kept"
        return StoppedError(f"Stopped. {kept}, and {self._next_run()}")

    def _next_run(self) -> str:
        if self._feed is None or self._feed.repeatable:
            return "the next run on this footage goes on from there"
        return "the next run begins anew: nothing tells whether the scene still renders the same"

    def _end(self, outcome: Result | Fetched | Exception) -> None:
        self._worker.wait()
        self._settle(outcome)

    def _settle(self, outcome: Result | Fetched | Exception) -> None:
        self.outcome = outcome
        if self._feed is not None:
            self._feed.close()


def progress_line(progress: Progress) -> str:
    """Tell progress in words.

    Args:
        progress: The worker's last message.

    Returns:
        For example "Tracking frame 34 of 230, 31 fps".
    """
    if progress.stage == "fetch":  # counted in KB
        size = f" of {progress.total / 1024:.1f}" if progress.total else ""
        return f"Downloading {progress.done / 1024:.1f}{size} MB"
    if progress.stage == "lift":  # a few seconds for all frames at once
        return "Lifting to 3D"
    length = f" of {progress.total}" if progress.total else ""
    return f"Tracking frame {progress.done}{length}, {progress.fps:.0f} fps"


def run_to_end(job: TrackJob, on_progress: Callable[[Progress], None]) -> None:
    """Step a job until it is finished, waiting for the worker in between.

    Args:
        job: A job that was just started.
        on_progress: Called with each new progress.
    """
    told = None
    while not job.finished:
        job.step(wait_s=0.1)
        if job.progress is not None and job.progress is not told:
            told = job.progress
            on_progress(told)


def _rubbish(what: str) -> WorkerError:
    return WorkerError(
        f"{what}. The program that answered is not the worker of Track Spine: "
        "check the worker's Python in the preferences"
    )
