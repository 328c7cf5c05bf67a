# SPDX-License-Identifier: GPL-3.0-or-later
"""A take delivered as the panel says: layers, parts of the body, stages, another rig, undo."""

import shutil

import bpy
import numpy as np
import pytest
from track_spine.addon import compat
from track_spine.addon.armature import build_armature
from track_spine.addon.casting import cast_people, play
from track_spine.addon.placement import Placement
from track_spine.rigging.motion import load_lifted
from track_spine.rigging.skeleton import canonical_skeleton

FRAMES = 1.0 + np.arange(40)
SPINE = {f"spine_{number:02}" for number in range(1, 7)}
NECK = {"spine_07_neck", "spine_08_neck", "spine_09_head"}


@pytest.fixture
def motions(lifted_file):
    return list(load_lifted(lifted_file).values())


@pytest.fixture
def hero():
    """A rig of our own bones with an action of the user's."""
    armature = build_armature(bpy.context, canonical_skeleton({}), "Hero")
    armature.pose.bones["upper_arm.L"].keyframe_insert("rotation_quaternion", frame=1)
    armature.animation_data.action.name = "Users"
    bpy.context.view_layer.update()
    return armature


def keyed_bones(action):
    channels = action if not compat.HAS_ACTION_SLOTS else action.layers[0].strips[0].channelbags[0]
    return {curve.data_path.split('"')[1] for curve in channels.fcurves}


def put(motions, target, **placement):
    (part,) = cast_people(bpy.context, motions, target, "walk")
    return play(bpy.context, part, FRAMES, "walk", Placement(**placement))


@pytest.mark.parametrize("layer", ["ADD", "REPLACE"])
def test_a_spine_layer_holds_the_spine_and_neck_only(hero, motions, layer):
    played = put(motions, "Hero", layer=layer)
    assert keyed_bones(bpy.data.actions[played.action]) == SPINE | NECK
    assert played.earlier == "Users"
    tracks = hero.animation_data.nla_tracks
    assert [track.name for track in tracks] == ["Users", "walk Track"]
    assert keyed_bones(bpy.data.actions["Users"]) == {"upper_arm.L"}


def test_parts_of_the_body_can_be_chosen(hero, motions):
    played = put(motions, "Hero", layer="REPLACE", regions=frozenset({"root", "legs"}))
    keyed = keyed_bones(bpy.data.actions[played.action])
    assert keyed == {"pelvis"} | {
        f"{bone}.{side}" for bone in ("thigh", "shin", "foot", "toe") for side in "LR"
    }


def test_an_action_of_its_own_holds_everything_and_leaves_the_users(hero, motions):
    played = put(motions, "Hero")
    assert hero.animation_data.action.name == played.action == "walk Track"
    assert len(keyed_bones(hero.animation_data.action)) == 26
    assert bpy.data.actions["Users"].use_fake_user
    assert len(hero.animation_data.nla_tracks) == 0


def test_stages_of_a_users_rig_lie_on_a_hidden_skeleton(hero, motions):
    put(motions, "Hero", keep_stages=True)
    source = bpy.data.objects["walk Source"]
    assert source.hide_get()
    assert source.animation_data.action.name == "walk Cleaned"
    (raw,) = source.animation_data.nla_tracks
    assert raw.name == "walk Raw" and raw.mute
    assert len(hero.animation_data.nla_tracks) == 0


def test_stages_of_a_new_rig_lie_on_it(motions):
    put(motions, "", keep_stages=True)
    armature = bpy.data.objects["walk"]
    assert armature.animation_data.action.name == "walk Track"
    assert [track.name for track in armature.animation_data.nla_tracks] == ["walk Raw"]
    assert len(bpy.data.objects) == 1


@pytest.mark.usefixtures("extension")
def test_a_take_goes_onto_another_rig_without_tracking(hero, lifted_file, tmp_path):
    shutil.copy(lifted_file, tmp_path / "lifted.npz")
    scene = bpy.context.scene
    scene.track_spine_rig.layer = "ADD"
    scene.track_spine_rig.regions = {"spine"}
    assert bpy.ops.track_spine.retarget(take=str(tmp_path), target="Hero") == {"FINISHED"}
    (strip,) = hero.animation_data.nla_tracks[-1].strips
    assert keyed_bones(strip.action) == SPINE
    assert strip.blend_type == "COMBINE"


@pytest.mark.usefixtures("extension")
def test_the_earlier_action_comes_back(hero, lifted_file, tmp_path):
    shutil.copy(lifted_file, tmp_path / "lifted.npz")
    bpy.context.view_layer.objects.active = hero
    assert not bpy.ops.track_spine.restore_action.poll()
    bpy.ops.track_spine.retarget(take=str(tmp_path), target="Hero")
    assert hero.animation_data.action.name != "Users"
    assert bpy.ops.track_spine.restore_action() == {"FINISHED"}
    assert hero.animation_data.action.name == "Users"


@pytest.mark.usefixtures("extension")
def test_a_take_that_is_none_is_said(hero, tmp_path):
    with pytest.raises(RuntimeError, match=r"lifted\.npz"):
        bpy.ops.track_spine.retarget(take=str(tmp_path), target="Hero")
    assert hero.animation_data.action.name == "Users"


@pytest.mark.usefixtures("extension")
def test_one_undo_takes_a_layer_away(hero, lifted_file, tmp_path):
    shutil.copy(lifted_file, tmp_path / "lifted.npz")
    bpy.context.scene.track_spine_rig.layer = "ADD"
    bpy.ops.ed.undo_push(message="Before")
    bpy.ops.track_spine.retarget(take=str(tmp_path), target="Hero")
    bpy.ops.ed.undo_push(message="Apply Take")  # in a window the operator's own UNDO does this
    assert len(bpy.data.objects["Hero"].animation_data.nla_tracks) == 2
    bpy.ops.ed.undo()
    hero = bpy.data.objects["Hero"]
    assert hero.animation_data.action.name == "Users"
    assert len(hero.animation_data.nla_tracks) == 0
    assert [action.name for action in bpy.data.actions] == ["Users"]
