# SPDX-License-Identifier: GPL-3.0-or-later
"""Checkpoints: weights, their moving average, settings, progress and the version of the code."""

import math
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import torch

from .config import Config
from .errors import TrainingError
from .model import SpineHead
from .unfrozen import new_head

SCHEMA: Final = "track_spine.head"
VERSION: Final = 2


@dataclass
class Checkpoint:
    """A state of training.

    Attributes:
        config: Settings of the run.
        epoch: Epochs done.
        weights: State of the head,
        average: of the moving average of its weights,
        optimiser: of AdamW.
        history: One row of figures an epoch.
        scale_factor: What the scales told are multiplied with; found when training ends.
    """

    config: Config
    epoch: int
    weights: dict[str, Any]
    average: dict[str, Any]
    optimiser: dict[str, Any]
    history: list[dict[str, float]]
    scale_factor: float = 1.0


def save(path: Path, state: Checkpoint) -> None:
    """Write a checkpoint whole or not at all.

    Args:
        path: The file.
        state: The state.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.{os.getpid()}.part")
    content = {**vars(state), "config": state.config.as_dict()}
    torch.save({"schema": SCHEMA, "version": VERSION, **content}, partial)
    partial.replace(path)


def load(path: Path) -> Checkpoint:
    """Read a checkpoint.

    Args:
        path: The file.

    Returns:
        The state.

    Raises:
        TrainingError: If it is missing, damaged or of another version.
    """
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
        if (content.pop("schema"), content.pop("version")) != (SCHEMA, VERSION):
            raise ValueError("it is of another version, its head has other layers")
        config = Config(**content.pop("config"))
        return Checkpoint(config=config, **content)
    except Exception as error:
        raise TrainingError(
            f"checkpoint {path} cannot be read ({error}): delete it and train again"
        ) from error


def shapes(weights: Mapping[str, torch.Tensor]) -> dict[str, torch.Size]:
    """Shapes of weights by name: heads with the same have the same layers."""
    return {name: values.shape for name, values in weights.items()}


def averaged_head(state: Checkpoint) -> SpineHead:
    """The head to use: that with the averaged weights, in evaluation mode."""
    head = new_head(state.config)
    head.load_state_dict(state.average)
    with torch.no_grad():
        head.scale_of_facts.bias.add_(math.log(state.scale_factor))
    return head.eval()
