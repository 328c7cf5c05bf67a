# SPDX-License-Identifier: GPL-3.0-or-later
"""Cores to work with: of those allowed, without second threads, within a container's share."""

import os

import pytest
from track_spine.inference.cores import ENVIRONMENT, usable_cores


@pytest.fixture
def machine(tmp_path, monkeypatch):
    """Makes the kernel's files of a machine with these threads and this share of time."""
    monkeypatch.delenv(ENVIRONMENT, raising=False)

    def make(siblings, allowed, quota=None):
        for number, name in enumerate(siblings):
            folder = tmp_path / f"devices/system/cpu/cpu{number}/topology"
            folder.mkdir(parents=True)
            (folder / "thread_siblings_list").write_text(name + "\n")
        if quota:
            (tmp_path / "fs/cgroup").mkdir(parents=True)
            (tmp_path / "fs/cgroup/cpu.max").write_text(quota + "\n")
        monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(allowed), raising=False)
        monkeypatch.setattr(os, "cpu_count", lambda: len(siblings))
        return tmp_path

    return make


FOUR_CORES = ["0,4", "1,5", "2,6", "3,7"] * 2


def test_two_threads_of_a_core_count_once(machine):
    assert usable_cores(machine(FOUR_CORES, range(8))) == 4


def test_only_cores_that_the_process_may_use_count(machine):
    assert usable_cores(machine(FOUR_CORES, [0, 4, 1])) == 2


@pytest.mark.parametrize(
    ("quota", "cores"),
    [("200000 100000", 2), ("50000 100000", 1), ("max 100000", 4), ("nonsense", 4)],
)
def test_a_containers_share_of_time_counts(machine, quota, cores):
    assert usable_cores(machine(FOUR_CORES, range(8), quota)) == cores


def test_without_the_kernels_files_every_processor_is_a_core(machine, tmp_path):
    machine(FOUR_CORES, [1, 2, 3])
    assert usable_cores(tmp_path / "none") == 3


@pytest.mark.parametrize(("asked", "cores"), [("3", 3), ("0", 4), ("many", 4), ("-1", 4)])
def test_the_environment_overrides_with_a_number(machine, monkeypatch, asked, cores):
    folder = machine(FOUR_CORES, range(8))
    monkeypatch.setenv(ENVIRONMENT, asked)
    assert usable_cores(folder) == cores


def test_elsewhere_the_systems_number_is_taken(machine, monkeypatch):
    folder = machine(FOUR_CORES, range(8))
    monkeypatch.delattr(os, "sched_getaffinity")
    assert usable_cores(folder) == 8
