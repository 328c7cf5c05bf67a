# SPDX-License-Identifier: GPL-3.0-or-later
"""How well every rig of the data folder follows known motions: directions, feet, jumps.

Run: .venv/bin/python benchmarks/rigs.py (figures go to out/bench.json)
"""

import os
import sys
import tempfile
import zipfile
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import bpy
import numpy as np
from record import record
from rig_files import ARCHIVE, UPRIGHT, open_rig, read_rig
from rig_motions import CHOSEN_ON, CLOSED_FORMS, JUDGED_ON, captured_walk, closed_form
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
LONG_FOOT: Final = 0.25
"""Distance from ankle to ball, as a share of the leg, above which a rig is no person's shape:
people have 0.16 to 0.2."""
SECONDS: Final = 10.0
"""How much of each captured clip is played."""


@dataclass(frozen=True, eq=False)
class Figures:
    """How a rig follows a motion.

    Attributes:
        direction_deg: Largest angle between a part of a limb and the person's, feet not planted.
        planted_deg: (T,) the same in each frame with feet planted, where a rig's legs may have to
            point otherwise.
        spine_deg: Largest difference of the chest's and the head's turn.
        side: Least cosine between left and right hips, and shoulders, of rig and person.
        height_m: How far planted balls of feet are from the floor at most, for legs of 0.86 m.
        slide_m: How far a planted ball moves in one stance at most, likewise.
        jump_deg: Most that a bone turns between frames above what any of the person's does.
    """

    direction_deg: float
    planted_deg: Floats
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
        _directions(solved, target, heads).max(axis=-1),
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
            standing = rest.ball_height_m(usual) + rest.raised_m(side)
            height = max(height, float(np.abs(ball[on, 2] - standing).max()))
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


def _measured(
    targets: dict[str, TargetRig], motions: dict[str, Solved], group: str
) -> dict[str, Figures]:
    """Measure every rig on every motion of a group, and print it."""
    found = {}
    for rig, target in targets.items():
        for name, solved in motions.items():
            seen = follow(solved, target)
            print(
                f"{group:10} {rig:24} {name:20} {seen.direction_deg:6.3f} "
                f"{np.percentile(seen.planted_deg, 90):6.2f} {seen.planted_deg.max():6.2f} "
                f"{seen.spine_deg:6.3f} {seen.side:6.3f} "
                f"{1e3 * seen.height_m:6.2f} {1e3 * seen.slide_m:6.2f} {seen.jump_deg:6.2f}"
            )
            found[f"{rig} {name}"] = seen
    return found


def _summed_up(found: Collection[Figures], group: str) -> None:
    """Print and record the worst of a group."""
    planted = np.concatenate([seen.planted_deg for seen in found])
    figures = {
        "direction_deg": (max(seen.direction_deg for seen in found), "deg", 1.0),
        "spine_deg": (max(seen.spine_deg for seen in found), "deg", 0.5),
        "planted_deg": (planted.max(), "deg", 1.0),
        "planted_p90_deg": (np.percentile(planted, 90), "deg", 1.0),
        "planted_over_1_deg": ((planted > 1.0).mean(), "ratio", None),
        "height_m": (max(seen.height_m for seen in found), "m", 0.005),
        "slide_m": (max(seen.slide_m for seen in found), "m", None),
        "jump_deg": (max(seen.jump_deg for seen in found), "deg", 5.0),
    }
    for name, (value, unit_name, wanted) in figures.items():
        print(f"{group}: {name} {value:.4f}")
        record(OUT, f"rigs_{group}_{name}".replace(" ", "_"), value, unit_name, wanted, COMMAND)


def main() -> int:
    """Measure, print and record.

    Returns:
        Exit status: 1 where the data is not there.
    """
    if not ARCHIVE.exists():
        print(f"{ARCHIVE} is not there: nothing measured")
        return 1
    groups = {"closed": {name: closed_form(name) for name in CLOSED_FORMS}}
    for group, clips in (("chosen", CHOSEN_ON), ("judged", JUDGED_ON)):
        groups[group] = {
            Path(clip).stem[-20:]: captured_walk(a, clip, SECONDS) for a, clip in clips
        }
    targets = {}
    with tempfile.TemporaryDirectory() as folder, zipfile.ZipFile(ARCHIVE) as archive:
        for file in UPRIGHT:
            target, _ = read_rig(open_rig(Path(archive.extract(file, folder))))
            targets[Path(file).stem] = target
    rests = {rig: RestPose(target) for rig, target in targets.items()}
    odd = {
        rig
        for rig, rest in rests.items()
        if np.linalg.norm(rest.along("foot.L")) > LONG_FOOT * rest.leg_m
    }
    print(
        "group, rig, motion: directions deg (feet free; planted: 90 % of frames, worst), spine "
        "deg, side, height mm, slide mm, jump deg"
    )
    found = {group: _measured(targets, motions, group) for group, motions in groups.items()}
    for group, seen in found.items():
        strange = [figures for case, figures in seen.items() if case.split()[0] in odd]
        _summed_up([figures for figures in seen.values() if figures not in strange], group)
        _summed_up(strange, f"{group} long feet")
    return 0


if __name__ == "__main__":
    status = main()
    sys.stdout.flush()
    os._exit(status)  # Blender as a module may wait for ever when Python ends
