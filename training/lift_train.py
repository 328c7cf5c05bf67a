# SPDX-License-Identifier: GPL-3.0-or-later
"""Trains the temporal lifter: AdamW, warm-up and cosine, a moving average; stops and resumes."""

import copy
import math
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from torch import Tensor

from ..inference.keypoints import INDEX, LIMBS, SPINE
from ..inference.temporal_lifter import WINDOW
from .errors import TrainingError
from .lift_config import LiftConfig
from .lift_model import AXIS_DEVIATION, Lifter
from .lift_views import Theatre, Windows

LAST: Final = "last.pt"
SCHEMA: Final = "track_spine.lifter"
END_OF_COSINE: Final = 0.02
SINGLE_BATCH: Final = 8
"""Single frames of a step, for each window of other steps."""

CALIBRATED_ON: Final = 30
"""Batches from which the factor on the scales is found."""

_SPINE: Final = [INDEX[name] for name in SPINE]
_BONES: Final = [
    *((INDEX[a], INDEX[b]) for a, b in LIMBS),
    *pairwise(_SPINE),
]


@dataclass
class LiftState:
    """A state of training.

    Attributes:
        config: Settings of the run.
        step: Steps done.
        weights: State of the network,
        average: of the moving average of its weights,
        optimiser: of AdamW.
    """

    config: LiftConfig
    step: int
    weights: dict[str, Any]
    average: dict[str, Any]
    optimiser: dict[str, Any]


def train_lifter(
    theatre: Theatre, folder: Path, config: LiftConfig, say: Callable[[str], None]
) -> LiftState:
    """Train a lifter, or go on where it was stopped.

    Args:
        theatre: What windows are drawn from.
        folder: Where the checkpoint is kept.
        config: Settings.
        say: Receives a line of progress.

    Returns:
        The last state.

    Raises:
        TrainingError: If the checkpoint is damaged or of other settings, or the loss not finite.
    """
    path = folder / LAST
    state = load_state(path) if path.exists() else _fresh(config)
    if state.config != config:
        raise TrainingError(f"{path} was made with other settings: use another folder")
    lifter, average = lifter_of(config, state.weights), lifter_of(config, state.average)
    optimiser = torch.optim.AdamW(
        [weights for weights in lifter.parameters() if weights.requires_grad],
        config.learning_rate,
        weight_decay=config.weight_decay,
    )
    if state.optimiser:
        optimiser.load_state_dict(state.optimiser)
    while state.step < config.steps:
        start = time.monotonic()
        until = min(state.step + config.save_every, config.steps)
        steps = range(state.step, until)
        parts = [_step(lifter, average, optimiser, theatre, step, config) for step in steps]
        if until == config.steps:
            _calibrate(average, theatre, config)
        state = LiftState(
            config,
            until,
            copy.deepcopy(lifter.state_dict()),
            copy.deepcopy(average.state_dict()),
            optimiser.state_dict(),
        )
        save_state(path, state)
        say(f"step {until}: {_means(parts)}{time.monotonic() - start:.0f} s")
    return state


def lifter_of(config: LiftConfig, weights: dict[str, Any]) -> Lifter:
    """The network with given weights."""
    lifter = Lifter(config)
    lifter.load_state_dict(weights)
    return lifter


def save_state(path: Path, state: LiftState) -> None:
    """Write a checkpoint whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.{os.getpid()}.part")
    torch.save({"schema": SCHEMA, **vars(state), "config": state.config.as_dict()}, partial)
    partial.replace(path)


def load_state(path: Path) -> LiftState:
    """Read a checkpoint.

    Args:
        path: The file.

    Returns:
        The state.

    Raises:
        TrainingError: If it is missing, damaged or of another kind.
    """
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
        if content.pop("schema") != SCHEMA:
            raise ValueError("it is no lifter's")
        config = dict(content.pop("config"))
        config["dilations"] = tuple(config["dilations"])
        return LiftState(config=LiftConfig(**config), **content)
    except Exception as error:
        raise TrainingError(
            f"checkpoint {path} cannot be read ({error}): delete it and train again"
        ) from error


def losses(lifter: Lifter, windows: Windows, config: LiftConfig) -> tuple[Tensor, dict[str, float]]:
    """What is made small.

    Args:
        lifter: The network.
        windows: A batch.
        config: Weights of the parts.

    Returns:
        The loss; its parts, metres but for the likelihood, and the mean error.
    """
    truth = torch.from_numpy(windows.truth.astype(np.float32))
    away = torch.from_numpy(windows.distance.astype(np.float32))[..., None, None]
    with torch.autocast("cpu", torch.bfloat16):  # half the time on processors that have it
        points, scale = lifter(torch.from_numpy(windows.told))
    off = points - truth
    far = _length(off)
    spine = off[:, :, _SPINE]
    start, end = (torch.tensor([bone[side] for bone in _BONES]) for side in (0, 1))
    bones, own = (_length(one[:, :, end] - one[:, :, start]) for one in (points, truth))
    slopes, seen = (one[..., :2] / (away + one[..., 2:]).clamp(min=0.2) for one in (points, truth))
    parts = {
        "likelihood": (far / scale + 3.0 * torch.log(scale)).mean(),
        "spine": _length(spine - spine.mean(dim=2, keepdim=True)).mean(),
        "length": (bones - own).abs().mean(),
        "image": ((slopes - seen) * away).abs().mean(),
    }
    if off.shape[1] > 1:
        parts["velocity"] = _length(off[:, 1:] - off[:, :-1]).mean()
    weight = {name: getattr(config, f"{name}_weight", 1.0) for name in parts}
    total = sum((weight[name] * part for name, part in parts.items()), torch.zeros(()))
    shown = {name: float(part.detach()) for name, part in parts.items()}
    return total, shown | {"error": float(far.detach().mean())}


def _length(vectors: Tensor) -> Tensor:
    return (vectors.square().sum(dim=-1) + 1e-8).sqrt()


def _means(parts: list[dict[str, float]]) -> str:
    """Means of the steps that tell each part; only steps of whole windows tell any."""
    told = {name for one in parts for name in one}
    means = {name: np.mean([one[name] for one in parts if name in one]) for name in sorted(told)}
    return "".join(f"{name} {mean:.4f}, " for name, mean in means.items())


def _fresh(config: LiftConfig) -> LiftState:
    torch.manual_seed(config.seed)
    weights = Lifter(config).state_dict()
    return LiftState(config, 0, weights, copy.deepcopy(weights), {})


def _step(
    lifter: Lifter,
    average: Lifter,
    optimiser: torch.optim.Optimizer,
    theatre: Theatre,
    step: int,
    config: LiftConfig,
) -> dict[str, float]:
    rng = np.random.default_rng([config.seed, step])
    kind, count, length = rng.random(), config.batch, WINDOW
    if kind < config.single:
        count, length = SINGLE_BATCH * config.batch, 1
    elif kind < config.single + config.shorter:
        length = int(rng.integers(2, WINDOW))
    for group in optimiser.param_groups:
        group["lr"] = _rate(step, config)
    loss, parts = losses(lifter, theatre.draw(count, length, rng), config)
    if not torch.isfinite(loss):
        raise TrainingError(f"the loss is {float(loss)} at step {step}: lower learning_rate")
    optimiser.zero_grad(set_to_none=True)
    loss.backward()  # type: ignore[no-untyped-call]
    torch.nn.utils.clip_grad_norm_(lifter.parameters(), 1.0)
    optimiser.step()
    decay = min(config.average, (1 + step) / (10 + step))
    with torch.no_grad():
        for mine, new in zip(average.parameters(), lifter.parameters(), strict=True):
            mine.lerp_(new, 1.0 - decay)
    return parts if length == WINDOW else {}


def _rate(step: int, config: LiftConfig) -> float:
    rise = max(round(config.warm_up * config.steps), 1)
    if step < rise:
        return config.learning_rate * (step + 1) / rise
    along = (step - rise) / max(config.steps - rise, 1)
    cosine = 0.5 * (1.0 + math.cos(math.pi * along))
    return config.learning_rate * (END_OF_COSINE + (1.0 - END_OF_COSINE) * cosine)


@torch.no_grad()
def _calibrate(lifter: Lifter, theatre: Theatre, config: LiftConfig) -> None:
    """Set the factor with which the deviations told are those found on windows drawn anew."""
    rng = np.random.default_rng([config.seed, config.steps])
    ratios = []
    for _ in range(CALIBRATED_ON):
        windows = theatre.draw(config.batch, WINDOW, rng)
        points, scale = lifter(torch.from_numpy(windows.told))
        off = points.numpy() - windows.truth
        ratios.append(np.square(off / (AXIS_DEVIATION * scale.numpy()[..., None])).mean())
    lifter.scale_factor.mul_(float(np.sqrt(np.mean(ratios))))
