# SPDX-License-Identifier: GPL-3.0-or-later
"""A synthetic person of known bone rotations, the key points it shows, and rigs to move."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import pytest
from track_spine.rigging import spine_curve
from track_spine.rigging.lengths import BALL_SHARE
from track_spine.rigging.matching import Roles, match
from track_spine.rigging.motion import BoneMotion, Motion3D
from track_spine.rigging.retarget import PoseMotion, TargetRig
from track_spine.rigging.rotation import (
    Floats,
    conjugate,
    from_matrix,
    multiply,
    rotate,
    to_matrix,
)
from track_spine.rigging.skeleton import Skeleton, canonical_skeleton, fk
from track_spine.rigging.solve import Solved, solve

SIDES = (("left", "L", 1.0), ("right", "R", -1.0))
IDENTITY = np.array([1.0, 0.0, 0.0, 0.0])


def turn_about(axis: str, angle: Floats | float) -> Floats:
    """(..., 4) rotation about an axis "x", "y" or "z"."""
    angle = np.asarray(angle, dtype=float)
    q = np.zeros((*angle.shape, 4))
    q[..., 0] = np.cos(angle / 2.0)
    q[..., "wxyz".index(axis)] = np.sin(angle / 2.0)
    return q


def pose(
    skeleton: Skeleton,
    time_s: Floats,
    local: Mapping[str, Floats],
    root_m: Floats | None = None,
) -> BoneMotion:
    """Turn bones in their own axes at rest, relative to their parents, as Blender's pose does."""
    turn = np.empty((len(time_s), len(skeleton.bones), 4))
    for bone, (name, parent) in enumerate(zip(skeleton.bones, skeleton.parents, strict=True)):
        own = np.broadcast_to(local.get(name, IDENTITY), (len(time_s), 4))
        rest = skeleton.rest[bone]
        step = multiply(multiply(rest, own), conjugate(rest))
        turn[:, bone] = step if parent < 0 else multiply(turn[:, parent], step)
    root = np.tile(skeleton.head_m[0], (len(time_s), 1)) if root_m is None else root_m
    valid = np.ones(len(time_s), dtype=bool)
    return BoneMotion(skeleton.bones, time_s, multiply(turn, skeleton.rest), root, valid)


def rest_points(skeleton: Skeleton) -> dict[str, tuple[str, Floats]]:
    """Give the 37 key points on the rest pose: the bone each is fixed to, and where."""
    head = {b: skeleton.head_m[skeleton.index(b)] for b in skeleton.bones}
    tail = {b: skeleton.tail_m[skeleton.index(b)] for b in skeleton.bones}
    points = {"hip": ("pelvis", head["spine_01"])}
    for name, bone in zip(spine_curve.POINTS, spine_curve.BONES, strict=True):
        points[name] = (bone, tail[bone])
    skull = spine_curve.BONES[-1]
    points["nose"] = (skull, head[skull] + [0.0, -0.11, 0.04])
    for side, s, sign in SIDES:
        points[f"{side}_eye"] = (skull, head[skull] + [0.03 * sign, -0.09, 0.07])
        points[f"{side}_ear"] = (skull, head[skull] + [0.07 * sign, 0.0, 0.05])
        points[f"{side}_latissimus"] = ("spine_04", tail["spine_04"] + [0.13 * sign, 0.0, 0.0])
        points[f"{side}_clavicle"] = (f"clavicle.{s}", head[f"clavicle.{s}"])
        for part, bone in (
            ("shoulder", "upper_arm"),
            ("elbow", "forearm"),
            ("wrist", "hand"),
            ("hip", "thigh"),
            ("knee", "shin"),
            ("ankle", "foot"),
        ):
            points[f"{side}_{part}"] = (f"{bone}.{s}", head[f"{bone}.{s}"])
        ball = tail[f"foot.{s}"]
        heel = np.array([ball[0], head[f"foot.{s}"][1] + 0.05, ball[2]])
        toes = heel + (ball - heel) / BALL_SHARE
        points[f"{side}_heel"] = (f"foot.{s}", heel)
        points[f"{side}_big_toe"] = (f"foot.{s}", np.add(toes, [-0.03 * sign, -0.015, 0.0]))
        points[f"{side}_small_toe"] = (f"foot.{s}", np.add(toes, [0.03 * sign, 0.015, 0.0]))
    return points


def key_points(skeleton: Skeleton, motion: BoneMotion) -> Motion3D:
    """Give the key points of a posed skeleton, all of score 1."""
    heads, _ = fk(skeleton, motion)
    turn = multiply(motion.rotation, conjugate(skeleton.rest))
    points = rest_points(skeleton)
    xyz = []
    for bone, at in points.values():
        b = skeleton.index(bone)
        xyz.append(heads[:, b] + rotate(turn[:, b], at - skeleton.head_m[b]))
    stacked = np.stack(xyz, axis=1)
    return Motion3D(tuple(points), motion.time_s, stacked, np.ones(stacked.shape[:2]))


def rig_of(
    bones: Sequence[str],
    parents: Sequence[int],
    heads: Floats,
    rotations: Floats,
    lengths: Floats,
    world: Floats,
    roles: Roles | None = None,
) -> TargetRig:
    """Describe a rig, given in the world, as seen from its armature."""
    rest = np.tile(np.eye(4), (len(bones), 1, 1))
    rest[:, :3, :3], rest[:, :3, 3] = rotations, heads
    rest = np.linalg.inv(world) @ rest
    scale = np.cbrt(np.linalg.det(world[:3, :3]))
    rest[:, :3, :3] *= scale
    roles = roles or match(bones, parents)
    return TargetRig(
        tuple(bones), np.array(parents), rest, np.asarray(lengths) / scale, world, roles
    )


def own_rig(skeleton: Skeleton, world: Floats) -> TargetRig:
    """Describe the rig made from a skeleton, standing in the world as the skeleton does."""
    parents = skeleton.parents.tolist()
    rotations = to_matrix(skeleton.rest)
    return rig_of(skeleton.bones, parents, skeleton.head_m, rotations, skeleton.length_m, world)


def play(target: TargetRig, keys: PoseMotion) -> tuple[Floats, Floats]:
    """Evaluate a pose as Blender does: world heads (T, B, 3) and orientations (T, B, 4)."""
    world = np.empty((len(keys.time_s), len(target.bones), 4, 4))
    for b, bone in enumerate(target.bones):
        basis = np.tile(np.eye(4), (len(keys.time_s), 1, 1))
        if bone in keys.bones:
            basis[:, :3, :3] = to_matrix(keys.rotation_basis[:, keys.bones.index(bone)])
        if bone == keys.root_bone:
            basis[:, :3, 3] = keys.location_basis
        p = target.parents[b]
        local = target.rest[b] if p < 0 else np.linalg.inv(target.rest[p]) @ target.rest[b]
        world[:, b] = (local if p < 0 else world[:, p] @ local) @ basis
    world = target.world_from_armature @ world
    scale = np.cbrt(np.linalg.det(target.world_from_armature[:3, :3]))
    return world[..., :3, 3], from_matrix(world[..., :3, :3] / scale)


def dancer() -> Solved:
    """Solve a person who walks about, bends, twists and swings arms and legs."""
    time_s = np.arange(40) / 30.0
    rng = np.random.default_rng(21)

    def wave(reach):
        return reach * np.sin(2.0 * np.pi * (rng.uniform(0.3, 1.5) * time_s + rng.uniform()))

    skeleton = canonical_skeleton({"thigh": 0.45, "upper_arm": 0.3, "spine_04": 0.15})
    local = {"pelvis": multiply(turn_about("y", time_s), turn_about("x", wave(0.2)))}
    for bone in spine_curve.BONES:
        local[bone] = multiply(
            turn_about("x", 0.05 + wave(0.1)),
            multiply(turn_about("z", wave(0.05)), turn_about("y", wave(0.06))),
        )
    for side, sign in (("L", 1.0), ("R", -1.0)):
        down = turn_about("z", -sign * 0.9 + wave(0.4))
        local[f"upper_arm.{side}"] = multiply(down, turn_about("y", wave(0.5)))
        local[f"forearm.{side}"] = turn_about("x", 0.9 + wave(0.5))
        local[f"clavicle.{side}"] = turn_about("z", wave(0.1))
        local[f"thigh.{side}"] = multiply(turn_about("x", wave(0.7)), turn_about("z", wave(0.1)))
        local[f"shin.{side}"] = turn_about("x", 0.8 + wave(0.5))
        local[f"foot.{side}"] = turn_about("x", wave(0.3))
    root = np.stack([0.3 + wave(1.0), wave(1.0), 0.95 + wave(0.05)], axis=-1)
    return solve(key_points(skeleton, pose(skeleton, time_s, local, root)))


@pytest.fixture(scope="session", name="turn_about")
def _turn_about() -> Callable[..., Floats]:
    return turn_about


@pytest.fixture(scope="session", name="pose")
def _pose() -> Callable[..., BoneMotion]:
    return pose


@pytest.fixture(scope="session", name="key_points")
def _key_points() -> Callable[..., Motion3D]:
    return key_points


@pytest.fixture(scope="session", name="rig_of")
def _rig_of() -> Callable[..., TargetRig]:
    return rig_of


@pytest.fixture(scope="session", name="own_rig")
def _own_rig() -> Callable[..., TargetRig]:
    return own_rig


@pytest.fixture(scope="session", name="play")
def _play() -> Callable[..., tuple[Floats, Floats]]:
    return play


@pytest.fixture(scope="session", name="dancer")
def _dancer() -> Solved:
    return dancer()
