# SPDX-License-Identifier: GPL-3.0-or-later
"""The whole path on a real clip: the operator with its real worker, then FBX out and in again."""

import bpy
import numpy as np
import pytest
import track_spine
from track_spine.addon.export import export_armature
from track_spine.rigging.motion import load_lifted
from track_spine.rigging.reconstruct import reconstruct

WALKER_PX = (640, 370)
"""A point of the short clip that the walking woman passes; the man on the roof is as large."""


@pytest.fixture(scope="module")
def tracked(short_clip, tmp_path_factory):
    """The scene after the button was pressed without a window, and what was solved."""
    folder = tmp_path_factory.mktemp("end_to_end")
    bpy.ops.wm.read_factory_settings(use_empty=True)
    track_spine.register()
    try:
        settings = bpy.context.scene.track_spine
        settings.use_subject_point, settings.subject_point = True, WALKER_PX
        result = bpy.ops.track_spine.track(
            filepath=str(short_clip), subject_height=1.65, take=str(folder / "take")
        )
        assert result == {"FINISHED"}
        (motion,) = load_lifted(folder / "take" / "lifted.npz").values()
        armature = next(item for item in bpy.data.objects if item.type == "ARMATURE")
        fbx = folder / "person.fbx"
        solved = reconstruct(motion)
        keyed = joint_positions(armature, solved)
        export_armature(bpy.context, armature, fbx)
        rate = bpy.context.scene.render.fps
    finally:
        track_spine.unregister()
    bpy.ops.wm.read_factory_settings(use_empty=True)
    bpy.context.scene.render.fps = (
        rate  # FBX times are seconds: the importer counts in scene frames
    )
    bpy.ops.import_scene.fbx(filepath=str(fbx), anim_offset=0.0)  # else a frame late
    imported = next(item for item in bpy.data.objects if item.type == "ARMATURE")
    return solved, keyed, joint_positions(imported, solved), spine_angles(imported, solved)


def joint_positions(armature, solved):
    """(T, B, 3) heads of the bones in the world at every frame with the person in it, metres."""
    first = bpy.context.scene.frame_start
    heads = []
    for frame in np.flatnonzero(solved.motion.valid):
        bpy.context.scene.frame_set(first + int(frame))
        bones = armature.pose.bones
        heads.append([armature.matrix_world @ bones[name].head for name in solved.motion.bones])
    return np.array(heads)


def spine_angles(armature, solved):
    """(T, 9, 4) rotations of the spine bones against their parents."""
    names = [name for name in solved.motion.bones if name.startswith("spine_")]
    assert len(names) == 9
    first = bpy.context.scene.frame_start
    rotations = []
    for frame in np.flatnonzero(solved.motion.valid):
        bpy.context.scene.frame_set(first + int(frame))
        basis = [armature.pose.bones[name].matrix_basis.to_quaternion() for name in names]
        rotations.append(basis)
    return np.array(rotations)


def test_the_rig_moves_as_solved_to_a_millimetre(tracked):
    solved, keyed, _, _ = tracked
    error = np.linalg.norm(keyed - solved.heads_m[solved.motion.valid], axis=-1)
    assert error.max() < 1e-3


def test_fbx_comes_back_to_a_millimetre(tracked):
    solved, _, imported, _ = tracked
    error = np.linalg.norm(imported - solved.heads_m[solved.motion.valid], axis=-1)
    assert error.max() < 1e-3


def test_nine_spine_bones_move(tracked):
    _, _, _, rotations = tracked
    against_first = np.abs((rotations * rotations[:1]).sum(axis=-1)).clip(0, 1)
    assert np.degrees(2 * np.arccos(against_first)).max(axis=0).min() > 0.5


def test_left_stays_left_and_the_walker_walks(tracked):
    solved, _, imported, _ = tracked
    index = {name: number for number, name in enumerate(solved.motion.bones)}
    across = imported[:, index["thigh.L"]] - imported[:, index["thigh.R"]]
    travel = imported[-1, index["pelvis"]] - imported[0, index["pelvis"]]
    ahead = travel / np.linalg.norm(travel)
    left = np.cross([0.0, 0.0, 1.0], ahead)
    assert (across @ left > 0).mean() > 0.9  # her left hip is on the left of where she goes
    assert travel[0] < -0.5  # she walks to the left of the picture
    heads = imported[:, index["spine_09_head"], 2]
    assert heads.min() > 1.2 and heads.max() < 1.8
