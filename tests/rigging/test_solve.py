# SPDX-License-Identifier: GPL-3.0-or-later
"""Whole bodies: symmetry, gaps, constancy."""

import numpy as np
import pytest
from track_spine.rigging import spine_curve
from track_spine.rigging.errors import RigError
from track_spine.rigging.filters import smooth
from track_spine.rigging.motion import Motion3D
from track_spine.rigging.rotation import angle_between, multiply
from track_spine.rigging.skeleton import canonical_skeleton, fk
from track_spine.rigging.solve import solve

TIME_S = np.arange(90) / 30.0
MIRROR = str.maketrans("LR", "RL")


def other_side(name):
    if name.endswith((".L", ".R")):
        return name.translate(MIRROR)
    return name.replace("left", "#").replace("right", "left").replace("#", "right")


@pytest.fixture(name="dance", scope="module")
def _dance(pose, key_points, turn_about):
    """Every joint moves on its own, as far as joints do; 3 mm of noise, some points hidden."""
    rng = np.random.default_rng(12)

    def wave(reach):
        return reach * np.sin(2.0 * np.pi * (rng.uniform(0.3, 1.5) * TIME_S + rng.uniform()))

    skeleton = canonical_skeleton({})
    local = {"pelvis": multiply(turn_about("y", 2.0 * TIME_S), turn_about("x", wave(0.3)))}
    for bone in spine_curve.BONES:
        local[bone] = multiply(turn_about("x", wave(0.1)), turn_about("z", wave(0.07)))
    for side in "LR":
        local[f"upper_arm.{side}"] = multiply(
            turn_about("z", wave(1.0)), turn_about("y", wave(0.5))
        )
        local[f"forearm.{side}"] = turn_about("x", 1.0 + wave(0.9))
        local[f"thigh.{side}"] = multiply(turn_about("x", wave(0.8)), turn_about("z", wave(0.2)))
        local[f"shin.{side}"] = turn_about("x", 0.8 + wave(0.7))
        local[f"foot.{side}"] = turn_about("x", wave(0.3))
    root = np.stack([wave(1.0), wave(1.0), 0.9 + wave(0.05)], axis=-1)
    motion = key_points(skeleton, pose(skeleton, TIME_S, local, root))
    xyz = motion.xyz_m + 0.003 * rng.normal(size=motion.xyz_m.shape)
    score = rng.uniform(0.3, 1.0, size=motion.score.shape)
    for name, frames in {
        "left_wrist": slice(20, 30),
        "right_ear": slice(40, 50),
        "spine_02": slice(50, 60),
        "right_knee": slice(60, 64),
        "left_shoulder": slice(70, 73),
    }.items():
        k = motion.names.index(name)
        xyz[frames, k], score[frames, k] = np.nan, 0.0
    return Motion3D(motion.names, TIME_S, xyz, score)


def test_a_person_in_rest_pose_is_found_at_rest(pose, key_points):
    skeleton = canonical_skeleton({})
    solved = solve(key_points(skeleton, pose(skeleton, TIME_S[:3], {})))
    assert angle_between(solved.motion.rotation, skeleton.rest).max() < 1e-5
    assert np.allclose(solved.heads_m, skeleton.head_m, atol=1e-6)


def test_bone_lengths_are_constant_and_joints_follow_from_rotations(dance):
    solved = solve(dance)
    length = np.linalg.norm(solved.tails_m - solved.heads_m, axis=-1)
    assert np.allclose(length, solved.skeleton.length_m, atol=1e-9)
    heads, tails = fk(solved.skeleton, solved.motion)
    assert np.array_equal(heads, solved.heads_m)
    assert np.array_equal(tails, solved.tails_m)
    middle = 0.5 * (dance.point("left_hip") + dance.point("right_hip"))
    assert np.allclose(solved.heads_m[:, 0], middle, atol=1e-9)


def test_solved_joints_pass_close_to_the_points(dance):
    solved = solve(dance)
    tails = dict(zip(solved.motion.bones, np.moveaxis(solved.tails_m, 1, 0), strict=True))
    points = {**dict(zip(spine_curve.BONES, spine_curve.POINTS, strict=True))}
    points |= {"forearm.R": "right_wrist", "shin.L": "left_ankle", "clavicle.R": "right_shoulder"}
    for bone, name in points.items():
        miss = np.linalg.norm(tails[bone] - dance.point(name), axis=-1)
        # Noise of 3 mm along each axis is 5 mm away in the mean.
        assert np.nanmedian(miss) < 0.012, bone


def test_the_mirror_image_of_a_motion_gives_the_mirror_image(dance):
    rows = [dance.names.index(other_side(name)) for name in dance.names]
    mirrored = Motion3D(
        dance.names, TIME_S, dance.xyz_m[:, rows] * [-1.0, 1.0, 1.0], dance.score[:, rows]
    )
    straight, image = solve(dance), solve(mirrored)
    bones = [straight.skeleton.index(other_side(bone)) for bone in straight.skeleton.bones]
    # Mirroring X turns a rotation (w, x, y, z) into (w, x, -y, -z).
    expected = straight.motion.rotation[:, bones] * [1.0, 1.0, -1.0, -1.0]
    assert angle_between(image.motion.rotation, expected).max() < 1e-6
    assert np.allclose(image.heads_m, straight.heads_m[:, bones] * [-1.0, 1.0, 1.0], atol=1e-9)


def test_the_solution_does_not_know_which_way_time_runs(dance):
    reverse = Motion3D(dance.names, -TIME_S[::-1], dance.xyz_m[::-1], dance.score[::-1])
    backwards = solve(smooth(reverse)).motion.rotation[::-1]
    assert angle_between(backwards, solve(smooth(dance)).motion.rotation).max() < 1e-6


def test_turning_and_moving_the_world_turns_and_moves_the_solution(dance, turn_about):
    quarter = np.array([[0.0, -1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]])
    moved = Motion3D(dance.names, TIME_S, dance.xyz_m @ quarter.T + [1.0, 2.0, 0.5], dance.score)
    straight, turned = solve(dance), solve(moved)
    expected = multiply(turn_about("z", np.pi / 2.0), straight.motion.rotation)
    assert angle_between(turned.motion.rotation, expected).max() < 1e-6


def test_signs_of_quaternions_do_not_jump(dance):
    rotation = solve(dance).motion.rotation
    assert (np.sum(rotation[1:] * rotation[:-1], axis=-1) > 0.0).all()


def test_left_stays_left(dance):
    solved = solve(dance)
    left = solved.heads_m[:, solved.skeleton.index("thigh.L")]
    right = solved.heads_m[:, solved.skeleton.index("thigh.R")]
    seen = dance.point("left_hip") - dance.point("right_hip")
    assert (np.sum((left - right) * seen, axis=-1) > 0.0).all()


def test_frames_without_the_torso_are_marked_and_the_others_unchanged(dance):
    gap = slice(30, 45)
    xyz, score = dance.xyz_m.copy(), dance.score.copy()
    xyz[gap], score[gap] = np.nan, 0.0
    solved = solve(Motion3D(dance.names, TIME_S, xyz, score))
    assert np.array_equal(np.flatnonzero(~solved.motion.valid), np.arange(30, 45))
    assert np.isnan(solved.motion.rotation[gap]).all()
    assert np.isnan(solved.motion.root_m[gap]).all()
    assert np.isnan(solved.heads_m[gap]).all()
    assert np.isfinite(solved.motion.rotation[solved.motion.valid]).all()
    assert np.isfinite(solved.tails_m[solved.motion.valid]).all()


def test_points_that_are_hardly_believed_count_as_missing(pose, key_points):
    """Feet outside the picture: the network puts them anywhere, and says so."""
    skeleton = canonical_skeleton({})
    motion = key_points(skeleton, pose(skeleton, TIME_S, {}))
    rng = np.random.default_rng(4)
    xyz, score = motion.xyz_m.copy(), motion.score.copy()
    for k, name in enumerate(motion.names):
        if any(part in name for part in ("knee", "ankle", "heel", "toe")):
            xyz[:, k] += rng.normal(size=(len(TIME_S), 3))
            score[:, k] = 0.01
    solved = solve(Motion3D(motion.names, TIME_S, xyz, score))
    legs = [
        b for b, bone in enumerate(skeleton.bones) if bone.startswith(("thigh", "shin", "foot"))
    ]
    assert angle_between(solved.motion.rotation, skeleton.rest)[:, legs].max() < 1e-4


def test_a_single_frame_is_enough(dance):
    solved = solve(Motion3D(dance.names, TIME_S[:1], dance.xyz_m[:1], dance.score[:1]))
    assert np.isfinite(solved.motion.rotation).all()


def test_a_clip_without_a_torso_is_refused(dance):
    rows = [k for k, name in enumerate(dance.names) if "hip" not in name]
    names = tuple(dance.names[k] for k in rows)
    with pytest.raises(RigError, match="torso"):
        solve(Motion3D(names, TIME_S, dance.xyz_m[:, rows], dance.score[:, rows]))
    empty = Motion3D(dance.names, np.empty(0), np.empty((0, 37, 3)), np.empty((0, 37)))
    with pytest.raises(RigError, match="torso"):
        solve(empty)


def test_a_squat_bends_hips_and_knees_and_leaves_the_feet_on_the_ground(
    pose, key_points, turn_about
):
    skeleton = canonical_skeleton({})
    depth = 0.5 * (1.0 - np.cos(2.0 * np.pi * TIME_S / 3.0))
    hip, knee, ankle = 1.7 * depth, 1.9 * depth, 0.5 * depth
    lean = hip - (knee - ankle)
    local = {"pelvis": turn_about("x", lean)}
    for side in "LR":
        local[f"thigh.{side}"] = turn_about("x", -hip)
        local[f"shin.{side}"] = turn_about("x", knee)
        local[f"foot.{side}"] = turn_about("x", -ankle)
    posed = pose(skeleton, TIME_S, local)
    heads, _ = fk(skeleton, posed)
    ankles = heads[:, skeleton.index("foot.L")]
    root = skeleton.head_m[0] - (ankles - ankles[0]) * [0.0, 1.0, 1.0]
    posed = pose(skeleton, TIME_S, local, root)
    solved = solve(key_points(skeleton, posed))
    assert np.degrees(angle_between(solved.motion.rotation, posed.rotation).max()) < 1.0
    foot = solved.heads_m[:, skeleton.index("foot.L")]
    assert np.abs(foot - foot[0]).max() < 0.001
    assert root[:, 2].max() - root[:, 2].min() > 0.3
