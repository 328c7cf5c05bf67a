# SPDX-License-Identifier: GPL-3.0-or-later
"""The worker as Blender starts it: a child process, lines in, lines out."""

import contextlib
import queue
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
from track_spine.inference.protocol import (
    Cancelled,
    CancelRequest,
    Failure,
    Progress,
    Ready,
    Result,
    TrackRequest,
    decode,
    encode,
)
from track_spine.inference.take import CHUNK_ARRAYS, Take

ROOT = Path(__file__).parents[2]
PARENT_GONE = 3
PATIENCE_S = 60.0
"""A hang fails the test after this long; nothing waits for it to pass."""


class Worker:
    """A child with a thread that collects its lines, so that no read can hang the test."""

    def __init__(self, *arguments):
        """Start it as Blender does, but for what runs in it."""
        self.process = subprocess.Popen(
            [sys.executable, "-s", *arguments],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        self.lines = queue.Queue()
        self.log = b""
        self.readers = [threading.Thread(target=f) for f in (self._read, self._read_log)]
        for reader in self.readers:
            reader.start()

    def _read(self):
        for line in self.process.stdout:
            self.lines.put(line.decode("utf-8"))
        self.lines.put(None)

    def _read_log(self):
        self.log = self.process.stderr.read()

    def say(self, text):
        with contextlib.suppress(BrokenPipeError):
            self.process.stdin.write(text if isinstance(text, bytes) else text.encode())
            self.process.stdin.flush()

    def hear(self):
        """The next message, or None at the end; anything else on stdout is an error."""
        line = self.lines.get(timeout=PATIENCE_S)
        return line if line is None else decode(line)

    def hear_all(self):
        return list(iter(self.hear, None))

    def close_stdin(self):
        with contextlib.suppress(BrokenPipeError):
            self.process.stdin.close()

    def end(self):
        status = self.process.wait(PATIENCE_S)
        for reader in self.readers:
            reader.join(PATIENCE_S)
        return status


@pytest.fixture
def worker(request):
    worker = Worker(*getattr(request, "param", ("-m", "inference")))
    yield worker
    worker.process.kill()
    worker.end()
    for pipe in (worker.process.stdin, worker.process.stdout, worker.process.stderr):
        with contextlib.suppress(BrokenPipeError):
            pipe.close()


def track(clip, take, **settings):
    return encode(TrackRequest(str(clip), str(take), **settings))


def test_a_good_run_is_ready_progress_and_a_result(worker, short_clip, tmp_path):
    take = tmp_path / "Täke é"
    worker.say(track(short_clip, take, subject_px=(650.0, 370.0)))
    ready, *progress, result = worker.hear_all()
    assert ready == Ready(sys.version.split()[0], "CPUExecutionProvider")
    assert progress
    assert all(isinstance(message, Progress) for message in progress)
    counts = [message.done for message in progress]
    assert counts == sorted(counts)
    assert counts[-1] == 48
    assert isinstance(result, Result)
    assert (result.take, result.frames) == (str(take), 48)
    assert Path(result.lifted) == take / "lifted.npz"
    assert Path(result.lifted).is_file()
    assert worker.end() == 0
    assert b"Traceback" not in worker.log


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (b"rubbish\n", "Not a message"),
        (b"\xff\xfe\x00\n", "Not a message"),
        (b'{"type": "cancel"}\n', "must be a track request"),
        (b'{"type": "track", "video": "a", "take": "b", "subject_height_m": 17}\n', "0.3 and 2.8"),
        (None, "Not a message"),
    ],
    ids=["rubbish", "bytes", "cancel", "height", "closed"],
)
def test_a_first_line_that_is_no_request_ends_the_worker_with_an_error(worker, line, words):
    if line is None:
        worker.close_stdin()
    else:
        worker.say(line)
    ready, failure = worker.hear_all()
    assert isinstance(ready, Ready)
    assert isinstance(failure, Failure)
    assert (failure.kind, failure.detail) == ("ProtocolError", "")
    assert words in failure.message
    assert worker.end() == 1


def test_a_missing_clip_is_an_error_with_its_kind(worker, tmp_path):
    worker.say(track(tmp_path / "missing.mp4", tmp_path / "take"))
    _, failure = worker.hear_all()
    assert failure.kind == "VideoError"
    assert str(tmp_path / "missing.mp4") in failure.message
    assert worker.end() == 1


def test_a_cancelled_run_keeps_its_frames_and_goes_on(worker, short_clip, tmp_path, tracker):
    request = TrackRequest(str(short_clip), str(tmp_path / "take"))
    worker.say(encode(request) + encode(CancelRequest()))
    *_, last = worker.hear_all()
    assert isinstance(last, Cancelled)
    assert worker.end() == 0
    kept, _ = Take(Path(last.take)).read_chunks()
    assert last.frames == len(kept["frame"]) >= 1
    assert last.frames < 48
    assert not (tmp_path / "take" / "lifted.npz").exists()

    result = tracker.track(request, lambda progress: None, lambda: False)
    assert result.frames == 48
    whole, _ = Take(Path(last.take)).read_chunks()
    for name in CHUNK_ARRAYS:
        np.testing.assert_array_equal(whole[name][: last.frames], kept[name])


def test_cancel_in_the_middle_of_a_run(worker, sample_clip, tmp_path):
    worker.say(track(sample_clip, tmp_path / "take"))
    assert isinstance(worker.hear(), Ready)
    assert isinstance(worker.hear(), Progress)
    worker.say(encode(CancelRequest()))
    *_, last = worker.hear_all()
    assert isinstance(last, Cancelled)
    assert 1 <= last.frames < 230
    assert len(Take(Path(last.take)).read_chunks()[0]["frame"]) == last.frames
    assert worker.end() == 0


@pytest.mark.parametrize("before", [b"", b"rubbish\n", b"\xff"])
def test_the_worker_ends_with_its_parent(worker, sample_clip, tmp_path, before):
    worker.say(track(sample_clip, tmp_path / "take"))
    assert isinstance(worker.hear(), Ready)
    assert isinstance(worker.hear(), Progress)
    worker.say(before)
    worker.close_stdin()
    assert worker.end() == PARENT_GONE
    assert not any(isinstance(message, Result) for message in worker.hear_all())
    # What it leaves is a take that can be gone on with: begun, and without half a file.
    take = Take(tmp_path / "take")
    assert take.read_json()["state"] == "partial"
    assert len(take.read_chunks()[0]["frame"]) in (0, 120)


LOUD = """
import os, sys
from inference import pipeline
from inference.__main__ import main

def loud(*_):
    print("printed", flush=True)
    os.write(1, b"written")
    raise RuntimeError("not foreseen")

pipeline.probe = loud
sys.exit(main())
"""
"""A library that prints, to Python's stdout and to the process's own, and then fails."""


@pytest.mark.parametrize("worker", [("-c", LOUD)], indirect=True, ids=["loud"])
def test_only_messages_reach_stdout_and_a_fault_is_told_with_its_traceback(worker, tmp_path):
    worker.say(track(tmp_path / "a.mp4", tmp_path / "take"))
    ready, failure = worker.hear_all()
    assert isinstance(ready, Ready)
    assert (failure.kind, failure.message) == ("RuntimeError", "not foreseen")
    assert "Traceback" in failure.detail
    assert "in loud" in failure.detail
    assert worker.end() == 1
    assert b"printed" in worker.log
    assert b"written" in worker.log
