# SPDX-License-Identifier: GPL-3.0-or-later
"""Puts a body before a background and spoils the picture as cameras do."""

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

Picture = NDArray[np.uint8]


def compose(front: Picture, back: Picture, rng: Generator) -> Picture:
    """Paste a body before a background, their brightness drawn together.

    Args:
        front: (S, S, 4) RGBA, straight alpha.
        back: (S, S, 3) RGB.
        rng: Source of chance.

    Returns:
        (S, S, 3) RGB.
    """
    alpha = front[..., 3:].astype(np.float32) / 255.0
    ahead = front[..., :3].astype(np.float32)
    behind = back.astype(np.float32)
    if rng.random() < 0.6 and alpha.sum() > 50:
        seen = float((ahead * alpha).sum() / (3 * alpha.sum()))
        gain = np.clip((behind.mean() + 20.0) / (seen + 20.0), 0.5, 1.8) ** rng.uniform(0.2, 0.8)
        ahead = np.clip(ahead * gain, 0, 255)
    return np.clip(alpha * ahead + (1.0 - alpha) * behind, 0, 255).astype(np.uint8)


def spoil(picture: Picture, rng: Generator) -> Picture:
    """Blur, noise, colour and brightness faults of cameras.

    Args:
        picture: (S, S, 3) RGB.
        rng: Source of chance.

    Returns:
        (S, S, 3) RGB.
    """
    image = picture.astype(np.float32)
    if rng.random() < 0.22:
        image = _streak(image, rng)
    if rng.random() < 0.30:
        side = int(image.shape[0] * rng.uniform(0.3, 0.8))
        small = cv2.resize(image, (side, side), interpolation=cv2.INTER_AREA)
        image = np.asarray(cv2.resize(small, image.shape[1::-1]), np.float32)
    elif rng.random() < 0.25:
        blurred = cv2.GaussianBlur(image, (0, 0), float(rng.uniform(0.4, 1.4)))
        image = np.asarray(blurred, np.float32)
    image *= np.exp(rng.normal(0.0, 0.18)) * np.exp(rng.normal(0.0, 0.06, 3)).astype(np.float32)
    centre = float(image.mean())
    image = (image - centre) * np.exp(rng.normal(0.0, 0.15)) + centre
    image = 255.0 * np.clip(image / 255.0, 0, 1) ** np.float32(np.exp(rng.normal(0.0, 0.12)))
    if rng.random() < 0.06:
        image = np.repeat(image.mean(axis=2, keepdims=True), 3, axis=2)
    if rng.random() < 0.6:
        grain = rng.normal(0.0, np.exp(rng.uniform(np.log(1.0), np.log(12.0))), image.shape)
        if rng.random() < 0.5:
            grain = cv2.GaussianBlur(grain, (0, 0), 0.7) * 1.6
        image = image + grain
    return np.clip(image, 0, 255).astype(np.uint8)


def to_jpeg(picture: Picture, rng: Generator) -> bytes:
    """Compress: quality 35 to 95, as clips on the net are.

    Args:
        picture: (S, S, 3) RGB.
        rng: Source of chance.

    Returns:
        The JPEG file.
    """
    quality = int(rng.triangular(35, 88, 96))
    done, data = cv2.imencode(
        ".jpg", cv2.cvtColor(picture, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, quality]
    )
    assert done
    return data.tobytes()


def _streak(image: NDArray[np.float32], rng: Generator) -> NDArray[np.float32]:
    length = int(rng.integers(3, 12))
    angle = rng.uniform(0.0, np.pi)
    kernel = np.zeros((length, length), np.float32)
    middle = (length - 1) / 2
    for step in np.linspace(-middle, middle, 4 * length):
        x, y = middle + step * np.cos(angle), middle + step * np.sin(angle)
        kernel[round(y), round(x)] = 1.0
    return np.asarray(cv2.filter2D(image, -1, kernel / kernel.sum()), np.float32)
