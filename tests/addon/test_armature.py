# SPDX-License-Identifier: GPL-3.0-or-later
"""Armatures built from the skeleton, and armatures read as targets."""

from math import radians

import bpy
import numpy as np
import pytest
from mathutils import Matrix, Vector
from track_spine.addon.armature import build_armature, find_armature, read_target
from track_spine.addon.errors import TargetError
from track_spine.addon.keyframes import key_pose
from track_spine.addon.layers import add_layer
from track_spine.addon.restore import restore
from track_spine.rigging.errors import RigError
from track_spine.rigging.retarget import retarget
from track_spine.rigging.rotation import to_matrix
from track_spine.rigging.skeleton import canonical_skeleton

# Mixamo's tree: bone, its parent, head and tail in metres, facing -Y with the arms a little down.
MIXAMO = {
    "Hips": (None, (0, 0, 1.00), (0, 0, 1.10)),
    "Spine": ("Hips", (0, 0, 1.10), (0, 0, 1.22)),
    "Spine1": ("Spine", (0, 0, 1.22), (0, 0, 1.36)),
    "Spine2": ("Spine1", (0, 0, 1.36), (0, 0, 1.52)),
    "Neck": ("Spine2", (0, 0, 1.52), (0, -0.01, 1.62)),
    "Head": ("Neck", (0, -0.01, 1.62), (0, -0.01, 1.80)),
}
for _side, _sign in (("Left", 1), ("Right", -1)):
    MIXAMO |= {
        f"{_side}Shoulder": ("Spine2", (0.03 * _sign, 0, 1.46), (0.17 * _sign, 0, 1.46)),
        f"{_side}Arm": (f"{_side}Shoulder", (0.17 * _sign, 0, 1.46), (0.42 * _sign, 0, 1.36)),
        f"{_side}ForeArm": (f"{_side}Arm", (0.42 * _sign, 0, 1.36), (0.66 * _sign, 0, 1.26)),
        f"{_side}Hand": (f"{_side}ForeArm", (0.66 * _sign, 0, 1.26), (0.76 * _sign, 0, 1.22)),
        f"{_side}UpLeg": ("Hips", (0.09 * _sign, 0, 0.95), (0.09 * _sign, 0, 0.52)),
        f"{_side}Leg": (f"{_side}UpLeg", (0.09 * _sign, 0, 0.52), (0.09 * _sign, 0.02, 0.10)),
        f"{_side}Foot": (f"{_side}Leg", (0.09 * _sign, 0.02, 0.10), (0.09 * _sign, -0.10, 0.03)),
        f"{_side}ToeBase": (
            f"{_side}Foot",
            (0.09 * _sign, -0.10, 0.03),
            (0.09 * _sign, -0.18, 0.03),
        ),
    }


def add_mixamo(name="Hero", prefix="mixamorig:", leave_out=(), as_imported=False):
    """Add a Mixamo-named armature; as imported: centimetres, Y up, the object turned."""
    armature = bpy.data.objects.new(name, bpy.data.armatures.new(name))
    bpy.context.scene.collection.objects.link(armature)
    bpy.context.view_layer.objects.active = armature
    world = Matrix()
    if as_imported:
        world = Matrix.Rotation(radians(90), 4, "X") @ Matrix.Scale(0.01, 4)
        armature.matrix_world = world
    bpy.ops.object.mode_set(mode="EDIT")
    bones = armature.data.edit_bones
    for bone_name, (parent, head, tail) in MIXAMO.items():
        if bone_name not in leave_out:
            bone = bones.new(prefix + bone_name)
            bone.head = world.inverted() @ Vector(head)
            bone.tail = world.inverted() @ Vector(tail)
            bone.roll = 0.3 * len(bones)  # any roll must do
            bone.parent = bones.get(prefix + parent) if parent else None
    bpy.ops.object.mode_set(mode="OBJECT")
    bpy.context.view_layer.update()
    return armature


def animate(armature, person):
    pose = retarget(person, read_target(armature, bpy.context.scene))
    key_pose(armature, pose, 1.0 + np.arange(len(pose.time_s)), "Walk")


def heading(armature, bone):
    pose_bone = armature.pose.bones[bone]
    along = (armature.matrix_world @ pose_bone.tail) - (armature.matrix_world @ pose_bone.head)
    return np.array(along.normalized())


def test_the_built_armature_is_the_skeleton():
    skeleton = canonical_skeleton({})
    armature = build_armature(bpy.context, skeleton, "Rig")
    assert [bone.name for bone in armature.data.bones] == list(skeleton.bones)
    for number, bone in enumerate(armature.data.bones):
        parent = skeleton.parents[number]
        assert (bone.parent.name if bone.parent else None) == (
            skeleton.bones[parent] if parent >= 0 else None
        )
        rest = np.array(bone.matrix_local)
        assert rest[:3, 3] == pytest.approx(skeleton.head_m[number], abs=1e-6)
        assert rest[:3, :3] == pytest.approx(to_matrix(skeleton.rest[number]), abs=2e-6)
        assert np.array(bone.tail_local) == pytest.approx(skeleton.tail_m[number], abs=1e-6)


def test_building_leaves_mode_and_selection_alone():
    bpy.ops.mesh.primitive_cube_add()
    bpy.ops.object.mode_set(mode="EDIT")
    build_armature(bpy.context, canonical_skeleton({}), "Rig")
    assert bpy.context.mode == "EDIT_MESH"
    assert [obj.name for obj in bpy.context.selected_objects] == ["Cube"]


def test_an_excluded_collection_does_not_swallow_the_armature():
    hidden = bpy.data.collections.new("Hidden")
    bpy.context.scene.collection.children.link(hidden)
    layer = bpy.context.view_layer.layer_collection.children["Hidden"]
    bpy.context.view_layer.active_layer_collection = layer
    layer.exclude = True
    armature = build_armature(bpy.context, canonical_skeleton({}), "Rig")
    assert armature.name in bpy.context.view_layer.objects
    assert len(armature.data.bones) == 26


def test_the_generated_rig_moves_exactly_as_solved(person):
    armature = build_armature(bpy.context, person.skeleton, "Rig")
    bpy.context.view_layer.update()
    animate(armature, person)
    for row in range(0, len(person.heads_m), 7):
        bpy.context.scene.frame_set(row + 1)
        for number, bone in enumerate(person.skeleton.bones):
            head = armature.matrix_world @ armature.pose.bones[bone].head
            assert np.array(head) == pytest.approx(person.heads_m[row, number], abs=1e-5), bone


@pytest.mark.parametrize("prefix", ["mixamorig:", "mixamorig1:", ""])
@pytest.mark.parametrize("as_imported", [False, True])
def test_a_mixamo_rig_takes_the_motion(person, prefix, as_imported):
    hero = add_mixamo(prefix=prefix, as_imported=as_imported)
    animate(hero, person)
    spine_turns = []
    for row in range(0, len(person.heads_m), 5):
        bpy.context.scene.frame_set(row + 1)
        for theirs, ours in {
            "LeftArm": "upper_arm.L",
            "LeftForeArm": "forearm.L",
            "RightArm": "upper_arm.R",
            "LeftUpLeg": "thigh.L",
            "LeftLeg": "shin.L",
        }.items():
            number = person.skeleton.index(ours)
            wanted = person.tails_m[row, number] - person.heads_m[row, number]
            wanted /= np.linalg.norm(wanted)
            assert heading(hero, prefix + theirs) @ wanted > np.cos(radians(1.0)), theirs
        spine_turns.append([heading(hero, prefix + name) for name in ("Spine", "Spine1", "Spine2")])
    assert (np.ptp(spine_turns, axis=0).max(axis=-1) > 0.02).all()


def test_left_stays_left(person):
    hero = add_mixamo(as_imported=True)
    animate(hero, person)
    bpy.context.scene.frame_set(1)
    raised = hero.matrix_world @ hero.pose.bones["mixamorig:LeftHand"].head
    hanging = hero.matrix_world @ hero.pose.bones["mixamorig:RightHand"].head
    assert raised.x > 0.1 and hanging.x < -0.1
    assert raised.z > 1.6 > hanging.z


def test_the_same_motion_whatever_the_objects_transform(person):
    plain, imported = add_mixamo("Plain"), add_mixamo("Imported", as_imported=True)
    for hero in (plain, imported):
        animate(hero, person)
    for frame in (1, 20, 40):
        bpy.context.scene.frame_set(frame)
        for name in MIXAMO:
            ends = [
                np.array(hero.matrix_world @ hero.pose.bones[f"mixamorig:{name}"].head)
                for hero in (plain, imported)
            ]
            assert ends[0] == pytest.approx(ends[1], abs=1e-4), name


def test_missing_bones_are_named():
    hero = add_mixamo(leave_out=("LeftArm", "LeftForeArm", "LeftHand", "RightFoot", "RightToeBase"))
    with pytest.raises(RigError, match=r"(?s)LeftArm.*LeftForeArm.*RightFoot"):
        read_target(hero, bpy.context.scene)


@pytest.mark.parametrize("scale", [(1, 1, 2), (-1, 1, 1), (-1, -1, -1), (0, 1, 1)])
def test_an_uneven_or_mirrored_scale_is_refused(scale):
    hero = add_mixamo()
    hero.scale = scale
    bpy.context.view_layer.update()
    with pytest.raises(TargetError, match="apply its scale"):
        read_target(hero, bpy.context.scene)


def test_a_sheared_parent_is_refused():
    hero = add_mixamo()
    stretched = bpy.data.objects.new("Empty", None)
    bpy.context.scene.collection.objects.link(stretched)
    stretched.scale = (1, 2, 1)
    hero.parent, hero.rotation_euler = stretched, (0.5, 0, 0)
    bpy.context.view_layer.update()
    with pytest.raises(TargetError, match="sheared"):
        read_target(hero, bpy.context.scene)


def test_bones_that_rotate_by_axis_and_angle_are_animated(person):
    hero = add_mixamo()
    animate(hero, person)
    bpy.context.scene.frame_set(20)
    wanted = heading(hero, "mixamorig:LeftArm")
    hero = add_mixamo(name="Other")
    for bone in hero.pose.bones:
        bone.rotation_mode = "AXIS_ANGLE"
    animate(hero, person)
    bpy.context.scene.frame_set(20)
    assert heading(hero, "mixamorig:LeftArm") == pytest.approx(wanted, abs=1e-5)


def test_what_is_no_armature_is_refused():
    bpy.ops.mesh.primitive_cube_add()
    with pytest.raises(TargetError, match="'Cube' is no armature but mesh"):
        find_armature(bpy.context, "Cube")
    with pytest.raises(TargetError, match="no object 'Nobody'"):
        find_armature(bpy.context, "Nobody")


def test_an_armature_in_edit_mode_is_refused():
    add_mixamo()
    bpy.ops.object.mode_set(mode="EDIT")
    with pytest.raises(TargetError, match="edit mode"):
        find_armature(bpy.context, "Hero")


def test_an_armature_whose_strip_is_being_edited_is_refused(person):
    hero = add_mixamo()
    animate(hero, person)
    action = hero.animation_data.action
    bpy.context.view_layer.update()
    track = hero.animation_data.nla_tracks.new()
    strip = track.strips.new("Walk", 1, action)
    hero.animation_data.action = None
    track.select = strip.select = True
    hero.animation_data.nla_tracks.active = track
    hero.animation_data.use_tweak_mode = True
    assert hero.animation_data.use_tweak_mode
    with pytest.raises(TargetError, match="tweak mode"):
        find_armature(bpy.context, "Hero")
    with pytest.raises(TargetError, match="tweak mode"):
        restore(hero)


@pytest.fixture
def library(tmp_path):
    """A file with a Mixamo-named armature, linked into the empty file."""
    add_mixamo()
    path = tmp_path / "hero.blend"
    bpy.ops.wm.save_as_mainfile(filepath=str(path))
    bpy.ops.wm.read_factory_settings(use_empty=True)
    with bpy.data.libraries.load(str(path), link=True) as (_, linked):
        linked.objects = ["Hero"]
    hero = linked.objects[0]
    bpy.context.scene.collection.objects.link(hero)
    bpy.context.view_layer.update()
    return hero


def test_a_linked_armature_is_told_what_to_do(library):
    with pytest.raises(TargetError, match="Library Override"):
        find_armature(bpy.context, "Hero")


@pytest.fixture
def override(library):
    """The linked armature as an override that can be edited."""
    made = library.override_create(remap_local_usages=True)
    made.override_library.is_system_override = False
    return made


def test_an_editable_override_is_animated(override, person):
    hero = find_armature(bpy.context, override.name)
    animate(hero, person)
    bpy.context.scene.frame_set(1)
    assert heading(hero, "mixamorig:LeftArm")[2] > 0.5


@pytest.mark.parametrize("added", [True, False])
def test_an_override_takes_a_layer_and_keeps_it_in_the_file(override, person, tmp_path, added):
    animate(override, person)
    pose = retarget(person, read_target(override, bpy.context.scene))
    spine = pose.turning_only(["mixamorig:Spine1"])
    add_layer(override, spine, 1.0 + np.arange(len(pose.time_s)), "Layer", added)
    bpy.context.scene.frame_set(20)
    wanted = {name: heading(override, f"mixamorig:{name}") for name in ("Spine2", "LeftArm")}
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "scene.blend"))
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "scene.blend"))
    hero = next(one for one in bpy.data.objects if one.override_library)
    assert [track.name for track in hero.animation_data.nla_tracks] == ["Walk", "Layer"]
    bpy.context.scene.frame_set(20)
    for name, along in wanted.items():
        assert heading(hero, f"mixamorig:{name}") == pytest.approx(along, abs=1e-6)


def test_a_local_armature_of_linked_bones_is_animated(library, person):
    hero = bpy.data.objects.new("Mine", library.data)
    bpy.context.scene.collection.objects.link(hero)
    bpy.context.view_layer.update()
    animate(find_armature(bpy.context, "Mine"), person)
    bpy.context.scene.frame_set(1)
    assert heading(hero, "mixamorig:LeftArm")[2] > 0.5
