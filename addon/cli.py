# SPDX-License-Identifier: GPL-3.0-or-later
"""`blender --command track_spine`: a clip in, animated FBX, glTF, USD or BVH out, without a window.

Progress, result and error are JSON objects, one a line, on stdout; lines that do not begin with a
brace are Blender's own. Exit codes: 0 done, 1 failed, 2 wrong arguments, 3 nobody in the clip, 130
stopped by Ctrl-C: the same command then goes on.
"""

import argparse
import dataclasses
import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import bpy

from ..inference.protocol import ProtocolError, TrackRequest
from ..rigging.regions import REGIONS
from .delivery import Delivery, deliver
from .errors import KNOWN_ERRORS, NobodyFoundError, OutputError, StoppedError, TargetError
from .export import WRITERS, export_people, require_format, require_writable
from .export_presets import PRESETS
from .modal import run_in_background
from .run import Run, start_worker

COMMAND: Final = "track_spine"

DONE: Final = 0
FAILED: Final = 1
WRONG_ARGUMENTS: Final = 2
NOBODY_FOUND: Final = 3
STOPPED: Final = 130


def main(argv: Sequence[str]) -> int:
    """Run the command.

    Args:
        argv: Arguments after the command's name.

    Returns:
        Exit code.
    """
    try:
        arguments = _parser().parse_args(argv)
    except SystemExit as leaving:  # argparse has said why
        return int(leaving.code or 0)
    try:
        _run(arguments)
    except KNOWN_ERRORS as error:
        _print_line(type="error", kind=type(error).__name__, message=str(error))
        return _exit_code(error)
    return DONE


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=f"blender --command {COMMAND}",
        description="Track the person in a clip and write the motion for other programs.",
        epilog="Exit codes: 0 done, 1 failed, 2 wrong arguments, 3 nobody found, 130 stopped.",
    )
    parser.add_argument(
        "clip",
        type=Path,
        help="movie file, or image sequence: its folder, first picture or pattern (walk_####.png)",
    )
    parser.add_argument(
        "--out",
        type=Path,
        required=True,
        help=f"file to write: {', '.join(WRITERS)}; several people add their names to it",
    )
    parser.add_argument(
        "--for",
        dest="preset",
        choices=[key.lower() for key in PRESETS],
        help="the program that the file is for",
    )
    parser.add_argument("--blend", type=Path, help="also save the scene to this .blend file")
    parser.add_argument("--height", type=float, default=1.7, help="height of the person, metres")
    parser.add_argument("--subject", type=_pixel, metavar="X,Y", help="pixel the person passes")
    parser.add_argument("--trim", metavar="PART", help="frames 120:480 or seconds 2.5s:10s")
    parser.add_argument("--fps", type=float, help="frame rate of an image sequence")
    parser.add_argument("--take", type=Path, help="take folder; default beside the file")
    parser.add_argument(
        "--rig",
        type=_rig,
        metavar="FILE.blend:OBJECT",
        help="armature to animate, else a new one",
    )
    _add_placement(parser)
    return parser


def _add_placement(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--layer",
        choices=("replace", "add"),
        help="lay the motion over the rig's animation, in place of it or added onto it",
    )
    parser.add_argument(
        "--parts",
        type=_parts,
        default={"spine", "neck"},
        metavar="A,B",
        help=f"parts of the body that the layer moves: {', '.join(REGIONS)} (default: spine,neck)",
    )
    parser.add_argument(
        "--from-first",
        action="store_true",
        help="add the change from the first frame on, not from the rest pose",
    )
    parser.add_argument(
        "--keep-stages", action="store_true", help="also keep the motion before smoothing"
    )
    parser.add_argument(
        "--max-error",
        type=float,
        metavar="DEGREES",
        help="leave out keys as long as no rotation is off by more",
    )


def _parts(text: str) -> set[str]:
    parts = set(text.split(","))
    if not parts <= set(REGIONS):
        raise argparse.ArgumentTypeError(f"{text!r} is not some of {', '.join(REGIONS)}")
    return parts


def _pixel(text: str) -> tuple[float, float]:
    try:
        x, y = (float(number) for number in text.split(","))
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not X,Y in pixels") from None
    return x, y


def _rig(text: str) -> tuple[Path, str]:
    stem, _, name = text.partition(".blend:")  # names may hold colons, as Mixamo's do
    path = f"{stem}.blend"
    if not name or not Path(path).is_file():
        raise argparse.ArgumentTypeError(f"{text!r} is not FILE.blend:OBJECT with an existing file")
    return Path(path).resolve(), name


def _run(arguments: argparse.Namespace) -> None:
    out = arguments.out.resolve()
    blend = arguments.blend.resolve() if arguments.blend else None
    video = arguments.clip.resolve()
    read = (video, arguments.rig[0] if arguments.rig else video)
    require_format(out)
    for path in filter(None, (out, blend)):
        if path in read:
            raise ProtocolError(f"{path} is what you gave to be read: name another output")
        require_writable(path)
    take = arguments.take.resolve() if arguments.take else out.with_suffix(".take")
    request = TrackRequest(
        video=str(video),
        take=str(take),
        subject_height_m=arguments.height,
        subject_px=arguments.subject,
        trim=arguments.trim,
        rate_hz=arguments.fps,
    )
    _open_scene(arguments.rig)
    _choose(bpy.context.scene.track_spine_rig, arguments)
    run = Run(request, clip="", target=arguments.rig[1] if arguments.rig else "")
    job = start_worker(bpy.context, run)
    run_in_background(job)
    delivery = deliver(bpy.context, run, job.result())
    armatures = [bpy.data.objects[name] for name in delivery.armatures]
    preset = PRESETS[arguments.preset.upper()] if arguments.preset else None
    written = export_people(bpy.context, armatures, out, preset)
    if blend:
        _save(blend)
    _print_result(delivery, written, blend)


def _open_scene(rig: tuple[Path, str] | None) -> None:
    if rig is None:
        bpy.ops.wm.read_homefile(use_empty=True)
        return
    try:
        bpy.ops.wm.open_mainfile(filepath=str(rig[0]), load_ui=False, use_scripts=False)
    except RuntimeError as error:
        raise TargetError(f"Cannot open {rig[0]}: {error}") from error


def _choose(settings: bpy.types.PropertyGroup, arguments: argparse.Namespace) -> None:
    """Take the arguments for settings, whatever the rig's file remembers."""
    settings.layer = arguments.layer.upper() if arguments.layer else "NONE"
    settings.regions = arguments.parts
    settings.from_first = arguments.from_first
    settings.keep_stages = arguments.keep_stages
    settings.reduce = arguments.max_error is not None
    if settings.reduce:
        settings.angle_error = math.radians(arguments.max_error)


def _save(blend: Path) -> None:
    try:
        bpy.ops.wm.save_as_mainfile(filepath=str(blend))
    except RuntimeError as error:
        raise OutputError(f"Cannot write {blend}: {error}") from error


def _exit_code(error: Exception) -> int:
    match error:
        case NobodyFoundError():
            return NOBODY_FOUND
        case StoppedError():
            return STOPPED
        case ProtocolError():  # the request itself was refused, before any worker saw it
            return WRONG_ARGUMENTS
        case _:
            return FAILED


def _print_result(delivery: Delivery, written: list[Path], blend: Path | None) -> None:
    _print_line(
        type="written",
        files=[str(path) for path in written],
        blend=str(blend) if blend else None,
        **dataclasses.asdict(delivery),
    )


def _print_line(**fields: object) -> None:
    print(json.dumps(fields), flush=True)
