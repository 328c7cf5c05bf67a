# SPDX-License-Identifier: GPL-3.0-or-later
"""The training loop: AdamW, warm-up and cosine, a moving average; stops and resumes by epoch."""

import copy
import math
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray

from ..inference.keypoints import SPINE
from .checkpoint import Checkpoint, load, save, shapes
from .config import Config
from .dataset import Dataset
from .errors import TrainingError
from .losses import total_loss
from .metrics import LAPLACE_QUANTILES, percent_of_torso
from .model import SpineHead
from .predict import answers_of
from .unfrozen import new_head
from .views import Views, answer_with_views

LAST: Final = "last.pt"
END_OF_COSINE: Final = 0.02
"""Rate at the end, as a share of the highest."""

VIEWS: Final = 16
"""Crops of calibrated cameras a step: four moments of four cameras, a third of a batch."""


def train(
    training: Dataset,
    aside: Dataset,
    between: Dataset,
    folder: Path,
    config: Config,
    say: Callable[[str], None],
    views: Views | None = None,
    begin: Checkpoint | None = None,
) -> Checkpoint:
    """Train a head, or go on where it was stopped.

    Args:
        training: Crops to train on.
        aside: Crops whose error is shown after each epoch; nothing depends on it.
        between: Crops that the scales are calibrated on at the end; may be none.
        folder: Where the checkpoint is kept after each epoch.
        config: Settings.
        say: Receives a line of progress.
        views: Crops of calibrated cameras, for the multi-view loss.
        begin: A trained head to begin a new run with, instead of fresh weights.

    Returns:
        The state after the last epoch.

    Raises:
        TrainingError: If nothing is there to train on, the features or the checkpoint were made
            with other settings, it is damaged, or the loss is not finite.
    """
    if not len(training) or not len(aside):
        raise TrainingError(f"{len(training)} crops to train on, {len(aside)} aside: render more")
    state = _begin(folder / LAST, config, begin)
    head, average, optimiser = _from_state(state)
    if missing := set(head.inputs) - training.arrays.keys():
        raise TrainingError(
            f"the features lack {sorted(missing)}: prepare them with unfreeze={config.unfreeze}"
        )
    say(f"{len(training)} crops to train on, {len(aside)} aside for the test")
    for epoch in range(state.epoch, config.epochs):
        start = time.monotonic()
        figures = _epoch(head, average, optimiser, training, views, epoch, config)
        figures |= {"test": _median_error(average, aside), "seconds": time.monotonic() - start}
        state = Checkpoint(
            config,
            epoch + 1,
            copy.deepcopy(head.state_dict()),
            copy.deepcopy(average.state_dict()),
            optimiser.state_dict(),
            [*state.history, figures],
        )
        save(folder / LAST, state)
        say(f"epoch {epoch + 1}: " + ", ".join(f"{k} {v:.3f}" for k, v in figures.items()))
    if len(between):
        state = replace(state, scale_factor=scale_factor(average, between))
        save(folder / LAST, state)
    return state


def _begin(path: Path, config: Config, begin: Checkpoint | None) -> Checkpoint:
    if not path.exists():
        torch.manual_seed(config.seed)  # fresh weights only; batches have their own generators
        weights = new_head(config).state_dict()
        if begin:
            if not shapes(begin.average).items() <= shapes(weights).items():
                raise TrainingError("the head to begin with has other layers: set them alike")
            weights = weights | begin.average  # the decoder stays the base's where it had none
        return Checkpoint(config, 0, weights, copy.deepcopy(weights), {}, [])
    state = load(path)
    if state.config != config:
        raise TrainingError(f"{path} was made with other settings: use another folder")
    return state


def _from_state(state: Checkpoint) -> tuple[SpineHead, SpineHead, torch.optim.Optimizer]:
    """The head, its moving average and the optimiser as they were kept."""
    head, average = new_head(state.config), new_head(state.config)
    head.load_state_dict(state.weights)
    average.load_state_dict(state.average)
    head = head.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    optimiser = torch.optim.AdamW(
        head.groups(), state.config.learning_rate, weight_decay=state.config.weight_decay
    )
    if state.optimiser:
        optimiser.load_state_dict(state.optimiser)
    return head, average, optimiser


def _epoch(
    head: SpineHead,
    average: SpineHead,
    optimiser: torch.optim.Optimizer,
    training: Dataset,
    views: Views | None,
    epoch: int,
    config: Config,
) -> dict[str, float]:
    """Go through the training set once; returns the mean of each loss and the median error."""
    rng = np.random.default_rng([config.seed, epoch])
    torch.manual_seed(int(rng.integers(2**62)))  # dropout takes no generator of its own
    steps = max(len(training) // config.batch, 1)
    sums: dict[str, float] = {}
    errors = []
    head.train()
    shares = [group["share"] for group in head.groups()]
    batches = training.shuffled(config.batch, config.landmark_noise_px, rng)
    for step, batch in enumerate(batches, start=epoch * steps):
        for group, share in zip(optimiser.param_groups, shares, strict=True):
            group["lr"] = share * rate(step, steps * config.epochs, config)
        if views is None or not config.multi_view_weight:
            answers = head.answer(batch)
            loss, parts = total_loss(answers, batch, config)
        else:
            answers, apart = answer_with_views(head, batch, views.draw(VIEWS, rng))
            loss, parts = total_loss(answers, batch, config)
            loss = loss + config.multi_view_weight * apart
            parts["multi_view"] = float(apart.detach())
        if not torch.isfinite(loss):
            raise TrainingError(f"the loss is {float(loss)} at step {step}: lower learning_rate")
        optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(head.parameters(), 2.0)
        optimiser.step()
        _follow(average, head, min(config.average, (1 + step) / (10 + step)))
        errors.append(_errors(answers[0].detach().numpy(), batch))
        for name, value in parts.items():
            sums[name] = sums.get(name, 0.0) + value / steps
    return {**sums, "train": float(np.median(np.concatenate(errors)))}


def rate(step: int, steps: int, config: Config) -> float:
    """Learning rate of a step: a straight rise, then a cosine down to END_OF_COSINE.

    Args:
        step: Number of the step, from 0.
        steps: Steps of the whole run.
        config: Settings.

    Returns:
        The rate.
    """
    rise = max(round(config.warm_up * steps), 1)
    if step < rise:
        return config.learning_rate * (step + 1) / rise
    along = min((step - rise) / max(steps - rise, 1), 1.0)
    cosine = 0.5 * (1.0 + math.cos(math.pi * along))
    return config.learning_rate * (END_OF_COSINE + (1.0 - END_OF_COSINE) * cosine)


@torch.no_grad()
def _follow(average: SpineHead, head: SpineHead, decay: float) -> None:
    """Move the average towards the head; counts and running statistics of the norms are copied."""
    for mine, new in zip(average.parameters(), head.parameters(), strict=True):
        mine.lerp_(new, 1.0 - decay)
    for kept, current in zip(average.buffers(), head.buffers(), strict=True):
        kept.copy_(current)


def scale_factor(head: SpineHead, data: Dataset) -> float:
    """How much larger errors are on partly new pictures than the head has learnt to say.

    Args:
        head: The head.
        data: Crops of such pictures.

    Returns:
        What its scales are to be multiplied with.
    """
    points, scale = answers_of(head, data)
    chain = slice(0, len(SPINE))
    away = np.linalg.norm(points - data.arrays["target"], axis=2)[:, chain]
    return float(np.median(away / scale[:, chain]) / LAPLACE_QUANTILES[0.5])


def _median_error(head: SpineHead, data: Dataset) -> float:
    points, _ = answers_of(head, data)
    return float(np.median(_errors(points, data.arrays)))


def _errors(points: NDArray[Any], known: Mapping[str, NDArray[Any] | torch.Tensor]) -> NDArray[Any]:
    return percent_of_torso(points, np.asarray(known["target"]), np.asarray(known["torso"]))[
        :, : len(SPINE)
    ].ravel()
