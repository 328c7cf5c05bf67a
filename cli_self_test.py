# SPDX-License-Identifier: GPL-3.0-or-later
"""`track-spine self-test`: what this machine computes with, and whether it works."""

import argparse
import sys

from .cli_networks import add_provider_argument
from .cli_terminal import OK
from .inference.self_test import self_test


def add_self_test_command(
    commands: "argparse._SubParsersAction[argparse.ArgumentParser]",
) -> None:
    """Add the command to the parser of `track-spine`.

    Args:
        commands: What it is added to; it sets `run`, from arguments to exit status.
    """
    command = commands.add_parser(
        "self-test", help="say what this machine computes with, how fast, and whether it works"
    )
    add_provider_argument(command)
    command.set_defaults(run=_run)


def _run(arguments: argparse.Namespace) -> int:
    for line in self_test(arguments.provider):
        sys.stdout.write(f"{line}\n")
    return OK
