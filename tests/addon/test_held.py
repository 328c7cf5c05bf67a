# SPDX-License-Identifier: GPL-3.0-or-later
"""Locks, drivers, switches, hidden bones and other modes: what is keyed, and what is said."""

import bpy
import numpy as np
import pytest
from track_spine.addon import compat
from track_spine.addon.errors import TargetError
from track_spine.addon.held import held_back
from track_spine.addon.keyframes import Tolerance, key_pose
from track_spine.addon.restore import restore

from .chain import BONES, FRAMES, add_chain, angle_off, frames_of, swaying, turns_at, wanted


@pytest.fixture
def rig():
    return add_chain()


def paths(armature):
    return {
        (curve.data_path, curve.array_index) for curve in compat.action_channels(armature).fcurves
    }


def test_axis_and_angle_play_the_motion_back(rig):
    for bone in rig.pose.bones:
        bone.rotation_mode = "AXIS_ANGLE"
    pose = swaying(angle=3.0)
    key_pose(rig, pose, frames_of(pose), "Walk")
    for row in range(FRAMES):
        turns = turns_at(rig, row + 1)
        for number, name in enumerate(BONES):
            assert turns[name] == pytest.approx(wanted(pose.rotation_basis[row, number]), abs=1e-5)


@pytest.mark.parametrize("mode", ["QUATERNION", "XYZ", "ZXY", "AXIS_ANGLE"])
def test_a_locked_axis_keeps_its_angle(rig, mode):
    bone = rig.pose.bones["spine"]
    bone.rotation_mode = mode
    bone.lock_rotation = (False, True, False)
    pose = swaying()
    key_pose(rig, pose, frames_of(pose), "Walk")
    order = mode if mode in ("XYZ", "ZXY") else "XYZ"
    played = []
    for row in range(FRAMES):
        turns_at(rig, row + 1)
        played.append(bone.matrix_basis.to_euler(order))
    assert np.abs(np.array(played)[:, 1]).max() < 1e-5
    assert np.ptp(np.array(played)[:, 0]) > 0.5
    assert ('pose.bones["spine"].rotation_euler', 1) not in paths(rig)
    assert "Locked channels stay as they are: spine" in " ".join(held_back(rig, pose))


def test_a_locked_location_is_not_keyed(rig):
    rig.pose.bones["hips"].lock_location = (False, False, True)
    pose = swaying()
    key_pose(rig, pose, frames_of(pose), "Walk")
    axes = [index for path, index in paths(rig) if path.endswith("location")]
    assert sorted(axes) == [0, 1]
    assert "Locked channels stay as they are: hips" in " ".join(held_back(rig, pose))


def test_driven_channels_are_left_to_their_drivers(rig):
    bone = rig.pose.bones["spine"]
    bone.rotation_mode = "XYZ"
    driver = bone.driver_add("rotation_euler", 0).driver
    driver.expression = "0.25"
    pose = swaying()
    key_pose(rig, pose, frames_of(pose), "Walk")
    assert ('pose.bones["spine"].rotation_euler', 0) not in paths(rig)
    assert ('pose.bones["spine"].rotation_euler', 1) in paths(rig)
    bpy.context.scene.frame_set(9)
    assert bone.rotation_euler.x == pytest.approx(0.25)
    assert "Drivers set channels of spine" in " ".join(held_back(rig, pose))


def test_switches_and_locations_of_controls_are_keyed(rig):
    rig.pose.bones["root"]["IK_FK"] = 0.0
    rig.pose.bones["root"]["mode"] = 3
    reach = np.stack([np.linspace(0, 1, FRAMES)] * 3, axis=-1)
    change = np.where(np.arange(FRAMES) < 10, 0.0, 1.0)
    pose = swaying(
        properties={("root", "IK_FK"): change, ("root", "mode"): 1.0, ("root", "none"): 1.0},
        locations={"spine": reach},
    )
    key_pose(rig, pose, frames_of(pose), "Walk")
    for row in (0, 9, 10, 29):
        bpy.context.scene.frame_set(row + 1)
        assert rig.pose.bones["root"]["IK_FK"] == pytest.approx(change[row])
        assert rig.pose.bones["root"]["mode"] == 1
        assert tuple(rig.pose.bones["spine"].location) == pytest.approx(tuple(reach[row]), abs=1e-6)
    (curve,) = (
        curve
        for curve in compat.action_channels(rig).fcurves
        if curve.data_path == 'pose.bones["root"]["IK_FK"]'
    )
    assert len(curve.keyframe_points) == 2  # switches hold from key to key
    assert "no such switches, which its kind should have: root: none" in " ".join(
        held_back(rig, pose)
    )


def test_the_way_back_restores_action_slot_and_switches(rig):
    rig.pose.bones["root"]["IK_FK"] = 0.25
    rig.keyframe_insert("location", frame=3)
    users, slot = rig.animation_data.action, compat.action_slot_name(rig)
    rig.animation_data.action_influence = 0.5
    pose = swaying(properties={("root", "IK_FK"): 1.0})
    ours = key_pose(rig, pose, frames_of(pose), "Walk")
    bpy.context.scene.frame_set(5)
    assert rig.pose.bones["root"]["IK_FK"] == 1.0
    assert rig.animation_data.action_influence == 1.0
    assert restore(rig) == users.name
    assert rig.animation_data.action == users and compat.action_slot_name(rig) == slot
    assert rig.animation_data.action_influence == 0.5
    assert rig.pose.bones["root"]["IK_FK"] == 0.25
    assert ours.use_fake_user
    with pytest.raises(TargetError, match="none that Track Spine made"):
        restore(rig)


def test_the_way_back_without_an_earlier_action_leaves_none(rig):
    pose = swaying()
    key_pose(rig, pose, frames_of(pose), "Walk")
    assert restore(rig) == ""
    assert rig.animation_data.action is None


def test_a_deleted_or_damaged_way_back_is_said(rig):
    rig.keyframe_insert("location", frame=3)
    users = rig.animation_data.action
    pose = swaying()
    ours = key_pose(rig, pose, frames_of(pose), "Walk")
    bpy.data.actions.remove(users)
    with pytest.raises(TargetError, match="has been deleted"):
        restore(rig)
    ours["track_spine_before"] = '{"action": 3'
    with pytest.raises(TargetError, match="damaged record"):
        restore(rig)


def test_an_action_without_its_slot_does_not_stop_the_motion(rig):
    rig.keyframe_insert("location", frame=3)
    if compat.HAS_ACTION_SLOTS:
        bpy.context.view_layer.update()
        rig.animation_data.action_slot = None
    pose = swaying()
    key_pose(rig, pose, frames_of(pose), "Walk")
    assert turns_at(rig, 8)["spine"] == pytest.approx(wanted(pose.rotation_basis[7, 2]), abs=1e-5)


@pytest.mark.parametrize("degrees", [0.5, 2.0])
@pytest.mark.parametrize("mode", ["QUATERNION", "YZX", "AXIS_ANGLE"])
def test_fewer_keys_stay_within_the_tolerance(rig, mode, degrees):
    for bone in rig.pose.bones:
        bone.rotation_mode = mode
    pose = swaying()
    key_pose(rig, pose, frames_of(pose), "Walk", Tolerance(np.radians(degrees), 0.01))
    for row in range(FRAMES):
        turns = turns_at(rig, row + 1)
        for number, name in enumerate(BONES):
            off = angle_off(turns[name], wanted(pose.rotation_basis[row, number]))
            assert np.degrees(off) < degrees + 0.03  # float32 matrices tell angles to .03 degrees
        off_m = np.abs(np.array(rig.pose.bones["hips"].location) - pose.location_basis[row]).max()
        assert off_m < 0.01 + 1e-6
    counts = [len(curve.keyframe_points) for curve in compat.action_channels(rig).fcurves]
    assert max(counts) < (FRAMES if degrees < 1.0 else 0.6 * FRAMES)


def test_the_edges_of_a_gap_are_kept_when_keys_are_left_out(rig):
    valid = np.ones(FRAMES, bool)
    valid[10:20] = False
    pose = swaying(valid=valid)
    key_pose(rig, pose, frames_of(pose), "Walk", Tolerance(1.0, 10.0))
    for curve in compat.action_channels(rig).fcurves:
        at = [(point.co[0], point.interpolation) for point in curve.keyframe_points]
        assert at == [(1.0, "LINEAR"), (10.0, "CONSTANT"), (21.0, "LINEAR"), (30.0, "LINEAR")]


def test_hidden_bones_and_pose_mode_on_another_object_do_not_matter(rig):
    other = add_chain()
    bpy.ops.object.mode_set(mode="POSE")
    bones = rig.pose.bones if bpy.app.version >= (5, 0, 0) else rig.data.bones
    bones["spine"].hide = True
    pose = swaying()
    key_pose(rig, pose, frames_of(pose), "Walk")
    assert bpy.context.mode == "POSE" and bpy.context.object == other
    assert turns_at(rig, 8)["spine"] == pytest.approx(wanted(pose.rotation_basis[7, 2]), abs=1e-5)


@pytest.mark.parametrize("name", ["root", "hips", "spine"])
def test_bones_scaled_to_nothing_get_their_size_back(rig, name):
    rig.pose.bones[name].scale = (0.0, 0.0, 0.0)
    pose = swaying()
    key_pose(rig, pose, frames_of(pose), "Walk")
    assert turns_at(rig, 8)["spine"] == pytest.approx(wanted(pose.rotation_basis[7, 2]), abs=1e-5)
    assert tuple(rig.pose.bones[name].scale) == (1.0, 1.0, 1.0)
    assert rig.pose.bones["spine"].matrix.median_scale == pytest.approx(1.0, abs=1e-5)


def test_other_tracks_that_play_are_named(rig):
    track = rig.animation_data_create().nla_tracks.new()
    track.name = "Idle"
    action = bpy.data.actions.new("Idle")
    track.strips.new("Idle", 1, action)
    pose = swaying()
    key_pose(rig, pose, frames_of(pose), "Walk")
    assert "play as well: Idle" in " ".join(held_back(rig, pose))
    track.mute = True
    assert "Idle" not in " ".join(held_back(rig, pose))


def test_constraints_on_keyed_bones_are_named(rig):
    rig.pose.bones["spine"].constraints.new("LIMIT_ROTATION")
    rig.pose.bones["root"].constraints.new("LIMIT_ROTATION")
    pose = swaying()
    key_pose(rig, pose, frames_of(pose), "Walk")
    (said,) = held_back(rig, pose)
    assert "against the new keys: spine." in said
