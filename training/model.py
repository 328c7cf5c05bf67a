# SPDX-License-Identifier: GPL-3.0-or-later
"""The spine head: cells of the torso's square and facts in, points with their scale out."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from ..inference.spine import POINTS
from .codec import CONTEXT, DECODER_CHANNELS, GRID_CELLS
from .config import Config

FACTS = 128
HEAT_CELLS = 2 * GRID_CELLS
PRIOR_SIDE = 0.12
"""First spread of the Gaussian about the guessed point, in units of the square: 30 % of a trunk."""


class Block(nn.Module):
    """Residual block: depthwise filter, steered by the facts, then a mixing of channels."""

    def __init__(self, width: int, kernel: int) -> None:
        """Make a block of `width` channels with filters of side `kernel`."""
        super().__init__()
        self.depthwise = nn.Conv2d(width, width, kernel, padding=kernel // 2, groups=width)
        self.norm = nn.BatchNorm2d(width)
        self.steer = nn.Linear(FACTS, 2 * width)
        self.blend = nn.Conv2d(width, width, 1)

    def forward(self, maps: Tensor, facts: Tensor) -> Tensor:
        """Return (N, width, h, w) for such maps and (N, FACTS) facts."""
        gain, shift = self.steer(facts)[:, :, None, None].chunk(2, dim=1)
        steered = self.norm(self.depthwise(maps)) * (1.0 + gain) + shift
        blended: Tensor = self.blend(nn.functional.silu(steered))
        return maps + blended


class SpineHead(nn.Module):
    """The head; a point is where a heatmap about a guessed point has its centre of mass."""

    middle: Tensor
    inputs: tuple[str, ...] = ("cells", "context")
    """What it asks for of a batch."""

    def __init__(self, config: Config) -> None:
        """Make a head with fresh weights."""
        super().__init__()
        count, width = len(POINTS), config.width
        self.norm = nn.BatchNorm1d(DECODER_CHANNELS, affine=False)
        self.mix = nn.Linear(DECODER_CHANNELS, width)
        self.facts = nn.Sequential(
            nn.BatchNorm1d(CONTEXT, affine=False),
            nn.Dropout(config.facts_dropout),
            nn.Linear(CONTEXT, FACTS),
            nn.SiLU(),
            nn.Dropout(config.facts_dropout / 3),
            nn.Linear(FACTS, FACTS),
            nn.SiLU(),
        )
        self.blocks = nn.ModuleList(Block(width, config.kernel) for _ in range(config.blocks))
        self.guess = nn.Linear(FACTS, 2 * count)
        self.heat = nn.Conv2d(width, 4 * count, 1)
        self.shuffle = nn.PixelShuffle(2)
        self.log_spread = nn.Parameter(torch.full((count,), PRIOR_SIDE).log())
        self.scale_of_facts = nn.Linear(FACTS, count)
        self.scale_of_place = nn.Linear(width, 1)
        middle = (torch.arange(HEAT_CELLS) + 0.5) / HEAT_CELLS
        self.register_buffer("middle", middle)

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
        mixed = self.mix(self.norm(cells.reshape(-1, DECODER_CHANNELS)))
        maps = mixed.reshape(-1, GRID_CELLS, GRID_CELLS, mixed.shape[1]).permute(0, 3, 1, 2)
        for block in self.blocks:
            maps = block(maps, facts)
        guess = 0.5 + self.guess(facts).unflatten(1, (-1, 2))
        share = self._heat(maps, guess)
        across, down = share.sum(dim=2), share.sum(dim=3)
        points = torch.stack([across @ self.middle, down @ self.middle], dim=2)
        coarse = nn.functional.avg_pool2d(share, 2).flatten(2) * 4.0
        there = coarse @ maps.flatten(2).transpose(1, 2)
        log_scale = self.scale_of_facts(facts) + self.scale_of_place(there).squeeze(2) - 3.5
        return points, log_scale.clamp(-7.0, 1.0).exp(), guess

    def _heat(self, maps: Tensor, guess: Tensor) -> Tensor:
        """Share of each point's probability in each cell: (N, P, HEAT_CELLS, HEAT_CELLS)."""
        logits: Tensor = self.shuffle(self.heat(maps))
        away_x = (self.middle - guess[:, :, None, 0]).square()
        away_y = (self.middle - guess[:, :, None, 1]).square()
        narrow = 0.5 * torch.exp(-2.0 * self.log_spread)[:, None, None]
        logits = logits - narrow * (away_x[:, :, None, :] + away_y[:, :, :, None])
        return logits.flatten(2).softmax(dim=2).view_as(logits)
