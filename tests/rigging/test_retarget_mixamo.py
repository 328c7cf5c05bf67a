# SPDX-License-Identifier: GPL-3.0-or-later
"""A motion on a Mixamo-like rig, judged by playing the keys as Blender does."""

import numpy as np
import pytest
from scipy.spatial.transform import Rotation
from track_spine.rigging.motion import Motion3D
from track_spine.rigging.retarget import retarget
from track_spine.rigging.rotation import (
    angle_between,
    conjugate,
    from_axes,
    from_matrix,
    multiply,
    to_matrix,
    unit,
)
from track_spine.rigging.skeleton import canonical_skeleton
from track_spine.rigging.solve import solve

TIME_S = np.arange(40) / 30.0
X, Y, Z = np.eye(3)

IMPORTED_FBX = np.diag([0.01, 0.01, 0.01, 1.0])
IMPORTED_FBX[:3, :3] @= Rotation.from_rotvec([np.pi / 2.0, 0.0, 0.0]).as_matrix()
"""What Blender's importer leaves on an armature from a file with Y up, in centimetres."""


def mixamo_rig(rig_of, world, rng, facing=0.0, size=1.0):
    """A Mixamo-like rig by hand: A-pose, three spine bones, every bone rolled its own way."""
    joints = {
        "Root": (None, [0.0, 0.0, 0.0]),
        "Hips": ("Root", [0.0, 0.01, 1.02]),
        "Spine": ("Hips", [0.0, 0.02, 1.12]),
        "Spine1": ("Spine", [0.0, 0.03, 1.24]),
        "Spine2": ("Spine1", [0.0, 0.03, 1.37]),
        "Neck": ("Spine2", [0.0, 0.03, 1.52]),
        "Head": ("Neck", [0.0, 0.0, 1.61]),
        "HeadTop_End": ("Head", [0.0, 0.0, 1.80]),
    }
    for side, s in (("Left", 1.0), ("Right", -1.0)):
        joints |= {
            f"{side}Shoulder": ("Spine2", [0.06 * s, 0.02, 1.46]),
            f"{side}Arm": (f"{side}Shoulder", [0.18 * s, 0.03, 1.45]),
            f"{side}ForeArm": (f"{side}Arm", [0.37 * s, 0.04, 1.25]),
            f"{side}ForeArmTwist": (f"{side}ForeArm", [0.45 * s, 0.02, 1.16]),
            f"{side}Hand": (f"{side}ForeArm", [0.54 * s, 0.0, 1.07]),
            f"{side}HandMiddle1": (f"{side}Hand", [0.61 * s, -0.02, 1.0]),
            f"{side}UpLeg": ("Hips", [0.09 * s, 0.0, 0.95]),
            f"{side}Leg": (f"{side}UpLeg", [0.10 * s, -0.01, 0.52]),
            f"{side}Foot": (f"{side}Leg", [0.11 * s, 0.02, 0.09]),
            f"{side}ToeBase": (f"{side}Foot", [0.14 * s, -0.10, 0.02]),
            f"{side}Toe_End": (f"{side}ToeBase", [0.15 * s, -0.17, 0.02]),
        }
    names = list(joints)
    parents = [names.index(p) if p else -1 for p, _ in joints.values()]
    turned = Rotation.from_rotvec(np.radians(facing) * Z).as_matrix()
    heads = size * np.array([at for _, at in joints.values()]) @ turned.T
    rotations = []
    for b in range(len(names)):
        children = [c for c, p in enumerate(parents) if p == b]
        along = heads[children[-1]] - heads[b] if children else rng.normal(size=3)
        rotations.append(to_matrix(from_axes(rng.normal(size=3), along)))
    prefixed = [f"mixamorig:{name}" for name in names]
    return rig_of(prefixed, parents, heads, rotations, np.full(len(names), 0.1), world)


LIMBS = (
    ("upper_arm", "forearm", "Arm", "ForeArm"),
    ("forearm", "hand", "ForeArm", "Hand"),
    ("thigh", "shin", "UpLeg", "Leg"),
    ("shin", "foot", "Leg", "Foot"),
)


@pytest.mark.parametrize("world", [np.eye(4), IMPORTED_FBX], ids=["plain", "imported FBX"])
@pytest.mark.parametrize("facing", [0.0, 90.0, 180.0])
def test_a_mixamo_rig_in_a_pose_points_its_limbs_as_the_person_does(
    dancer, world, facing, play, rig_of
):
    target = mixamo_rig(rig_of, world, np.random.default_rng(3), facing)
    heads, _ = play(target, retarget(dancer, target))
    at = {n.partition(":")[2]: heads[:, b] for b, n in enumerate(target.bones)}
    joint = dict(zip(dancer.skeleton.bones, np.moveaxis(dancer.heads_m, 1, 0), strict=True))
    for side, name in (("L", "Left"), ("R", "Right")):
        for here, onward, bone, child in LIMBS:
            wanted = unit(joint[f"{onward}.{side}"] - joint[f"{here}.{side}"])
            got = unit(at[name + child] - at[name + bone])
            assert np.degrees(np.arccos(np.clip(np.sum(wanted * got, axis=-1), -1, 1))).max() < 0.5
    across = at["LeftUpLeg"] - at["RightUpLeg"]
    seen = joint["thigh.L"] - joint["thigh.R"]
    assert (np.sum(unit(across) * unit(seen), axis=-1) > 0.99).all()


@pytest.mark.parametrize("world", [np.eye(4), IMPORTED_FBX], ids=["plain", "imported FBX"])
def test_a_mixamo_spine_ends_as_the_solved_one(dancer, world, play, rig_of):
    target = mixamo_rig(rig_of, world, np.random.default_rng(3))
    _, rotations = play(target, retarget(dancer, target))
    turn = multiply(dancer.motion.rotation, conjugate(dancer.skeleton.rest))
    upright = multiply(
        from_matrix(world[:3, :3] / np.cbrt(np.linalg.det(world[:3, :3]))),
        from_matrix(target.rest[:, :3, :3]),
    )
    for bone, source in (("Hips", "pelvis"), ("Spine2", "spine_06"), ("Head", "spine_09_head")):
        b = target.bones.index(f"mixamorig:{bone}")
        got = multiply(rotations[:, b], conjugate(upright[b]))
        assert np.degrees(angle_between(got, turn[:, dancer.skeleton.index(source)]).max()) < 0.5


def standing(pose, key_points):
    skeleton = canonical_skeleton({})
    return solve(key_points(skeleton, pose(skeleton, TIME_S[:2], {})))


@pytest.mark.parametrize("size", [0.4, 1.0, 1.7])
def test_a_person_standing_at_rest_leaves_spine_hips_and_feet_of_the_rig_at_rest(
    pose, key_points, size, play, rig_of
):
    target = mixamo_rig(rig_of, np.eye(4), np.random.default_rng(6), size=size)
    keys = retarget(standing(pose, key_points), target)
    heads, rotations = play(target, keys)
    rest = from_matrix(target.rest[:, :3, :3])
    for name in (
        "Hips",
        "Spine",
        "Spine1",
        "Spine2",
        "Neck",
        "Head",
        "LeftShoulder",
        "RightShoulder",
    ):
        b = target.bones.index(f"mixamorig:{name}")
        assert angle_between(rotations[:, b], rest[b]).max() < 1e-5
    for side in ("Left", "Right"):
        b, toe = (target.bones.index(f"mixamorig:{side}{part}") for part in ("Foot", "ToeBase"))
        # The foot keeps its height above its toe, whatever way it pointed at rest.
        assert heads[0, b, 2] - heads[0, toe, 2] == pytest.approx(0.07 * size, abs=1e-6)
        # And the toe stands on the ground as at rest.
        assert heads[0, toe, 2] == pytest.approx(target.rest[toe, 2, 3], abs=1e-6)


def test_travel_is_scaled_by_the_length_of_the_legs(dancer, play, rig_of):
    full = mixamo_rig(rig_of, np.eye(4), np.random.default_rng(3))
    half = mixamo_rig(rig_of, np.eye(4), np.random.default_rng(3), size=0.5)
    paths = []
    for target in (full, half):
        heads, _ = play(target, retarget(dancer, target))
        legs = [target.bones.index(f"mixamorig:{side}UpLeg") for side in ("Left", "Right")]
        paths.append(heads[:, legs].mean(axis=1))
    assert np.allclose(paths[1], 0.5 * paths[0], atol=1e-9)
    # Hip joint to ankle, as in `mixamo_rig`, against the person's.
    leg = dancer.skeleton.length_m[[dancer.skeleton.index(b) for b in ("thigh.L", "shin.L")]].sum()
    ratio = (np.hypot(0.43, np.hypot(0.01, 0.01)) + np.hypot(0.43, np.hypot(0.01, 0.03))) / leg
    moved = dancer.motion.root_m[:, :2] * ratio
    assert np.allclose(paths[0][:, :2], moved, atol=1e-9)


def test_bones_without_a_role_have_no_keys(dancer, rig_of):
    target = mixamo_rig(rig_of, np.eye(4), np.random.default_rng(3))
    keys = retarget(dancer, target)
    assert set(keys.bones) == set(target.roles.bones())
    assert keys.root_bone == "mixamorig:Hips"
    assert "mixamorig:LeftForeArmTwist" not in keys.bones
    assert keys.rotation_basis.shape == (len(TIME_S), len(keys.bones), 4)


def test_signs_of_quaternions_do_not_jump(dancer, rig_of):
    keys = retarget(dancer, mixamo_rig(rig_of, IMPORTED_FBX, np.random.default_rng(3)))
    q = keys.rotation_basis
    assert (np.sum(q[1:] * q[:-1], axis=-1) > 0.0).all()


def test_gaps_stay_gaps(pose, key_points, rig_of):
    skeleton = canonical_skeleton({})
    motion = key_points(skeleton, pose(skeleton, TIME_S, {}))
    xyz, score = motion.xyz_m.copy(), motion.score.copy()
    xyz[5:9], score[5:9] = np.nan, 0.0
    keys = retarget(
        solve(Motion3D(motion.names, TIME_S, xyz, score)),
        mixamo_rig(rig_of, np.eye(4), np.random.default_rng(3)),
    )
    assert np.array_equal(np.flatnonzero(~keys.valid), np.arange(5, 9))
    assert np.isnan(keys.rotation_basis[5:9]).all()
    assert np.isnan(keys.location_basis[5:9]).all()
    assert np.isfinite(keys.rotation_basis[keys.valid]).all()
