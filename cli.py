# SPDX-License-Identifier: GPL-3.0-or-later
"""The command line `track-spine`: a clip becomes a take, an overlay and a BVH file."""

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from .cli_cameras import add_cameras_command
from .cli_export import add_export_command
from .cli_models import add_model_commands
from .cli_networks import add_network_arguments, networks_of
from .cli_report import add_report_command
from .cli_self_test import add_self_test_command
from .cli_terminal import FAILED, INTERRUPTED, NOBODY, OK, WRONG_ARGUMENTS, bars, console
from .cli_track import add_track_command, refuse_overwriting
from .inference.errors import InferenceError, NobodyFoundError, VideoError
from .inference.photos import PhotoDetector
from .inference.protocol import ProtocolError
from .inference.take import replacing
from .rigging.errors import RigError


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line.

    Args:
        argv: Arguments without the program's name; None for those of the process.

    Returns:
        Exit status: 0 done, 1 failed, 2 wrong arguments, 3 nobody in the clip, 130 interrupted.
    """
    arguments = _parser().parse_args(argv)
    try:
        run: Callable[[argparse.Namespace], int] = arguments.run
        return run(arguments)
    except NobodyFoundError as error:
        console.print(f"track-spine: {error}")
        return NOBODY
    except ProtocolError as error:
        console.print(f"track-spine: {error}")
        return WRONG_ARGUMENTS
    except (InferenceError, RigError) as error:
        console.print(f"track-spine: {error}")
        return FAILED
    except KeyboardInterrupt:
        console.print("track-spine: interrupted")
        return INTERRUPTED


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="track-spine", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    add_track_command(commands)

    detect = commands.add_parser("detect", help="find the 37 points of everybody in photos")
    detect.add_argument("photos", nargs="+", metavar="PHOTO")
    detect.add_argument("--json", type=Path, required=True, metavar="FILE", help="file to write")
    add_network_arguments(detect)
    detect.set_defaults(run=_detect)

    add_cameras_command(commands)
    add_export_command(commands)
    add_report_command(commands)
    add_self_test_command(commands)
    models = commands.add_parser("models", help="networks that others publish: list, fetch, add")
    add_model_commands(models.add_subparsers(required=True, metavar="COMMAND"))
    return parser


def _detect(arguments: argparse.Namespace) -> int:
    refuse_overwriting([arguments.json], [Path(path) for path in arguments.photos])
    detector = PhotoDetector(networks_of(arguments))
    images, failed = {}, []
    with bars() as shown:
        for path in shown.track(arguments.photos, description="Detecting"):
            try:
                images[path] = detector.detect(Path(path))
            except VideoError as error:
                failed.append(str(error))
    with replacing(arguments.json) as file:
        file.write(json.dumps({"images": images}).encode())
    for message in failed:
        console.print(f"track-spine: {message}")
    people = sum(map(len, images.values()))
    console.print(f"Found {people} people in {len(images)} photos: {arguments.json}")
    return FAILED if failed else OK


if __name__ == "__main__":
    sys.exit(main())
