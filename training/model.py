# SPDX-License-Identifier: GPL-3.0-or-later
"""The spine head: cells of the torso's square and facts in, points with their scale out."""

from collections.abc import Mapping
from typing import Any, Final

import torch
from torch import Tensor, nn

from ..inference.spine import POINTS
from .codec import CONTEXT, DECODER_CHANNELS, GRID_CELLS
from .config import Config
from .simcc import SeparateAxes

HEAT_CELLS: Final = 2 * GRID_CELLS

PRIOR_SIDE: Final = 0.12
"""First spread of the Gaussian about the guessed point, in units of the square: 30 % of a trunk."""


class Block(nn.Module):
    """Residual block: depthwise filter, steered by the facts, then a mixing of channels."""

    def __init__(self, width: int, kernel: int) -> None:
        """Make a block of `width` channels with filters of side `kernel`."""
        super().__init__()
        self.depthwise = nn.Conv2d(width, width, kernel, padding=kernel // 2, groups=width)
        self.norm = nn.BatchNorm2d(width)
        self.blend = nn.Conv2d(width, width, 1)

    def forward(self, maps: Tensor, gain: Tensor, shift: Tensor) -> Tensor:
        """Return (N, width, h, w) for such maps, and (N, width, 1, 1) gain and shift."""
        steered = self.norm(self.depthwise(maps)) * gain + shift
        blended: Tensor = self.blend(nn.functional.silu(steered))
        return maps + blended


class SpineHead(nn.Module):
    """The head; a point is where a heatmap about a guessed point has its centre of mass."""

    places: Tensor
    inputs: tuple[str, ...] = ("cells", "context")
    """What it asks for of a batch."""

    def __init__(self, config: Config) -> None:
        """Make a head with fresh weights."""
        super().__init__()
        count, width, facts = len(POINTS), config.width, config.facts
        self.merge, self.split = config.merge, HEAT_CELLS * config.merge // GRID_CELLS
        self.side = GRID_CELLS // config.merge
        patch = DECODER_CHANNELS * config.merge**2
        places = _places(self.side, self.split)
        self.norm = nn.BatchNorm1d(patch, affine=False)
        self.mix = nn.Linear(patch, width)
        self.facts = nn.Sequential(
            nn.BatchNorm1d(CONTEXT, affine=False),
            nn.Dropout(config.facts_dropout),
            nn.Linear(CONTEXT, facts),
            nn.SiLU(),
            nn.Dropout(config.facts_dropout / 3),
            nn.Linear(facts, facts),
            nn.SiLU(),
        )
        self.blocks = nn.ModuleList(Block(width, config.kernel) for _ in range(config.blocks))
        self.steer = nn.Linear(facts, 2 * width * config.blocks)
        with torch.no_grad():
            self.steer.bias.view(-1, 2, width)[:, 0] += 1.0  # gains begin about 1, shifts about 0
        self.guess = nn.Linear(facts, 2 * count)
        self.heat = (
            SeparateAxes(width, count, self.side**2, places)
            if config.simcc
            else nn.Conv2d(width, count * self.split**2, 1)
        )
        self.log_spread = nn.Parameter(torch.full((count,), PRIOR_SIDE).log())
        self.scale_of_facts = nn.Linear(facts, count)
        self.scale_of_place = nn.Linear(width, 1)
        self.register_buffer("places", places)

    def groups(self) -> list[dict[str, Any]]:
        """Weights to train, for the optimiser; `share` is theirs of the learning rate."""
        return [{"params": list(self.parameters()), "share": 1.0}]

    def answer(self, batch: Mapping[str, Tensor]) -> tuple[Tensor, ...]:
        """Answer a batch; see `forward`."""
        answers: tuple[Tensor, ...] = self(batch["cells"], batch["context"])
        return answers

    def forward(self, cells: Tensor, context: Tensor) -> tuple[Tensor, ...]:
        """Find the points.

        Args:
            cells: (N, 576, 48) the base's map in the cells of the torso's square.
            context: (N, CONTEXT) facts.

        Returns:
            (N, P, 2) points in units of the square, (N, P) scale of their Laplace distribution in
            the same units, (N, P, 2) the guesses that the heatmaps lie about.
        """
        facts = self.facts(context)
        maps = self._maps(cells, facts)
        guess = 0.5 + self.guess(facts).reshape(-1, len(POINTS), 2)
        share = self._heat(maps, guess)
        # Sizes are written out: the exported network would work out what is left open.
        coarse = share.reshape(-1, len(POINTS), self.split**2, self.side**2).sum(dim=2)
        there = coarse @ maps.reshape(-1, self.mix.out_features, self.side**2).transpose(1, 2)
        log_scale = self.scale_of_facts(facts) + self.scale_of_place(there).squeeze(2) - 3.5
        return share @ self.places, log_scale.clamp(-7.0, 1.0).exp(), guess

    def _maps(self, cells: Tensor, facts: Tensor) -> Tensor:
        """Maps of the merged cells, (N, width, side, side)."""
        sides = (self.side, self.merge, self.side, self.merge, DECODER_CHANNELS)
        patches = cells.reshape(-1, *sides).transpose(2, 3) if self.merge > 1 else cells
        mixed = self.mix(self.norm(patches.reshape(-1, self.mix.in_features)))
        width = self.mix.out_features
        maps: Tensor = mixed.reshape(-1, self.side, self.side, width).permute(0, 3, 1, 2)
        steering = self.steer(facts)[:, :, None, None].split(width, dim=1)
        for block, gain, shift in zip(self.blocks, steering[::2], steering[1::2], strict=True):
            maps = block(maps, gain, shift)
        return maps

    def _heat(self, maps: Tensor, guess: Tensor) -> Tensor:
        """Share of each point's probability in each cell of its heatmap: (N, P, HEAT_CELLS**2)."""
        logits: Tensor = self.heat(maps).reshape(-1, len(POINTS), HEAT_CELLS**2)
        # A Gaussian about the guess but for what is the same in all cells.
        narrow = torch.exp(-2.0 * self.log_spread)[:, None]
        away = narrow * guess @ self.places.T - 0.5 * narrow * self.places.square().sum(dim=1)
        share: Tensor = (logits + away).softmax(dim=2)
        return share


def _places(side: int, split: int) -> Tensor:
    """(HEAT_CELLS**2, 2) middles of the cells of a heatmap, as the channels of `heat` have them."""
    middle = ((torch.arange(HEAT_CELLS) + 0.5) / HEAT_CELLS).view(side, split)
    shape = (split, split, side, side)
    x, y = middle.T[None, :, None, :].expand(shape), middle.T[:, None, :, None].expand(shape)
    return torch.stack([x.reshape(-1), y.reshape(-1)], dim=1)
