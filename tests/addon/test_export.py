# SPDX-License-Identifier: GPL-3.0-or-later
"""FBX and BVH: what another program reads is what was solved."""

from pathlib import Path

import bpy
import numpy as np
import pytest
from track_spine.addon import compat
from track_spine.addon.armature import build_armature, read_target
from track_spine.addon.errors import OutputError
from track_spine.addon.export import export_armature, require_writable
from track_spine.addon.keyframes import key_pose
from track_spine.rigging.bvh import bvh_text
from track_spine.rigging.retarget import retarget

MILLIMETRE = 0.001


@pytest.fixture
def rig(person):
    """The generated rig, keyed with the person's motion, one frame a moment."""
    armature = build_armature(bpy.context, person.skeleton, "Rig")
    bpy.context.view_layer.update()
    pose = retarget(person, read_target(armature, bpy.context.scene))
    key_pose(armature, pose, 1.0 + np.arange(len(pose.time_s)), "Walk")
    bpy.context.scene.render.fps = 25
    return armature


def reimport_fbx(path):
    bpy.ops.wm.read_factory_settings(use_empty=True)
    bpy.context.scene.render.fps = 25
    bpy.ops.import_scene.fbx(filepath=str(path), anim_offset=0.0)  # else a frame late
    (armature,) = (obj for obj in bpy.data.objects if obj.type == "ARMATURE")
    return armature


def joint(armature, bone):
    return np.array(armature.matrix_world @ armature.pose.bones[bone].head)


def require_joints(armature, person, within_m, first_frame=1):
    for row in range(len(person.heads_m)):
        bpy.context.scene.frame_set(first_frame + row)
        for number, bone in enumerate(person.skeleton.bones):
            gap = np.linalg.norm(joint(armature, bone) - person.heads_m[row, number])
            assert gap < within_m, (bone, row)


def test_joints_come_back_within_a_millimetre(rig, person, tmp_path):
    export_armature(bpy.context, rig, tmp_path / "walk.fbx")
    require_joints(reimport_fbx(tmp_path / "walk.fbx"), person, MILLIMETRE)


def test_nine_spine_bones_move_and_left_stays_left(rig, tmp_path):
    export_armature(bpy.context, rig, tmp_path / "walk.fbx")
    armature = reimport_fbx(tmp_path / "walk.fbx")
    moving = set()
    for curve in compat.action_channels(armature).fcurves:
        values = [point.co[1] for point in curve.keyframe_points]
        if '"spine_' in curve.data_path and np.ptp(values) > 1e-3:
            moving.add(curve.data_path.split('"')[1])
    assert len(moving) == 9
    bpy.context.scene.frame_set(1)
    left, right = joint(armature, "hand.L"), joint(armature, "hand.R")
    assert left[0] > 0.1 > -0.1 > right[0]
    assert left[2] > joint(armature, "upper_arm.L")[2] > right[2]


def test_only_the_chosen_armature_is_written(rig, tmp_path):
    other = rig.copy()
    bpy.context.collection.objects.link(other)
    bpy.ops.mesh.primitive_cube_add()
    bpy.data.actions.new("Somebody's work")
    export_armature(bpy.context, rig, tmp_path / "walk.fbx")
    reimport_fbx(tmp_path / "walk.fbx")
    assert [obj.name for obj in bpy.data.objects] == ["Rig"]
    assert len(bpy.data.actions) == 1


def test_exporting_changes_nothing_in_the_scene(rig, tmp_path):
    scene = bpy.context.scene
    scene.frame_start, scene.frame_end = 5, 9
    scene.frame_set(7)
    bpy.ops.mesh.primitive_cube_add()
    bpy.ops.object.mode_set(mode="EDIT")
    export_armature(bpy.context, rig, tmp_path / "walk.fbx")
    assert (scene.frame_start, scene.frame_end, scene.frame_current) == (5, 9, 7)
    assert bpy.context.mode == "EDIT_MESH"
    assert [obj.name for obj in bpy.context.selected_objects] == ["Cube"]


def test_an_earlier_file_is_replaced_whole(rig, tmp_path):
    path = tmp_path / "walk.fbx"
    path.write_bytes(b"old")
    export_armature(bpy.context, rig, path)
    assert path.stat().st_size > 10_000
    assert list(tmp_path.iterdir()) == [path]


def test_a_failed_export_leaves_the_earlier_file(rig, tmp_path, monkeypatch):
    path = tmp_path / "walk.fbx"
    path.write_bytes(b"old")

    def full_disk(_source, _target):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("track_spine.addon.export.os.replace", full_disk)
    with pytest.raises(OutputError, match="No space left"):
        export_armature(bpy.context, rig, path)
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("/proc/walk.fbx", "Choose another folder"),
        ("/no/such/folder/walk.fbx", "there is no folder /no/such/folder"),
        ("/proc", "it is a folder"),
    ],
)
def test_places_that_cannot_be_written_are_named_beforehand(path, words):
    with pytest.raises(OutputError, match=words):
        require_writable(Path(path))


@pytest.mark.usefixtures("extension")
def test_the_operator_writes_the_active_armature(rig, tmp_path):
    bpy.context.view_layer.objects.active = rig
    path = tmp_path / "walk.fbx"
    assert bpy.ops.track_spine.export(filepath=str(path)) == {"FINISHED"}
    assert path.is_file()
    with pytest.raises(RuntimeError, match=r"Cannot write /proc/walk\.fbx"):
        bpy.ops.track_spine.export(filepath="/proc/walk.fbx")


@pytest.mark.usefixtures("extension")
def test_the_operator_wants_an_armature():
    assert not bpy.ops.track_spine.export.poll()


def test_bvh_text_reads_back_within_a_millimetre(person, tmp_path):
    path = tmp_path / "walk.bvh"
    path.write_text(bvh_text(person.skeleton, person.motion), "utf-8")
    bpy.ops.import_anim.bvh(
        filepath=str(path), global_scale=0.01, axis_forward="-Z", axis_up="Y", frame_start=1
    )
    armature = bpy.context.active_object
    require_joints(armature, person, MILLIMETRE)
