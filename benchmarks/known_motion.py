# SPDX-License-Identifier: GPL-3.0-or-later
"""Captured motion on the canonical skeleton: key points whose true places are known."""

import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import numpy as np
from track_spine.rigging.attachments import attach
from track_spine.rigging.motion import Motion3D
from track_spine.rigging.rotation import Floats, conjugate, multiply
from track_spine.rigging.solve import solve
from track_spine.training.motions import read_bvh

MOCAP: Final = Path(__file__).resolve().parents[2] / "shared" / "data" / "mocap"
RATE_HZ: Final = 30.0
BVH_M: Final = 0.0564
"""Metres a unit of length of the CMU conversions: 1 / 0.45 inch."""

CHOSEN_ON: Final = ("cmu_bvh_tmoco/bvh/02_01.bvh",)
HELD_OUT: Final = ("cmu_bvh_tmoco/bvh/05_06.bvh", "pybvh/bvh_data/cmu_12_01_walk.bvh")
"""Clips of other subjects than those that chose a number."""

JOINTS: Final[Mapping[str, str]] = {
    **{
        f"{side.lower()}_{point}": f"{side}{joint}"
        for side in ("Left", "Right")
        for point, joint in (
            ("hip", "UpLeg"),
            ("knee", "Leg"),
            ("ankle", "Foot"),
            ("shoulder", "Arm"),
            ("elbow", "ForeArm"),
            ("wrist", "Hand"),
        )
    },
    "neck": "Neck",
    "neck_03": "Head",
    "spine_04": "Spine1",
    "spine_02": "Spine",
}


def captured(clip: str) -> Motion3D:
    """Put a clip on the canonical skeleton.

    Args:
        clip: Member of cmu_bvh.zip.

    Returns:
        Key points that are joints, at 30 frames a second, all of score 1, travel left out.
    """
    with zipfile.ZipFile(MOCAP / "cmu_bvh.zip") as archive:
        bvh = read_bvh(archive.read(clip).decode(), 1.0 / RATE_HZ)
    joints = np.stack([bvh.position[:, bvh.row[joint]] for joint in JOINTS.values()], axis=1)
    # The clips have +Y up and face +Z, the project +Z up and -Y.
    # Conversions begin with a frame in T-pose, which is no movement.
    xyz = BVH_M * joints[1:, :, [0, 2, 1]] * [1.0, -1.0, 1.0]
    time_s = np.arange(len(xyz)) / RATE_HZ
    return _on_skeleton(Motion3D(tuple(JOINTS), time_s, xyz, np.ones(xyz.shape[:2])))


def _on_skeleton(motion: Motion3D) -> Motion3D:
    """Give the places that the joints have by the solution of the motion."""
    solved = solve(motion)
    where = attach(motion, solved)
    turn = multiply(solved.motion.rotation, conjugate(solved.skeleton.rest))
    xyz = where.place(solved.heads_m, turn)
    return Motion3D(where.points, motion.time_s, xyz, np.ones(xyz.shape[:2]))


def with_noise(
    motion: Motion3D, rng: np.random.Generator, white_m: float, slow_m: float
) -> Motion3D:
    """Add the errors of a network: independent ones, and ones that last for some frames.

    Args:
        motion: True places.
        rng: Draws the errors.
        white_m: Standard deviation of the former.
        slow_m: Of the latter, which last a fifth of a second.

    Returns:
        What would be seen.
    """
    shape = motion.xyz_m.shape
    stay = float(np.exp(-1.0 / (0.2 * RATE_HZ)))
    slow: Floats = rng.normal(size=shape)
    for t in range(1, shape[0]):
        slow[t] = stay * slow[t - 1] + np.sqrt(1.0 - stay**2) * slow[t]
    noise = white_m * rng.normal(size=shape) + slow_m * slow
    return Motion3D(motion.names, motion.time_s, motion.xyz_m + noise, 0.9 * motion.score)
