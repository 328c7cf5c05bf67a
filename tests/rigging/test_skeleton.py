# SPDX-License-Identifier: GPL-3.0-or-later
"""The rest pose and forward kinematics."""

import numpy as np
import pytest
from track_spine.rigging import spine_curve
from track_spine.rigging.errors import RigError
from track_spine.rigging.motion import BoneMotion
from track_spine.rigging.rotation import from_axis_angle, multiply, rotate, to_matrix, unit
from track_spine.rigging.skeleton import (
    DEFAULT_LENGTHS_M,
    DEFAULT_OFFSETS_M,
    Skeleton,
    canonical_skeleton,
    fk,
)

X, Y, Z = np.eye(3)


@pytest.fixture(name="skeleton", scope="module")
def _skeleton():
    return canonical_skeleton({})


def test_it_has_the_agreed_bones(skeleton):
    limbs = [
        f"{part}.{side}"
        for parts in (
            ("clavicle", "upper_arm", "forearm", "hand"),
            ("thigh", "shin", "foot", "toe"),
        )
        for side in "LR"
        for part in parts
    ]
    assert skeleton.bones == ("pelvis", *spine_curve.BONES, *limbs)
    parent = {
        bone: skeleton.bones[p]
        for bone, p in zip(skeleton.bones, skeleton.parents, strict=True)
        if p >= 0
    }
    assert parent["spine_01"] == parent["thigh.L"] == parent["thigh.R"] == "pelvis"
    assert parent["clavicle.L"] == parent["spine_07_neck"] == "spine_06"
    assert parent["hand.R"] == "forearm.R"


def test_it_stands_on_the_ground_in_t_pose_facing_minus_y(skeleton):
    assert skeleton.tail_m[:, 2].min() > 0.0
    direction = {
        b: unit(skeleton.tail_m - skeleton.head_m)[skeleton.index(b)] for b in skeleton.bones
    }
    for part in ("clavicle", "upper_arm", "forearm", "hand"):
        assert np.allclose(direction[f"{part}.L"], X, atol=1e-12)
        assert np.allclose(direction[f"{part}.R"], -X, atol=1e-12)
    assert np.allclose(direction["toe.L"], -Y, atol=1e-12)
    assert np.allclose(direction["shin.R"], -Z, atol=1e-12)
    hips = skeleton.head_m[[skeleton.index("thigh.L"), skeleton.index("thigh.R")]]
    assert np.allclose(hips.mean(axis=0), skeleton.head_m[0])
    c7 = skeleton.tail_m[skeleton.index("spine_06")]
    assert np.allclose((c7 - skeleton.head_m[skeleton.index("spine_01")])[:2], 0.0, atol=1e-9)


def test_lengths_and_offsets_are_those_asked_for():
    lengths = {name: 1.1 * value for name, value in DEFAULT_LENGTHS_M.items()}
    offsets = {
        "spine_back": 0.03,
        "spine_up": -0.01,
        "shoulder_drop": 0.06,
        "shoulder_forward": 0.02,
    }
    skeleton = canonical_skeleton({**lengths, **offsets})
    measured = dict(zip(skeleton.bones, skeleton.length_m, strict=True))
    for name in set(lengths) - {"hip_width", "ankle_height"}:
        bones = [bone for bone in measured if bone.partition(".")[0] == name]
        assert bones
        assert np.allclose([measured[bone] for bone in bones], lengths[name])
    head = {bone: skeleton.head_m[skeleton.index(bone)] for bone in skeleton.bones}
    assert np.allclose(head["thigh.L"] - head["thigh.R"], lengths["hip_width"] * X)
    assert head["foot.L"][2] == pytest.approx(lengths["ankle_height"])
    assert np.allclose(head["spine_01"] - head["pelvis"], [0.0, 0.03, -0.01])
    c7 = skeleton.tail_m[skeleton.index("spine_06")]
    assert c7[2] - head["clavicle.L"][2] == pytest.approx(0.06)


def test_it_is_its_own_mirror_image_as_blender_mirrors_bones(skeleton):
    for b, bone in enumerate(skeleton.bones):
        other = bone.translate(str.maketrans("LR", "RL")) if "." in bone else bone
        o = skeleton.index(other)
        assert np.allclose(skeleton.head_m[o], skeleton.head_m[b] * [-1, 1, 1])
        assert np.allclose(skeleton.tail_m[o], skeleton.tail_m[b] * [-1, 1, 1])
        assert np.allclose(skeleton.z_axis[o], skeleton.z_axis[b] * [-1, 1, 1])


@pytest.mark.parametrize(
    ("bone", "forward"),
    [
        ("spine_03", -Y),
        ("spine_09_head", -Y),
        ("forearm.L", -Y),
        ("forearm.R", -Y),
        ("shin.L", Y),
        ("shin.R", Y),
        ("foot.L", -Z),
    ],
)
def test_a_positive_turn_about_a_bones_x_axis_flexes_it(skeleton, bone, forward):
    b = skeleton.index(bone)
    axes = to_matrix(skeleton.rest[b])
    assert np.allclose(axes[:, 1], unit(skeleton.tail_m[b] - skeleton.head_m[b]))
    assert np.allclose(axes[:, 2], skeleton.z_axis[b])
    turned = rotate(from_axis_angle(axes[:, 0], np.asarray(0.1)), axes[:, 1])
    assert (turned - axes[:, 1]) @ forward > 0.09 * np.linalg.norm(np.cross(axes[:, 1], forward))


def test_forward_kinematics_agrees_with_blenders_chain_of_matrices(skeleton, pose):
    rng = np.random.default_rng(5)
    time_s = np.arange(3.0)
    local = {b: unit(rng.normal(size=(3, 4))) for b in skeleton.bones}
    root = rng.normal(size=(3, 3))
    motion = pose(skeleton, time_s, local, root)
    heads, tails = fk(skeleton, motion)
    rest = np.tile(np.eye(4), (len(skeleton.bones), 1, 1))
    rest[:, :3, :3], rest[:, :3, 3] = to_matrix(skeleton.rest), skeleton.head_m
    for t in range(3):
        world = np.empty_like(rest)
        for b, bone in enumerate(skeleton.bones):
            basis = np.eye(4)
            basis[:3, :3] = to_matrix(local[bone][t])
            p = skeleton.parents[b]
            world[b] = (rest[b] if p < 0 else world[p] @ np.linalg.inv(rest[p]) @ rest[b]) @ basis
        shift = root[t] - world[0, :3, 3]
        assert np.allclose(heads[t], world[:, :3, 3] + shift, atol=1e-12)
        along = skeleton.length_m[:, None] * world[:, :3, 1]
        assert np.allclose(tails[t], world[:, :3, 3] + along + shift, atol=1e-9)
        assert np.allclose(to_matrix(motion.rotation[t]), world[:, :3, :3], atol=1e-9)


def test_forward_kinematics_leaves_gaps(skeleton, pose):
    motion = pose(skeleton, np.arange(3.0), {})
    rotation, root = motion.rotation.copy(), motion.root_m.copy()
    rotation[1], root[1] = np.nan, np.nan
    gap = BoneMotion(motion.bones, motion.time_s, rotation, root, np.array([True, False, True]))
    heads, tails = fk(skeleton, gap)
    assert np.isnan(heads[1]).all()
    assert np.isnan(tails[1]).all()
    assert np.allclose(heads[0], skeleton.head_m)


def test_forward_kinematics_of_other_bones_is_refused(skeleton):
    motion = BoneMotion(
        ("one",),
        np.zeros(1),
        np.array([[[1.0, 0, 0, 0]]]),
        np.zeros((1, 3)),
        np.ones(1, dtype=bool),
    )
    with pytest.raises(RigError, match="skeleton"):
        fk(skeleton, motion)


@pytest.mark.parametrize(
    "lengths",
    [
        {"thigh": 0.0},
        {"thigh": -0.4},
        {"forearm": np.nan},
        {"shin": np.inf},
        {"tail": 0.3},
        {"shoulder_drop": np.nan},
        {"foot": 0.01},
    ],
)
def test_impossible_lengths_are_refused(lengths):
    with pytest.raises(RigError, match=next(iter(lengths))):
        canonical_skeleton(lengths)


def test_a_skeleton_must_hang_together(skeleton):
    parts = [skeleton.bones, skeleton.parents, skeleton.head_m, skeleton.tail_m, skeleton.rest]
    Skeleton(*parts)
    turned = multiply(skeleton.rest, from_axis_angle(X, np.asarray(0.1)))
    loops = skeleton.parents.copy()
    loops[3] = 5
    for at, wrong in (
        (0, skeleton.bones[:-1]),
        (0, ("pelvis",) * len(skeleton.bones)),
        (1, loops),
        (1, np.full_like(skeleton.parents, -1)),
        (2, skeleton.head_m[:-1]),
        (4, turned),
    ):
        with pytest.raises(RigError):
            Skeleton(*parts[:at], wrong, *parts[at + 1 :])


def test_offsets_and_lengths_share_no_name():
    assert not set(DEFAULT_LENGTHS_M) & set(DEFAULT_OFFSETS_M)
