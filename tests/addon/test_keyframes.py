# SPDX-License-Identifier: GPL-3.0-or-later
"""Keys in bulk, read back through Blender's own evaluation."""

import bpy
import numpy as np
import pytest
from mathutils import Matrix, Quaternion
from scipy.spatial.transform import Rotation
from track_spine.addon import compat
from track_spine.addon.keyframes import key_pose
from track_spine.rigging.target import PoseMotion

from .chain import BONES, FRAMES, add_chain


@pytest.fixture
def rig():
    return add_chain()


def motion(valid=None, seed=1):
    """Rotations that wander smoothly through large angles, stored with random signs."""
    random = np.random.default_rng(seed)
    steps = Rotation.from_rotvec(random.normal(0, 0.25, (FRAMES * len(BONES), 3)))
    quaternions = np.empty((FRAMES, len(BONES), 4))
    for bone in range(len(BONES)):
        turn = Rotation.identity()
        for frame in range(FRAMES):
            turn = turn * steps[frame * len(BONES) + bone]
            quaternions[frame, bone] = np.roll(turn.as_quat(), 1)
    quaternions *= random.choice([-1.0, 1.0], (FRAMES, len(BONES), 1))
    seen = np.ones(FRAMES, bool) if valid is None else valid
    quaternions[~seen] = np.nan
    location = np.where(seen[:, None], random.normal(0, 1, (FRAMES, 3)), np.nan)
    return PoseMotion(BONES, np.arange(FRAMES) / 25.0, quaternions, "hips", location, seen)


def frames_of(pose, start=1.0):
    return start + pose.time_s * 25.0


def curves(armature):
    channels = compat.action_channels(armature)
    return {(curve.data_path, curve.array_index): curve for curve in channels.fcurves}


def pose_at(armature, frame):
    whole = int(np.floor(frame))
    bpy.context.scene.frame_set(whole, subframe=float(frame - whole))
    return armature.pose.bones


def require_played_back(armature, pose, frames):
    for row in np.flatnonzero(pose.valid):
        bones = pose_at(armature, frames[row])
        for number, name in enumerate(pose.bones):
            wanted = Quaternion(pose.rotation_basis[row, number]).to_matrix()
            played = bones[name].matrix_basis.to_3x3()
            # float32 curves
            assert np.abs(np.array(played) - np.array(wanted)).max() < 1e-5
        assert tuple(bones["hips"].location) == pytest.approx(
            tuple(pose.location_basis[row]), abs=1e-5
        )


@pytest.mark.parametrize("mode", ["QUATERNION", "XYZ", "XZY", "YXZ", "YZX", "ZXY", "ZYX"])
def test_every_rotation_mode_plays_the_motion_back(rig, mode):
    for bone in rig.pose.bones:
        bone.rotation_mode = mode
    pose = motion()
    key_pose(rig, pose, frames_of(pose), "Walk")
    assert all(bone.rotation_mode == mode for bone in rig.pose.bones)
    require_played_back(rig, pose, frames_of(pose))


@pytest.mark.parametrize("mode", ["QUATERNION", "YXZ"])
def test_curves_do_not_jump_between_keys(rig, mode):
    for bone in rig.pose.bones:
        bone.rotation_mode = mode
    pose = motion()
    key_pose(rig, pose, frames_of(pose), "Walk")
    for (path, _), curve in curves(rig).items():
        if "rotation" in path:
            values = np.array([point.co[1] for point in curve.keyframe_points])
            assert np.abs(np.diff(values)).max() < np.pi / 2 + 0.6, path


def test_keys_may_lie_between_frames(rig):
    pose = motion()
    frames = 10.0 + pose.time_s * 24.0
    key_pose(rig, pose, frames, "Walk")
    require_played_back(rig, pose, frames)


def test_keys_are_linear_and_grouped_by_bone(rig):
    pose = motion()
    key_pose(rig, pose, frames_of(pose), "Walk")
    found = curves(rig)
    assert len(found) == 4 * len(BONES) + 3
    for curve in found.values():
        assert {point.interpolation for point in curve.keyframe_points} == {"LINEAR"}
        assert len(curve.keyframe_points) == FRAMES
        assert curve.is_valid
    assert {curve.group.name for curve in found.values()} == set(BONES)


def test_each_run_makes_its_own_action_and_keeps_the_users(rig):
    rig.keyframe_insert("location", frame=1)
    users = rig.animation_data.action
    before = [tuple(point.co) for point in curves(rig)["location", 0].keyframe_points]
    pose = motion()
    first = key_pose(rig, pose, frames_of(pose), "Walk")
    second = key_pose(rig, pose, frames_of(pose), "Walk")
    assert len({users, first, second}) == 3
    assert rig.animation_data.action == second
    assert users.use_fake_user and first.use_fake_user and not second.use_fake_user
    rig.animation_data.action = users
    if compat.HAS_ACTION_SLOTS:
        rig.animation_data.action_slot = users.slots[0]
    after = [tuple(point.co) for point in curves(rig)["location", 0].keyframe_points]
    assert after == before


@pytest.mark.skipif(not compat.HAS_ACTION_SLOTS, reason="slots came with Blender 4.4")
def test_the_slot_is_set_and_the_action_has_one_layer(rig):
    pose = motion()
    action = key_pose(rig, pose, frames_of(pose), "Walk")
    assert rig.animation_data.action_slot == action.slots[0]
    assert (len(action.slots), len(action.layers), len(action.layers[0].strips)) == (1, 1, 1)


def test_a_long_gap_holds_the_last_pose_and_is_marked(rig):
    valid = np.ones(FRAMES, bool)
    valid[10:20] = False  # 0.4 s
    pose = motion(valid)
    action = key_pose(rig, pose, frames_of(pose), "Walk")
    curve = curves(rig)['pose.bones["hips"].location', 0]
    kinds = [point.interpolation for point in curve.keyframe_points]
    assert kinds == ["LINEAR"] * 9 + ["CONSTANT"] + ["LINEAR"] * 10
    assert curve.evaluate(19.9) == pytest.approx(pose.location_basis[9, 0], abs=1e-5)
    marks = [(marker.name, marker.frame) for marker in action.pose_markers]
    assert marks == [("Lost", 10), ("Found", 21)]


def test_a_short_gap_is_bridged(rig):
    valid = np.ones(FRAMES, bool)
    valid[10:13] = False  # 0.16 s from key to key
    pose = motion(valid)
    action = key_pose(rig, pose, frames_of(pose), "Walk")
    kinds = {
        point.interpolation for curve in curves(rig).values() for point in curve.keyframe_points
    }
    assert kinds == {"LINEAR"}
    assert len(action.pose_markers) == 0


def test_footage_that_begins_and_ends_empty_is_marked(rig):
    valid = np.ones(FRAMES, bool)
    valid[:5] = valid[25:] = False
    pose = motion(valid)
    action = key_pose(rig, pose, frames_of(pose), "Walk")
    marks = [(marker.name, marker.frame) for marker in action.pose_markers]
    assert marks == [("Found", 6), ("Lost", 25)]


def test_an_earlier_pose_does_not_leak_into_the_motion(rig):
    rig.pose.bones["root"].rotation_quaternion = Quaternion((0, 0, 1), 1.0)
    rig.pose.bones["root"].location = (1, 2, 3)
    rig.pose.bones["spine"].scale = (2, 2, 2)
    rig.pose.bones["spine"].location = (1, 0, 0)
    pose = motion()
    key_pose(rig, pose, frames_of(pose), "Walk")
    require_played_back(rig, pose, frames_of(pose))
    bones = pose_at(rig, 5)
    assert bones["root"].matrix_basis == Matrix()
    assert tuple(bones["spine"].scale) == pytest.approx((1, 1, 1))
    assert tuple(bones["spine"].location) == pytest.approx((0, 0, 0))


def test_a_single_frame_is_enough(rig):
    valid = np.zeros(FRAMES, bool)
    valid[7] = True
    pose = motion(valid)
    key_pose(rig, pose, frames_of(pose), "Walk")
    require_played_back(rig, pose, frames_of(pose))
