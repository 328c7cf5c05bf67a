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

from .ablate import ABLATIONS, ablate, read_material
from .align_poses import draw_labels, poses_of_bodies, read_labels
from .blend import blend
from .bodies import load_bank
from .body_shift import body_shift
from .checkpoint import averaged_head, load, save
from .coco import evaluate_files
from .config import config_from
from .curves import draw_curves
from .dataset import read_features, to_calibrate_on, to_test_on, to_train_on
from .errors import TrainingError
from .evaluate import evaluate
from .export_onnx import export
from .fit_scores import add_command as add_fit_scores
from .fit_scores import run as fit_scores
from .head_source import head_source
from .judging_figures import WORST, judge, product_session, sources_of, worst
from .judging_photos import SPLITS, read_people
from .lift_commands import RUN as LIFT
from .lift_commands import add_commands as add_lift_commands
from .look import tiles
from .model import SpineHead
from .motions import load_motions
from .places import CACHE, DATA
from .prepare import prepare
from .prepare_photos import prepare_photos
from .real_commands import RUN as REAL
from .real_commands import add_commands as add_real_commands
from .train import LAST, train
from .unfrozen import UnfrozenHead
from .views import read_views

Say = Callable[[str], None]


def add_commands(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the commands to a parser.

    Args:
        commands: Its sub-parsers.
    """
    add_real_commands(commands)
    add_lift_commands(commands)
    add_fit_scores(commands)
    make = commands.add_parser("prepare", help="run pictures through the frozen base; resumes")
    make.add_argument("--renders", type=Path, help="folder of rendered shards")
    make.add_argument("--photos", type=Path, nargs="+", default=[], help="COCO JSON of 37 points")
    make.add_argument("--out", type=Path, required=True, help="folder of features")
    learn = commands.add_parser("train", help="train the spine head; resumes")
    learn.add_argument("--features", type=Path, required=True)
    learn.add_argument("--out", type=Path, required=True, help="folder of the checkpoint, curves")
    learn.add_argument("--shards", type=int, help="only so many, for a learning curve")
    learn.add_argument("--begin", type=Path, help="checkpoint of a trained head to begin with")
    change = commands.add_parser("ablate", help="train with one thing changed at a time; resumes")
    change.add_argument("--features", type=Path, required=True)
    change.add_argument("--real", type=Path, required=True, help="features of prepare --photos")
    change.add_argument("--runs", type=Path, required=True, help="folder of the checkpoints")
    change.add_argument("--shards", type=int, default=25, help="how many to train on")
    change.add_argument("--data", type=Path, default=DATA, help="the shared data folder")
    change.add_argument("--out", type=Path, default=ABLATIONS, help="JSON to write")
    for command in (make, learn, change):
        command.add_argument("--threads", type=int, default=1, help="2 only on free cores")
        command.add_argument(
            "--set", action="append", default=[], metavar="NAME=VALUE", help="see config.py"
        )
    mean = commands.add_parser("blend", help="the mean of runs that began with one another's heads")
    mean.add_argument("checkpoints", type=Path, nargs="+")
    mean.add_argument("--features", type=Path, required=True, help="to calibrate the scales on")
    mean.add_argument("--out", type=Path, required=True, help="folder of the checkpoint")
    score = commands.add_parser("evaluate", help="score a head, and baselines, on crops kept aside")
    score.add_argument("checkpoint", type=Path)
    score.add_argument("--features", type=Path, required=True)
    score.add_argument("--out", type=Path, required=True, help="JSON to write")
    files = commands.add_parser("evaluate-coco", help="AP and AR of a COCO file of 37 points")
    files.add_argument("truth", type=Path)
    files.add_argument("predictions", type=Path)
    photos = commands.add_parser("evaluate-photos", help="score on people labelled by eye")
    photos.add_argument(
        "checkpoint", type=Path, nargs="?", help="a head, beside product, baselines"
    )
    photos.add_argument("--split", choices=SPLITS, help="by default both")
    photos.add_argument("--data", type=Path, default=DATA, help="the shared data folder")
    photos.add_argument("--out", type=Path, help="JSON to write")
    give = commands.add_parser("export", help="write a head as ONNX")
    give.add_argument("checkpoint", type=Path)
    give.add_argument("--out", type=Path, required=True)
    hold = commands.add_parser("align", help="hold the generator's poses against OpenSim's model")
    hold.add_argument("--renders", type=Path, help="shards to take them from, else drawn anew")
    hold.add_argument("--out", type=Path, required=True, help="JSON to write")
    hold.add_argument("--picture", type=Path, required=True, help="PNG to write")
    hold.add_argument("--bodies", type=int, default=40)
    hold.add_argument("--poses", type=int, default=4, help="of each body")
    hold.add_argument("--shards", type=int, default=60, help="how many to read at most")
    hold.add_argument("--drawn", type=int, default=300, help="bodies drawn anew for the angles")
    hold.add_argument("--data", type=Path, default=DATA, help="the shared data folder")
    hold.add_argument("--seed", type=int, default=1, help="which of them")
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
    if not options.renders and not options.photos:
        raise TrainingError("nothing to prepare: give --renders or --photos")
    made = 0
    if options.renders:
        made += prepare(options.renders, options.out, config, options.threads, say)
    if options.photos:
        made += prepare_photos(options.photos, options.out, config, options.threads, say)
    say(f"{made} shards of features made in {options.out}")


def _train(options: argparse.Namespace, say: Say) -> None:
    torch.set_num_threads(options.threads)
    training, aside, between = (
        read_features(options.features, keep, options.shards)
        for keep in (to_train_on, to_test_on, to_calibrate_on)
    )
    views = read_views(options.features)
    begin = load(options.begin) if options.begin else None
    config = config_from(options.set)
    state = train(training, aside, between, options.out, config, say, views, begin)
    draw_curves(state.history, options.out / "curves.png")
    say(f"{options.out / LAST} and curves.png written")


def _blend(options: argparse.Namespace, say: Say) -> None:
    states = [load(path) for path in options.checkpoints]
    save(options.out / LAST, blend(states, read_features(options.features, to_calibrate_on)))
    say(f"{options.out / LAST}: mean of {len(states)} heads")


def _ablate(options: argparse.Namespace, say: Say) -> None:
    torch.set_num_threads(options.threads)
    session = product_session()

    def on_people(head: SpineHead) -> Mapping[str, float]:
        people = read_people(options.data, SPLITS[0])
        found = judge(people, {"head": head_source(head)}, session)["head"]["groups"]["all"]
        return {"people_ap": found["AP"], "people_mean": found["mean"]}

    material = read_material(options.features, options.real, options.shards, on_people)
    ablate(material, config_from(options.set), options.runs, options.out, say)


def _evaluate(options: argparse.Namespace, say: Say) -> None:
    head = averaged_head(load(options.checkpoint))
    data = read_features(options.features, to_test_on)
    if not len(data):
        raise TrainingError("no crops are aside to be scored on: render and prepare more")
    figures = evaluate(head, data)
    say(f"{figures['crops']} crops, nothing seen before; {figures['bent']} with bent backs")
    _table(figures["methods"], say)
    say("median by view")
    _table(figures["views"], say)
    say("median by point")
    _table(figures["points"], say)
    if isinstance(head, UnfrozenHead):
        figures["body shift"] = body_shift(head, data)
        say("body points: " + ", ".join(f"{k} {v:.3f}" for k, v in figures["body shift"].items()))
    say("scale told: " + ", ".join(f"{k} {v:.2f}" for k, v in figures["calibration"].items()))
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_text(json.dumps(figures, indent=2))


def _table(rows: Mapping[str, Mapping[str, Any]], say: Say) -> None:
    names = list(dict.fromkeys(name for row in rows.values() for name in row))
    say(" ".join([f"{'':<16}", *(f"{name[:12]:>12}" for name in names)]))
    for title, row in rows.items():
        cells = ("-" if row.get(name) is None else f"{row[name]:.2f}" for name in names)
        say(" ".join([f"{title:<16}", *(f"{cell:>12}" for cell in cells)]))


def _evaluate_coco(options: argparse.Namespace, say: Say) -> None:
    for part, (ap, ar) in evaluate_files(options.truth, options.predictions).items():
        say(f"{part:<8} AP {ap:.4f} AR {ar:.4f}")


def _evaluate_photos(options: argparse.Namespace, say: Say) -> None:
    session = product_session()
    sources = sources_of(session)
    if options.checkpoint:
        sources["head"] = head_source(averaged_head(load(options.checkpoint)))
    report = judge(read_people(options.data, options.split), sources, session)
    for name, found in report.items():
        say(f"\n{name}: % of the torso, {WORST} worst people: {worst(found)}")
        _table(found["groups"], say)
        _table(found["points"], say)
    if options.out:
        options.out.parent.mkdir(parents=True, exist_ok=True)
        options.out.write_text(json.dumps(report, indent=2))


def _export(options: argparse.Namespace, say: Say) -> None:
    size = export(averaged_head(load(options.checkpoint)), options.out)
    say(f"{options.out}: {size} bytes")


def _look(options: argparse.Namespace, say: Say) -> None:
    state = load(options.checkpoint)
    sheet = tiles(averaged_head(state), options.paths, options.frames)
    options.out.parent.mkdir(parents=True, exist_ok=True)
    if not cv2.imwrite(str(options.out), np.ascontiguousarray(sheet[..., ::-1])):
        raise TrainingError(f"cannot write {options.out}")
    say(f"{options.out}: red is the head, blue the geometric guess")


def _align(options: argparse.Namespace, say: Say) -> None:
    try:
        from .align import align
        from .align_picture import draw_alignment
        from .align_report import lines_of, report, write_report
    except ModuleNotFoundError as error:
        raise TrainingError(
            f"{error.name} is missing: pip install --no-deps opensim==4.6 (see docs/alignment.md)"
        ) from error
    rng = np.random.default_rng(options.seed)
    model = load_bank(CACHE / "bodies.npz")
    if options.renders:
        labels = read_labels(options.renders, options.shards, rng)
    else:
        motions = load_motions(options.data / "mocap")
        labels = draw_labels(model, motions, options.drawn, options.poses, rng)
    chosen = poses_of_bodies(labels, options.bodies, options.poses, rng)
    found = align(model, chosen, say)
    figures = report(model, labels, found)
    write_report(options.out, figures)
    draw_alignment(found.residual_m, figures["levels"], options.picture)
    for text in lines_of(figures):
        say(text)


_RUN: Final[Mapping[str, Callable[[argparse.Namespace, Say], None]]] = {
    **REAL,
    **LIFT,
    "fit-scores": fit_scores,
    "prepare": _prepare,
    "train": _train,
    "ablate": _ablate,
    "blend": _blend,
    "evaluate": _evaluate,
    "evaluate-coco": _evaluate_coco,
    "evaluate-photos": _evaluate_photos,
    "export": _export,
    "look": _look,
    "align": _align,
}
