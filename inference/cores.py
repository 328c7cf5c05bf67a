# SPDX-License-Identifier: GPL-3.0-or-later
"""How many cores there are to work with."""

import os
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Final

ENVIRONMENT: Final = "TRACK_SPINE_THREADS"
"""Overrides the count, where it holds a number of 1 or more."""

_SYSTEM: Final = Path("/sys")


def usable_cores(system: Path = _SYSTEM) -> int:
    """Count the cores that this process may run on.

    Two threads of one core share its arithmetic units, which is all that networks use, so they
    count once. A container's share of time counts as well. Both are known on Linux only; elsewhere
    the system's number of processors is taken.

    Args:
        system: Root of the kernel's files.

    Returns:
        Their number, at least 1.
    """
    asked = os.environ.get(ENVIRONMENT, "")
    if asked.isdecimal() and int(asked) > 0:
        return int(asked)
    if not hasattr(os, "sched_getaffinity"):
        return os.cpu_count() or 1
    return max(1, min(_physical(os.sched_getaffinity(0), system), _quota(system)))


def _physical(processors: Iterable[int], system: Path) -> int:
    """Cores that these processors are threads of."""
    cores = set()
    for number in processors:
        siblings = f"{number}"
        with suppress(OSError):
            path = system / f"devices/system/cpu/cpu{number}/topology/thread_siblings_list"
            siblings = path.read_text().strip()
        cores.add(siblings)
    return len(cores)


def _quota(system: Path) -> int:
    """Whole cores' worth of time that the control group allows."""
    try:
        most, period = (system / "fs/cgroup/cpu.max").read_text().split()
        return max(1, int(most) // int(period))
    except (OSError, ValueError):  # no control group, or no limit ("max")
        return os.cpu_count() or 1
