# SPDX-License-Identifier: GPL-3.0-or-later
"""Families of poses as means and spreads of joint angles; no logic.

Drawn up for this project from what people do: bends, lifting, sitting, floor, sport, upside down.
"""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True)
class Family:
    """Means and spreads of a family of poses, degrees.

    Attributes:
        weight: How often it is drawn.
        pelvis: Pitch forward, roll to the left.
        trunk: Flexion, lateral, axial of chest against pelvis: mean and spread each.
        thigh: Flexion mean, spread; abduction mean, spread.
        knee: Flexion mean, spread.
        arms: Which arms: a key of ARMS, or any.
        alike: Chance that both legs do the same.
    """

    weight: float
    pelvis: tuple[float, float, float, float]
    trunk: tuple[float, float, float, float, float, float]
    thigh: tuple[float, float, float, float]
    knee: tuple[float, float]
    arms: tuple[str, ...]
    alike: float


FAMILIES: Final = {
    "stand": Family(
        1.2,
        (0, 5, 0, 4),
        (3, 10, 0, 8, 0, 9),
        (3, 8, 5, 5),
        (8, 8),
        ("any",),
        0.4,
    ),
    "side_bend": Family(
        1.2,
        (0, 8, 0, 8),
        (5, 14, 0, 32, 0, 10),
        (3, 12, 10, 8),
        (8, 10),
        ("any",),
        0.5,
    ),
    "twist": Family(
        1.0,
        (5, 10, 0, 6),
        (10, 16, 0, 12, 0, 34),
        (8, 16, 10, 8),
        (15, 14),
        ("any",),
        0.4,
    ),
    "forward": Family(
        1.6,
        (45, 28, 0, 5),
        (48, 20, 0, 8, 0, 8),
        (45, 28, 5, 5),
        (18, 18),
        ("reach", "down", "any"),
        0.8,
    ),
    "back_bend": Family(
        1.0,
        (-12, 12, 0, 5),
        (-32, 14, 0, 8, 0, 8),
        (-2, 12, 6, 6),
        (20, 20),
        ("up", "any"),
        0.7,
    ),
    "lift": Family(
        1.3,
        (40, 20, 0, 5),
        (30, 20, 0, 10, 0, 12),
        (80, 30, 12, 8),
        (80, 35),
        ("reach",),
        0.9,
    ),
    "squat": Family(
        0.9,
        (25, 12, 0, 4),
        (14, 16, 0, 6, 0, 6),
        (100, 18, 20, 10),
        (110, 18),
        ("reach", "ahead"),
        0.95,
    ),
    "sit": Family(
        1.9,
        (-8, 12, 0, 4),
        (24, 18, 0, 10, 0, 12),
        (82, 12, 10, 8),
        (85, 20),
        ("ahead", "lap", "any"),
        0.75,
    ),
    "floor_sit": Family(
        0.7,
        (-10, 12, 0, 5),
        (30, 18, 0, 10, 0, 14),
        (95, 18, 25, 20),
        (70, 50),
        ("lap", "any"),
        0.6,
    ),
    "kneel": Family(
        0.7,
        (10, 15, 0, 6),
        (15, 20, 0, 12, 0, 14),
        (35, 35, 10, 8),
        (115, 15),
        ("any",),
        0.5,
    ),
    "fours": Family(
        0.9,
        (82, 10, 0, 6),
        (0, 26, 0, 10, 0, 12),
        (88, 12, 8, 6),
        (88, 14),
        ("support",),
        0.8,
    ),
    "plank": Family(
        0.5,
        (80, 10, 0, 8),
        (0, 12, 0, 6, 0, 8),
        (5, 15, 5, 5),
        (8, 8),
        ("support", "up"),
        0.8,
    ),
    "lie": Family(
        1.0,
        (-85, 10, 0, 14),
        (5, 16, 0, 12, 0, 14),
        (20, 28, 10, 10),
        (35, 35),
        ("any",),
        0.5,
    ),
    "lie_side": Family(
        0.5,
        (10, 20, 85, 12),
        (22, 18, 0, 14, 0, 12),
        (40, 30, 5, 5),
        (50, 30),
        ("any",),
        0.5,
    ),
    "prone": Family(
        0.5,
        (88, 8, 0, 10),
        (-12, 12, 0, 10, 0, 12),
        (-2, 10, 10, 8),
        (15, 20),
        ("any",),
        0.6,
    ),
    "bridge": Family(
        0.4,
        (-120, 18, 0, 5),
        (-42, 8, 0, 5, 0, 5),
        (-8, 10, 10, 6),
        (80, 18),
        ("up",),
        0.9,
    ),
    "inverted": Family(
        0.5,
        (180, 15, 0, 12),
        (-4, 18, 0, 10, 0, 12),
        (5, 28, 12, 14),
        (20, 28),
        ("up",),
        0.5,
    ),
    "lunge": Family(
        0.9,
        (12, 14, 0, 6),
        (8, 18, 0, 12, 0, 16),
        (35, 40, 8, 8),
        (50, 30),
        ("any",),
        0.0,
    ),
    "dance": Family(
        1.1,
        (5, 22, 0, 14),
        (4, 24, 0, 20, 0, 22),
        (25, 35, 18, 16),
        (35, 35),
        ("any",),
        0.1,
    ),
    "racket": Family(
        0.8,
        (12, 12, 0, 8),
        (10, 18, 0, 16, 0, 26),
        (25, 22, 14, 8),
        (30, 20),
        ("up", "any"),
        0.2,
    ),
    "cycle": Family(
        0.6,
        (45, 10, 0, 3),
        (28, 14, 0, 5, 0, 5),
        (85, 25, 4, 4),
        (75, 25),
        ("ahead",),
        0.0,
    ),
}

ARMS: Final = {
    "down": (12, 10, 20, 50, 15, 15),
    "ahead": (65, 18, 85, 14, 30, 25),
    "lap": (25, 12, 70, 30, 60, 22),
    "reach": (75, 22, 88, 10, 15, 14),
    "up": (150, 18, 60, 40, 20, 22),
    "support": (85, 10, 88, 10, 8, 8),
    "aside": (85, 20, 15, 20, 25, 30),
    "hips": (38, 8, -5, 10, 100, 12),
    "behind": (28, 10, -45, 20, 45, 30),
    "folded": (35, 8, 60, 10, 105, 10),
    "head": (125, 15, 45, 20, 125, 12),
    "wild": (80, 45, 40, 50, 55, 45),
}
"""Arms: elevation, its spread, side (0) to front (90), its spread, elbow bend, its spread."""
