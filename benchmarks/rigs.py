# SPDX-License-Identifier: GPL-3.0-or-later
"""How well every rig of the data folder follows known motions: directions, feet, jumps.

Run: .venv/bin/python benchmarks/rigs.py (figures go to out/bench.json)
"""

import os
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import bpy
import numpy as np
from record import record
from rig_files import ARCHIVE, UPRIGHT, open_rig, read_rig
from rig_motions import CAPTURED, CLOSED_FORMS, captured_walk, closed_form
from track_spine.rigging.rest_pose import RestPose
from track_spine.rigging.retarget import Retargeting, retarget
from track_spine.rigging.rotation import (
    Floats,
    angle_between,
    conjugate,
    from_matrix,
    multiply,
    rotate,
    to_matrix,
    unit,
)
from track_spine.rigging.solve import Solved
from track_spine.rigging.target import PoseMotion, TargetRig

OUT: Final = Path(__file__).parent.parent / "out" / "bench.json"
COMMAND: Final = ".venv/bin/python benchmarks/rigs.py"
PARTS: Final = (("upper_arm", "forearm"), ("forearm", "hand"), ("thigh", "shin"), ("shin", "foot"))
SECONDS: Final = 10.0
"""How much of each captured clip is played."""


@dataclass(frozen=True)
class Figures:
    """How a rig follows a motion.

    Attributes:
        direction_deg: Largest angle between a part of a limb and the person's, feet not planted.
        planted_deg: The same with feet planted, where a rig's legs may have to point otherwise.
        spine_deg: Largest difference of the chest's and the head's turn.
        side: Least cosine between left and right hips, and shoulders, of rig and person.
        height_m: How far planted balls of feet are from the floor at most, for legs of 0.86 m.
        slide_m: How far a planted ball moves in one stance at most, likewise.
        jump_deg: Most that a bone turns between frames above what any of the person's does.
    """

    direction_deg: float
    planted_deg: float
    spine_deg: float
    side: float
    height_m: float
    slide_m: float
    jump_deg: float


def follow(solved: Solved, target: TargetRig, options: Retargeting = Retargeting()) -> Figures:  # noqa: B008
    """Retarget a motion and measure how the rig follows.

    Args:
        solved: The motion.
        target: The rig.
        options: Passed on.

    Returns:
        The figures.
    """
    free = play(target, retarget(solved, target, Retargeting(plant_feet=False)))
    heads, turned = play(target, retarget(solved, target, options))
    height, slide = _feet(solved, target, heads, turned)
    return Figures(
        _directions(solved, target, free[0]).max(),
        _directions(solved, target, heads).max(),
        _spine(solved, target, turned),
        _side(solved, target, heads),
        height,
        slide,
        _jump(solved, target, turned),
    )


def play(target: TargetRig, keys: PoseMotion) -> tuple[Floats, Floats]:
    """Evaluate keys as Blender does.

    Args:
        target: The rig.
        keys: The keys.

    Returns:
        (T, B, 3) heads in the world and (T, B, 4) orientations.
    """
    travels = keys.travels()
    world = np.empty((len(keys.time_s), len(target.bones), 4, 4))
    for b, bone in enumerate(target.bones):
        basis = np.tile(np.eye(4), (len(keys.time_s), 1, 1))
        if bone in keys.bones:
            basis[:, :3, :3] = to_matrix(keys.rotation_basis[:, keys.bones.index(bone)])
        if bone in travels:
            basis[:, :3, 3] = travels[bone]
        p = target.parents[b]
        local = target.rest[b] if p < 0 else np.linalg.inv(target.rest[p]) @ target.rest[b]
        world[:, b] = (local if p < 0 else world[:, p] @ local) @ basis
    world = target.world_from_armature @ world
    scale = np.cbrt(np.linalg.det(target.world_from_armature[:3, :3]))
    return world[..., :3, 3], from_matrix(world[..., :3, :3] / scale)


def play_in_blender(armature: bpy.types.Object, keys: PoseMotion, frame: int) -> Floats:
    """Pose an armature and let Blender say where its bones begin.

    Args:
        armature: The armature object.
        keys: The keys.
        frame: Which.

    Returns:
        (B, 3) heads in the world.
    """
    for posed in armature.pose.bones:
        posed.matrix_basis.identity()
    for number, bone in enumerate(keys.bones):
        posed = armature.pose.bones[bone]
        posed.rotation_mode = "QUATERNION"
        posed.rotation_quaternion = keys.rotation_basis[frame, number]
    for bone, location in keys.travels().items():
        armature.pose.bones[bone].location = location[frame]
    bpy.context.view_layer.update()
    place = np.array(armature.matrix_world)
    heads = np.array([bone.head for bone in armature.pose.bones])
    return heads @ place[:3, :3].T + place[:3, 3]


def _limbs(target: TargetRig) -> Iterator[tuple[str, str]]:
    known = target.roles.limbs
    for side in "LR":
        for here, onward in PARTS:
            if f"{onward}.{side}" in known:
                yield f"{here}.{side}", f"{onward}.{side}"


def _directions(solved: Solved, target: TargetRig, heads: Floats) -> Floats:
    """Give the angles (T, parts) in degrees between parts of limbs."""
    skeleton, limbs, off = solved.skeleton, target.roles.limbs, []
    for here, onward in _limbs(target):
        i, j = (skeleton.index(role) for role in (here, onward))
        a, b = (target.bones.index(limbs[role]) for role in (here, onward))
        wanted = unit(solved.heads_m[:, j] - solved.heads_m[:, i])
        off.append(np.clip(np.sum(wanted * unit(heads[:, b] - heads[:, a]), axis=-1), -1.0, 1.0))
    return np.degrees(np.arccos(np.stack(off, axis=-1)))


def _turns(target: TargetRig, turned: Floats) -> Floats:
    """Give how bones (T, B, 4) are turned from where they are in the rig that stands upright."""
    rest = RestPose(target)
    return multiply(turned, conjugate(multiply(rest.upright, rest.rotation)))


def _spine(solved: Solved, target: TargetRig, turned: Floats) -> float:
    turns, most = _turns(target, turned), 0.0
    for bone, source in (
        (target.roles.spine[-1], "spine_06"),
        (target.roles.head, "spine_09_head"),
    ):
        index = solved.skeleton.index(source)
        wanted = multiply(solved.motion.rotation[:, index], conjugate(solved.skeleton.rest[index]))
        off = angle_between(turns[:, target.bones.index(bone)], wanted)
        most = max(most, float(np.degrees(off.max())))
    return most


def _side(solved: Solved, target: TargetRig, heads: Floats) -> float:
    least = 1.0
    for part in ("thigh", "upper_arm"):
        a, b = (heads[:, target.bones.index(target.roles.limbs[f"{part}.{s}"])] for s in "LR")
        i, j = (solved.heads_m[:, solved.skeleton.index(f"{part}.{s}")] for s in "LR")
        least = min(least, float(np.sum(unit(a - b) * unit(i - j), axis=-1).min()))
    return least


def _feet(solved: Solved, target: TargetRig, heads: Floats, turned: Floats) -> tuple[float, float]:
    """Give how far planted balls are from the floor, and how far they slide in a stance."""
    rest, skeleton = RestPose(target), solved.skeleton
    size = rest.leg_m / 0.86
    person = sum(skeleton.length_m[skeleton.index(f"{part}.L")] for part in ("thigh", "shin"))
    usual = rest.leg_m / person * skeleton.tail_m[skeleton.index("foot.L"), 2]
    height, slide = 0.0, 0.0
    for name, side in (("left", "L"), ("right", "R")):
        foot = target.bones.index(target.roles.limbs[f"foot.{side}"])
        away = rotate(conjugate(rest.rotation[foot]), rest.along(f"foot.{side}"))
        ball = heads[:, foot] + rotate(turned[:, foot], away)
        on = solved.contacts[f"{name}_ball"]
        if on.any():
            height = max(height, float(np.abs(ball[on, 2] - rest.ball_height_m(usual)).max()))
        for stance in np.split(np.arange(len(on)), np.flatnonzero(np.diff(on)) + 1):
            if on[stance[0]]:
                slide = max(slide, float(np.ptp(ball[stance, :2], axis=0).max()))
    return height / size, slide / size


def _jump(solved: Solved, target: TargetRig, turned: Floats) -> float:
    """Give how much faster than the person's a limb or the column turns in one frame, degrees."""
    skeleton, roles = solved.skeleton, target.roles
    pairs = [*roles.limbs.items(), ("pelvis", roles.pelvis), ("spine_09_head", roles.head)]
    most = 0.0
    for role, bone in pairs:
        source = solved.motion.rotation[:, skeleton.index(role)]
        own = turned[:, target.bones.index(bone)]
        steps = [np.degrees(angle_between(q[1:], q[:-1])) for q in (own, source)]
        most = max(most, float((steps[0] - steps[1]).max()))
    return most


def main() -> int:
    """Measure, print and record.

    Returns:
        Exit status: 1 where the data is not there.
    """
    if not ARCHIVE.exists():
        print(f"{ARCHIVE} is not there: nothing measured")
        return 1
    motions = {name: closed_form(name) for name in CLOSED_FORMS}
    motions |= {Path(clip).stem: captured_walk(clip, SECONDS) for clip in CAPTURED}
    worst: dict[str, Figures] = {}
    print(
        "rig, motion: directions deg (feet free, planted), spine deg, height mm, slide mm, jump deg"
    )
    with tempfile.TemporaryDirectory() as folder, zipfile.ZipFile(ARCHIVE) as archive:
        for file in UPRIGHT:
            target, _ = read_rig(open_rig(Path(archive.extract(file, folder))))
            for name, solved in motions.items():
                found = follow(solved, target)
                print(
                    f"{Path(file).stem:24} {name:10} {found.direction_deg:6.3f} "
                    f"{found.planted_deg:6.2f} {found.spine_deg:6.3f} {found.side:6.3f} "
                    f"{1e3 * found.height_m:6.2f} {1e3 * found.slide_m:6.2f} {found.jump_deg:6.2f}"
                )
                worst[f"{Path(file).stem} {name}"] = found
    for figure, unit_name, target_value in (
        ("direction_deg", "deg", 1.0),
        ("spine_deg", "deg", 0.5),
        ("height_m", "m", 0.005),
        ("slide_m", "m", None),
        ("jump_deg", "deg", 5.0),
    ):
        most = max(getattr(found, figure) for found in worst.values())
        print(f"worst {figure}: {most:.4f} {unit_name}")
        record(OUT, f"rigs_{figure}", most, unit_name, target_value, COMMAND)
    return 0


if __name__ == "__main__":
    status = main()
    sys.stdout.flush()
    os._exit(status)  # Blender as a module may wait for ever when Python ends
