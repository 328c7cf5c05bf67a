# SPDX-License-Identifier: GPL-3.0-or-later
"""Somebody who walks on the spot, as a camera sees them."""

import numpy as np
from track_spine.inference.keypoints import INDEX, NAMES

TRUNK_PX = 250.0


def walker(time_s, turn_deg, steps_hz=1.0):
    """Points (T, 37, 2) in pixels of somebody who walks on the spot, legs and arms crossing.

    Seen from the front at 0 degrees, from the side at 90, where legs pass each other.
    """
    phase = 2.0 * np.pi * steps_hz * time_s
    points = np.zeros((len(time_s), len(NAMES), 3))
    height = {"shoulder": 1.0, "clavicle": 1.0, "latissimus": 0.6, "eye": 1.35, "ear": 1.3}
    height |= {"hip": 0.0, "elbow": 0.5, "wrist": 0.0, "knee": -0.8, "ankle": -1.6}
    height |= {"heel": -1.65, "big_toe": -1.7, "small_toe": -1.7}
    width = {"shoulder": 0.35, "clavicle": 0.1, "latissimus": 0.25, "eye": 0.07, "ear": 0.14}
    swing = {"elbow": -0.25, "wrist": -0.5, "knee": 0.35}
    swing |= dict.fromkeys(("ankle", "heel", "big_toe", "small_toe"), 0.6)
    for part, up in height.items():
        for side, sign in (("left", 1.0), ("right", -1.0)):
            ahead = sign * swing.get(part, 0.0) * np.sin(phase)
            ahead = ahead + (0.3 if part.endswith("toe") else 0.0)
            across = sign * width.get(part, 0.2) * np.ones_like(phase)
            points[:, INDEX[f"{side}_{part}"]] = np.stack(
                [across, ahead, up * np.ones_like(phase)], axis=-1
            )
    points[:, INDEX["neck"], 2] = 1.0
    turn = np.radians(turn_deg) * np.ones_like(time_s)
    x = points[..., 0] * np.cos(turn)[:, None] + points[..., 1] * np.sin(turn)[:, None]
    return TRUNK_PX * np.stack([x, -points[..., 2]], axis=-1) + 600.0
