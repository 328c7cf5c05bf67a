# SPDX-License-Identifier: GPL-3.0-or-later
"""The commands for real pictures: label-frames and pick."""

import argparse
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

import torch

from .base import FrozenBase
from .checkpoint import averaged_head, load
from .errors import TrainingError
from .fit_body import template
from .label_frames import Collected, label_cameras, label_clips
from .pick import pick
from .places import CACHE
from .student import Student

Say = Callable[[str], None]

BANK: Final = CACHE / "bodies.npz"
SKELETON: Final = CACHE / "mean_skeleton.npz"


def add_commands(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the commands to a parser.

    Args:
        commands: Its sub-parsers.
    """
    mark = commands.add_parser("label-frames", help="pseudo-labels of real footage")
    mark.add_argument("checkpoint", type=Path, help="the head that is asked")
    mark.add_argument("--clips", type=Path, nargs="+", default=[], help="videos of one camera each")
    mark.add_argument(
        "--cameras",
        type=Path,
        nargs=2,
        metavar=("CALIBRATION", "RECORDING"),
        help="Caliscope's camera_array.toml and the folder of cam_N.mp4 and timestamps.csv",
    )
    mark.add_argument("--out", type=Path, required=True, help="folder of pictures and labels.json")
    mark.add_argument("--every", type=float, default=0.3, help="least seconds between two labels")
    mark.add_argument("--threads", type=int, default=1)
    ask = commands.add_parser("pick", help="what people should label next, as COCO JSON to correct")
    ask.add_argument("labels", type=Path, help="COCO JSON that names the pictures")
    ask.add_argument(
        "--predictions", type=Path, nargs="+", required=True, help="results to compare"
    )
    ask.add_argument("--count", type=int, default=50, help="people wanted")
    ask.add_argument("--out", type=Path, required=True, help="COCO JSON to write")


def _label_frames(options: argparse.Namespace, say: Say) -> None:
    if not options.clips and not options.cameras:
        raise TrainingError("nothing to label: give --clips or --cameras")
    torch.set_num_threads(options.threads)
    base = FrozenBase(options.threads)
    student = Student(averaged_head(load(options.checkpoint)))
    collected = Collected(options.out)
    if options.cameras:
        calibration, recording = options.cameras
        label_cameras(calibration, recording, base, student, collected, options.every, say)
    if options.clips:
        skeleton = template(SKELETON, BANK)
        label_clips(options.clips, base, student, skeleton, collected, options.every, say)
    collected.write(say)


def _pick(options: argparse.Namespace, say: Say) -> None:
    for name, need in pick(options.labels, options.predictions, options.count, options.out):
        say(f"{need:6.2f} {name}")
    say(f"{options.out} written: correct it, set what is right to 2 and what is unknown to 0")


RUN: Final[Mapping[str, Callable[[argparse.Namespace, Say], None]]] = {
    "label-frames": _label_frames,
    "pick": _pick,
}
