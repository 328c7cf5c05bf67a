# SPDX-License-Identifier: GPL-3.0-or-later
"""How an operator waits for the worker: modal with a timer, or to the end in background mode."""

import contextlib
import signal
import threading
from collections.abc import Callable, Iterator
from typing import ClassVar

import bpy

from ..inference.protocol import Progress, Result, encode
from .errors import KNOWN_ERRORS, StoppedError
from .job import TrackJob, run_to_end

TIMER_S = 0.1
SIDEBAR_EDITORS = {"VIEW_3D", "CLIP_EDITOR"}


class ReportsErrors:
    """Mix-in of operators: known errors become reports; unknown ones show their traceback."""

    report: Callable[[set[str], str], None]  # bpy.types.Operator's

    def attempt(self, action: Callable[[], set[str]]) -> set[str]:
        """Do something that may fail in a known way.

        Args:
            action: Gives the operator's return value.

        Returns:
            What the action gave, or CANCELLED after a report.
        """
        try:
            return action()
        except StoppedError as stop:
            self.report({"WARNING"}, str(stop))
        except KNOWN_ERRORS as error:
            self.report({"ERROR"}, str(error))
        return {"CANCELLED"}


class RunsWorker(ReportsErrors):
    """Mix-in of operators that run the worker: give `start` and `deliver`."""

    # The one run of this Blender; class data, since panels, the Stop button and the end of the
    # extension need it.
    current: ClassVar[TrackJob | None] = None
    timer: ClassVar[bpy.types.Timer | None] = None

    def start(self, context: bpy.types.Context) -> TrackJob:
        """Start the worker.

        Args:
            context: Where the operator was called.

        Returns:
            The job.
        """
        raise NotImplementedError

    def deliver(self, context: bpy.types.Context, job: TrackJob) -> None:
        """Put the result of a finished job into the file.

        Args:
            context: Where the job ended.
            job: The finished job.
        """
        raise NotImplementedError

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Run; without a window to the end, else in the background of the user's work."""
        return self.attempt(lambda: self._run(context))

    def modal(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        """Step the job at each tick of the timer; Esc asks it to stop, a second Esc ends it."""
        job = RunsWorker.current
        if job is None:  # the extension was switched off under the running operator
            return {"CANCELLED"}
        if event.type == "ESC" and event.value == "PRESS":
            job.request_stop()
            show_status(context, job)
        elif event.type != "TIMER":
            return {"PASS_THROUGH"}
        elif self._step(context, job):
            show_status(context, job)
        if not job.finished:
            return {"RUNNING_MODAL", "PASS_THROUGH"} if event.type == "TIMER" else {"RUNNING_MODAL"}
        _leave(context)
        return self.attempt(lambda: self._finish(context, job))

    def cancel(self, context: bpy.types.Context) -> None:
        """End the worker when Blender ends the operator: another file is opened, or it quits."""
        end_current_run(context)

    def _run(self, context: bpy.types.Context) -> set[str]:
        job = self.start(context)
        if bpy.app.background or context.window is None:
            run_in_background(job)
            return self._finish(context, job)
        manager = context.window_manager
        RunsWorker.current = job
        RunsWorker.timer = manager.event_timer_add(TIMER_S, window=context.window)
        manager.modal_handler_add(self)
        show_status(context, job)
        return {"RUNNING_MODAL"}

    def _step(self, context: bpy.types.Context, job: TrackJob) -> bool:
        try:
            return job.step()
        except BaseException:  # Blender drops the operator: its run must not go on without it
            end_current_run(context)
            raise

    def _finish(self, context: bpy.types.Context, job: TrackJob) -> set[str]:
        self.deliver(context, job)
        return {"FINISHED"}


def current_job() -> TrackJob | None:
    """Find the run that is going on.

    Returns:
        Its job, or None.
    """
    return RunsWorker.current


def end_current_run(context: bpy.types.Context) -> None:
    """End the run that is going on, if there is one, with its worker.

    Args:
        context: Context with a window manager.
    """
    if RunsWorker.current is not None:
        RunsWorker.current.abandon()
        _leave(context)


def _leave(context: bpy.types.Context) -> None:
    context.window_manager.event_timer_remove(RunsWorker.timer)
    RunsWorker.current = RunsWorker.timer = None
    show_status(context, None)


def show_status(context: bpy.types.Context, job: TrackJob | None) -> None:
    """Tell the user how far a job is, in the status bar and the sidebars.

    Args:
        context: Context with a workspace.
        job: The job; None clears the status bar.
    """
    if context.workspace is not None:
        text = None if job is None else f"Track Spine: {job.status}   |   Esc: Stop"
        context.workspace.status_text_set(text)
    for window in context.window_manager.windows:
        for area in window.screen.areas:
            if area.type == "PREFERENCES":
                area.tag_redraw()
            if area.type in SIDEBAR_EDITORS:
                for region in area.regions:
                    if region.type == "UI":
                        region.tag_redraw()


def run_in_background(job: TrackJob) -> None:
    """Run a job to its end, writing progress and result as JSON lines; Ctrl-C stops it.

    Args:
        job: A job that was just started.
    """
    try:
        with _interrupt_calls(job.request_stop):
            run_to_end(job, _print_message)
    finally:
        job.abandon()
    if isinstance(job.outcome, Result):
        _print_message(job.outcome)


def _print_message(message: Progress | Result) -> None:
    print(encode(message), end="", flush=True)


@contextlib.contextmanager
def _interrupt_calls(stop: Callable[[], None]) -> Iterator[None]:
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, lambda _signal, _frame: stop())
    try:
        yield
    finally:
        # None stands for a handler that was not set by Python: Blender's own.
        signal.signal(signal.SIGINT, signal.SIG_DFL if before is None else before)
