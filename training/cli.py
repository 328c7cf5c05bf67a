# SPDX-License-Identifier: GPL-3.0-or-later
"""Command line of the training tools: `track-spine-train render | inspect | prepare | ...`."""

import argparse
import sys
import time
from pathlib import Path

import cv2
from rich.console import Console

from .errors import TrainingError
from .places import DATA
from .render import render, render_shards
from .sheet import contact_sheet, read_set, statistics

_OUT = Console(highlight=False)


def main(arguments: list[str] | None = None) -> int:
    """Run the command.

    Args:
        arguments: Command line, by default that of the process.

    Returns:
        Exit code: 0 done, 1 a clear error, 2 wrong usage.
    """
    try:
        options = _parser().parse_args(arguments)
    except ModuleNotFoundError as error:
        print(
            f"track-spine-train: {error.name} is not installed here: run it from .venv-train/bin, "
            "which `make test-training` makes",
            file=sys.stderr,
        )
        return 1
    try:
        if options.command == "render":
            _render(options)
        elif options.command == "render-shards":
            numbers = [int(number) for number in options.numbers.split(",")]
            out, seed, data = options.out, options.seed, options.data
            render_shards(out, numbers, seed, data, _say, aside=options.aside)
        elif options.command == "inspect":
            _inspect(options)
        else:
            _later(options)
    except TrainingError as error:
        print(f"track-spine-train: {error}", file=sys.stderr)
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="track-spine-train", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    make = commands.add_parser("render", help="render people with labels into shards; resumes")
    make.add_argument("--count", type=int, required=True, help="images wanted in the folder")
    make.add_argument("--processes", type=int, default=2)
    part = commands.add_parser("render-shards", help="render given shards (used by render)")
    part.add_argument("numbers", help="numbers of shards, with commas")
    for command in (make, part):
        command.add_argument("--out", type=Path, required=True, help="folder of shards")
        command.add_argument("--seed", type=int, default=1)
        command.add_argument("--data", type=Path, default=DATA, help="the shared data folder")
        command.add_argument("--aside", action="store_true", help="only what is kept for the test")
    look = commands.add_parser("inspect", help="contact sheet with labels, and statistics")
    look.add_argument("folder", type=Path)
    look.add_argument("--out", type=Path, required=True, help="PNG to write")
    look.add_argument("--seed", type=int, default=1, help="which pictures")
    if "render-shards" not in sys.argv:  # renderers need neither PyTorch's nor plotting's memory
        from .commands import add_commands

        add_commands(commands)
    return parser


def _render(options: argparse.Namespace) -> None:
    start = time.monotonic()
    count, processes = options.count, options.processes
    made = render(
        options.out, count, options.seed, processes, options.data, _say, aside=options.aside
    )
    seconds = time.monotonic() - start
    _say(f"{made} images in {seconds:.0f} s, {made / max(seconds, 1e-9):.2f} images/s in all")


def _later(options: argparse.Namespace) -> None:
    from .commands import run

    run(options, _say)


def _inspect(options: argparse.Namespace) -> None:
    shards = read_set(options.folder)
    sheet = contact_sheet(shards, options.seed)
    options.out.parent.mkdir(parents=True, exist_ok=True)
    if not cv2.imwrite(str(options.out), cv2.cvtColor(sheet, cv2.COLOR_RGB2BGR)):
        raise TrainingError(f"cannot write {options.out}")
    for name, value in statistics(shards):
        _OUT.print(f"{name:<40} {value}")


def _say(line: str) -> None:
    _OUT.print(line, markup=False)


if __name__ == "__main__":
    sys.exit(main())
