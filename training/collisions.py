# SPDX-License-Identifier: GPL-3.0-or-later
"""Keeps arms out of the trunk and limbs out of each other, as far as capsules can tell."""

from dataclasses import replace

import numpy as np

from ..inference.keypoints import INDEX
from .anatomy import Floats
from .bodies import BodyModel
from .posing import CHEST, Figure, Pose, transforms_of
from .regions import chain_places
from .rotations import about


def clear_arms(figure: Figure, model: BodyModel, pose: Pose) -> tuple[Pose, bool]:
    """Move arms outwards until elbows, forearms and hands leave the trunk.

    Args:
        figure: The body.
        model: The body model.
        pose: A pose.

    Returns:
        The pose, and whether nothing goes through anything.
    """
    half = trunk_half(figure)
    for _ in range(6):
        transforms = transforms_of(figure, model, pose)
        inside = [_deepest(figure, model, transforms, half, side) < 0.0 for side in (0, 1)]
        if not any(inside):
            return pose, not _legs_cross(figure, model, transforms)
        chest = transforms[len(model.bones) + CHEST][:, :3]
        upper, fore, hand = pose.upper_arm.copy(), pose.forearm.copy(), pose.hand.copy()
        for side in (0, 1):
            if inside[side]:
                # Outwards about the chest's front-back axis: elbow away from the ribs.
                turn = about(chest @ np.array([0.0, -1.0, 0.0]), 11.0 if side == 0 else -11.0)
                lift = about(chest @ np.array([0.0, 0.0, 1.0]), 9.0 if side == 0 else -9.0)
                upper[side] = turn @ upper[side]
                fore[side] = lift @ turn @ fore[side]
                hand[side] = lift @ turn @ hand[side]
        pose = replace(pose, upper_arm=upper, forearm=fore, hand=hand)
    return pose, False


def trunk_half(figure: Figure) -> Floats:
    """Half width, half depth of the trunk at waist height, metres."""
    skin = figure.body.vertices[:13380]
    low, high = figure.spine.points[2, 2], figure.spine.points[4, 2]
    band = skin[(skin[:, 2] > low) & (skin[:, 2] < high)]
    band = band[np.abs(band[:, 0]) < 1.6 * abs(figure.carried[INDEX["left_hip"], 0])]
    return np.array([np.abs(band[:, 0]).max(), np.ptp(band[:, 1]) / 2])


def _deepest(
    figure: Figure, model: BodyModel, transforms: Floats, half: Floats, side: int
) -> float:
    """Least clearance of elbow, forearm and hand from the trunk's elliptic tube, metres."""
    elbow, wrist, finger = chain_places(figure, model, transforms, side)
    share = np.linspace(0.0, 1.0, 4)[:, None]
    samples = np.concatenate([elbow + share * (wrist - elbow), wrist + share * (finger - wrist)])
    bones = len(model.bones)
    clearance = np.inf
    for level, row in ((1, 0), (3, 2), (6, 3), (10, 4), (14, 5)):
        transform = transforms[bones + level]
        local = (samples - transform[:, 3]) @ transform[:, :3]
        centre = figure.spine.points[row]
        offset = local - [0.0, centre[1] - 0.45 * half[1], centre[2]]
        near = np.abs(offset[:, 2]) < 0.07 * figure.body.stature_m / 1.7
        radius = np.hypot(offset[:, 0] / half[0], offset[:, 1] / half[1])
        if near.any():
            clearance = min(clearance, float((radius[near] - 0.98).min() * half[1]))
    return clearance


def _legs_cross(figure: Figure, model: BodyModel, transforms: Floats) -> bool:
    """Whether knees or ankles lie within each other."""
    scale = figure.body.stature_m / 1.7
    for stem, least in (("lowerleg01", 0.08), ("foot", 0.06)):
        left, right = (
            transforms[model.bone(f"{stem}.{letter}")]
            @ np.append(figure.body.heads[model.bone(f"{stem}.{letter}")], 1.0)
            for letter in "LR"
        )
        if np.linalg.norm(left - right) < least * scale:
            return True
    return False
