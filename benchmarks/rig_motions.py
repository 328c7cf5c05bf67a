# SPDX-License-Identifier: GPL-3.0-or-later
"""Motions to judge rigs by: closed forms on planted feet, and captured walking and dancing."""

import zipfile
from collections.abc import Mapping
from dataclasses import replace
from typing import Final

import numpy as np
from known_motion import BVH_M, JOINTS, MOCAP, RATE_HZ
from track_spine.rigging import spine_curve
from track_spine.rigging.lengths import BALL_SHARE
from track_spine.rigging.motion import BoneMotion, Motion3D
from track_spine.rigging.reconstruct import reconstruct
from track_spine.rigging.rotation import Floats, from_axis_angle, multiply
from track_spine.rigging.skeleton import Skeleton, canonical_skeleton, fk
from track_spine.rigging.solve import Solved
from track_spine.training.motions import read_bvh

CLOSED_FORMS: Final = ("side bend", "flexion", "twist", "squat", "reach")
CAPTURED: Final = ("cmu_bvh_tmoco/bvh/02_01.bvh", "cmu_bvh_tmoco/bvh/05_06.bvh")
"""A walk and a dance."""
_FRAMES: Final = 60
_HEEL: Final = 0.05
"""Metres from the ankle back to the heel."""
_X, _Y, _Z = np.eye(3)


def closed_form(name: str) -> Solved:
    """Make a motion whose every angle is a formula; both feet are planted throughout.

    Args:
        name: One of CLOSED_FORMS.

    Returns:
        Two seconds, there and back.
    """
    skeleton = canonical_skeleton({})
    time_s = np.arange(_FRAMES) / RATE_HZ
    amount = 0.5 - 0.5 * np.cos(np.pi * time_s)
    axis, spine_rad = {"side bend": (_Y, 0.06), "flexion": (_X, 0.1), "twist": (_Z, 0.08)}.get(
        name, (_X, 0.0)
    )
    turns = {bone: from_axis_angle(axis, spine_rad * amount) for bone in spine_curve.BONES}
    for side, sign in (("L", 1.0), ("R", -1.0)):
        down = from_axis_angle(sign * _Y, np.full(_FRAMES, 1.2))
        turns[f"upper_arm.{side}"] = down
        if name == "reach":
            turns[f"upper_arm.{side}"] = multiply(from_axis_angle(_X, -2.4 * amount), down)
            turns[f"forearm.{side}"] = from_axis_angle(_X, -0.6 * (1.0 - amount))
        if name == "squat":
            turns[f"thigh.{side}"] = from_axis_angle(_X, -0.9 * amount)
            turns[f"shin.{side}"] = from_axis_angle(_X, 1.7 * amount)
            turns[f"foot.{side}"] = from_axis_angle(_X, -0.8 * amount)
    motion = _turned(skeleton, time_s, turns)
    _, tails = fk(skeleton, motion)
    # Feet stay where they are at rest.
    ball = skeleton.index("foot.L")
    root = motion.root_m + skeleton.tail_m[ball] - tails[:, ball]
    motion = replace(motion, root_m=root * [0.0, 1.0, 1.0])
    contacts = {
        f"{s}_{p}": np.ones(_FRAMES, bool) for s in ("left", "right") for p in ("heel", "ball")
    }
    return Solved(skeleton, motion, *fk(skeleton, motion), contacts)


def _turned(skeleton: Skeleton, time_s: Floats, turns: Mapping[str, Floats]) -> BoneMotion:
    """Turn bones about axes of the world at rest, each with what carries it."""
    turn = np.empty((len(time_s), len(skeleton.bones), 4))
    for bone, (name, parent) in enumerate(zip(skeleton.bones, skeleton.parents, strict=True)):
        own = np.broadcast_to(turns.get(name, [1.0, 0.0, 0.0, 0.0]), (len(time_s), 4))
        turn[:, bone] = own if parent < 0 else multiply(turn[:, parent], own)
    root = np.tile(skeleton.head_m[0], (len(time_s), 1))
    valid = np.ones(len(time_s), dtype=bool)
    return BoneMotion(skeleton.bones, time_s, multiply(turn, skeleton.rest), root, valid)


def captured_walk(clip: str, seconds: float) -> Solved:
    """Reconstruct a captured clip that travels, with feet and what rests on the floor.

    Args:
        clip: Member of cmu_bvh.zip.
        seconds: How much of its beginning to take.

    Returns:
        The motion at 30 frames a second.
    """
    with zipfile.ZipFile(MOCAP / "cmu_bvh.zip") as archive:
        text = archive.read(clip).decode()
    bvh = read_bvh(text, 1.0 / RATE_HZ)
    rows = text.partition("MOTION")[2].strip().splitlines()
    every = max(1, round(1.0 / RATE_HZ / float(rows[1].split()[-1])))
    travel = np.array([row.split()[:3] for row in rows[2::every] if row.strip()], float)
    count = min(len(travel), round(seconds * RATE_HZ))

    def at(joint: str) -> Floats:
        return bvh.position[:count, bvh.row[joint]] + travel[:count]

    points = {point: at(joint) for point, joint in JOINTS.items()}
    for side in ("Left", "Right"):
        ankle, ball = at(f"{side}Foot"), at(f"{side}ToeBase")
        axes = bvh.rotation[:count, bvh.row[f"{side}Foot"]]
        # At rest feet stand flat and point along the clip's +Z: the heel is as low as the ball.
        drop = np.einsum("tj,tj->t", axes[..., 1], ball - ankle)
        heel = ankle + drop[:, None] * axes[..., 1] - _HEEL / BVH_M * axes[..., 2]
        toes = heel + (ball - heel) / BALL_SHARE
        points[f"{side.lower()}_heel"] = heel
        points[f"{side.lower()}_big_toe"] = toes - 0.03 / BVH_M * axes[..., 0]
        points[f"{side.lower()}_small_toe"] = toes + 0.03 / BVH_M * axes[..., 0]
    # The clips have +Y up and face +Z, the project +Z up and -Y.
    xyz = BVH_M * np.stack(list(points.values()), axis=1)[..., [0, 2, 1]] * [1.0, -1.0, 1.0]
    motion = Motion3D(tuple(points), np.arange(count) / RATE_HZ, xyz, np.ones(xyz.shape[:2]))
    return reconstruct(motion)
