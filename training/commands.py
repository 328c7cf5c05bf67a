# SPDX-License-Identifier: GPL-3.0-or-later
"""The commands after rendering: prepare, train, evaluate, export, look."""

import argparse
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np
import torch

from .checkpoint import averaged_head, load
from .coco import evaluate_files
from .config import config_from
from .curves import draw_curves
from .dataset import Dataset, read_features
from .errors import TrainingError
from .evaluate import evaluate
from .export_onnx import export
from .look import tiles
from .prepare import prepare
from .splits import MIXED, NAMES, TEST, bodies_aside
from .train import LAST, train

Say = Callable[[str], None]


def add_commands(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the commands to a parser.

    Args:
        commands: Its sub-parsers.
    """
    make = commands.add_parser("prepare", help="run renders through the frozen base; resumes")
    make.add_argument("--renders", type=Path, required=True, help="folder of rendered shards")
    make.add_argument("--out", type=Path, required=True, help="folder of features")
    learn = commands.add_parser("train", help="train the spine head; resumes")
    learn.add_argument("--features", type=Path, required=True)
    learn.add_argument("--out", type=Path, required=True, help="folder of the checkpoint, curves")
    learn.add_argument("--shards", type=int, help="only so many, for a learning curve")
    for command in (make, learn):
        command.add_argument("--threads", type=int, default=1, help="2 only on free cores")
        command.add_argument(
            "--set", action="append", default=[], metavar="NAME=VALUE", help="see config.py"
        )
    score = commands.add_parser("evaluate", help="score a head, and baselines, on crops kept aside")
    score.add_argument("checkpoint", type=Path)
    score.add_argument("--features", type=Path, required=True)
    score.add_argument("--out", type=Path, required=True, help="JSON to write")
    files = commands.add_parser("evaluate-coco", help="AP and AR of a COCO file of 37 points")
    files.add_argument("truth", type=Path)
    files.add_argument("predictions", type=Path)
    give = commands.add_parser("export", help="write a head as ONNX")
    give.add_argument("checkpoint", type=Path)
    give.add_argument("--out", type=Path, required=True)
    look = commands.add_parser("look", help="draw a head's answers on photos and footage")
    look.add_argument("checkpoint", type=Path)
    look.add_argument("paths", type=Path, nargs="+", help="photos and clips")
    look.add_argument("--frames", type=int, default=6, help="frames of each clip")
    look.add_argument("--out", type=Path, required=True, help="PNG to write")


def run(options: argparse.Namespace, say: Say) -> None:
    """Run the command chosen.

    Args:
        options: What the parser made.
        say: Receives lines for the person at the terminal.

    Raises:
        TrainingError: As the command does.
    """
    _RUN[options.command](options, say)


def _prepare(options: argparse.Namespace, say: Say) -> None:
    config = config_from(options.set)
    made = prepare(options.renders, options.out, config, options.threads, say)
    say(f"{made} shards of features made in {options.out}")


def _train(options: argparse.Namespace, say: Say) -> None:
    torch.set_num_threads(options.threads)
    data = read_features(options.features, options.shards)
    state = train(data, options.out, config_from(options.set), say)
    draw_curves(state.history, options.out / "curves.png")
    say(f"{options.out / LAST} and curves.png written")


def _evaluate(options: argparse.Namespace, say: Say) -> None:
    head = averaged_head(load(options.checkpoint))
    data = read_features(options.features)
    report = {name: evaluate(head, part) for name, part in _aside(data).items()}
    for name, figures in report.items():
        say(f"\n{name}: {figures['crops']} crops, {figures['bent']} with bent backs")
        _table(figures["methods"], say)
        say("median by view")
        _table(figures["views"], say)
        say("median by point")
        _table(figures["points"], say)
        say("scale told: " + ", ".join(f"{k} {v:.2f}" for k, v in figures["calibration"].items()))
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_text(json.dumps(report, indent=2))


def _aside(data: Dataset) -> dict[str, Dataset]:
    """Crops as rendered (not mirrored): all new to the head, and those of new bodies in all."""
    split, straight = data.arrays["split"], data.arrays["turn"] == 0
    new = bodies_aside(data.arrays["body_id"]) & (split >= MIXED)
    rows = {f"{NAMES[TEST]}, nothing seen before": split == TEST, "new bodies and clothes": new}
    parts = {name: data.only(straight & chosen) for name, chosen in rows.items()}
    if not all(len(part) for part in parts.values()):
        raise TrainingError("no crops are aside to be scored on: render and prepare more")
    return parts


def _table(rows: Mapping[str, Mapping[str, Any]], say: Say) -> None:
    names = list(dict.fromkeys(name for row in rows.values() for name in row))
    say(" ".join([f"{'':<16}", *(f"{name[:12]:>12}" for name in names)]))
    for title, row in rows.items():
        cells = ("-" if row.get(name) is None else f"{row[name]:.2f}" for name in names)
        say(" ".join([f"{title:<16}", *(f"{cell:>12}" for cell in cells)]))


def _evaluate_coco(options: argparse.Namespace, say: Say) -> None:
    for part, (ap, ar) in evaluate_files(options.truth, options.predictions).items():
        say(f"{part:<8} AP {ap:.4f} AR {ar:.4f}")


def _export(options: argparse.Namespace, say: Say) -> None:
    size = export(averaged_head(load(options.checkpoint)), options.out)
    say(f"{options.out}: {size} bytes")


def _look(options: argparse.Namespace, say: Say) -> None:
    state = load(options.checkpoint)
    sheet = tiles(averaged_head(state), state.config.tight, options.paths, options.frames)
    options.out.parent.mkdir(parents=True, exist_ok=True)
    if not cv2.imwrite(str(options.out), np.ascontiguousarray(sheet[..., ::-1])):
        raise TrainingError(f"cannot write {options.out}")
    say(f"{options.out}: red is the head, blue the geometric guess")


_RUN: Final[Mapping[str, Callable[[argparse.Namespace, Say], None]]] = {
    "prepare": _prepare,
    "train": _train,
    "evaluate": _evaluate,
    "evaluate-coco": _evaluate_coco,
    "export": _export,
    "look": _look,
}
