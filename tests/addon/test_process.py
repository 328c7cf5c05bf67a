# SPDX-License-Identifier: GPL-3.0-or-later
"""The child process: it starts, it speaks, and it is gone afterwards."""

import os

import pytest
from track_spine.addon.errors import OutputError, WorkerError
from track_spine.addon.process import Worker, worker_environment


def lines_until_the_end(worker):
    lines = []
    while not worker.ended:
        lines += worker.poll(wait_s=5.0)
    return lines


def is_gone(worker):
    return worker._process.poll() is not None


def test_lines_come_in_order_until_the_child_ends(start_fake):
    worker = start_fake("fails")
    worker.send('{"type": "track"}\n')
    kinds = [line.split('"')[3] for line in lines_until_the_end(worker)]
    assert kinds == ["ready", "progress", "error"]
    assert worker.wait() == 1


def test_an_interpreter_that_is_not_there_is_named(tmp_path):
    missing = str(tmp_path / "no-python")
    with pytest.raises(WorkerError, match=r"Cannot start the worker with .*no-python.*preferences"):
        Worker([missing], tmp_path, tmp_path / "log.txt", {})


def test_a_log_that_cannot_be_written_is_told_with_its_path(tmp_path):
    with pytest.raises(OutputError, match=r"worker's log .*missing"):
        Worker(["python"], tmp_path, tmp_path / "missing" / "log.txt", {})


def test_stderr_is_in_the_log(start_fake):
    worker = start_fake("dies")
    assert lines_until_the_end(worker) == []
    assert worker.wait() == 7
    assert worker.log_tail() == "ImportError: no module named numpy"


def test_the_log_keeps_its_end_when_it_is_long(start_fake):
    worker = start_fake("dies")
    lines_until_the_end(worker)
    worker.note("x" * 100_000 + "\nlast words")
    assert worker.log_tail().endswith("last words")
    assert len(worker.log_tail()) < 5000


def test_a_log_that_was_deleted_does_not_hide_the_end(start_fake):
    worker = start_fake("dies")
    lines_until_the_end(worker)
    worker.log.unlink()
    worker.note("traceback")
    worker.log.unlink()
    assert worker.wait() == 7
    assert worker.log_tail() == ""


def test_a_child_that_does_not_listen_is_killed(start_fake):
    worker = start_fake("deaf")
    worker.send('{"type": "track"}\n')
    while not worker.poll(wait_s=5.0):
        pass
    assert worker.close() != 0
    assert is_gone(worker)
    assert worker.ended


def test_a_child_dies_when_its_stdin_is_closed(start_fake):
    worker = start_fake("mute")
    assert worker.wait() == 0
    assert is_gone(worker)


def test_sending_to_a_dead_child_is_silent(start_fake):
    worker = start_fake("dies")
    lines_until_the_end(worker)
    worker.wait()
    worker.send("anything\n")


def test_poll_does_not_wait_unless_told_to(start_fake):
    assert start_fake("mute").poll() == []


def test_the_environment_names_the_packages_of_the_wheels():
    environment = worker_environment(["/a", "/b"])
    assert environment["PYTHONPATH"] == os.pathsep.join(["/a", "/b"])
    assert worker_environment([])["PYTHONPATH"] == ""
