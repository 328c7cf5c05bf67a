# SPDX-License-Identifier: GPL-3.0-or-later
"""Captured motion on the canonical skeleton: key points whose true places are known."""

import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import numpy as np
from track_spine.rigging.attachments import attach
from track_spine.rigging.motion import Motion3D
from track_spine.rigging.rotation import Floats
from track_spine.rigging.skeleton import DEFAULT_LENGTHS_M
from track_spine.rigging.solve import solve
from track_spine.training.motions import read_bvh

MOCAP: Final = Path(__file__).resolve().parents[2] / "shared" / "data" / "mocap"
RATE_HZ: Final = 30.0

_MOST_FRAMES: Final = 300
"""10 s of a clip, from its middle, as who is captured stands still at first: a GCV spline of the
longest whole clip would take minutes."""

_CMU: Final = "cmu_bvh.zip"
_BANDAI: Final = "bandai1_40_TEST_ONLY.zip"
_BANDAI_FOLDER: Final = "bandai1/dataset/Bandai-Namco-Research-Motiondataset-1/data/dataset-1"

CHOSEN_ON: Final = (
    (_CMU, "cmu_bvh_tmoco/bvh/02_01.bvh"),
    (_CMU, "cmu_bvh_tmoco/bvh/05_06.bvh"),
)
"""Clips that chose numbers: CMU subject 02 walks, subject 05 dances."""

JUDGED_ON: Final = (
    (_CMU, "pybvh/bvh_data/cmu_12_01_walk.bvh"),
    (_CMU, "pymo/demos/data/AV_8Walk_Meredith_HVHA_Rep1.bvh"),
    *(
        (_BANDAI, f"{_BANDAI_FOLDER}_{clip}_001.bvh")
        for clip in ("bow_giant", "dash_active", "dance-short_normal", "slash_normal", "run_old")
    ),
)
"""Clips of other people that chose none: CMU subject 12, and two captures by others."""

_LIMBS: Final = ("hip", "knee", "ankle", "shoulder", "elbow", "wrist")


def _joints(sides: tuple[str, str], limbs: tuple[str, ...], trunk: str) -> dict[str, str]:
    """Name the joint of a file for each key point, by the file's ways to name sides."""
    return {
        **{
            f"{side}_{point}": form.format(joint)
            for side, form in zip(("left", "right"), sides, strict=True)
            for point, joint in zip(_LIMBS, limbs, strict=True)
        },
        **dict(zip(("neck", "neck_03", "spine_04", "spine_02"), trunk.split(), strict=True)),
    }


JOINTS: Final[Mapping[str, str]] = _joints(
    ("Left{}", "Right{}"),
    ("UpLeg", "Leg", "Foot", "Arm", "ForeArm", "Hand"),
    "Neck Head Spine1 Spine",
)
"""Joint of the CMU conversions, and of Meredith's, for each key point that is one."""

BVH_M: Final = 0.0564
"""Metres a unit of length of the CMU conversions: 1 / 0.45 inch."""

_BANDAI_JOINTS: Final[Mapping[str, str]] = _joints(
    ("{}_L", "{}_R"),
    ("UpperLeg", "LowerLeg", "Foot", "UpperArm", "LowerArm", "Hand"),
    "Neck Head Chest Spine",
)


def captured(archive: str, clip: str) -> Motion3D:
    """Put a clip on the canonical skeleton.

    Args:
        archive: A file in MOCAP.
        clip: Member of it.

    Returns:
        Key points that are joints, at about 30 frames a second, for 10 s at most, all of score 1,
        travel left out; of somebody with legs of the usual length.
    """
    with zipfile.ZipFile(MOCAP / archive) as file:
        bvh = read_bvh(file.read(clip).decode(), 1.0 / RATE_HZ)
    joint_of = _BANDAI_JOINTS if archive == _BANDAI else JOINTS
    names = {point: joint for point, joint in joint_of.items() if joint in bvh.row}
    # The files have +Y up and most face +Z, the project has +Z up and faces -Y. Conversions begin
    # with a frame in T-pose, which is no movement.
    first = max(1, (len(bvh.position) - _MOST_FRAMES) // 2)
    kept = slice(first, first + _MOST_FRAMES)
    joints = bvh.position[kept, [bvh.row[joint] for joint in names.values()]]
    xyz = joints[:, :, [0, 2, 1]] * [1.0, -1.0, 1.0]
    hip, knee, ankle = (xyz[0, list(names).index(f"left_{part}")] for part in _LIMBS[:3])
    leg = np.linalg.norm(knee - hip) + np.linalg.norm(ankle - knee)
    xyz *= (DEFAULT_LENGTHS_M["thigh"] + DEFAULT_LENGTHS_M["shin"]) / leg
    time_s = np.arange(len(xyz)) / RATE_HZ
    return _on_skeleton(Motion3D(tuple(names), time_s, xyz, np.ones(xyz.shape[:2])))


def _on_skeleton(motion: Motion3D) -> Motion3D:
    """Give the places that the joints have by the solution of the motion."""
    solved = solve(motion)
    where = attach(motion, solved)
    xyz = where.place(solved.heads_m, solved.turn)
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
