# SPDX-License-Identifier: GPL-3.0-or-later
"""What goes wrong in earnest: killed processes, full disks, damaged chunks, two workers."""

import contextlib
import errno
import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from track_spine.inference import batches
from track_spine.inference.errors import TakeError
from track_spine.inference.protocol import (
    CancelRequest,
    Failure,
    Progress,
    Ready,
    Result,
    TrackRequest,
    encode,
)
from track_spine.inference.take import Take
from track_spine.inference.take_lock import take_lock

ROOT = Path(__file__).parents[2]
CHUNK = 4
SMALL_CHUNKS = f"""
import sys
from inference import batches
from inference.__main__ import main

batches.CHUNK_FRAMES = {CHUNK}
sys.exit(main())
"""
"""The worker, but for chunks so short that a kill finds it between any two of them."""


PART = "0:24"
"""Enough frames for six chunks."""


def request(clip, take, **settings):
    return TrackRequest(str(clip), str(take), batch_frames=4, threads=1, **settings)


def content(take):
    """All points of a take, 2D and 3D, as bytes by file; a run must give the same, bit for bit."""
    return {str(path.relative_to(take)): path.read_bytes() for path in take.rglob("*.npz")}


def rows(take):
    return len(Take(take).read_chunks()[0]["row"])


def finish(start_worker, clip, take):
    """Run the worker to its end; returns how long it took."""
    began = time.monotonic()
    worker = start_worker("-c", SMALL_CHUNKS)
    worker.say(encode(request(clip, take, trim=PART)))
    *_, last = worker.hear_all()
    assert isinstance(last, Result), last
    assert worker.end() == 0
    return time.monotonic() - began


def kill_at_random(start_worker, clip, folder, kills, seed):
    """Kill workers at random moments; every take that comes to its end is compared."""
    longest_s = finish(start_worker, clip, folder / "undisturbed")
    wanted = content(folder / "undisturbed")
    rng = np.random.default_rng(seed)
    takes, kept = [folder / "take0"], 0
    for _ in range(kills):
        worker = start_worker("-c", SMALL_CHUNKS)
        worker.say(encode(request(clip, takes[-1], trim=PART)))
        time.sleep(rng.uniform(0.0, longest_s))
        worker.kill()
        assert rows(takes[-1]) >= kept
        kept = rows(takes[-1])
        if (takes[-1] / "lifted.npz").exists():
            takes.append(folder / f"take{len(takes)}")
            kept = 0
    for take in takes:
        finish(start_worker, clip, take)
        assert content(take) == wanted
    return len(takes)


def test_a_worker_killed_at_a_few_random_moments_loses_nothing(start_worker, short_clip, tmp_path):
    kill_at_random(start_worker, short_clip, tmp_path, 8, seed=1)


@pytest.mark.slow
def test_a_worker_killed_at_100_random_moments_loses_nothing(start_worker, short_clip, tmp_path):
    assert kill_at_random(start_worker, short_clip, tmp_path, 100, seed=2) >= 5


PARENT = """
import sys, time
from pathlib import Path
from track_spine.addon.process import Worker, worker_environment
from track_spine.inference.protocol import TrackRequest, encode

root, clip, take, lines = sys.argv[1:]
worker = Worker([sys.executable, "-s", "-m", "inference"], Path(root), Path(take, "log"),
                worker_environment([]))
worker.send(encode(TrackRequest(clip, take)))
for _ in range(int(lines)):
    while not worker.poll(wait_s=10.0):
        pass
print("now", flush=True)
time.sleep(600)
"""


@pytest.mark.parametrize("lines", [1, 2, 6])
def test_the_worker_is_gone_two_seconds_after_its_parent_was_killed(sample_clip, tmp_path, lines):
    arguments = [str(ROOT), str(sample_clip), str(tmp_path), str(lines)]
    command = [sys.executable, "-c", PARENT, *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as parent:
        assert parent.stdout.readline() == b"now\n"
        parent.kill()
    began = time.monotonic()
    ended = False
    while not ended and time.monotonic() - began < 2.0:
        # The take is locked as long as the worker lives.
        with contextlib.suppress(TakeError), take_lock(tmp_path):
            ended = not _of_take(tmp_path)
        time.sleep(0.05)
    assert ended


def _of_take(folder):
    """Processes that still have a file of the folder open (nothing to see outside Linux)."""
    holders = []
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            opened = [os.readlink(link) for link in (process / "fd").iterdir()]
            if int(process.name) != os.getpid() and any(str(folder) in name for name in opened):
                holders.append(process.name)
    return holders


def test_the_second_worker_on_a_take_refuses_and_the_first_goes_on(
    start_worker, sample_clip, tmp_path
):
    first, second = (start_worker("-m", "inference") for _ in range(2))
    first.say(encode(request(sample_clip, tmp_path / "take")))
    assert isinstance(first.hear(), Ready)
    assert isinstance(first.hear(), Progress)
    second.say(encode(request(sample_clip, tmp_path / "take")))
    *_, refusal = second.hear_all()
    assert isinstance(refusal, Failure) and refusal.kind == "TakeError"
    assert f"process {first.process.pid}" in refusal.message
    assert second.end() == 1
    first.say(encode(CancelRequest()))
    *_, last = first.hear_all()
    assert last.frames == rows(tmp_path / "take")


@pytest.fixture(scope="module")
def tiny(short_clip):
    """Settings of a run of twelve frames, which takes a fraction of a second."""
    return {"video": str(short_clip), "trim": "0:12", "batch_frames": 4, "threads": 1}


def run(tracker, take, tiny):
    asked = TrackRequest(take=str(take), **tiny)
    return tracker.track(asked, lambda progress: None, lambda: False)


@pytest.fixture
def small_chunks(monkeypatch):
    monkeypatch.setattr(batches, "CHUNK_FRAMES", 4)


class Disk:
    """Counts what is written, and refuses from a certain time on until there is room again."""

    def __init__(self, monkeypatch, code, refuses_from):
        """Stand before every call that writes."""
        self.count = 0
        self.code, self.refuses_from = code, refuses_from
        for owner, name in ((Path, "mkdir"), (os, "fsync"), (os, "replace")):
            monkeypatch.setattr(owner, name, self.counted(getattr(owner, name)))
        opening = Path.open

        def open_counted(path, mode="r", *arguments, **keywords):
            if not set(mode) & set("wax+"):
                return opening(path, mode, *arguments, **keywords)
            self.step()
            return CountedFile(opening(path, mode, *arguments, **keywords), self)

        monkeypatch.setattr(Path, "open", open_counted)

    def step(self):
        self.count += 1
        if self.refuses_from is not None and self.count >= self.refuses_from:
            raise OSError(self.code, os.strerror(self.code))

    def counted(self, action):
        def act(*arguments, **keywords):
            self.step()
            return action(*arguments, **keywords)

        return act


class CountedFile:
    """A file whose writes are counted."""

    def __init__(self, file, disk):
        """Wrap an open file."""
        self.file, self.disk = file, disk

    def __getattr__(self, name):
        """Give what is no write."""
        return getattr(self.file, name)

    def write(self, data):
        self.disk.step()
        return self.file.write(data)

    def __enter__(self):
        """Stay open."""
        return self

    def __exit__(self, *_):
        """Close the file."""
        self.file.close()


def refuse_writes(tracker, tiny, folder, code, every):
    """Refuse the first write and all after it, then the second and all after it, and so on."""
    with pytest.MonkeyPatch.context() as patch:
        disk = Disk(patch, code, None)
        run(tracker, folder / "undisturbed", tiny)
    wanted = content(folder / "undisturbed")
    assert disk.count >= 20
    ran_through = []
    for refuses_from in range(1, disk.count + 1, every):
        take = folder / f"take{refuses_from}"
        with pytest.MonkeyPatch.context() as patch:
            Disk(patch, code, refuses_from)
            try:
                run(tracker, take, tiny)
                ran_through.append(refuses_from)
            except TakeError as error:
                assert os.strerror(code) in str(error)
                assert str(take) in str(error)
        assert not list(take.rglob("*.part"))
        run(tracker, take, tiny)
        assert content(take) == wanted
    assert len(ran_through) <= 1  # the process id in the lock file, which nothing depends on


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EROFS], ids=["full", "read-only"])
def test_a_disk_that_refuses_some_write_leaves_a_take_to_go_on_with(
    tracker, tiny, tmp_path, small_chunks, code
):
    refuse_writes(tracker, tiny | {"trim": "0:8"}, tmp_path, code, every=5)


@pytest.mark.slow
@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EROFS], ids=["full", "read-only"])
def test_a_disk_that_refuses_any_write_leaves_a_take_to_go_on_with(
    tracker, tiny, tmp_path, small_chunks, code
):
    refuse_writes(tracker, tiny, tmp_path, code, every=1)


@pytest.mark.parametrize("damage", ["cut", "changed", "emptied", "foreign"])
def test_a_damaged_chunk_is_set_aside_and_its_frames_are_tracked_again(
    tracker, tiny, tmp_path, small_chunks, damage
):
    run(tracker, tmp_path / "take", tiny)
    wanted = content(tmp_path / "take")
    chunk = tmp_path / "take" / "chunks" / "00000004.npz"
    whole = chunk.read_bytes()
    middle = len(whole) // 2
    chunk.write_bytes(
        {
            "cut": whole[:middle],
            "changed": whole[:middle] + bytes([whole[middle] ^ 255]) + whole[middle + 1 :],
            "emptied": b"",
            "foreign": b"PK\x03\x04 not an archive",
        }[damage]
    )
    damaged = chunk.read_bytes()
    result = run(tracker, tmp_path / "take", tiny)
    assert "from row 4" in result.note
    assert content(tmp_path / "take") == wanted
    aside = {path.name: path.read_bytes() for path in chunk.parent.glob("*.damaged")}
    assert aside == {
        "00000004.npz.damaged": damaged,
        "00000008.npz.damaged": wanted["chunks/00000008.npz"],
    }


def test_damage_that_comes_twice_is_kept_twice(tracker, tiny, tmp_path, small_chunks):
    chunk = tmp_path / "take" / "chunks" / "00000008.npz"
    for number in range(2):
        run(tracker, tmp_path / "take", tiny)
        chunk.write_bytes(b"%d" % number)
    run(tracker, tmp_path / "take", tiny)
    names = ("00000008.npz.damaged", "00000008.npz.2.damaged")
    assert [chunk.with_name(name).read_bytes() for name in names] == [b"0", b"1"]


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (b"x" * (1 << 21) + b"\n", "A line of 1048577 characters"),
        (b'{"type": "track", "video": "a", "take": "b", "protocol": 2}\n', "speaks protocol 2"),
        (b'{"type": "frame", "slot": 0, "index": 0, "time_s": 0.0}\n', "must be a track request"),
    ],
    ids=["too-long", "version", "frame"],
)
def test_a_parent_that_speaks_otherwise_is_told(start_worker, line, words):
    worker = start_worker("-m", "inference")
    worker.say(line)
    *_, failure = worker.hear_all()
    assert (failure.kind, failure.detail) == ("ProtocolError", "")
    assert words in failure.message
    assert worker.end() == 1


@pytest.mark.parametrize(
    "line",
    [b"rubbish\n", b"x" * (1 << 21) + b"\n", b'{"type": "cancel", "protocol": 2}\n'],
    ids=["rubbish", "too-long", "version"],
)
def test_rubbish_in_the_middle_of_a_run_ends_it_with_a_take_to_go_on_with(
    start_worker, sample_clip, tmp_path, line
):
    worker = start_worker("-m", "inference")
    worker.say(encode(request(sample_clip, tmp_path / "take")))
    assert isinstance(worker.hear(), Ready)
    assert isinstance(worker.hear(), Progress)
    worker.say(line)
    worker.hear_all()
    assert worker.end() == 3
    assert rows(tmp_path / "take") in (0, 120)
