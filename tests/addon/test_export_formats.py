# SPDX-License-Identifier: GPL-3.0-or-later
"""Every format and every preset: bones, hierarchy, times and joints come back."""

from math import radians

import bpy
import numpy as np
import pytest
from mathutils import Matrix
from track_spine.addon.armature import build_armature, read_target
from track_spine.addon.errors import OutputError
from track_spine.addon.export import export_armature, export_people
from track_spine.addon.export_presets import PRESETS
from track_spine.addon.keyframes import key_pose
from track_spine.rigging.retarget import retarget

from .reading_back import RATE_HZ, import_file, joints_at

MILLIMETRE = 0.001
FIRST = 5
FRAMES = 40


@pytest.fixture
def rig(person):
    """The generated rig, turned and moved, keyed from frame 5 on."""
    armature = build_armature(bpy.context, person.skeleton, "Rig")
    armature.matrix_world = Matrix.Translation((1, 2, 0)) @ Matrix.Rotation(radians(40), 4, "Z")
    bpy.context.view_layer.update()
    pose = retarget(person, read_target(armature, bpy.context.scene))
    key_pose(armature, pose, FIRST + np.arange(FRAMES, dtype=float), "Walk")
    bpy.context.scene.render.fps = RATE_HZ
    return armature


def hierarchy(armature, plain=str):
    return {
        plain(bone.name): plain(bone.parent.name) if bone.parent else None
        for bone in armature.data.bones
    }


def played(armature, frames, bones):
    return np.array([joints_at(armature, frame, bones) for frame in frames])


@pytest.mark.parametrize("suffix", [".fbx", ".glb", ".usd", ".usda", ".bvh"])
def test_a_format_gives_the_motion_back(rig, tmp_path, suffix):
    def legal(name):
        return name.replace(".", "_") if suffix.startswith(".usd") else name  # USD has no dots

    bones, frames = [bone.name for bone in rig.data.bones], FIRST + np.arange(FRAMES)
    wanted, tree = played(rig, frames, bones), hierarchy(rig, legal)
    export_armature(bpy.context, rig, tmp_path / f"walk{suffix}")
    assert list(tmp_path.iterdir()) == [tmp_path / f"walk{suffix}"]
    back = import_file(tmp_path / f"walk{suffix}")
    assert hierarchy(back) == tree
    offset = FIRST - 1 if suffix == ".bvh" else 0  # BVH knows no start; Blender reads it in at 1
    got = played(back, frames - offset, [legal(bone) for bone in bones])
    assert np.abs(got - wanted).max() < MILLIMETRE
    assert back.animation_data.action.frame_range[1] == pytest.approx(frames[-1] - offset, abs=1e-3)


@pytest.mark.parametrize("suffix", [".fbx", ".glb"])
@pytest.mark.parametrize("program", list(PRESETS))
def test_a_preset_renames_resamples_and_keeps_the_motion(rig, tmp_path, suffix, program):
    preset = PRESETS[program]
    count = int((FRAMES - 1) / RATE_HZ * preset.rate_hz + 1e-6) + 1
    frames = FIRST + np.arange(count) * RATE_HZ / preset.rate_hz
    bones = ["pelvis", "spine_01", "spine_06", "spine_09_head", "hand.L", "foot.R"]
    wanted = played(rig, frames, bones)
    export_armature(bpy.context, rig, tmp_path / f"walk{suffix}", preset)
    assert [obj.name for obj in bpy.data.objects] == ["Rig"]
    assert bpy.context.scene.render.fps == RATE_HZ
    back = import_file(tmp_path / f"walk{suffix}", preset.rate_hz)
    side = preset.names.sides
    renamed = [
        preset.names.pelvis,
        preset.names.spine[0],
        preset.names.spine[-1],
        preset.names.head,
        preset.names.limbs["hand"].format(side=side[0]),
        preset.names.limbs["foot"].format(side=side[1]),
    ]
    assert np.abs(played(back, np.arange(count), renamed) - wanted).max() < MILLIMETRE
    top = [bone.name for bone in back.data.bones if bone.parent is None]
    assert top == [preset.root_bone or preset.names.pelvis]
    assert len(back.data.bones) == 26 + bool(preset.root_bone)


def test_a_preset_leaves_the_users_names_and_takes_bones_that_deform(tmp_path):
    data = bpy.data.armatures.new("Hero")
    hero = bpy.data.objects.new("Hero", data)
    bpy.context.collection.objects.link(hero)
    bpy.context.view_layer.objects.active = hero
    bpy.ops.object.mode_set(mode="EDIT")
    for height, (name, deform) in enumerate([("ctrl", False), ("hüfte", True), ("DEF-top", True)]):
        bone = data.edit_bones.new(name)
        bone.head, bone.tail = (0, 0, height), (0, 0, height + 1)
        bone.use_deform = deform
        bone.parent = data.edit_bones[height - 1] if height else None
    bpy.ops.object.mode_set(mode="OBJECT")
    control = hero.pose.bones["ctrl"]
    control.rotation_mode = "XYZ"
    control.keyframe_insert("rotation_euler", frame=0)
    control.rotation_euler.x = 1.0
    control.keyframe_insert("rotation_euler", frame=12)
    bpy.context.scene.render.fps = RATE_HZ
    wanted = joints_at(hero, 12, ["DEF-top"])
    export_armature(bpy.context, hero, tmp_path / "hero.glb", PRESETS["UNITY"])
    back = import_file(tmp_path / "hero.glb", 30)
    assert hierarchy(back) == {"hüfte": None, "DEF-top": "hüfte"}
    assert joints_at(back, 12 * 30 / RATE_HZ - 0.4, ["DEF-top"]) == pytest.approx(wanted, abs=0.02)


@pytest.mark.parametrize(
    ("suffix", "program", "names"),
    [
        (".bvh", None, ["spine_06", "hand.L"]),
        (".fbx", None, ["spine_06", "hand.L"]),
        (".glb", None, ["spine_06", "hand.L"]),
        (".usd", None, ["spine_06", "hand_L"]),
        (".glb", "GODOT", ["UpperChest", "LeftHand"]),
        (".fbx", "UNREAL", ["spine_06", "hand_l"]),
    ],
)
def test_bones_scaled_to_nothing_do_not_stop_the_others(rig, tmp_path, suffix, program, names):
    rig.pose.bones["forearm.L"].scale = (0.0, 0.0, 0.0)
    wanted = joints_at(rig, FIRST, ["spine_06", "hand.L"])
    export_armature(bpy.context, rig, tmp_path / f"walk{suffix}", PRESETS.get(program))
    back = import_file(tmp_path / f"walk{suffix}", 30 if program else RATE_HZ)
    start = 0 if program else FIRST
    got = joints_at(back, 1 if suffix == ".bvh" else start, names)
    assert got == pytest.approx(wanted, abs=MILLIMETRE)


def test_several_people_get_a_file_each(rig, tmp_path):
    other = rig.copy()
    other.name = "Rig B"
    bpy.context.collection.objects.link(other)
    written = export_people(bpy.context, [rig, other], tmp_path / "walk.glb")
    assert written == [tmp_path / "walk_Rig.glb", tmp_path / "walk_Rig_B.glb"]
    assert all(path.stat().st_size > 10_000 for path in written)


@pytest.mark.parametrize("program", [None, "UNITY"])
def test_the_motion_in_an_fbx_has_the_armatures_name(rig, tmp_path, program):
    export_armature(bpy.context, rig, tmp_path / "walk.fbx", PRESETS.get(program))
    assert b"Rig\0\1AnimStack" in (tmp_path / "walk.fbx").read_bytes()
    assert bpy.context.scene.name == "Scene"


def test_a_hidden_armature_is_written_and_stays_hidden(rig, tmp_path):
    rig.hide_set(True)
    export_armature(bpy.context, rig, tmp_path / "walk.usd")
    assert rig.hide_get()
    assert len(import_file(tmp_path / "walk.usd").data.bones) == 26


def test_a_suffix_of_no_format_is_refused(rig, tmp_path):
    with pytest.raises(OutputError, match=r"must end in \.fbx, \.glb"):
        export_armature(bpy.context, rig, tmp_path / "walk.obj")


@pytest.mark.usefixtures("extension")
def test_the_operator_takes_format_and_preset(rig, tmp_path):
    bpy.context.view_layer.objects.active = rig
    path = str(tmp_path / "walk")
    assert bpy.ops.track_spine.export(filepath=path, format=".glb", preset="GODOT") == {"FINISHED"}
    assert "Hips" in hierarchy(import_file(tmp_path / "walk.glb"))
