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
from track_spine.rigging.rotation import Floats, from_axis_angle, multiply, unit
from track_spine.rigging.skeleton import Skeleton, canonical_skeleton, fk
from track_spine.rigging.solve import Solved
from track_spine.training.motions import read_bvh

CLOSED_FORMS: Final = ("side bend", "flexion", "twist", "squat", "reach")
_CMU: Final = "cmu_bvh.zip"
_BANDAI: Final = "bandai1_40_TEST_ONLY.zip"
_BANDAI_FOLDER: Final = "bandai1/dataset/Bandai-Namco-Research-Motiondataset-1/data/dataset-1"
CHOSEN_ON: Final = (
    (_CMU, "cmu_bvh_tmoco/bvh/02_01.bvh"),
    (_CMU, "cmu_bvh_tmoco/bvh/05_06.bvh"),
    (_CMU, "pybvh/bvh_data/cmu_12_01_walk.bvh"),
)
"""Two walks and a dance, which were looked at when numbers were chosen."""
JUDGED_ON: Final = tuple(
    (_BANDAI, f"{_BANDAI_FOLDER}_{clip}_001.bvh")
    for clip in ("walk_normal", "walk_active", "walk-left_normal", "walk-back_old", "bow_childish")
)
"""Captures by others, which chose nothing."""
_FRAMES: Final = 60
_HEEL: Final = 0.05
"""Metres from the ankle back to the heel."""
_BANDAI_PARTS: Final = {
    "UpLeg": "UpperLeg",
    "Leg": "LowerLeg",
    "ToeBase": "Toes",
    "Arm": "UpperArm",
    "ForeArm": "LowerArm",
}
_STANDING: Final = 5
"""One frame in so many has a foot standing flat: a third of a walk, at least."""
_X, _Y, _Z = np.eye(3)
_TO_WORLD: Final = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, -1.0], [0.0, 1.0, 0.0]])
"""From the clips' axes to the project's."""


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


def captured_walk(archive: str, clip: str, seconds: float) -> Solved:
    """Reconstruct a captured clip that travels, with feet and what rests on the floor.

    Args:
        archive: A file in MOCAP.
        clip: Member of it.
        seconds: How much of its beginning to take.

    Returns:
        The motion at 30 frames a second.
    """
    with zipfile.ZipFile(MOCAP / archive) as file:
        text = file.read(clip).decode()
    bvh = read_bvh(text, 1.0 / RATE_HZ)
    rows = text.partition("MOTION")[2].strip().splitlines()
    every = max(1, round(1.0 / RATE_HZ / float(rows[1].split()[-1])))
    # Some clips begin with a frame in T-pose, which is no movement.
    kept = slice(1, round(seconds * RATE_HZ))
    bandai = archive == _BANDAI
    # The channels of Bandai's hips follow those of a root that stays.
    values = np.array([row.split() for row in rows[2::every] if row.strip()], float)[kept]
    travel = values[:, 6:9] if bandai else values[:, :3]
    hips, unit_m = bvh.row["Hips"], 0.01 if bandai else BVH_M

    def at(joint: str) -> Floats:
        # The clips have +Y up and most face +Z, the project +Z up and -Y.
        place = bvh.position[kept, bvh.row[joint]] - bvh.position[kept, hips] + travel
        return unit_m * place[:, [0, 2, 1]] * [1.0, -1.0, 1.0]

    name = _bandai_name if bandai else str
    points = {point: at(name(joint)) for point, joint in JOINTS.items()}
    for side in ("Left", "Right"):
        foot, ball = name(f"{side}Foot"), name(f"{side}ToeBase")
        axes = _TO_WORLD @ bvh.rotation[kept, bvh.row[foot]]
        points |= _sole(side.lower(), at(foot), at(ball), axes)
    xyz = np.stack(list(points.values()), axis=1)
    time_s = np.arange(len(xyz)) / RATE_HZ
    return reconstruct(Motion3D(tuple(points), time_s, xyz, np.ones(xyz.shape[:2])))


def _bandai_name(joint: str) -> str:
    """Give Bandai's name of a joint of the CMU conversions."""
    for side in ("Left", "Right"):
        if joint.startswith(side):
            part = joint.removeprefix(side)
            return f"{_BANDAI_PARTS.get(part, part)}_{side[0]}"
    return {"Spine1": "Chest"}.get(joint, joint)


def _sole(side: str, ankle: Floats, ball: Floats, axes: Floats) -> dict[str, Floats]:
    """Find heel and toes (T, 3) of a foot, which the clips lack: it stands flat while it is slow.

    Args:
        side: "left" or "right".
        ankle: (T, 3) metres.
        ball: (T, 3) metres.
        axes: (T, 3, 3) the foot's axes in the world.

    Returns:
        Key points by name.
    """
    speed = np.linalg.norm(np.gradient(ankle, axis=0), axis=-1)
    flat = np.argsort(speed)[: len(speed) // _STANDING]
    ahead = unit((ball - ankle) * [1.0, 1.0, 0.0])
    outward = np.cross(ahead, _Z) * (1.0 if side == "right" else -1.0)
    heel = ankle * [1.0, 1.0, 0.0] + ball * _Z - _HEEL * ahead
    toes = heel + (ball - heel) / BALL_SHARE
    standing = {
        f"{side}_heel": heel,
        f"{side}_big_toe": toes - 0.03 * outward,
        f"{side}_small_toe": toes + 0.03 * outward,
    }
    points = {}
    for name, at in standing.items():
        on_foot = np.einsum("tji,tj->ti", axes, at - ankle)
        points[name] = ankle + axes @ np.median(on_foot[flat], axis=0)
    return points
