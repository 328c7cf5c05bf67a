# SPDX-License-Identifier: GPL-3.0-or-later
"""What the head is trained to make small; each part has a weight, and 0 turns it off."""

import math
from itertools import pairwise
from typing import Final

import numpy as np
import torch
from torch import Tensor, nn

from ..inference.keypoints import SPINE
from ..inference.spine import POINTS
from .anatomy import (
    CONTRACT_ARC,
    EXTENSION_DEG,
    FLEXION_DEG,
    JOINT_ARC,
    LATERAL_DEG,
    RANGE_SLACK,
    Floats,
)
from .config import Config

BONES: Final = (
    *pairwise(SPINE),
    ("neck_03", "head"),
    ("spine_05", "left_clavicle"),
    ("spine_05", "right_clavicle"),
    ("spine_04", "left_latissimus"),
    ("spine_04", "right_latissimus"),
)

NEUTRAL_TURN_DEG: Final = (-3.0, -11.0, -22.0, 10.0, 21.0, -3.0, -23.0)
"""Sagittal turn of the standing spine at L5, L3, L1, T8, T3, C7, C4, positive forward: mean of the
first 100 bodies of the bank in trunk_draw.standing_curve; the head that ships was trained with that
of the bodies at rest, -1, -7, -17, 11, 20, -5, -23, as its renders had it."""

NEUTRAL_SD_DEG: Final = 8.0
"""Spread of that turn among people, a point; training.trunk_draw draws lordosis and kyphosis with
8 and 9 degrees, shared among the points of a region. Two of them are allowed on each side."""

LEAST_ALONG: Final = 0.7
"""Share of the trunk's length in the picture from which its turns in the picture are judged: of a
trunk that points at the camera every turn is possible."""

GUESS_SHARE: Final = 0.1
"""Weight of the guessed points' own error in the position loss: the heatmaps lie about them."""


def total_loss(
    answers: tuple[Tensor, ...], batch: dict[str, Tensor], config: Config
) -> tuple[Tensor, dict[str, float]]:
    """Sum of the losses that are on.

    Args:
        answers: Points, scales and guesses of the head; heatmaps of student and teacher if the base
            is not frozen.
        batch: The batch that they answer.
        config: Weights.

    Returns:
        The loss, and each part unweighted.
    """
    points, scale, guess, *heatmaps = answers
    target, torso = batch["target"], batch["torso"]
    inside = ((target > 0.0) & (target < 1.0)).all(dim=2) * batch["weight"]
    parts: dict[str, Tensor] = {}
    if config.position_weight:
        parts["position"] = position_loss(points, scale, target, inside)
        off = inside * (guess - target).abs().sum(dim=2) / torso[:, None]
        parts["position"] = parts["position"] + GUESS_SHARE * off.mean()
    if config.structure_weight:
        parts["structure"] = structure_loss(points, target, inside)
    if config.spine_weight:
        parts["spine"] = spine_loss(points, batch["axes"])
    if heatmaps:
        parts["distillation"] = distillation_loss(*heatmaps)
    weights = config.as_dict()
    loss = sum((weights[f"{name}_weight"] * part for name, part in parts.items()), torch.zeros(()))
    return loss, {name: float(part.detach()) for name, part in parts.items()}


def position_loss(points: Tensor, scale: Tensor, target: Tensor, weight: Tensor) -> Tensor:
    """Negative logarithm of the likelihood of a round Laplace distribution, less a constant.

    Args:
        points: (N, P, 2) where they are thought,
        scale: (N, P) and how far off: the mean error is twice that.
        target: (N, P, 2) where they are.
        weight: (N, P).

    Returns:
        Its weighted mean.
    """
    error = ((points - target).square().sum(dim=2) + 1e-8).sqrt()
    return (weight * (error / scale + 2.0 * scale.log())).sum() / weight.sum().clamp(min=1.0)


def structure_loss(points: Tensor, target: Tensor, weight: Tensor) -> Tensor:
    """Mean difference of direction of the bones, in half turns.

    Source: L_structure of Khan et al., arXiv 2504.08110.

    Args:
        points: (N, P, 2) where the points are thought.
        target: (N, P, 2) where they are.
        weight: (N, P) weight of each point; a bone counts as its lesser end.

    Returns:
        0..1.
    """
    first, second = (torch.tensor([POINTS.index(bone[end]) for bone in BONES]) for end in (0, 1))
    mine, true = points[:, second] - points[:, first], target[:, second] - target[:, first]
    both = torch.minimum(weight[:, first], weight[:, second])
    return (both * _turn(true, mine).abs()).sum() / both.sum().clamp(min=1.0) / math.pi


def spine_loss(points: Tensor, axes: Tensor) -> Tensor:
    """How far the spine turns in the picture beyond what spines can do about their neutral curve.

    The range at a point is what the joints between the middles of its two segments can do: sagittal
    as far as the forward axis lies across the picture, lateral as far as it does not. It is not a
    pull towards straight: a neutral or a bent spine within its ranges costs nothing.

    Args:
        points: (N, P, 2) where the points are thought.
        axes: (N, 2) share of the forward axis across the picture, signed, and of the trunk's length
            in it.

    Returns:
        Mean square of the excess, radians.
    """
    chain = points[:, [POINTS.index(name) for name in SPINE]]
    step = chain[:, 1:] - chain[:, :-1]
    turn = _turn(step[:, :-1], step[:, 1:])
    across, along = axes[:, :1], axes[:, 1:]
    facing = (1.0 - across.square()).clamp(min=0.0).sqrt()
    neutral = torch.tensor(np.radians(NEUTRAL_TURN_DEG), dtype=turn.dtype)
    forward, backward, lateral = (
        torch.tensor(limits, dtype=turn.dtype) for limits in turn_ranges()
    )
    slack = 2.0 * math.radians(NEUTRAL_SD_DEG)
    ahead, behind = neutral + forward, neutral - backward
    highest = torch.maximum(across * ahead, across * behind) + facing * lateral + slack
    lowest = torch.minimum(across * ahead, across * behind) - facing * lateral - slack
    excess = (turn - highest).clamp(min=0.0) + (lowest - turn).clamp(min=0.0)
    judged = (along > LEAST_ALONG).float().expand_as(turn)
    return (judged * excess.square()).sum() / judged.sum().clamp(min=1.0)


def distillation_loss(student: Tensor, teacher: Tensor) -> Tensor:
    """How much of the teacher's output distribution on body points the student has lost.

    Each cell of a heatmap is a yes or no of its own (Bernoulli), as `inference.pose2d.refine` reads
    it. A distribution over the cells would leave free how sure the network is at all, and from that
    it is decided whether a landmark is refined.

    Args:
        student: (N, 39, 64, 64) logits.
        teacher: (N, 39, 64, 64) logits.

    Returns:
        Divergence (Kullback-Leibler) from the teacher's, nats: sum over a heatmap's cells, mean
        over heatmaps.
    """
    rise = nn.functional.softplus(student) - nn.functional.softplus(teacher)
    return (teacher.sigmoid() * (teacher - student) + rise).sum(dim=(2, 3)).mean()


def turn_ranges() -> tuple[Floats, Floats, Floats]:
    """How far the polyline can turn at the seven inner points: forward, backward, sideways.

    Returns:
        Three of (7,) radians.
    """
    middles = (CONTRACT_ARC[1:] + CONTRACT_ARC[:-1]) / 2
    region = np.searchsorted(middles, JOINT_ARC) - 1
    limits = (FLEXION_DEG, EXTENSION_DEG, LATERAL_DEG)
    forward, backward, lateral = (
        np.radians(
            [RANGE_SLACK * limit[region == point].sum() for point in range(len(middles) - 1)]
        )
        for limit in limits
    )
    return forward, backward, lateral


def _turn(first: Tensor, second: Tensor) -> Tensor:
    """Angle from one direction to another, radians, clockwise in the picture positive."""
    cross = first[..., 0] * second[..., 1] - first[..., 1] * second[..., 0]
    dot = (first * second).sum(dim=-1)
    return torch.atan2(cross, dot + 1e-9)
