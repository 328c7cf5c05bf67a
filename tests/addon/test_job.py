# SPDX-License-Identifier: GPL-3.0-or-later
"""A run as its messages tell it, with real children and a clock that the test turns."""

import pytest
from track_spine.addon.errors import NobodyFoundError, StoppedError, WorkerError
from track_spine.addon.job import READY_LIMIT_S, STOP_LIMIT_S, TrackJob, progress_line, run_to_end
from track_spine.inference.protocol import Progress, TrackRequest


class Clock:
    now = 0.0

    def __call__(self):
        return self.now


@pytest.fixture
def start_job(start_fake, tmp_path):
    def start(behaviour, *arguments, clock=None):
        request = TrackRequest(video="clip.mp4", take=str(tmp_path))
        return TrackJob(start_fake(behaviour, *arguments), request, clock=clock or Clock())

    return start


def step_until_progress(job):
    while job.progress is None:
        job.step(wait_s=5.0)


def end_of(job):
    run_to_end(job, lambda _progress: None)
    return job.result


def test_a_good_run_gives_its_result(start_job, tmp_path):
    (tmp_path / "made.npz").write_bytes(b"")
    job = start_job("tracks", tmp_path / "made.npz")
    told = []
    run_to_end(job, told.append)
    result = job.result()
    assert (result.frames, result.tracked) == (40, 30)
    assert [progress.stage for progress in told] == sorted(
        (progress.stage for progress in told), reverse=True
    )
    assert job.ready.provider == "Fake"


def test_status_and_fraction_follow_the_messages(start_job):
    job = start_job("stops")
    assert job.status == "Starting the worker"
    assert job.fraction == 0.0
    step_until_progress(job)
    assert job.status == "Tracking frame 10 of 40, 30 fps"
    assert job.fraction == pytest.approx(0.25)


def test_progress_without_a_known_length():
    assert progress_line(Progress("track", 7, None, 1, 12.4)) == "Tracking frame 7, 12 fps"


def test_stop_is_asked_once_and_keeps_the_frames(start_job):
    job = start_job("stops")
    step_until_progress(job)
    job.request_stop()
    assert job.stopping and not job.finished
    with pytest.raises(StoppedError, match="12 frames are kept"):
        end_of(job)()


def test_a_second_stop_ends_a_worker_that_does_not_listen(start_job):
    job = start_job("deaf")
    step_until_progress(job)
    job.request_stop()
    assert not job.step()
    job.request_stop()
    assert job.finished
    with pytest.raises(StoppedError):
        job.result()


def test_a_worker_that_ignores_the_stop_is_ended_after_a_while(start_job):
    clock = Clock()
    job = start_job("deaf", clock=clock)
    step_until_progress(job)
    job.request_stop()
    clock.now += STOP_LIMIT_S
    job.step()
    assert not job.finished
    clock.now += 0.1
    assert job.step()
    with pytest.raises(StoppedError):
        job.result()
    assert job._worker._process.poll() is not None


def test_a_program_that_never_answers_is_ended(start_job):
    clock = Clock()
    job = start_job("mute", clock=clock)
    clock.now += READY_LIMIT_S + 1.0
    assert job.step()
    with pytest.raises(WorkerError, match=r"said nothing for 120 s.*preferences"):
        job.result()


def test_a_ready_worker_may_take_its_time(start_job):
    clock = Clock()
    job = start_job("stops", clock=clock)
    step_until_progress(job)
    clock.now += 10 * READY_LIMIT_S
    job.step()
    assert not job.finished


@pytest.mark.parametrize(
    ("behaviour", "error", "words"),
    [
        ("rubbish", WorkerError, r"'Usage: not-a-worker FILE'.*not the worker.*preferences"),
        ("overlong", WorkerError, r"A line of 1048577 characters.*not the worker.*preferences"),
        ("future", WorkerError, r"speaks protocol 99, this extension speaks 1"),
        ("echo", WorkerError, "Unexpected message 'track'"),
        ("dies", WorkerError, r"code 7: ImportError: no module named numpy.*log"),
        ("dies_later", WorkerError, r"code 9: Killed by the test.*goes on from there"),
        ("fails", WorkerError, "clip.mp4 holds no video stream"),
        ("crashes", WorkerError, r"KeyError: 'x'.*log"),
        ("nobody", NobodyFoundError, "Nobody was found"),
    ],
)
def test_each_bad_end_says_what_happened(start_job, behaviour, error, words):
    job = start_job(behaviour)
    with pytest.raises(error, match=words):
        end_of(job)()
    assert job._worker._process.poll() is not None


def test_the_traceback_of_a_crash_is_in_the_log(start_job):
    job = start_job("crashes")
    run_to_end(job, lambda _progress: None)
    assert "Traceback: line 12" in job._worker.log.read_text("utf-8")


def test_an_abandoned_job_leaves_no_child(start_job):
    job = start_job("deaf")
    step_until_progress(job)
    job.abandon()
    job.abandon()
    assert not job.step()
    with pytest.raises(StoppedError):
        job.result()
