# SPDX-License-Identifier: GPL-3.0-or-later
"""Looks through many crops at once: one a core on a CPU, all in one batch elsewhere."""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from .pose2d import Body, Look, estimate_each
from .session import Session

ON_CPU: Final = "CPUExecutionProvider"


class Looks:
    """The pose network and the threads that feed it."""

    def __init__(self, pose: Session, threads: int) -> None:
        """Begin without any thread running.

        Args:
            pose: The pose network; on a CPU with one thread of its own: two crops on a core each
                take less time than one after the other on two cores.
            threads: Crops that are looked through at the same time.
        """
        self._pose = pose
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="look")

    def __call__(self, wanted: Sequence[Look]) -> Iterator[Body]:
        """Look through crops.

        Args:
            wanted: Frames and crops.

        Returns:
            What the network says of each, in the same order, each as soon as it is there: what is
            done with one goes on beside the looks at the next. On a CPU a body does not depend on
            what else is looked at, to the bit.
        """
        if self._pose.provider != ON_CPU or len(wanted) < 2:
            return iter(estimate_each(self._pose, wanted) if wanted else [])
        return (body for (body,) in self._threads.map(self._alone, wanted))

    def _alone(self, look: Look) -> list[Body]:
        return estimate_each(self._pose, [look])

    def close(self) -> None:
        """Let the threads end."""
        self._threads.shutdown()
