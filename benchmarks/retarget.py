# SPDX-License-Identifier: GPL-3.0-or-later
"""Time to retarget 10,000 frames to 60 bones, and how well spines of 1 to 24 bones follow.

Run: .venv/bin/python benchmarks/retarget.py (figures go to out/bench.json)
"""

import os
import platform
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from record import record
from track_spine.rigging import spine_curve
from track_spine.rigging.matching import Roles
from track_spine.rigging.motion import BoneMotion
from track_spine.rigging.retarget import TargetRig, retarget, spine_error
from track_spine.rigging.rotation import (
    Floats,
    angle_between,
    conjugate,
    from_axis_angle,
    multiply,
    to_matrix,
)
from track_spine.rigging.skeleton import Skeleton, canonical_skeleton, fk
from track_spine.rigging.solve import Solved

FRAMES = 10_000
SPINE, NECK = 36, 6
LIMIT_S = 1.0
STRIDE_S = 1.1
COUNTS = (1, 2, 3, 4, 6, 8, 12, 16, 24)
OUT = Path(__file__).parent.parent / "out" / "bench.json"
COMMAND = ".venv/bin/python benchmarks/retarget.py"
X, Y, Z = np.eye(3)


def bend(frames: int) -> Solved:
    """Bend a person forwards and sideways, and twist, over time; feet are planted in turns.

    Args:
        frames: Their number.

    Returns:
        The motion, 30 frames a second.
    """
    skeleton = canonical_skeleton({})
    time_s = np.arange(frames) / 30.0
    turn = np.tile([1.0, 0.0, 0.0, 0.0], (frames, len(skeleton.bones), 1))
    for bone, parent in enumerate(skeleton.parents.tolist()):
        if parent < 0:
            continue
        turn[:, bone] = turn[:, parent]
        if skeleton.bones[bone] in spine_curve.BONES:
            for axis, reach, hertz in ((X, 0.15, 0.4), (Y, 0.05, 0.3), (Z, 0.06, 0.5)):
                angle = reach * np.sin(2.0 * np.pi * hertz * time_s)
                turn[:, bone] = multiply(turn[:, bone], from_axis_angle(axis, angle))
    root = np.tile(skeleton.head_m[0], (frames, 1))
    rotation = multiply(turn, skeleton.rest)
    motion = BoneMotion(skeleton.bones, time_s, rotation, root, np.ones(frames, bool))
    left = time_s % STRIDE_S < 0.6 * STRIDE_S
    right = (time_s + 0.5 * STRIDE_S) % STRIDE_S < 0.6 * STRIDE_S
    contacts = {f"left_{part}": left for part in ("heel", "ball")}
    contacts |= {f"right_{part}": right for part in ("heel", "ball")}
    return Solved(skeleton, motion, *fk(skeleton, motion), contacts)


def rig_with(skeleton: Skeleton, spine: int, neck: int) -> TargetRig:
    """Make a rig of the skeleton's limbs and an evenly parted spine along its curve.

    Args:
        skeleton: Its limbs and the line of its spine are taken.
        spine: Bones from pelvis to chest.
        neck: Bones from chest to head.

    Returns:
        The rig.
    """
    limbs = [bone for bone in skeleton.bones if "." in bone]
    column = [f"spine {n}" for n in range(spine)] + [f"neck {n}" for n in range(neck)]
    names = ["pelvis", *column, "head", *limbs]
    line = skeleton.head_m[[skeleton.index(bone) for bone in spine_curve.BONES]]
    joints = [*_along(line[:7], spine), *_along(line[6:], neck), line[-1]]
    heads = [skeleton.head_m[0], *joints, *(skeleton.head_m[skeleton.index(b)] for b in limbs)]
    parent = {
        "pelvis": "",
        "head": column[-1],
        **dict(zip(column, ["pelvis", *column[:-1]], strict=True)),
    }
    for bone in limbs:
        above = skeleton.bones[skeleton.parents[skeleton.index(bone)]]
        parent[bone] = column[spine - 1] if above.startswith("spine") else above
    rest = np.tile(np.eye(4), (len(names), 1, 1))
    rest[:, :3, 3] = heads
    for bone in limbs:
        rest[names.index(bone), :3, :3] = to_matrix(skeleton.rest[skeleton.index(bone)])
    roles = Roles(
        "bench",
        "pelvis",
        tuple(column[:spine]),
        tuple(column[spine:]),
        "head",
        {bone: bone for bone in limbs},
    )
    parents = np.array([names.index(parent[n]) if parent[n] else -1 for n in names])
    return TargetRig(tuple(names), parents, rest, np.full(len(names), 0.1), np.eye(4), roles)


def _along(line: Floats, count: int) -> Sequence[Floats]:
    """Part a line evenly by its arc and give where the pieces start."""
    arc = np.append(0.0, np.cumsum(np.linalg.norm(np.diff(line, axis=0), axis=-1)))
    at = np.arange(count) / max(count, 1) * arc[-1]
    return list(np.stack([np.interp(at, arc, line[:, axis]) for axis in range(3)], axis=-1))


def measure_speed() -> float:
    """Time the retarget.

    Returns:
        Seconds, the best of three.
    """
    solved = bend(FRAMES)
    rig = rig_with(solved.skeleton, SPINE, NECK)
    times = []
    for _ in range(3):
        started = time.perf_counter()
        pose = retarget(solved, rig)
        times.append(time.perf_counter() - started)
    print(f"{len(pose.bones)} bones x {FRAMES:,} frames: {min(times):.2f} s (limit {LIMIT_S} s)")
    record(OUT, "retarget_10000_frames_60_bones", min(times), "s", LIMIT_S, COMMAND)
    return min(times)


def measure_spines() -> None:
    """Print how far chains of N bones are from the curve, and how they end."""
    solved = bend(300)
    chest = solved.skeleton.index(spine_curve.BONES[spine_curve.CHEST])
    turn = multiply(solved.motion.rotation[:, chest], conjugate(solved.skeleton.rest[chest]))
    print("spine bones  shape error, % of its length (mean, worst)  end, degrees off")
    for count in COUNTS:
        rig = rig_with(solved.skeleton, count, 2)
        error = 100.0 * spine_error(solved, rig)
        pose = retarget(solved, rig)
        end = pose.rotation_basis[:, 0]
        for bone in rig.roles.spine:
            end = multiply(end, pose.rotation_basis[:, pose.bones.index(bone)])
        off = float(np.degrees(angle_between(end, turn).max()))
        print(f"{count:11}  {error.mean():8.3f} {error.max():8.3f} {off:10.4f}")
        record(OUT, f"spine_{count}_bones_shape_error", float(error.mean()), "%", None, COMMAND)
        record(OUT, f"spine_{count}_bones_end_error", off, "deg", 0.5, COMMAND)


def main() -> int:
    """Measure, print and record.

    Returns:
        Exit status: 1 when the retarget is over its limit.
    """
    print(f"{platform.machine()}, {os.cpu_count()} cores")
    measure_spines()
    return int(measure_speed() > LIMIT_S)


if __name__ == "__main__":
    sys.exit(main())
