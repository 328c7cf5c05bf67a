# SPDX-License-Identifier: GPL-3.0-or-later
"""The worker as Blender starts it: a child process, lines in, lines out."""

import sys
from pathlib import Path

import numpy as np
import pytest
from track_spine.inference.frame_ring import FrameRing
from track_spine.inference.protocol import (
    Cancelled,
    CancelRequest,
    Failure,
    FetchRequest,
    FrameReady,
    FramesWanted,
    Progress,
    Ready,
    Result,
    SharedFrames,
    SlotFree,
    TrackRequest,
    encode,
)
from track_spine.inference.take import CHUNK_ARRAYS, Take
from track_spine.inference.trim import Trim
from track_spine.inference.video import frames, probe

PARENT_GONE = 3


@pytest.fixture
def worker(request, start_worker):
    return start_worker(*getattr(request, "param", ("-m", "inference")))


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
    (failure,) = worker.hear_all()
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

pipeline.open_footage = loud
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


def test_frames_of_the_parent_are_tracked_like_a_file_s(start_worker, short_clip, tmp_path):
    ring = FrameRing(3, 884, 498)
    worker = start_worker("-m", "inference", inherited=ring.inherited)
    pictures = list(frames(probe(short_clip, trim=Trim(end=20))))
    worker.say(encode(SharedFrames(ring.handle, 3, 884, 498, 30.0, len(pictures), "ab" * 32)))
    worker.say(encode(TrackRequest("Scene", str(tmp_path / "shared"), batch_frames=4)))
    free, sent, most = [0, 1, 2], 0, 0
    while not isinstance(message := worker.hear(), Result):
        if isinstance(message, SlotFree):
            free.append(message.slot)
        elif not isinstance(message, FramesWanted):
            continue
        while free and sent < len(pictures):
            slot = free.pop()
            ring.frames[slot] = pictures[sent].rgb
            worker.say(encode(FrameReady(slot, sent, pictures[sent].time_s)))
            sent += 1
            most = max(most, 3 - len(free))
    assert (message.frames, sent, most) == (20, 20, 3)
    assert worker.end() == 0
    ring.close()
    other = start_worker("-m", "inference")
    other.say(track(short_clip, tmp_path / "file", trim="0:20", batch_frames=4))
    assert isinstance(other.hear_all()[-1], Result)
    shared, file = (Take(tmp_path / name).read_chunks()[0] for name in ("shared", "file"))
    for name in CHUNK_ARRAYS:
        np.testing.assert_array_equal(shared[name], file[name])
    assert Take(tmp_path / "shared").read_json()["source"]["sha256"] == "ab" * 32


@pytest.mark.parametrize("other", [{"trim": "0:5"}, {"rate_hz": 24.0}], ids=str)
def test_frames_of_the_parent_are_neither_trimmed_nor_given_a_rate(start_worker, tmp_path, other):
    ring = FrameRing(2, 64, 48)
    worker = start_worker("-m", "inference", inherited=ring.inherited)
    worker.say(encode(SharedFrames(ring.handle, 2, 64, 48, 30.0, 9, "ab" * 32)))
    worker.say(encode(TrackRequest("Scene", str(tmp_path), **other)))
    (failure,) = worker.hear_all()
    assert failure.kind == "ProtocolError" and "neither a trim nor a rate" in failure.message
    ring.close()


def test_a_network_of_no_catalogue_is_not_fetched(start_worker):
    worker = start_worker("-m", "inference")
    worker.say(encode(FetchRequest("evil", "")))
    *_, failure = worker.hear_all()
    assert (failure.kind, failure.detail) == ("ModelError", "")
    assert "'evil'" in failure.message
