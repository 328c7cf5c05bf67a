# SPDX-License-Identifier: GPL-3.0-or-later
"""Trains the head with one thing changed at a time and tells what each change does."""

import copy
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch

from ..tools.pinned_wheel import write_atomically
from .checkpoint import averaged_head
from .config import Config
from .dataset import Dataset, joined, read_features, to_calibrate_on, to_test_on, to_train_on
from .errors import TrainingError
from .evaluate import evaluate
from .model import SpineHead
from .train import train
from .views import Views, read_views

BASE: Final = "as shipped"

ABLATIONS: Final = Path(__file__).parent / "judging" / "ablations.json"


@dataclass(frozen=True)
class Variant:
    """One change.

    Attributes:
        settings: What differs from the settings of the run.
        real: Whether labelled real pictures are trained on as well.
        half: Whether the trained weights are rounded to half precision.
    """

    settings: Mapping[str, Any] = field(default_factory=dict)
    real: bool = False
    half: bool = False


VARIANTS: Final[Mapping[str, Variant]] = {
    BASE: Variant(),
    "weights in half precision": Variant(half=True),
    "without the structure loss": Variant({"structure_weight": 0.0}),
    "without the loss of the spine's ranges": Variant({"spine_weight": 0.0}),
    "SimCC in place of heatmaps": Variant({"simcc": True}),
    "with real pictures": Variant(real=True),
    "with real pictures, views to agree": Variant({"multi_view_weight": 0.5}, real=True),
}

Photos = Callable[[SpineHead], Mapping[str, float]]


@dataclass(frozen=True)
class Material:
    """What is trained and judged on.

    Attributes:
        training: Crops to train on.
        real: Real pictures with labels, and views of calibrated cameras.
        views: The latter.
        between: Crops that scales are calibrated on.
        aside: Crops of which nothing was seen before.
        photos: Figures of a head on the people labelled by eye that may choose settings.
    """

    training: Dataset
    real: Dataset
    views: Views | None
    between: Dataset
    aside: Dataset
    photos: Photos


def read_material(features: Path, real: Path, shards: int, photos: Photos) -> Material:
    """Read everything.

    Args:
        features: Folder of the renders' features.
        real: Folder of the real pictures' features, see `prepare --photos`.
        shards: Shards of renders to train on.
        photos: See Material.

    Returns:
        The material; the pictures aside come from all shards.

    Raises:
        TrainingError: If features are missing or damaged.
    """
    return Material(
        read_features(features, to_train_on, shards),
        read_features(real, to_train_on),
        read_views(real),
        read_features(features, to_calibrate_on, shards),
        read_features(features, to_test_on),
        photos,
    )


def ablate(
    material: Material,
    config: Config,
    folder: Path,
    out: Path,
    say: Callable[[str], None],
    variants: Mapping[str, Variant] = VARIANTS,
) -> None:
    """Train and judge each variant that `out` does not have yet.

    Args:
        material: What is trained and judged on.
        config: Settings of the run.
        folder: Where checkpoints are kept, a folder a variant.
        out: JSON file, figures by name of the variant.
        say: Receives lines of progress.
        variants: The changes by name.

    Raises:
        TrainingError: If `out` is of other settings or no such file.
    """
    report = _begun(out, material, config)
    for number, (name, variant) in enumerate(variants.items()):
        if name in report["variants"]:
            continue
        place = folder / (f"{number:02d}" if not variant.half else "00")
        head = _trained(material, replace(config, **variant.settings), variant, place, say)
        report["variants"][name] = _figures(head, material)
        write_atomically(out, (json.dumps(report, indent=1) + "\n").encode())
        say(f"{name}: {report['variants'][name]}")


def _begun(out: Path, material: Material, config: Config) -> dict[str, Any]:
    about = {"crops": len(material.training), "test_crops": len(material.aside)}
    about |= {"real_crops": len(material.real), "epochs": config.epochs, "seed": config.seed}
    if not out.exists():
        return {**about, "variants": {}}
    try:
        report: dict[str, Any] = json.loads(out.read_text())
        same = all(report[name] == value for name, value in about.items())
        same = same and isinstance(report["variants"], dict)
    except (ValueError, KeyError, TypeError) as error:
        raise TrainingError(f"{out} is no report of ablations ({error!r}): delete it") from error
    if not same:
        raise TrainingError(f"{out} was made with other crops or epochs: use another file")
    return report


def _trained(
    material: Material, config: Config, variant: Variant, folder: Path, say: Callable[[str], None]
) -> SpineHead:
    training = joined([material.training, material.real]) if variant.real else material.training
    views = material.views if config.multi_view_weight else None
    few = material.aside.only(np.arange(0, len(material.aside), 4))  # for the log alone
    state = train(training, few, material.between, folder, config, say, views)
    return rounded(averaged_head(state)) if variant.half else averaged_head(state)


def rounded(head: SpineHead) -> SpineHead:
    """A copy whose weights went through half precision."""
    copied = copy.deepcopy(head)
    with torch.no_grad():
        for weights in copied.parameters():
            weights.copy_(weights.half().float())
    return copied


def _figures(head: SpineHead, material: Material) -> dict[str, float]:
    found = evaluate(head, material.aside)["methods"]["head"]
    figures = {name: found[key] for name, key in _KEYS.items()} | dict(material.photos(head))
    return {name: round(value, 4) for name, value in figures.items()}


_KEYS: Final = {
    "median": "median",
    "mean": "mean",
    "bent_median": "bent median",
    "ap": "spine AP",
}


def table(path: Path) -> str:
    """Make the table of the model card.

    Args:
        path: The report.

    Returns:
        Markdown.

    Raises:
        TrainingError: If the report cannot be read.
    """
    try:
        report = json.loads(path.read_text())
        rows = report["variants"].items()
        lines = [
            f"{report['crops']} crops, {report['epochs']} epochs, seed {report['seed']}; "
            f"{report['test_crops']} crops to test on, {report['real_crops']} real ones. "
            "People: the 23 labelled by eye that settings may be chosen on.",
            "",
            "| variant | median, % of torso | mean | bent, median | spine AP | people: AP | mean |",
            "|---|---|---|---|---|---|---|",
        ]
        for name, row in rows:
            cells = [f"{row[key]:.2f}" for key in ("median", "mean", "bent_median")]
            cells += [f"{row['ap']:.3f}", f"{row['people_ap']:.3f}", f"{row['people_mean']:.1f}"]
            lines.append(" | ".join([f"| {name}", *cells]) + " |")
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise TrainingError(f"{path} is no report of ablations: {error!r}") from error
    return "\n".join(lines)
