# SPDX-License-Identifier: GPL-3.0-or-later
"""Layers: the animation below stays, and the pose is what the two together should give."""

import bpy
import numpy as np
import pytest
from track_spine.addon import compat
from track_spine.addon.errors import TargetError
from track_spine.addon.keyframes import key_pose
from track_spine.addon.layers import add_layer, keep_aside
from track_spine.rigging.regions import from_first_frame
from track_spine.rigging.rotation import multiply

from .chain import FRAMES, add_chain, frames_of, swaying, turns_at, wanted


@pytest.fixture
def rig():
    """The chain with an action of the user's: every bone moves."""
    armature = add_chain()
    base = swaying(angle=0.4)
    key_pose(armature, base, 2.0 + frames_of(base), "Users")
    return armature


def keys_of(action):
    channels = action if not compat.HAS_ACTION_SLOTS else action.layers[0].strips[0].channelbags[0]
    return {
        (curve.data_path, curve.array_index): [tuple(point.co) for point in curve.keyframe_points]
        for curve in channels.fcurves
    }


def spine_only():
    return swaying(angle=0.3, root_bone="").turning_only(["spine"])


@pytest.mark.parametrize("mode", ["QUATERNION", "XYZ", "YZX"])
def test_an_added_layer_turns_the_spine_on_top_of_what_is_there(mode):
    rig = add_chain()
    rig.pose.bones["spine"].rotation_mode = mode
    base = swaying(angle=0.4)
    users = key_pose(rig, base, 3.0 + np.arange(FRAMES), "Users")
    before, keys = {frame: turns_at(rig, frame) for frame in range(1, 40)}, keys_of(users)
    pose = spine_only()
    strip = add_layer(rig, pose, frames_of(pose, 6.0), "Layer", added=True)
    assert strip.blend_type == "COMBINE" and rig.animation_data.action is None
    assert keys_of(users) == keys
    for frame in range(1, 40):
        turns = turns_at(rig, frame)
        row = frame - 6
        inside = 0 <= row < FRAMES
        extra = wanted(pose.rotation_basis[row, 0]) if inside else np.eye(3)
        # float32 quaternions, multiplied
        assert turns["spine"] == pytest.approx(before[frame]["spine"] @ extra, abs=5e-5), frame
        for bone in ("root", "hips", 'say "cheese"'):
            assert turns[bone] == pytest.approx(before[frame][bone], abs=1e-5)


def test_a_replacing_layer_sets_the_spine_and_nothing_else(rig):
    before = {frame: turns_at(rig, frame) for frame in range(1, 40)}
    pose = spine_only()
    add_layer(rig, pose, frames_of(pose, 6.0), "Layer", added=False)
    for frame in range(6, 6 + FRAMES):
        turns = turns_at(rig, frame)
        assert turns["spine"] == pytest.approx(wanted(pose.rotation_basis[frame - 6, 0]), abs=1e-5)
        assert turns["hips"] == pytest.approx(before[frame]["hips"], abs=1e-5)
    assert turns_at(rig, 3)["spine"] == pytest.approx(before[3]["spine"], abs=1e-5)


def test_taking_the_layer_away_leaves_what_was_there(rig):
    before = {frame: turns_at(rig, frame) for frame in range(1, 40)}
    pose = spine_only()
    add_layer(rig, pose, frames_of(pose, 6.0), "Layer", added=True)
    tracks = rig.animation_data.nla_tracks
    tracks.remove(tracks[-1])
    for frame in range(1, 40):
        for bone, turn in turns_at(rig, frame).items():
            assert turn == pytest.approx(before[frame][bone], abs=1e-6)


def test_a_cycle_below_goes_on_under_the_layer(rig):
    for curve in compat.action_channels(rig).fcurves:
        curve.modifiers.new("CYCLES")
    late = frames_of(spine_only(), 60.0)
    before = {frame: turns_at(rig, frame) for frame in (60, 70, 80)}
    add_layer(rig, spine_only(), late, "Layer", added=True)
    for frame, turns in before.items():
        assert turns_at(rig, frame)["hips"] == pytest.approx(turns["hips"], abs=1e-5)


def test_layers_lie_on_layers(rig):
    pose = spine_only()
    add_layer(rig, pose, frames_of(pose), "One", added=True)
    add_layer(rig, pose, frames_of(pose), "Two", added=True)
    assert [track.name for track in rig.animation_data.nla_tracks] == ["Users", "One", "Two"]
    twice = multiply(pose.rotation_basis[9, 0], pose.rotation_basis[9, 0])
    base = swaying(angle=0.4).rotation_basis[7, 2]
    assert turns_at(rig, 10)["spine"] == pytest.approx(wanted(multiply(base, twice)), abs=2e-5)


@pytest.mark.parametrize("mode", ["XYZ", "ZXY"])
def test_angles_are_added_to_all_that_plays_below(mode):
    rig = add_chain()
    rig.pose.bones["spine"].rotation_mode = mode
    base = swaying(angle=0.8)
    key_pose(rig, base, frames_of(base), "Users")
    pose = swaying(angle=0.7, root_bone="").turning_only(["spine"])
    add_layer(rig, pose, frames_of(pose), "One", added=True)
    rig.animation_data.nla_tracks["One"].strips[0].influence = 0.6
    before = {frame: turns_at(rig, frame)["spine"] for frame in range(1, FRAMES + 1)}
    add_layer(rig, pose, frames_of(pose), "Two", added=True)
    for frame, below in before.items():
        both = below @ wanted(pose.rotation_basis[frame - 1, 0])
        # float32 angles, summed
        assert turns_at(rig, frame)["spine"] == pytest.approx(both, abs=5e-4), frame


def test_angles_that_are_posed_but_not_keyed_do_not_count(rig):
    rig.animation_data_clear()
    bone = rig.pose.bones["spine"]
    bone.rotation_mode = "XYZ"
    bone.rotation_euler = (0.5, 0.0, 0.2)
    pose = spine_only()
    add_layer(rig, pose, frames_of(pose, 6.0), "Layer", added=True)
    assert turns_at(rig, 10)["spine"] == pytest.approx(wanted(pose.rotation_basis[4, 0]), abs=1e-5)


@pytest.mark.skipif(not compat.HAS_ACTION_SLOTS, reason="this Blender has no slots")
def test_an_action_without_its_slot_still_moves_nothing_under_a_layer(rig):
    bpy.context.view_layer.update()
    rig.animation_data.action_slot = None
    before = turns_at(rig, 10)
    pose = spine_only()
    add_layer(rig, pose, frames_of(pose), "Layer", added=True)
    assert turns_at(rig, 10)["hips"] == pytest.approx(before["hips"], abs=1e-6)
    assert rig.animation_data.nla_tracks["Users"].strips[0].action_slot is None


def test_curves_and_tracks_that_are_muted_stay_muted_under_a_layer():
    rig = add_chain()
    rig.pose.bones["spine"].rotation_mode = "XYZ"
    base = swaying(angle=0.4)
    key_pose(rig, base, frames_of(base), "Users")
    for curve in compat.action_channels(rig).fcurves:
        curve.mute = curve.data_path.endswith("rotation_euler")
    keep_aside(rig, swaying(angle=1.0), frames_of(base), "Raw")
    pose = spine_only()
    add_layer(rig, pose, frames_of(pose), "Layer", added=True)
    assert turns_at(rig, 10)["spine"] == pytest.approx(wanted(pose.rotation_basis[9, 0]), abs=1e-5)
    muted = [track.name for track in rig.animation_data.nla_tracks if track.mute]
    assert muted == ["Raw"]


def test_a_change_from_the_first_frame_begins_where_the_animation_is(rig):
    pose = from_first_frame(spine_only())
    before = turns_at(rig, 6)
    add_layer(rig, pose, frames_of(pose, 6.0), "Layer", added=True)
    assert turns_at(rig, 6)["spine"] == pytest.approx(before["spine"], abs=1e-5)


def test_keys_between_frames_stay_between_frames(rig):
    pose = spine_only()
    strip = add_layer(rig, pose, 6.25 + 0.8 * np.arange(FRAMES), "Layer", added=False)
    assert (strip.frame_start, strip.frame_end) == pytest.approx((6.25, 6.25 + 0.8 * 29))
    assert turns_at(rig, 6.25 + 0.8 * 5)["spine"] == pytest.approx(
        wanted(pose.rotation_basis[5, 0]), abs=1e-4
    )


def test_a_rig_that_is_not_animated_takes_a_layer():
    rig = add_chain()
    pose = spine_only()
    add_layer(rig, pose, frames_of(pose), "Layer", added=True)
    assert turns_at(rig, 10)["spine"] == pytest.approx(wanted(pose.rotation_basis[9, 0]), abs=1e-5)


def test_what_is_kept_aside_changes_nothing(rig):
    before = turns_at(rig, 12)
    users = rig.animation_data.action
    strip = keep_aside(rig, swaying(angle=1.0), frames_of(swaying()), "Raw")
    assert rig.animation_data.action == users and strip.action.name == "Raw"
    assert turns_at(rig, 12)["spine"] == pytest.approx(before["spine"], abs=1e-6)
    rig.animation_data.nla_tracks["Raw"].mute = False
    rig.animation_data.action = None
    raw = wanted(swaying(angle=1.0).rotation_basis[11, 2])
    assert turns_at(rig, 12)["spine"] == pytest.approx(raw, abs=1e-5)


def test_bones_by_axis_and_angle_cannot_be_added_to(rig):
    rig.pose.bones["spine"].rotation_mode = "AXIS_ANGLE"
    pose = spine_only()
    with pytest.raises(TargetError, match="Bones spine of armature 'Rig' rotate by axis"):
        add_layer(rig, pose, frames_of(pose), "Layer", added=True)
    assert rig.animation_data.action.name == "Users"


def test_an_nla_that_does_not_play_is_said(rig):
    pose = spine_only()
    keep_aside(rig, pose, frames_of(pose), "Raw")
    rig.animation_data.nla_tracks["Raw"].is_solo = True
    with pytest.raises(TargetError, match="'Raw' of armature 'Rig' plays solo"):
        add_layer(rig, pose, frames_of(pose), "Layer", added=True)
    rig.animation_data.nla_tracks["Raw"].is_solo = False
    rig.animation_data.use_nla = False
    with pytest.raises(TargetError, match="switched off"):
        add_layer(rig, pose, frames_of(pose), "Layer", added=True)
