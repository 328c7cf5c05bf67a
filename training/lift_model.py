# SPDX-License-Identifier: GPL-3.0-or-later
"""The temporal lifter's network: filters in time over what is told of each frame."""

import math

import torch
from torch import Tensor, nn

from ..inference.keypoints import NAMES
from ..inference.temporal_lifter import FEATURES
from .lift_config import LiftConfig

KERNEL = 5
POINTS = len(NAMES)
FLAT = slice(0, 2 * POINTS)
SINGLE = slice(2 * POINTS, 5 * POINTS)
AXES = slice(8 * POINTS, 8 * POINTS + 9)

STEP_M = 0.3
"""Size of a correction of 1, metres."""

START_M = 0.05
"""Scale told by fresh weights, metres."""

AXIS_DEVIATION = 2.0
"""Standard deviation along an axis of the density exp(-r / b) in space, in b: E r^2 = 12 b^2."""


class Filter(nn.Module):
    """A filter in time for each channel; beyond the ends all stays as in the end's frame.

    So a window's ends are no event, and a single frame is somebody who keeps still. As a sum of
    shifted frames it takes two thirds of the time of Conv1d, which wants channels before frames.
    """

    def __init__(self, width: int, dilation: int) -> None:
        """Make fresh weights."""
        super().__init__()
        self.dilation = dilation
        bound = 1.0 / math.sqrt(KERNEL)
        self.weight = nn.Parameter(torch.empty(KERNEL, width).uniform_(-bound, bound))
        self.bias = nn.Parameter(torch.zeros(width))

    def forward(self, frames: Tensor) -> Tensor:
        """Give (N, T, C) of (N, T, C)."""
        length, reach = frames.shape[1], self.dilation * (KERNEL // 2)
        start, end = (one.expand(-1, reach, -1) for one in (frames[:, :1], frames[:, -1:]))
        longer = torch.cat([start, frames, end], dim=1)
        found: Tensor = self.bias
        for row in range(KERNEL):
            at = row * self.dilation
            found = torch.addcmul(found, self.weight[row], longer[:, at : at + length])
        return found


class Block(nn.Module):
    """A filter in time for each channel, then two layers for each frame; what it finds is added."""

    def __init__(self, width: int, dilation: int) -> None:
        """Make fresh weights."""
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.time = Filter(width, dilation)
        self.wide = nn.Linear(width, 2 * width)
        self.back = nn.Linear(2 * width, width)
        nn.init.zeros_(self.back.weight)
        nn.init.zeros_(self.back.bias)

    def forward(self, frames: Tensor) -> Tensor:
        """Give (N, T, C) of (N, T, C)."""
        moved = self.time(self.norm(frames))
        added: Tensor = self.back(nn.functional.gelu(self.wide(moved)))
        return frames + added


class Lifter(nn.Module):
    """37 points in space, and their scales, of all frames of a window."""

    def __init__(self, config: LiftConfig) -> None:
        """Make fresh weights: they answer the single frame's points, across as in the image."""
        super().__init__()
        self.first = nn.Linear(FEATURES, config.width)
        self.blocks = nn.Sequential(*[Block(config.width, step) for step in config.dilations])
        self.norm = nn.LayerNorm(config.width)
        self.last = nn.Linear(config.width, 7 * POINTS)
        nn.init.zeros_(self.last.weight)
        nn.init.zeros_(self.last.bias)
        self.scale_factor = nn.Parameter(torch.ones(()), requires_grad=False)

    def forward(self, told: Tensor) -> tuple[Tensor, Tensor]:
        """Lift windows.

        Args:
            told: (N, T, FEATURES), see temporal_lifter.features_of.

        Returns:
            Points (N, T, 37, 3) and scales b (N, T, 37) of the density exp(-r / b), metres.
        """
        frames = told.shape[:2]
        hidden = self.norm(self.blocks(self.first(told)))
        found = self.last(hidden).float().reshape(*frames, POINTS, 7)
        flat = told[..., FLAT].reshape(*frames, POINTS, 2)
        single = told[..., SINGLE].reshape(*frames, POINTS, 3)
        begin = torch.cat([flat, single[..., 2:]], dim=-1)
        axes = told[..., AXES].reshape(*frames, 3, 3)
        # Corrections along the ray's axes, and along the trunk's.
        moved = found[..., :3] + found[..., 3:6] @ axes.transpose(2, 3)
        scale = torch.exp((found[..., 6] + math.log(START_M)).clamp(-7.0, 1.0))
        return begin + STEP_M * moved, self.scale_factor * scale


class Shipped(nn.Module):
    """The network as it is exported: deviations in place of scales."""

    def __init__(self, lifter: Lifter) -> None:
        """Wrap a trained network."""
        super().__init__()
        self.lifter = lifter

    def forward(self, told: Tensor) -> tuple[Tensor, Tensor]:
        """Give points (N, T, 37, 3) and standard deviations (N, T, 37) along an axis, metres."""
        points, scale = self.lifter(told)
        return points, AXIS_DEVIATION * scale
