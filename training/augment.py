# SPDX-License-Identifier: GPL-3.0-or-later
"""What befalls a picture before the base sees it: crops, cuts, damage, mirroring."""

from typing import Final

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from ..inference.crop import Crop
from ..inference.keypoints import INDEX
from .codec import mirror_names
from .config import Config

LEAST_LEFT: Final = 0.55
"""Share of the 37 points that a cut leaves in the picture."""


def mirrored(
    frame: NDArray[np.uint8], xy: NDArray[np.float64]
) -> tuple[NDArray[np.uint8], NDArray[np.float64]]:
    """Mirror a picture and its 37 points; the base must see it anew, its maps are not symmetric."""
    flipped = xy[mirror_names()] * [-1.0, 1.0] + [frame.shape[1], 0.0]
    return np.ascontiguousarray(frame[:, ::-1]), flipped


def body_crop(xy: NDArray[np.float64], config: Config, rng: Generator) -> Crop:
    """Cut a person out as the base would, with the faults that following has.

    Args:
        xy: (37, 2) pixels of the frame.
        config: Spread of turn, side and shift.
        rng: Source of chance.

    Returns:
        The body crop.
    """
    hip, shoulder = (
        xy[[INDEX[f"left_{part}"], INDEX[f"right_{part}"]]].mean(axis=0)
        for part in ("hip", "shoulder")
    )
    radius = float(np.linalg.norm(xy - hip, axis=1).max())
    up = (shoulder - hip) / max(float(np.hypot(*(shoulder - hip))), 1e-6)
    crop = Crop.around(hip, hip + radius * up)
    return Crop(
        crop.centre_px + rng.normal(0.0, config.shift_sd, 2) * crop.side_px / 2,
        crop.side_px * float(np.exp(rng.normal(0.0, config.scale_sd))),
        crop.angle + float(np.radians(rng.normal(0.0, config.roll_sd_deg))),
    )


def cut_off(frame: NDArray[np.uint8], xy: NDArray[np.float64], rng: Generator) -> NDArray[np.uint8]:
    """Let a person stand half outside: one side of the picture goes, its edge is drawn out instead.

    Args:
        frame: (H, W, 3) picture.
        xy: (K, 2) the person's points, pixels; LEAST_LEFT of them stay inside.
        rng: Source of chance; half of the cuts take the lower side.

    Returns:
        (H, W, 3) picture.
    """
    height, width = frame.shape[:2]
    turns = int(rng.choice(4, p=[0.5, 0.2, 0.1, 0.2]))
    downward = (xy[:, 1], width - xy[:, 0], height - xy[:, 1], xy[:, 0])[turns]
    turned = np.rot90(frame, turns).copy()
    edge = int(np.quantile(downward, rng.uniform(LEAST_LEFT, 1.0)))
    edge = min(max(edge, 1), len(turned))
    turned[edge:] = turned[edge - 1]
    return np.ascontiguousarray(np.rot90(turned, -turns))


def damage(frame: NDArray[np.uint8], rng: Generator) -> NDArray[np.uint8]:
    """Spoil a picture once more: brightness, tint, contrast, blur, grain.

    Args:
        frame: (H, W, 3) RGB.
        rng: Source of chance.

    Returns:
        (H, W, 3) RGB.
    """
    image = frame.astype(np.float32)
    image *= np.exp(rng.normal(0.0, 0.2) + rng.normal(0.0, 0.06, 3)).astype(np.float32)
    image = (image - 110.0) * np.float32(np.exp(rng.normal(0.0, 0.15))) + 110.0
    if rng.random() < 0.3:
        image = np.asarray(cv2.GaussianBlur(image, (0, 0), rng.uniform(0.4, 1.6)), np.float32)
    if rng.random() < 0.1:
        image = np.repeat(image.mean(axis=2, keepdims=True), 3, axis=2)
    if rng.random() < 0.4:
        image = image + rng.normal(0.0, rng.uniform(1.0, 9.0), image.shape)
    return np.clip(image, 0, 255).astype(np.uint8)
