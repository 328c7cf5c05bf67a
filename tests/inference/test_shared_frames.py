# SPDX-License-Identifier: GPL-3.0-or-later
"""Frames through shared memory: whole, in order, bounded, and gone with the processes."""

import os
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
from track_spine.inference.frame_ring import MOST_BYTES, SLOTS, FrameRing
from track_spine.inference.protocol import (
    FrameReady,
    FramesWanted,
    ProtocolError,
    SharedFrames,
    SlotFree,
    decode,
    encode,
)
from track_spine.inference.shared_frames import SharedFootage

ROOT = Path(__file__).parents[2]
WIDTH, HEIGHT, COUNT = 24, 16, 30
RATE_HZ = 25.0

on_posix = pytest.mark.skipif(sys.platform == "win32", reason="Windows shares memory by a name")


def described(ring, **other):
    fields = {
        "handle": ring.handle,
        "slots": len(ring.frames),
        "width": WIDTH,
        "height": HEIGHT,
        "rate_hz": RATE_HZ,
        "count": COUNT,
        "identity": "ab" * 32,
    }
    return SharedFrames(**fields | other)


@pytest.fixture
def ring():
    ring = FrameRing(3, WIDTH, HEIGHT)
    yield ring
    ring.close()


@pytest.fixture
def opened(ring):
    """The child's end in this process, with a descriptor of its own and what it says."""
    said = []
    handle = str(os.dup(int(ring.handle))) if ring.inherited else ring.handle
    return SharedFootage(described(ring, handle=handle), "Scene", said.append), said


def picture(index):
    return np.random.default_rng(index).integers(0, 256, (HEIGHT, WIDTH, 3), np.uint8)


def test_frames_come_over_whole_and_slots_come_back(ring, opened):
    footage, said = opened
    assert (footage.info.width, footage.info.height) == (WIDTH, HEIGHT)
    assert (footage.info.frame_count, footage.info.sha256) == (COUNT, "ab" * 32)
    frames = footage.frames(0)
    for index in range(5):
        ring.frames[index % 3] = picture(index)
        footage.arrived(FrameReady(index % 3, index, index / RATE_HZ))
        frame = next(frames)
        ring.frames[index % 3] = 0  # what was read is a copy
        np.testing.assert_array_equal(frame.rgb, picture(index))
        assert (frame.index, frame.source_index, frame.whole) == (index, index, True)
        assert frame.source_s == frame.time_s == index / RATE_HZ
    assert said == [FramesWanted(0), *(SlotFree(index % 3) for index in range(5))]


def test_only_frames_that_the_take_lacks_are_asked_for(opened):
    footage, said = opened
    frames = footage.frames(COUNT - 1)
    footage.arrived(FrameReady(0, COUNT - 1, 9.0))
    assert [frame.index for frame in frames] == [COUNT - 1]
    assert said[0] == FramesWanted(COUNT - 1)


@pytest.mark.parametrize(
    "ready",
    [
        FrameReady(0, 1, 0.0),
        FrameReady(3, 0, 0.0),
        FrameReady(-1, 0, 0.0),
        FrameReady(0, 0, float("nan")),
        FrameReady(0, 0, float("inf")),
    ],
    ids=str,
)
def test_a_frame_that_cannot_be_next_is_refused(opened, ready):
    footage, _ = opened
    footage.arrived(ready)
    with pytest.raises(ProtocolError):
        next(footage.frames(0))


def test_time_that_stands_still_is_refused(opened):
    footage, _ = opened
    for index in range(2):
        footage.arrived(FrameReady(index, index, 1.0))
    frames = footage.frames(0)
    next(frames)
    with pytest.raises(ProtocolError, match=r"Frame 1 at 1.0 s"):
        next(frames)


@pytest.mark.parametrize(
    "wrong",
    [{"slots": 0}, {"slots": 65}, {"width": 0}, {"height": 40_000}, {"rate_hz": 0.0}, {"count": 0}],
    ids=str,
)
def test_memory_that_nobody_would_make_is_refused(ring, wrong):
    with pytest.raises(ProtocolError):
        described(ring, **wrong)


@on_posix
@pytest.mark.parametrize("handle", ["9999", "-1", "x", "", "/dev/shm/x"])
def test_a_handle_of_nothing_is_refused(ring, handle):
    with pytest.raises(ProtocolError, match="cannot be opened"):
        SharedFootage(described(ring, handle=handle), "Scene", print)


@on_posix
def test_memory_that_is_too_small_is_refused(ring):
    handle = str(os.dup(int(ring.handle)))
    with pytest.raises(ProtocolError, match="cannot be opened"):
        SharedFootage(described(ring, handle=handle, height=4 * HEIGHT), "Scene", print)


def test_memory_is_bounded_whatever_the_frame_is():
    assert len(FrameRing.fitting(640, 360).frames) == SLOTS
    large = FrameRing.fitting(7680, 4320)
    assert len(large.frames) == 2
    assert large.frames.nbytes <= MOST_BYTES


READ = """
import sys, threading
from inference.protocol import decode, encode
from inference.shared_frames import SharedFootage

def send(message):
    sys.stdout.write(encode(message))
    sys.stdout.flush()

footage = SharedFootage(decode(sys.stdin.readline()), "Scene", send)

def listen():
    for line in sys.stdin:
        footage.arrived(decode(line))

threading.Thread(target=listen, daemon=True).start()
for frame in footage.frames(0):
    print("#", int(frame.rgb.astype(int).sum()), flush=True)
"""


@pytest.fixture
def reader(ring):
    pipe = subprocess.PIPE
    command = [sys.executable, "-c", READ]
    with subprocess.Popen(
        command, cwd=ROOT, stdin=pipe, stdout=pipe, text=True, pass_fds=ring.inherited
    ) as process:
        process.stdin.write(encode(described(ring)))
        process.stdin.flush()
        yield process
        process.kill()


def segments():
    return set(os.listdir("/dev/shm")) if Path("/dev/shm").is_dir() else set()


def test_another_process_reads_what_is_written_here(ring, reader):
    before = segments()
    assert isinstance(decode(reader.stdout.readline()), FramesWanted)
    for index in range(COUNT):
        slot = index % 3
        ring.frames[slot] = picture(index)
        reader.stdin.write(encode(FrameReady(slot, index, index / RATE_HZ)))
        reader.stdin.flush()
        assert decode(reader.stdout.readline()) == SlotFree(slot)
        assert reader.stdout.readline() == f"# {int(picture(index).astype(int).sum())}\n"
    assert reader.wait(30) == 0
    assert segments() == before


def test_a_killed_reader_leaves_the_memory_to_the_writer_alone(ring, reader):
    before = segments()
    assert isinstance(decode(reader.stdout.readline()), FramesWanted)
    reader.kill()
    reader.wait()
    ring.frames[:] = 7
    assert segments() == before


WRITE = """
import subprocess, sys, time
from inference.frame_ring import FrameRing

ring = FrameRing(2, 1920, 1080)
child = subprocess.Popen(
    [sys.executable, "-c", sys.argv[1], ring.handle],
    stdin=subprocess.PIPE, stdout=sys.stdout, pass_fds=ring.inherited,
)
time.sleep(600)
"""

MAP = """
import sys
from inference.frame_ring import FrameRing

ring = FrameRing(2, 1920, 1080, sys.argv[1])
print("mapped", flush=True)
sys.stdin.read()
print("parent gone", flush=True)
"""


def test_a_killed_writer_leaves_nothing_behind():
    before = segments()
    with subprocess.Popen(
        [sys.executable, "-W", "error", "-c", WRITE, MAP],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as writer:
        watch = threading.Timer(30.0, writer.kill)
        watch.start()
        assert writer.stdout.readline() == "mapped\n"
        writer.kill()
        assert writer.stdout.readline() == "parent gone\n"
        assert writer.stdout.read() == ""  # the child is gone as well
        assert writer.stderr.read() == ""  # no resource tracker complains
        watch.cancel()
    assert segments() == before
