# SPDX-License-Identifier: GPL-3.0-or-later
"""What the commands of `track-spine` say: to whom, with which bars, and with which exit status."""

from typing import Final

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

OK: Final = 0
FAILED: Final = 1
WRONG_ARGUMENTS: Final = 2
NOBODY: Final = 3
INTERRUPTED: Final = 130
"""Exit statuses; argparse too ends with 2."""

console: Final = Console(stderr=True, highlight=False, markup=False, soft_wrap=True)
"""Standard error: standard output is for what other programs read."""


def bars() -> Progress:
    """Make bars for what goes on; they are shown within their context.

    Returns:
        The bars, without a task yet.
    """
    count = TextColumn("{task.completed:.0f}")
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        count,
        TimeRemainingColumn(),
        console=console,
    )
