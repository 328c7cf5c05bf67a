# SPDX-License-Identifier: GPL-3.0-or-later
"""Surfaces: skin tones fairly spread, cloth with patterns, hair, and plain things."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.random import Generator

from .anatomy import Floats

PATTERNS: Final = ("solid", "stripes", "checks", "camouflage", "dots", "print", "melange")
_PATTERN_SHARE: Final = (0.42, 0.14, 0.10, 0.06, 0.05, 0.11, 0.12)


@dataclass(frozen=True)
class Look:
    """A surface.

    Attributes:
        kind: "skin", "cloth", "hair" or "plain".
        colours: (2, 3) linear RGB: the main one and that of the pattern or tint.
        pattern: One of PATTERNS for cloth.
        scale: Repeats of the pattern a metre.
        angle: Turn of the pattern, radians.
        roughness: 0..1.
        bump: Height of fine wrinkles and weave, 0..1.
        photo: Which photo a print shows, 0..1 of those there are.
    """

    kind: str
    colours: Floats
    pattern: str = "solid"
    scale: float = 10.0
    angle: float = 0.0
    roughness: float = 0.6
    bump: float = 0.0
    photo: float = 0.0


_SKIN_SRGB: Final = np.array(
    [
        [246, 237, 228],
        [243, 231, 219],
        [247, 234, 208],
        [234, 218, 186],
        [215, 189, 150],
        [160, 126, 86],
        [130, 92, 67],
        [96, 65, 52],
        [58, 49, 42],
        [41, 36, 32],
    ]
)
"""The ten tones of the Monk Skin Tone scale (Ellis Monk, CC BY 4.0), each drawn as often."""

_HAIR_SRGB: Final = np.array(
    [
        [18, 14, 12],
        [35, 25, 20],
        [60, 40, 28],
        [95, 65, 40],
        [150, 110, 65],
        [200, 170, 120],
        [120, 55, 30],
        [150, 148, 145],
        [215, 213, 210],
    ]
)


def linear(srgb: Floats) -> Floats:
    """Colour 0..255 sRGB to linear 0..1."""
    value = np.asarray(srgb, float) / 255.0
    return np.asarray(np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4))


def draw_skin(rng: Generator) -> tuple[Look, float]:
    """Draw a skin: any tone of the scale, with a redder tint for lips, palms and cheeks.

    Args:
        rng: Source of chance.

    Returns:
        The look, and the tone on the Monk scale, 1 (lightest) to 10.
    """
    low = int(rng.integers(0, len(_SKIN_SRGB) - 1))
    share = rng.random()
    srgb = (1 - share) * _SKIN_SRGB[low] + share * _SKIN_SRGB[low + 1]
    srgb = np.clip(srgb * [1.0, 0.93, 0.88] * rng.normal(0.96, 0.05), 8.0, 245.0)
    tint = np.clip(srgb * [1.0, 0.80, 0.78], 5.0, 255.0)
    colours = linear(np.stack([srgb, tint]))
    look = Look("skin", colours, roughness=float(rng.uniform(0.35, 0.65)), bump=0.05)
    return look, 1.0 + low + share


def draw_hair(rng: Generator, old: bool) -> Look:
    """Draw a colour of hair; grey more often for the old."""
    last = len(_HAIR_SRGB)
    row = rng.integers(last - 2, last) if old and rng.random() < 0.6 else rng.integers(0, last - 1)
    base = np.clip(_HAIR_SRGB[row] * rng.normal(1.0, 0.12), 4.0, 240.0)
    if rng.random() < 0.03:
        base = rng.uniform(20.0, 230.0, 3)
    colours = linear(np.stack([base, 0.45 * base]))
    return Look("hair", colours, scale=60.0, roughness=float(rng.uniform(0.3, 0.6)), bump=0.6)


def draw_cloth(rng: Generator, calm: bool = False) -> Look:
    """Draw a cloth: dull, dark, white and bright colours, with or without a pattern.

    Args:
        rng: Source of chance.
        calm: Mostly of one colour, as trousers are.

    Returns:
        The look.
    """
    share = np.array(_PATTERN_SHARE)
    if calm:
        share[0] += 1.0
    pattern = PATTERNS[rng.choice(len(PATTERNS), p=share / share.sum())]
    return Look(
        "cloth",
        np.stack([_cloth_colour(rng), _cloth_colour(rng)]),
        pattern,
        float(np.exp(rng.uniform(np.log(6.0), np.log(45.0)))),
        float(rng.choice([0.0, np.pi / 2, rng.uniform(0, np.pi)])),
        float(rng.uniform(0.45, 0.95)),
        float(rng.uniform(0.05, 0.7)),
        float(rng.random()),
    )


def draw_plain(rng: Generator) -> Look:
    """Draw the surface of a thing: wood, metal, cardboard, plastic."""
    look = draw_cloth(rng)
    return Look(
        "plain",
        look.colours,
        pattern=look.pattern if rng.random() < 0.4 else "solid",
        scale=look.scale,
        angle=look.angle,
        roughness=float(rng.uniform(0.15, 0.8)),
        photo=look.photo,
    )


def _cloth_colour(rng: Generator) -> Floats:
    kind = rng.random()
    if kind < 0.22:
        return rng.uniform(0.005, 0.04) * rng.uniform(0.8, 1.2, 3)
    if kind < 0.42:
        return rng.uniform(0.45, 0.85) * rng.uniform(0.92, 1.0, 3)
    if kind < 0.58:
        return rng.uniform(0.05, 0.35) * rng.uniform(0.85, 1.15, 3)
    if kind < 0.70:
        return np.array([0.02, 0.05, 0.16]) * rng.uniform(0.4, 2.2) * rng.uniform(0.8, 1.2, 3)
    hue = rng.uniform(0.0, 1.0)
    wheel = np.abs((hue * 6.0 + np.array([0.0, 4.0, 2.0])) % 6.0 - 3.0) - 1.0
    colour = np.clip(wheel, 0.0, 1.0) * rng.uniform(0.3, 1.0) + rng.uniform(0.0, 0.35)
    return np.asarray(np.clip(colour, 0.01, 1.0) * rng.uniform(0.15, 0.8))
