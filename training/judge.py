# SPDX-License-Identifier: GPL-3.0-or-later
"""Judges the model that ships: `make evaluate-model` writes out/model.json and a table in docs.

Every figure comes from the product's own networks and code; where its material is missing, the
figure is left out and a line says so.
"""

import json
import sys
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from ..inference.errors import InferenceError
from ..tools.pinned_wheel import write_atomically
from . import four_cameras_judge, judge_groups, judge_held_out, judge_photos
from .ablate import ABLATIONS
from .ablate import table as ablation_table
from .errors import TrainingError
from .four_cameras_markers import MARKERS
from .judge_cost import base_card, cost
from .judge_look import Looker
from .judge_sources import SOURCES
from .places import CACHE, DATA

ROOT: Final = Path(__file__).resolve().parent.parent
COMMAND: Final = "make evaluate-model"
HELD_OUT: Final = CACHE / "held_out"
LEARNING_CURVE: Final = Path(__file__).parent / "judging" / "learning_curve.json"
"""Written after training: a list of {images, ap, median, bent_median} on the same pictures."""

SHEET: Final = ROOT / "docs" / "pictures" / "model_errors.jpg"
BASELINE: Final = "geometric prior"

Say = Callable[[str], None]
Figures = Mapping[str, Mapping[str, float]]


@dataclass(frozen=True)
class Entry:
    """One figure.

    Attributes:
        name: What is measured.
        value: The network's figure.
        unit: Its unit.
        baseline: The geometric prior's, or what the command says; None where there is none.
        command: How it is measured.
    """

    name: str
    value: float
    unit: str
    baseline: float | None
    command: str = COMMAND


def held_out(answers: judge_held_out.Answers, say: Say) -> list[Entry]:
    """Figures on renders of which nothing was trained on."""
    say(f"renders: {len(answers.target)} of {answers.looked} show a body that the base sees")
    report = judge_held_out.figures(answers)
    network, base = report["network"], report[BASELINE]
    flipped, line = report[judge_held_out.FLIPPED], report["straight line"]
    names = {
        "spine_ap_synthetic": ("spine AP", ""),
        "spine_ar_synthetic": ("spine AR", ""),
        "spine_median_pct_torso": ("median", "% of torso"),
        "spine_mean_pct_torso": ("mean", "% of torso"),
        "spine_bent_median_pct_torso": ("bent median", "% of torso"),
        "spine_front_median_pct_torso": ("front median", "% of torso"),
        "spine_side_median_pct_torso": ("side median", "% of torso"),
        "spine_back_median_pct_torso": ("back median", "% of torso"),
        "spine_pck_5": ("PCK@5", "%"),
        "spine_pck_10": ("PCK@10", "%"),
    }
    entries = [Entry(name, network[key], unit, base[key]) for name, (key, unit) in names.items()]
    entries += [
        Entry("straight_line_ap_synthetic", line["spine AP"], "", base["spine AP"]),
        Entry("straight_line_median_pct_torso", line["median"], "% of torso", base["median"]),
        Entry("flip_test_ap_synthetic", flipped["spine AP"], "", network["spine AP"]),
        Entry("flip_test_median_pct_torso", flipped["median"], "% of torso", network["median"]),
        Entry("scale_rank_correlation", network["rank correlation"], "", None),
    ]
    for share in (50, 80, 95):
        told = network[f"within {share}% radius"]
        entries.append(Entry(f"errors_within_{share}_pct_radius", 100 * told, "%", float(share)))
    scored = 100 * len(answers.target) / answers.looked
    return [
        *entries,
        Entry("renders_scored", scored, "% of pictures", None),
        Entry("renders_looked_at", float(answers.looked), "pictures", None),
    ]


def four_cameras(say: Say) -> list[Entry]:
    """Figures on the real clip."""
    scene = four_cameras_judge.look()
    report = {name: four_cameras_judge.judge(scene, source) for name, source in SOURCES.items()}
    for name, row in report.items():
        say(f"four cameras, {name}: " + ", ".join(f"{k} {v:.2f}" for k, v in row.items()))
    names = {
        "reprojection_pct_torso": ("reprojection, median %", "% of torso"),
        "reprojection_mean_pct_torso": ("reprojection, mean %", "% of torso"),
        "side_bend_r": ("side bend, r", ""),
        "side_bend_slope": ("side bend, slope", ""),
        "side_bend_rmse": ("side bend, rmse", "degrees"),
        "side_bend_from_hip_r": ("side bend from the hip, r", ""),
        "side_bend_from_hip_slope": ("side bend from the hip, slope", ""),
        "flexion_r": ("flexion, r", ""),
        "flexion_slope": ("flexion, slope", ""),
        "flexion_rmse": ("flexion, rmse", "degrees"),
        "segment_length_cv": ("segment length, CV %", "%"),
        "jitter": ("second difference, mm", "mm"),
    }
    names |= {f"{m.lower()}_apart": (f"{m} apart, cm", "cm") for m in MARKERS}
    base = report[BASELINE]
    return [
        Entry(f"four_camera_{name}", report["network"][key], unit, base[key])
        for name, (key, unit) in names.items()
    ]


def photos(looker: Looker, say: Say) -> list[Entry]:
    """Figures on real pictures."""
    if not (DATA / judge_photos.PHOTOS).exists():
        say(f"{DATA / judge_photos.PHOTOS} is missing: no figures on real pictures")
        return []
    entries = []
    report = judge_photos.spines_by_eye(looker, DATA)
    for end, group in _GROUPS.items():
        found = {name: one["groups"][group] for name, one in report.items()}
        for name, key, unit in _BY_EYE:
            value, base = found["network"][key], found[BASELINE][key]
            entries.append(Entry(name + end, value, unit, base))
        say(f"by eye, {group}: {_line(found)}")
    body = judge_photos.body_against_base(looker, base_card(), DATA)
    say(f"body on annotated photos: {body}")
    return [
        *entries,
        Entry("body_ap_loss", 100 * body["lost"], "points of AP", 100 * body["body AP"]),
        Entry("body_numbers_that_differ", body["different"], "", 0.0),
    ]


_BY_EYE: Final = (
    ("photos_spine_ap", "AP", ""),
    ("photos_spine_mean_error_pct_torso", "mean", "% of torso"),
)
_GROUPS: Final = {"": "all", "_side": "side", "_bent": "bent"}


def _line(found: Figures) -> str:
    rows = (f"{name} AP {row['AP']:.3f} {row['mean']:.1f} %" for name, row in found.items())
    return f"{next(iter(found.values()))['people']:.0f} people, " + ", ".join(rows)


def speed(say: Say) -> list[Entry]:
    """What the spine costs; the baseline is the base's own time."""
    base = base_card()
    entries = []
    for threads, end in ((2, ""), (1, "_one_thread")):
        share, seconds = cost(base, threads)
        say(f"spine costs {share:.1%} of the base's {1000 * seconds:.1f} ms on {threads} threads")
        entries.append(Entry(f"spine_cost_share{end}", 100 * share, "% of the base", 0.0))
    return entries


def learning_curve(say: Say, path: Path = LEARNING_CURVE) -> list[Entry]:
    """Figures by number of training pictures; the baseline is the smallest number's."""
    if not path.exists():
        say(f"{path} is missing: no learning curve")
        return []
    try:
        rows = sorted(json.loads(path.read_text()), key=lambda row: row["images"])
        entries = [Entry("training_images", float(rows[-1]["images"]), "images", None)]
        for row in rows:
            for key, unit in (("ap", ""), ("median", "% of torso"), ("bent_median", "% of torso")):
                name = f"learning_curve_{key}_{row['images']}"
                entries.append(Entry(name, float(row[key]), unit, float(rows[0][key])))
    except (KeyError, TypeError, ValueError, IndexError) as error:
        raise TrainingError(
            f"{path} is no list of images, ap, median, bent_median: {error!r}"
        ) from error
    return entries


def table(entries: list[Entry]) -> str:
    """Make the table of the model card."""
    lines = ["| measure | value | baseline | unit |", "|---|---|---|---|"]
    for entry in entries:
        base = "" if entry.baseline is None else _number(entry.baseline)
        lines.append(f"| {entry.name} | {_number(entry.value)} | {base} | {entry.unit} |")
    return "\n".join(lines)


def _number(value: float) -> str:
    return f"{value:.3g}" if abs(value) < 1000 else f"{value:.0f}"


def write(entries: list[Entry], parts: Mapping[str, str], report: Path, card: Path) -> None:
    """Write the figures.

    Args:
        entries: The figures.
        parts: Tables of the model card by name; each goes between the marks of its name.
        report: JSON file, a list of {name, value, unit, baseline, command}.
        card: Markdown file with the marks `<!-- name -->` and `<!-- /name -->`.

    Raises:
        TrainingError: If the card lacks the marks of a part.
    """
    rows = [asdict(entry) for entry in entries]
    write_atomically(report, json.dumps(rows, indent=2).encode())
    text = card.read_text("utf-8")
    for name, part in parts.items():
        before, begin, rest = text.partition(f"<!-- {name} -->")
        _, end, after = rest.partition(f"<!-- /{name} -->")
        if not (begin and end):
            raise TrainingError(f"{card} lacks the marks of {name}: put them where its table goes")
        text = f"{before}{begin}\n{part}\n{end}{after}"
    write_atomically(card, text.encode())


def main() -> int:
    """Run all and write the report; returns the exit status."""
    try:
        looker = Looker()
        parts: dict[str, str] = {}
        entries = learning_curve(_say)
        if ABLATIONS.exists():
            parts["ablations"] = ablation_table(ABLATIONS)
        if HELD_OUT.is_dir():
            answers = judge_held_out.ask(looker, HELD_OUT)
            entries += held_out(answers, _say)
            parts["groups"] = judge_groups.table(judge_groups.groups(answers))
            judge_groups.write_sheet(judge_groups.sheet(answers, HELD_OUT), SHEET)
        else:
            _say(f"{HELD_OUT} is missing: no figures on renders; {_RENDER}")
        entries += [*four_cameras(_say), *photos(looker, _say), *speed(_say)]
        parts["figures"] = table(entries)
        write(entries, parts, ROOT / "out" / "model.json", ROOT / "docs" / "model.md")
    except (TrainingError, InferenceError) as error:
        print(f"evaluate-model: {error}", file=sys.stderr)
        return 1
    _say(table(entries))
    _say("written: out/model.json, docs/model.md")
    return 0


_RENDER: Final = (
    "render them with `track-spine-train render --aside --count 768 --seed 101 --out "
    ".cache/training/held_out`"
)


def _say(line: str) -> None:
    print(line, flush=True)


if __name__ == "__main__":
    sys.exit(main())
