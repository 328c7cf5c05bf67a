# SPDX-License-Identifier: GPL-3.0-or-later
"""Draws poses: from motion capture with an articulated spine, and from families of joint angles."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.random import Generator
from scipy.spatial.transform import Rotation

from .anatomy import LUMBAR, Floats
from .families import ARMS, FAMILIES, Family
from .motions import Motion
from .posing import Pose
from .rotations import FORWARD, LEFT, UP, about, unit
from .trunk_draw import bend_neck, bend_trunk, within_range

MOCAP_SHARE: Final = 0.5

PELVIS_TIP: Final = 0.72
"""Forward tip of the pelvis with a person's lordosis, in parts of it, so that C7 stays over the
hips: the lumbar joints, weighted by their ranges, lie at .28 of the arc from hips to C7."""


@dataclass(frozen=True)
class DrawnPose:
    """A pose and where it comes from.

    Attributes:
        pose: The pose, the person's own curve not yet added.
        source: "cmu", "deepmimic" or "random".
        subject: Subject of the capture, or the family of random poses.
        clip: Clip of the capture, empty for a random pose.
        frame: Frame of the clip, one every motions.FRAME_STEP_S.
    """

    pose: Pose
    source: str
    subject: str
    clip: str
    frame: int


def draw_pose(motions: list[Motion], rng: Generator) -> DrawnPose:
    """Draw a pose.

    Args:
        motions: Clips of motion capture.
        rng: Source of chance.

    Returns:
        A pose, facing -Y give or take what the capture does.
    """
    return _from_motion(motions, rng) if rng.random() < MOCAP_SHARE else family_pose(rng)


def with_curve(pose: Pose, curve: Floats) -> Pose:
    """Add a person's own neutral curve to a pose.

    Args:
        pose: The pose.
        curve: (25, 3) degrees.

    Returns:
        The pose of that person; the bend stays within the ranges, the curve is the person's, and
        the pelvis tips forward under a hollow back.
    """
    tip = about(LEFT, -PELVIS_TIP * float(curve[LUMBAR, 0].sum()))
    spine = within_range(pose.spine_deg) + curve
    return replace(pose, root=pose.root @ tip, spine_deg=spine)


def _from_motion(motions: list[Motion], rng: Generator) -> DrawnPose:
    weight = clip_weights(motions)
    motion = motions[rng.choice(len(motions), p=weight)]
    frames = rng.integers(0, len(motion.pelvis), 3)
    bend = [np.trace(motion.pelvis[f].T @ motion.chest[f]) + motion.pelvis[f][2, 2] for f in frames]
    frame = int(frames[np.argmin(bend)] if rng.random() < 0.6 else frames[0])
    pelvis, chest, head = motion.pelvis[frame], motion.chest[frame], motion.head[frame]
    trunk = Rotation.from_matrix(pelvis.T @ chest).as_rotvec(degrees=True)
    neck = Rotation.from_matrix(chest.T @ head).as_rotvec(degrees=True)
    trunk += rng.normal(0.0, [9.0, 5.0, 5.0])
    neck = np.clip(neck + rng.normal(0.0, 5.0, 3), -70.0, 70.0)
    spine = bend_trunk(trunk, rng) + bend_neck(neck, rng)
    given = (
        pelvis
        @ Rotation.from_rotvec(within_range(spine)[:18].sum(axis=0), degrees=True).as_matrix()
    )
    limbs = {part: values[frame] for part, values in motion.limbs.items()}
    for part in ("upper_arm", "forearm", "hand"):
        limbs[part] = limbs[part] @ (given @ chest.T).T
    limbs = {part: unit(values + rng.normal(0.0, 0.05, (2, 3))) for part, values in limbs.items()}
    hand = unit(limbs["forearm"] + 0.4 * limbs["hand"])
    pose = Pose(
        pelvis,
        spine,
        limbs["upper_arm"],
        limbs["forearm"],
        hand,
        rng.uniform(-50.0, 60.0, 2),
        limbs["thigh"],
        limbs["shin"],
        limbs["foot"],
        rng.uniform(0.0, 45.0, 2),
    )
    if rng.random() < 0.5:
        pose = mirror(pose)
    return DrawnPose(pose, motion.source, motion.subject, motion.clip, frame)


def clip_weights(motions: list[Motion]) -> Floats:
    """How often each clip is drawn: long clips, and people with many, count less than they fill.

    Args:
        motions: The clips.

    Returns:
        (N,) shares.
    """
    clips = Counter((motion.source, motion.subject) for motion in motions)
    weight = np.array(
        [
            min(len(motion.pelvis), 400) ** 0.5 / clips[motion.source, motion.subject] ** 0.4
            for motion in motions
        ]
    )
    return np.asarray(weight / weight.sum())


def mirror(pose: Pose) -> Pose:
    """Swap left and right.

    Args:
        pose: The pose.

    Returns:
        Its mirror picture in the plane x = 0.
    """
    flip = np.diag([-1.0, 1.0, 1.0])

    def swapped(pair: Floats) -> Floats:
        return np.asarray(pair[::-1] @ flip)

    return Pose(
        flip @ pose.root @ flip,
        pose.spine_deg * [1.0, -1.0, -1.0],
        swapped(pose.upper_arm),
        swapped(pose.forearm),
        swapped(pose.hand),
        -pose.pronation_deg[::-1],
        swapped(pose.thigh),
        swapped(pose.shin),
        swapped(pose.foot),
        pose.curl_deg[::-1],
    )


def family_pose(rng: Generator) -> DrawnPose:
    """Draw a pose of families.py.

    Args:
        rng: Source of chance.

    Returns:
        The pose, the person's own curve not yet added.
    """
    names = list(FAMILIES)
    weight = np.array([FAMILIES[name].weight for name in names])
    name = names[rng.choice(len(names), p=weight / weight.sum())]
    family = FAMILIES[name]
    pitch, pitch_sd, roll, roll_sd = family.pelvis
    side = rng.choice([-1.0, 1.0])
    root = about(UP, rng.normal(0.0, 8.0)) @ about(LEFT, rng.normal(pitch, pitch_sd))
    root = about(FORWARD, -rng.normal(side * roll, roll_sd)) @ root
    mean, spread = family.trunk[0::2], family.trunk[1::2]
    spine = bend_trunk(rng.normal(mean, spread), rng)
    trunk = Rotation.from_rotvec(within_range(spine)[:18].sum(axis=0), degrees=True).as_matrix()
    chest = root @ trunk
    nod = rng.normal([-0.25 * mean[0], 0.0, 0.0], [20.0, 13.0, 28.0])
    spine += bend_neck(nod, rng)
    upper, fore, hand = _draw_arms(family, chest, name, rng)
    thigh, shin, foot = _draw_legs(family, root, rng)
    pose = Pose(
        root,
        spine,
        upper,
        fore,
        hand,
        rng.uniform(-60.0, 70.0, 2),
        thigh,
        shin,
        foot,
        rng.uniform(0.0, 55.0, 2),
    )
    return DrawnPose(pose, "random", name, "", 0)


def _draw_arms(
    family: Family, chest: Floats, name: str, rng: Generator
) -> tuple[Floats, Floats, Floats]:
    kind = rng.choice(family.arms)
    kinds = [rng.choice(list(ARMS)) if kind == "any" else kind for _ in range(2)]
    if rng.random() < 0.5:
        kinds[1] = kinds[0]
    upper, fore, hand = np.empty((2, 3)), np.empty((2, 3)), np.empty((2, 3))
    for side, kind in enumerate(kinds):
        elevation, e_sd, plane, p_sd, elbow, b_sd = ARMS[kind]
        raised = np.radians(np.clip(rng.normal(elevation, e_sd), 5.0, 172.0))
        around = np.radians(np.clip(rng.normal(plane, p_sd), -45.0, 115.0))
        local = np.array(
            [np.sin(raised) * np.cos(around), -np.sin(raised) * np.sin(around), -np.cos(raised)]
        )
        sign = 1.0 if side == 0 else -1.0
        local[0] *= sign
        base = FORWARD if kind not in ("head", "hips") else UP
        if kind == "hips":
            base = -sign * LEFT
        ahead = unit(base - (base @ local) * local)
        ahead = about(local, sign * rng.normal(-20.0, 25.0)) @ ahead
        bend = np.radians(np.clip(rng.normal(elbow, b_sd), 3.0, 145.0))
        bent = np.cos(bend) * local + np.sin(bend) * ahead
        if kind in ("reach", "support") and name in ("forward", "lift", "fours", "plank", "squat"):
            hang = unit(-UP + rng.normal(0.0, 0.25, 3))
            local, bent = chest.T @ hang, chest.T @ unit(hang + rng.normal(0.0, 0.12, 3))
        upper[side], fore[side] = chest @ local, chest @ bent
        hand[side] = unit(fore[side] + rng.normal(0.0, 0.25, 3))
    return upper, fore, hand


def _draw_legs(family: Family, root: Floats, rng: Generator) -> tuple[Floats, Floats, Floats]:
    flexion, f_sd, spread, s_sd = family.thigh
    draw: Callable[[], tuple[float, float, float]] = lambda: (  # noqa: E731
        rng.normal(flexion, f_sd),
        rng.normal(spread, s_sd),
        rng.normal(*family.knee),
    )
    first = draw()
    second = draw() if rng.random() > family.alike else first
    thigh, shin, foot = np.empty((2, 3)), np.empty((2, 3)), np.empty((2, 3))
    for side, (hip, out, knee) in enumerate((first, second)):
        sign = 1.0 if side == 0 else -1.0
        hip = float(np.clip(hip + rng.normal(0.0, 3.0), -22.0, 128.0))
        out = float(np.clip(out + rng.normal(0.0, 2.0), -8.0, 50.0))
        turn = about(LEFT, -hip) @ about(FORWARD, sign * out)
        down = turn @ -UP
        hinge = about(down, -sign * float(np.clip(rng.normal(12.0, 14.0), -25.0, 55.0))) @ (
            turn @ LEFT
        )
        bent = about(hinge, float(np.clip(knee, 1.0, 145.0))) @ down
        ankle = float(np.clip(rng.normal(55.0, 14.0), 25.0, 85.0))
        toe = about(hinge, -ankle) @ bent
        thigh[side], shin[side], foot[side] = root @ down, root @ bent, root @ toe
    return thigh, shin, foot
