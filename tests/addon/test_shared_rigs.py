# SPDX-License-Identifier: GPL-3.0-or-later
"""Rigs, actions and scenes that are shared, linked or overridden: nobody else's motion changes."""

import bpy
import numpy as np
import pytest
from track_spine.addon import compat
from track_spine.addon.export import export_armature
from track_spine.addon.keyframes import key_pose
from track_spine.addon.layers import add_layer
from track_spine.addon.restore import restore
from track_spine.addon.timing import key_frames

from .chain import RATE_HZ, add_chain, frames_of, swaying, turns_at, wanted


def plays(armature, pose, frames):
    """Whether an armature turns its bones as a motion does, at every one of its frames."""
    for row, frame in enumerate(frames):
        turns = turns_at(armature, frame)
        for number, name in enumerate(pose.bones):
            if turns[name] != pytest.approx(wanted(pose.rotation_basis[row, number]), abs=1e-5):
                return False
    return True


def twin_of(armature):
    twin = armature.copy()
    bpy.context.collection.objects.link(twin)
    return twin


def library_of(block, path):
    bpy.data.libraries.write(str(path), {block}, fake_user=True)
    bpy.ops.wm.read_factory_settings(use_empty=True)
    return str(path)


def test_two_objects_of_one_armature_move_each_for_itself():
    rig, wide, narrow = add_chain(), swaying(angle=0.6), swaying(angle=0.2)
    twin = twin_of(rig)
    key_pose(rig, wide, frames_of(wide), "Wide")
    key_pose(twin, narrow, frames_of(narrow), "Narrow")
    assert plays(rig, wide, frames_of(wide)) and plays(twin, narrow, frames_of(narrow))


def test_an_action_that_another_object_plays_too_stays_as_it_is():
    rig, wide, narrow = add_chain(), swaying(angle=0.6), swaying(angle=0.2)
    key_pose(rig, wide, frames_of(wide), "Wide")
    twin = twin_of(rig)
    assert twin.animation_data.action == rig.animation_data.action
    key_pose(rig, narrow, frames_of(narrow), "Narrow")
    assert plays(rig, narrow, frames_of(narrow)) and plays(twin, wide, frames_of(wide))


def test_a_linked_action_makes_room_and_comes_back(tmp_path):
    rig, pose = add_chain(), swaying()
    rig.keyframe_insert("location", frame=1)
    rig.animation_data.action.name = "Linked"
    path = library_of(rig.animation_data.action, tmp_path / "actions.blend")
    rig = add_chain()
    with bpy.data.libraries.load(path, link=True) as (_, loaded):
        loaded.actions = ["Linked"]
    linked = bpy.data.actions["Linked"]
    slot = linked.slots[0].identifier if compat.HAS_ACTION_SLOTS else ""
    compat.assign_action(rig, linked, slot)
    key_pose(rig, pose, frames_of(pose), "Walk")
    assert plays(rig, pose, frames_of(pose))
    assert restore(rig) == "Linked"
    assert rig.animation_data.action == linked and compat.action_slot_name(rig) == slot


def test_an_overridden_rig_takes_keys_and_layers(tmp_path):
    pose = swaying()
    path = library_of(add_chain(), tmp_path / "rig.blend")
    with bpy.data.libraries.load(path, link=True) as (_, loaded):
        loaded.objects = ["Rig"]
    linked = bpy.data.objects["Rig"]
    bpy.context.collection.objects.link(linked)
    rig = linked.override_hierarchy_create(bpy.context.scene, bpy.context.view_layer)
    key_pose(rig, pose, frames_of(pose), "Walk")
    assert plays(rig, pose, frames_of(pose))
    other = swaying(angle=0.2)
    add_layer(rig, other, frames_of(other), "Layer", added=False)
    assert plays(rig, other, frames_of(other))


@pytest.mark.parametrize("start", [-100, 0, 1001])
@pytest.mark.parametrize(
    "rate", [(24, 1.001), (24, 1.0), (25, 1.0), (30, 1.001), (30, 1.0), (60, 1.0), (120, 1.0)]
)
def test_every_scene_rate_plays_the_motion_at_its_true_time(rate, start):
    rig, pose, scene = add_chain(), swaying(), bpy.context.scene
    scene.render.fps, scene.render.fps_base = rate
    hz = rate[0] / rate[1]
    frames = key_frames(pose.time_s, start, hz)
    assert (frames - start) / hz == pytest.approx(np.arange(len(frames)) / RATE_HZ, abs=1e-9)
    key_pose(rig, pose, frames, "Walk")
    assert plays(rig, pose, frames)


def test_only_the_scene_that_is_seen_is_played_and_written(tmp_path):
    rig, pose = add_chain(), swaying()
    key_pose(rig, pose, frames_of(pose), "Walk")
    other = bpy.data.scenes.new("Other")
    other.collection.objects.link(rig)
    other.frame_set(77)
    export_armature(bpy.context, rig, tmp_path / "walk.glb")
    assert other.frame_current == 77
    bpy.ops.wm.read_factory_settings(use_empty=True)
    bpy.ops.import_scene.gltf(filepath=str(tmp_path / "walk.glb"))
    assert len(bpy.data.scenes) == 1 and len(bpy.data.actions) == 1
