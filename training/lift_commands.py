# SPDX-License-Identifier: GPL-3.0-or-later
"""The commands for the temporal lifter: lift-motions, lift-errors, lift-train and lift-export."""

import argparse
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

import torch

from .errors import TrainingError
from .lift_bank import build_motions, read_motions
from .lift_config import LiftConfig
from .lift_errors import measure_errors, read_errors
from .lift_export import export_lifter
from .lift_train import LAST, lifter_of, load_state, train_lifter
from .lift_views import Theatre
from .places import CACHE, DATA

Say = Callable[[str], None]


def add_commands(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the commands to a parser.

    Args:
        commands: Its sub-parsers.
    """
    draw = commands.add_parser("lift-motions", help="motions of points for the lifter; resumes")
    draw.add_argument("--count", type=int, default=460, help="motions wanted in the folder")
    draw.add_argument("--seed", type=int, default=1)
    draw.add_argument("--data", type=Path, default=DATA, help="the shared data folder")
    draw.add_argument("--out", type=Path, required=True)
    measure = commands.add_parser("lift-errors", help="the network's errors on renders; resumes")
    measure.add_argument("--renders", type=Path, required=True, help="folder of shards")
    measure.add_argument("--out", type=Path, required=True)
    train = commands.add_parser("lift-train", help="train the temporal lifter; resumes")
    train.add_argument("--motions", type=Path, required=True)
    train.add_argument("--errors", type=Path, required=True)
    train.add_argument("--out", type=Path, required=True, help="folder of the checkpoint")
    train.add_argument("--steps", type=int, default=LiftConfig.steps)
    train.add_argument("--threads", type=int, default=1)
    export = commands.add_parser("lift-export", help="the temporal lifter as ONNX")
    export.add_argument("checkpoint", type=Path)
    export.add_argument("--out", type=Path, required=True)


def _motions(options: argparse.Namespace, say: Say) -> None:
    bank = CACHE / "bodies.npz"
    build_motions(options.out, options.count, options.seed, bank, options.data, say)


def _errors(options: argparse.Namespace, say: Say) -> None:
    paths = sorted(options.renders.glob("shard-*.npz"))
    if not paths:
        raise TrainingError(f"{options.renders} holds no shards: run track-spine-train render")
    measure_errors(paths, options.out, say)


def _train(options: argparse.Namespace, say: Say) -> None:
    torch.set_num_threads(options.threads)
    config = LiftConfig(steps=options.steps)
    theatre = Theatre(read_motions(options.motions), read_errors(options.errors), config)
    train_lifter(theatre, options.out, config, say)
    say(f"{options.out / LAST} written")


def _export(options: argparse.Namespace, say: Say) -> None:
    state = load_state(options.checkpoint)
    size = export_lifter(lifter_of(state.config, state.average), options.out)
    say(f"{options.out}: {size:,} bytes; enter its SHA-256 in inference/models.py")


RUN: Final[Mapping[str, Callable[[argparse.Namespace, Say], None]]] = {
    "lift-motions": _motions,
    "lift-errors": _errors,
    "lift-train": _train,
    "lift-export": _export,
}
