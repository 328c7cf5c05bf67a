# SPDX-License-Identifier: GPL-3.0-or-later
"""What an operator does at each event while the worker runs; the test plays the window."""

from types import SimpleNamespace

import pytest
from track_spine.addon.errors import StoppedError
from track_spine.addon.job import TrackJob
from track_spine.addon.modal import RunsWorker, current_job, end_current_run
from track_spine.inference.protocol import TrackRequest


class Window:
    """Just enough of Blender's context, window manager and workspace."""

    def __init__(self, timers=()):
        """Open it."""
        self.timers, self.status, self.window = list(timers), [], object()
        self.window_manager = self.workspace = self
        self.windows = []

    def event_timer_add(self, period_s, window):
        self.timers.append(period_s)
        return self.timers[-1]

    def event_timer_remove(self, timer):
        self.timers.remove(timer)

    def modal_handler_add(self, operator):
        pass

    def status_text_set(self, text):
        self.status.append(text)


class Operator(RunsWorker):
    def __init__(self, make_job):
        """Prepare a run of a job."""
        self.start = lambda _context: make_job()
        self.delivered, self.reports = [], []

    def deliver(self, _context, job):
        self.delivered.append(job.result())

    def report(self, kind, text):
        self.reports.append((kind, text))


def event(kind, value="NOTHING"):
    return SimpleNamespace(type=kind, value=value)


TIMER, ESC, MOUSE = event("TIMER"), event("ESC", "PRESS"), event("MOUSEMOVE")


@pytest.fixture
def begin(start_fake, tmp_path, monkeypatch):
    """Begin a run as Blender does in a window."""
    monkeypatch.setattr("track_spine.addon.modal.bpy.app", SimpleNamespace(background=False))

    def run(behaviour, *arguments):
        worker = start_fake(behaviour, *arguments)
        request = TrackRequest(video="clip.mp4", take=str(tmp_path))
        operator, window = Operator(lambda: TrackJob(worker, request)), Window()
        assert operator.execute(window) == {"RUNNING_MODAL"}
        return operator, window

    yield run
    end_current_run(Window(timers=[RunsWorker.timer]))


def tick_until(operator, window, condition):
    """Send timer events; the worker is waited for in between, as the timer would."""
    answer = None
    while not condition(answer):
        job = current_job()
        if job is not None and not job.finished:
            job._worker._reader.join(timeout=0.05)
        answer = operator.modal(window, TIMER)
    return answer


def is_over(answer):
    return answer in ({"FINISHED"}, {"CANCELLED"})


def test_a_run_shows_progress_and_delivers(begin, lifted_file):
    operator, window = begin("tracks", lifted_file)
    assert window.timers and current_job() is not None
    assert tick_until(operator, window, is_over) == {"FINISHED"}
    assert operator.delivered[0].tracked == 30
    assert window.timers == [] and current_job() is None
    assert window.status[0].startswith("Track Spine: Starting") and window.status[-1] is None


def test_other_events_and_timers_pass_through(begin):
    operator, window = begin("deaf")
    assert operator.modal(window, MOUSE) == {"PASS_THROUGH"}
    assert "PASS_THROUGH" in operator.modal(window, TIMER)


def test_the_status_is_written_only_on_news(begin):
    operator, window = begin("deaf")
    tick_until(operator, window, lambda _: current_job().progress is not None)
    count = len(window.status)
    operator.modal(window, TIMER)
    assert len(window.status) == count


def test_esc_asks_once_and_keeps_what_was_done(begin):
    operator, window = begin("stops")
    tick_until(operator, window, lambda _: current_job().progress is not None)
    assert operator.modal(window, ESC) == {"RUNNING_MODAL"}
    assert window.status[-1].startswith("Track Spine: Stopping")
    assert tick_until(operator, window, is_over) == {"CANCELLED"}
    ((kind, text),) = operator.reports
    assert kind == {"WARNING"} and "12 frames are kept" in text
    assert window.timers == [] and window.status[-1] is None


def test_a_second_esc_ends_a_worker_that_does_not_listen(begin):
    operator, window = begin("deaf")
    tick_until(operator, window, lambda _: current_job().progress is not None)
    job = current_job()
    operator.modal(window, ESC)
    assert operator.modal(window, ESC) == {"CANCELLED"}
    assert job.finished and current_job() is None and window.timers == []


def test_a_failure_is_reported_as_an_error(begin):
    operator, window = begin("fails")
    assert tick_until(operator, window, is_over) == {"CANCELLED"}
    assert operator.reports == [({"ERROR"}, "clip.mp4 holds no video stream")]


def test_opening_another_file_ends_the_worker(begin):
    operator, window = begin("deaf")
    job = current_job()
    operator.cancel(window)
    assert current_job() is None and window.timers == []
    with pytest.raises(StoppedError):
        job.result()


def test_switching_the_extension_off_ends_the_operator(begin):
    operator, window = begin("deaf")
    end_current_run(window)
    assert window.timers == [] and window.status[-1] is None
    assert operator.modal(window, TIMER) == {"CANCELLED"}


def test_a_fault_of_ours_does_not_leave_a_run_without_its_operator(begin, monkeypatch):
    operator, window = begin("deaf")
    job = current_job()
    monkeypatch.setattr(job, "step", lambda: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        operator.modal(window, TIMER)
    assert current_job() is None and window.timers == []
    assert job.finished
