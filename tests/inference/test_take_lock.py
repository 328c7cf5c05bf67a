# SPDX-License-Identifier: GPL-3.0-or-later
"""One writer a take: the second is refused by name, and a lock dies with its process."""

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest
from track_spine.inference import take_lock as module
from track_spine.inference.errors import TakeError
from track_spine.inference.take_lock import NAME, take_lock

ROOT = Path(__file__).parents[2]

HOLD = """
import sys
from pathlib import Path
from inference.take_lock import take_lock

with take_lock(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def holder(tmp_path):
    """Another process that holds the lock of `take` until it is killed."""
    command = [sys.executable, "-c", HOLD, str(tmp_path / "take")]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, cwd=ROOT, stdin=pipe, stdout=pipe) as process:
        assert process.stdout.readline() == b"held\n"
        yield process
        process.kill()


def test_a_second_process_is_refused_and_told_who_has_it(holder, tmp_path):
    with pytest.raises(TakeError, match=rf"another run \(process {holder.pid}\).*choose another"):
        take_lock(tmp_path / "take").__enter__()


def test_the_lock_goes_with_a_killed_process(holder, tmp_path):
    holder.kill()
    holder.wait()
    with take_lock(tmp_path / "take"):
        assert (tmp_path / "take" / NAME).read_text() == f"{os.getpid()}\n"


def test_one_after_the_other_is_fine(tmp_path):
    for _ in range(3):
        with take_lock(tmp_path / "deep" / "take"):
            pass


def test_an_error_inside_frees_it(tmp_path):
    with pytest.raises(RuntimeError), take_lock(tmp_path):
        raise RuntimeError
    with take_lock(tmp_path):
        pass


def test_two_in_one_process_exclude_one_another(tmp_path):
    with take_lock(tmp_path), pytest.raises(TakeError, match="another run"):
        take_lock(tmp_path).__enter__()


def test_two_takes_are_two_locks(tmp_path):
    with take_lock(tmp_path / "a"), take_lock(tmp_path / "b"):
        pass


def test_a_file_system_without_locks_is_used_without(tmp_path, monkeypatch):
    def unsupported(_file):
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(module, "_lock", unsupported)
    with take_lock(tmp_path):
        pass


@pytest.mark.parametrize("code", [errno.EROFS, errno.EACCES, errno.ENOSPC])
def test_a_folder_that_cannot_be_written_is_named(tmp_path, monkeypatch, code):
    def fail(*_):
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(Path, "open", fail)
    with pytest.raises(TakeError, match=rf"{tmp_path} cannot be written: {os.strerror(code)}"):
        take_lock(tmp_path).__enter__()
