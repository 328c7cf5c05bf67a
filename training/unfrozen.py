# SPDX-License-Identifier: GPL-3.0-or-later
"""A head that trains the base's decoder with it, beside a frozen copy that teaches body points."""

import copy
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from .codec import Square, look_through
from .config import Config
from .late_stages import CUT, base_decoder
from .model import SpineHead


class UnfrozenHead(SpineHead):
    """Looks at the maps that its own decoder makes of what enters the base's.

    Attributes:
        decoder: The decoder that is trained; its weights begin as the base's.
        teacher: The base's decoder.
    """

    inputs = (*CUT, "context", "square")

    def __init__(self, config: Config) -> None:
        """Make a head with fresh weights, the same as the frozen base's, and the base's decoder."""
        super().__init__(config)
        self._config = config
        self.decoder = base_decoder()
        self.teacher = copy.deepcopy(self.decoder).requires_grad_(False)
        self._share = config.unfrozen_rate
        self._distil = config.distillation_weight > 0.0

    def groups(self) -> list[dict[str, Any]]:
        """The decoder learns slower and is not pulled to nought: it begins where it is good."""
        mine = {id(weights) for weights in self.decoder.parameters()}
        own = [weights for weights in self.parameters() if id(weights) not in mine]
        late = {"params": list(self.decoder.parameters()), "share": self._share}
        return [{"params": own, "share": 1.0}, {**late, "weight_decay": 0.0}]

    def answer(self, batch: Mapping[str, Tensor]) -> tuple[Tensor, ...]:
        """Answer a batch.

        Args:
            batch: What enters the decoder, the facts, and the squares as (N, 5).

        Returns:
            As `forward`; while training with distillation also (N, 39, 64, 64) logits of the
            decoder's heatmaps and of the teacher's.
        """
        maps = [batch[name] for name in CUT]
        seen, heatmap = self.decoder(*maps)
        answers: tuple[Tensor, ...] = self(
            look_through(square_of(batch["square"]), seen), batch["context"]
        )
        if not (self.training and self._distil):
            return answers
        with torch.no_grad():
            _, taught = self.teacher(*maps)
        return *answers, heatmap, taught

    def without_decoder(self) -> SpineHead:
        """The head alone, which reads the map of whatever decoder there is."""
        head = SpineHead(self._config)
        own = self.state_dict()
        head.load_state_dict({name: own[name] for name in head.state_dict()})
        return head.train(self.training)


def new_head(config: Config) -> SpineHead:
    """Make the head that the settings ask for, with fresh weights."""
    return UnfrozenHead(config) if config.unfreeze else SpineHead(config)


def whole_maps(
    looks: list[dict[str, Any]], outputs: Mapping[str, NDArray[np.float32]]
) -> list[dict[str, NDArray[Any]]]:
    """What `prepare` keeps of crops when the decoder is to be trained: 420 kB a crop.

    Args:
        looks: What `look_again` gave for N crops.
        outputs: What `LateBase.run` gave for them.

    Returns:
        N dictionaries: what enters the decoder and the facts in half precision, the square as (5,)
        centre, side and up, the base's landmarks as (195,).
    """
    return [
        {
            **{name: outputs[name][row].astype(np.float16) for name in CUT},
            "context": look["context"],
            "square": numbers_of(look["square"])[0].numpy().astype(np.float32),
            "landmarks": outputs["landmarks"][row],
        }
        for row, look in enumerate(looks)
    ]


def numbers_of(square: Square) -> Tensor:
    """Squares as (N, 5) numbers."""
    return torch.cat([square.centre, square.side[:, None], square.up], dim=1)


def square_of(numbers: Tensor) -> Square:
    """Squares from their (N, 5) numbers."""
    return Square(numbers[:, :2], numbers[:, 2], numbers[:, 3:])
