# SPDX-License-Identifier: GPL-3.0-or-later
"""Every number that a run of preparation and training depends on, in one place."""

from dataclasses import asdict, dataclass, fields
from typing import Any

from .errors import TrainingError


@dataclass(frozen=True)
class Config:
    """Settings; a checkpoint and a folder of features keep theirs.

    Attributes:
        seed: Source of all chance.
        passes: How often each picture is cropped; every second time mirrored.
        roll_sd_deg: Spread of the body crop's turn,
        scale_sd: of the logarithm of its side,
        shift_sd: of its centre, in halves of its side.
        torso_jitter: Spread of the torso crop's turn (radians), logarithm of its side and shift.
        damage: Share of the training crops whose colours and sharpness are damaged once more.
        cut: Share of the training crops of which one side, from feet to waist, is cut away.
        merge: Cells along a side that the head looks at as one: 2 takes half the time, width for
            width; heatmaps keep their cells.
        width: Channels of the head.
        blocks: Its residual blocks.
        kernel: Side of their filters.
        simcc: Points come from a distribution along each axis, not from heatmaps (simcc.py).
        facts: Numbers that the facts are boiled down to.
        facts_dropout: Share of the facts left out at a time; a third of it behind the first layer.
        landmark_noise_px: Largest spread of the noise on the landmarks that the head is told,
            pixels of the body crop.
        position_weight: Weight of the Laplace likelihood of the points,
        structure_weight: of the directions of the bones,
        spine_weight: of turns of the spine beyond their ranges about the neutral curve.
        multi_view_weight: of rays of several cameras that miss each other (views.py); needs
            pictures with cameras, see prepare --photos.
        unfreeze: The base's decoder is trained with the head (late_stages.py); features are then
            prepared with this setting too.
        unfrozen_rate: Share of the learning rate for the decoder.
        distillation_weight: Weight of the base's own heatmaps of body points. While the base is
            frozen student and teacher are the same network and the loss is 0 whatever the weight.
        epochs: Passes over the training set.
        batch: Samples a step.
        learning_rate: Highest rate of AdamW,
        weight_decay: its decay of weights.
        warm_up: Share of the steps in which the rate rises.
        average: Decay of the moving average of the weights, which is what is evaluated.
    """

    seed: int = 1
    passes: int = 2
    roll_sd_deg: float = 9.0
    scale_sd: float = 0.09
    shift_sd: float = 0.05
    torso_jitter: float = 0.05
    damage: float = 0.4
    cut: float = 0.15
    merge: int = 1
    width: int = 64
    blocks: int = 4
    kernel: int = 5
    simcc: bool = False
    facts: int = 128
    facts_dropout: float = 0.3
    landmark_noise_px: float = 2.0
    position_weight: float = 1.0
    structure_weight: float = 0.1
    spine_weight: float = 0.05
    multi_view_weight: float = 0.0
    unfreeze: bool = False
    unfrozen_rate: float = 0.1
    distillation_weight: float = 0.0
    epochs: int = 8
    batch: int = 48
    learning_rate: float = 2e-3
    weight_decay: float = 0.02
    warm_up: float = 0.05
    average: float = 0.99

    def as_dict(self) -> dict[str, Any]:
        """The settings by name, for files."""
        return asdict(self)


def config_from(settings: list[str]) -> Config:
    """Make settings from a command line.

    Args:
        settings: `name=value` for each that differs from the default.

    Returns:
        The settings.

    Raises:
        TrainingError: If a name is unknown or a value is not of its type.
    """
    types = {field.name: type(field.default) for field in fields(Config)}
    values: dict[str, Any] = {}
    for setting in settings:
        name, _, text = setting.partition("=")
        if name not in types:
            raise TrainingError(f"no setting {name!r}; there are {', '.join(types)}")
        try:
            values[name] = _parse(text, types[name])
        except (KeyError, ValueError):
            raise TrainingError(f"{setting}: {types[name].__name__} expected") from None
    return Config(**values)


def _parse(text: str, kind: type[Any]) -> Any:
    return {"true": True, "false": False}[text.lower()] if kind is bool else kind(text)
