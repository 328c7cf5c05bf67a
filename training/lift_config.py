# SPDX-License-Identifier: GPL-3.0-or-later
"""Every number that a run of the temporal lifter's training depends on."""

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class LiftConfig:
    """Settings; a checkpoint keeps its own.

    Attributes:
        seed: Source of all chance.
        width: Channels.
        dilations: Steps of the filters in time, a block each.
        batch: Windows a step.
        steps: Steps of the whole run.
        save_every: Steps between checkpoints.
        learning_rate: Highest rate of AdamW.
        weight_decay: Its decay.
        warm_up: Share of the steps in which the rate rises.
        average: Decay of the moving average of the weights.
        single: Share of the steps whose windows are single frames,
        shorter: or have any other length below the whole one.
        spine_weight: Weight of the spine's shape (metres),
        velocity_weight: of differences from frame to frame,
        length_weight: of the bones' lengths,
        image_weight: of where the points are in the image.
        still: Share of the windows that hold one of the network's bodies at rest, with its own
            errors and no others.
        neighbours: How many bodies most alike are taken over errors of at a moment,
        keys: at how many moments of a window at most.
        lasting: Spread of a body's liking that lasts for the window,
        flicker: of that which changes with each frame, logarithms; median over the windows,
        kept: share of it kept from the frame before. Chosen so that errors change with time as on
            14 clips rendered of bodies and motions that may be trained on.
        shake_m: Median spread of the part of the errors that changes with each frame.
        swap: Share of the windows in which left and right limbs change places for a moment,
        drop: in which a limb is lost for a moment,
        cut: in which the picture's edge cuts the person.
    """

    seed: int = 1
    width: int = 192
    dilations: tuple[int, ...] = (1, 2, 4, 2, 1)
    batch: int = 32
    steps: int = 8000
    save_every: int = 100
    learning_rate: float = 3e-3
    weight_decay: float = 0.02
    warm_up: float = 0.02
    average: float = 0.995
    single: float = 0.1
    shorter: float = 0.1
    spine_weight: float = 20.0
    velocity_weight: float = 4.0
    length_weight: float = 3.0
    image_weight: float = 3.0
    still: float = 0.1
    neighbours: int = 3
    keys: int = 6
    lasting: float = 3.0
    flicker: float = 1.5
    kept: float = 0.6
    shake_m: float = 0.004
    swap: float = 0.04
    drop: float = 0.08
    cut: float = 0.08

    def as_dict(self) -> dict[str, Any]:
        """Give the settings as plain values."""
        return asdict(self)
