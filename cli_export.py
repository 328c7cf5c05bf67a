# SPDX-License-Identifier: GPL-3.0-or-later
"""`track-spine export`: a finished take as BVH, TRC, MOT or C3D."""

import argparse
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from .cli_c3d import c3d_bytes
from .cli_terminal import OK, console
from .inference.protocol import ProtocolError
from .inference.take import replacing
from .rigging.bvh import bvh_text
from .rigging.filters import smooth
from .rigging.lab_formats import evenly, mot_text, trc_text
from .rigging.motion import Motion3D, load_lifted
from .rigging.reconstruct import reconstruct


def add_export_command(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add `export` to the parser of `track-spine`.

    Args:
        commands: What it is added to; it sets `run`, from arguments to exit status.
    """
    command = commands.add_parser("export", help="write a take for other programs")
    command.add_argument("take", type=Path, metavar="TAKE", help="the take's folder")
    command.add_argument(
        "--out",
        type=Path,
        required=True,
        metavar="FILE",
        help=f"file to write: {', '.join(_FORMATS)}; several people add their numbers to its name",
    )
    command.set_defaults(run=_export)


def _export(arguments: argparse.Namespace) -> int:
    out: Path = arguments.out
    encode = _FORMATS.get(out.suffix.lower())
    if encode is None:
        raise ProtocolError(f"--out {out}: the name must end in one of {', '.join(_FORMATS)}")
    people = load_lifted(_lifted(arguments.take))
    for person, motion in people.items():
        path = out if len(people) == 1 else out.with_name(f"{out.stem}_{person}{out.suffix}")
        data = encode(motion, path.name)
        with replacing(path) as file:
            file.write(data)
        console.print(f"Made {path}")
    return OK


def _lifted(take: Path) -> Path:
    """Find a take's 3D points, in the take's folder or in what `track-spine track` made."""
    for folder in (take, take / "take"):
        if (folder / "lifted.npz").is_file():
            return folder / "lifted.npz"
    raise ProtocolError(f"{take} is no finished take: it has no lifted.npz. Track the clip first")


def _bvh(motion: Motion3D, _name: str) -> bytes:
    solved = reconstruct(motion)
    return bvh_text(solved.skeleton, solved.motion).encode()


def _trc(motion: Motion3D, name: str) -> bytes:
    return trc_text(evenly(smooth(motion)), name).encode()


def _mot(motion: Motion3D, _name: str) -> bytes:
    return mot_text(reconstruct(motion)).encode()


def _c3d(motion: Motion3D, _name: str) -> bytes:
    return c3d_bytes(evenly(smooth(motion)))


_FORMATS: Final[Mapping[str, Callable[[Motion3D, str], bytes]]] = {
    ".bvh": _bvh,
    ".trc": _trc,
    ".mot": _mot,
    ".c3d": _c3d,
}
