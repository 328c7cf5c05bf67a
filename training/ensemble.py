# SPDX-License-Identifier: GPL-3.0-or-later
"""What a head says of a person when asked several times: mirrored, turned, zoomed, moved."""

from dataclasses import dataclass
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray

from ..inference.crop import Crop
from ..inference.pose2d import INPUT_PX, Body
from ..inference.spine import POINTS
from .base import FrozenBase, bodies_in_crop
from .student import INPUTS, Student

Floats = NDArray[np.float64]

VARIANTS: Final = (
    (0.0, 1.0, 0.0, 0.0, False),
    (0.0, 1.0, 0.0, 0.0, True),
    (8.0, 0.93, 0.04, 0.0, False),
    (-8.0, 0.93, -0.04, 0.0, True),
    (-8.0, 1.08, 0.0, 0.04, False),
    (8.0, 1.08, 0.0, -0.04, True),
    (4.0, 1.0, -0.03, -0.03, False),
    (-4.0, 1.0, 0.03, 0.03, True),
)
"""Turn in degrees, side, shift in halves of the side, mirrored: up to one standard deviation of the
jitter that `prepare` trains with."""

LEAST_SCALE: Final = 0.01
"""In trunk lengths: no answer outweighs the others by claiming to be surer than that."""


@dataclass(frozen=True)
class Opinion:
    """What is said of one person.

    Attributes:
        xy_px: (14, 2) mean, pixels of the frame; codec.POINTS.
        scale_px: (14,) mean of the Laplace scales told.
        spread_px: (14,) root mean square of the distances from the mean.
        body: What the base says of the crop as it is.
        trunk_px: Length of the trunk, pixels of the frame.
    """

    xy_px: Floats
    scale_px: Floats
    spread_px: Floats
    body: Body
    trunk_px: float

    def error_px(self) -> Floats:
        """(14,) how far off the mean is expected to be: told error and spread together, pixels."""
        return np.hypot(2.0 * self.scale_px, self.spread_px)


@torch.no_grad()
def ask(base: FrozenBase, student: Student, frame: NDArray[np.uint8], crop: Crop) -> Opinion:
    """Ask a head about a person.

    Args:
        base: The frozen base.
        student: The head.
        frame: (H, W, 3) RGB.
        crop: The body crop.

    Returns:
        Its opinion; answers count by what they say of their own scale.
    """
    crops = [_varied(crop, *variant[:4]) for variant in VARIANTS]
    pictures = np.stack([one.cut(frame, INPUT_PX, black_outside=False) for one in crops])
    mirrored = np.array([variant[4] for variant in VARIANTS])
    pictures[mirrored] = pictures[mirrored, :, ::-1]
    outputs = base.run(pictures)
    given = (torch.from_numpy(np.ascontiguousarray(outputs[name])) for name in INPUTS)
    points, scale = (values.numpy().astype(float) for values in student(*given))
    points[mirrored] = unmirrored(points[mirrored])
    scale[mirrored] = scale[mirrored][:, _SWAPPED]
    pairs = zip(crops, points, strict=True)
    places = np.stack([one.to_frame(own, INPUT_PX) for one, own in pairs])
    scale *= np.array([one.side_px for one in crops])[:, None] / INPUT_PX
    (seen,) = bodies_in_crop({name: values[:1] for name, values in outputs.items()})
    body = in_frame(seen, crop)
    trust = np.maximum(scale, LEAST_SCALE * body.trunk_px()) ** -2
    mean = (trust[..., None] * places).sum(axis=0) / trust.sum(axis=0)[:, None]
    spread = np.sqrt(((places - mean) ** 2).sum(axis=2).mean(axis=0))
    return Opinion(mean, scale.mean(axis=0), spread, body, body.trunk_px())


def unmirrored(points: Floats) -> Floats:
    """Carry (N, 14, 2) points of mirrored crops back, left and right in their own places."""
    return np.asarray(points[:, _SWAPPED] * [-1.0, 1.0] + [INPUT_PX, 0.0])


def in_frame(body: Body, crop: Crop) -> Body:
    """Carry a body from its crop's picture into the frame.

    Args:
        body: Body in pixels of the 256 px picture.
        crop: That crop.

    Returns:
        The body as `inference.pose2d` would give it.
    """
    world = body.world_m.copy()
    world[:, :2] = world[:, :2] @ crop.rotation().T
    return Body(
        xy_px=crop.to_frame(body.xy_px, INPUT_PX),
        score=body.score,
        world_m=world,
        presence=body.presence,
        crop=crop,
        hip_px=crop.to_frame(body.hip_px, INPUT_PX),
        reach_px=crop.to_frame(body.reach_px, INPUT_PX),
    )


def _varied(crop: Crop, turn_deg: float, side: float, right: float, down: float) -> Crop:
    shift = np.array([right, down]) * crop.side_px / 2
    centre = crop.centre_px + shift
    return Crop(centre, crop.side_px * side, crop.angle + float(np.radians(turn_deg)))


def _swapped() -> list[int]:
    swap = {"left": "right", "right": "left"}
    parts = [name.partition("_") for name in POINTS]
    return [POINTS.index("".join([swap.get(side, side), *rest])) for side, *rest in parts]


_SWAPPED: Final = _swapped()
