# SPDX-License-Identifier: GPL-3.0-or-later
"""The table of bones: guessed, edited, saved, loaded, and used."""

import json
import time

import bpy
import numpy as np
import pytest
from mathutils import Vector
from track_spine.addon.armature import build_armature, identify_bones, read_target
from track_spine.addon.errors import TargetError
from track_spine.addon.keyframes import key_pose
from track_spine.addon.rig_mapping import assignment_of
from track_spine.addon.rig_reading import free_handles
from track_spine.rigging.errors import RigError
from track_spine.rigging.retarget import retarget
from track_spine.rigging.skeleton import canonical_skeleton

pytestmark = pytest.mark.usefixtures("extension")


@pytest.fixture
def hero():
    """A rig of our own bones under names that say nothing, with the object selected."""
    armature = build_armature(bpy.context, canonical_skeleton({}), "Hero")
    for number, bone in enumerate(armature.data.bones):
        bone.name = f"骨{number:02}"
    bpy.context.view_layer.objects.active = armature
    armature.select_set(True)
    bpy.context.view_layer.update()
    return armature


@pytest.fixture
def settings():
    return bpy.context.scene.track_spine_rig


def rows(settings):
    return [(row.role, row.bone) for row in settings.table]


def test_a_rig_of_strange_names_is_told_by_its_structure(hero, settings):
    assert bpy.ops.track_spine.guess_bones() == {"FINISHED"}
    assert settings.table_of == hero and settings.table_family == "by structure"
    table = assignment_of(settings, "Hero")
    assert len(table["spine"]) == 6 and len(table["neck"]) == 2
    left = hero.data.bones[table["hand.L"]].head_local
    assert left.x > 0.3
    assert assignment_of(settings, "Villain") == {}


def test_what_the_user_edits_is_what_counts(hero, settings):
    bpy.ops.track_spine.guess_bones()
    table = assignment_of(settings, "Hero")
    top = max(number for number, row in enumerate(settings.table) if row.role == "spine")
    bone = settings.table[top].bone
    bpy.ops.track_spine.edit_table(row=top)
    assert assignment_of(settings, "Hero")["spine"] == table["spine"][:-1]
    bpy.ops.track_spine.edit_table(row=top - 1, add=True)
    settings.table[top].bone = bone
    assert assignment_of(settings, "Hero") == table
    target = read_target(hero, bpy.context.scene, assignment_of(settings, "Hero"))
    assert list(target.roles.spine) == table["spine"]
    bpy.ops.track_spine.edit_table(row=-1)
    assert settings.table_of is None and not settings.table


def test_a_saved_table_loads_on_another_rig_of_the_kind(hero, settings, tmp_path):
    path = tmp_path / "strange.json"
    bpy.ops.track_spine.guess_bones()
    before = rows(settings)
    assert bpy.ops.track_spine.save_bones(filepath=str(path)) == {"FINISHED"}
    assert list(tmp_path.iterdir()) == [path]
    bpy.ops.track_spine.edit_table(row=-1)
    assert bpy.ops.track_spine.load_bones(filepath=str(path)) == {"FINISHED"}
    assert sorted(rows(settings)) == sorted(before)


def test_a_table_for_another_rig_or_by_a_liar_changes_nothing(hero, settings, tmp_path):
    path = tmp_path / "strange.json"
    bpy.ops.track_spine.save_bones(filepath=str(path))
    hero.data.bones["骨03"].name = "other"
    with pytest.raises(RuntimeError, match="骨03"):
        bpy.ops.track_spine.load_bones(filepath=str(path))
    for text in ("", "[]", '{"roles": 3}', json.dumps({"roles": {"spine": [1, 2]}}), "\0" * 9):
        path.write_text(text)
        with pytest.raises(RuntimeError, match="Error"):
            bpy.ops.track_spine.load_bones(filepath=str(path))
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(RuntimeError, match="Cannot read"):
        bpy.ops.track_spine.load_bones(filepath=str(path))
    assert settings.table_of is None


def test_a_place_that_cannot_be_written_is_said(hero):
    with pytest.raises(RuntimeError, match=r"Cannot write /proc/x\.json"):
        bpy.ops.track_spine.save_bones(filepath="/proc/x.json")


def test_buttons_want_an_armature(settings):
    assert not bpy.ops.track_spine.guess_bones.poll()
    assert settings.table_of is None


def chain(count, two_trees=False):
    data = bpy.data.armatures.new("Odd")
    armature = bpy.data.objects.new("Odd", data)
    bpy.context.collection.objects.link(armature)
    bpy.context.view_layer.objects.active = armature
    bpy.ops.object.mode_set(mode="EDIT")
    parent = None
    for number in range(count):
        bone = data.edit_bones.new(f"bone{number}")
        bone.head, bone.tail = (0, 0, number), (0, 0, number + 1)
        bone.parent = None if two_trees and number == count // 2 else parent
        parent = bone
    bpy.ops.object.mode_set(mode="OBJECT")
    return armature


@pytest.mark.parametrize(
    ("count", "two_trees"), [(1, False), (2, False), (40, True), (5000, False)]
)
def test_what_is_no_body_is_refused_in_words(count, two_trees):
    with pytest.raises(RigError) as refused:
        identify_bones(chain(count, two_trees=two_trees), bpy.context.scene)
    assert len(str(refused.value)) < 2000


def test_an_armature_without_bones_is_refused():
    with pytest.raises(TargetError, match="no bones"):
        read_target(chain(0), bpy.context.scene)


def test_a_body_with_five_thousand_bones_takes_the_motion(person):
    armature = build_armature(bpy.context, person.skeleton, "Hero")
    bpy.context.view_layer.objects.active = armature
    bpy.ops.object.mode_set(mode="EDIT")
    head = armature.data.edit_bones["spine_09_head"]
    for number in range(5000):
        hair = armature.data.edit_bones.new(f"hair {number}")
        hair.head, hair.tail, hair.parent = head.tail, head.tail + Vector((0, 0.1, 0)), head
    bpy.ops.object.mode_set(mode="OBJECT")
    began = time.process_time()
    pose = retarget(person, read_target(armature, bpy.context.scene))
    action = key_pose(armature, pose, 1.0 + np.arange(len(pose.time_s)), "Walk")
    assert time.process_time() - began < 5.0  # 0.3 s, were it not for slower machines
    assert not any("hair" in bone for bone in pose.bones)
    bpy.context.scene.frame_set(11)
    joint = person.skeleton.index("spine_09_head")
    at = np.array(armature.pose.bones["hair 4999"].head)
    assert at == pytest.approx(person.tails_m[10, joint], abs=1e-5)
    assert action.frame_range[1] == len(pose.time_s)


def test_numbered_duplicates_are_the_same_kind(person):
    armature = build_armature(bpy.context, person.skeleton, "Hero")
    for bone in armature.data.bones:
        bone.name += ".001"
    bpy.context.view_layer.update()
    roles = read_target(armature, bpy.context.scene).roles
    assert roles.pelvis == "pelvis.001" and len(roles.spine) == 6


def test_handles_of_bendy_bones_are_told():
    armature = chain(4)
    bones = list(armature.data.bones)
    for bone in bones[1:]:
        bone.bbone_segments = 8
    bones[2].bbone_handle_type_end = "ABSOLUTE"
    bones[2].bbone_custom_handle_end = bones[0]
    assert free_handles(bones).tolist() == [
        [False, False],
        [True, True],
        [True, False],
        [True, True],
    ]
    assert np.array(bones[1].bbone_easein) == pytest.approx(1.0)
