# SPDX-License-Identifier: GPL-3.0-or-later
"""The big button, in background mode, with workers that only pretend."""

import json

import addon_utils
import bpy
import numpy as np
import pytest
from track_spine.addon import compat
from track_spine.addon.run import chosen_target

pytestmark = pytest.mark.usefixtures("extension")


def track(clip_file, tmp_path, **settings):
    return bpy.ops.track_spine.track(
        filepath=str(clip_file), take=str(tmp_path / "take"), **settings
    )


def moving_spine_bones(armature):
    moving = set()
    for curve in compat.action_channels(armature).fcurves:
        values = [point.co[1] for point in curve.keyframe_points]
        if '"spine_' in curve.data_path and np.ptp(values) > 1e-3:
            moving.add(curve.data_path.split('"')[1])
    return moving


def test_a_clip_becomes_a_rig_that_moves(use_fake, lifted_file, clip_file, tmp_path, capfd):
    use_fake("tracks", lifted_file)
    assert track(clip_file, tmp_path, subject_height=1.75) == {"FINISHED"}
    armature = bpy.context.active_object
    assert armature.type == "ARMATURE" and armature.name == "walk" and armature.select_get()
    assert len(moving_spine_bones(armature)) == 9
    settings = bpy.context.scene.track_spine
    assert settings.last_report.splitlines() == [
        "Tracked 30 of 40 frames",
        "10 without the person",
        "Focal length 80 px",
        "Spine seen with 90% confidence",
        "Spine within 0.3% of the curve, 0.4% at worst",
        "Armature: walk",
        "Action: walk Track",
        "Camera: walk Camera",
    ]
    assert settings.last_take == str(tmp_path / "take")
    assert settings.clip.name == "walk.mp4"
    marks = armature.animation_data.action.pose_markers
    assert [(mark.name, mark.frame) for mark in marks] == [("Lost", 20), ("Found", 31)]
    lines = [line for line in capfd.readouterr().out.splitlines() if line.startswith("{")]
    assert [json.loads(line)["type"] for line in lines][-1] == "result"
    assert {json.loads(line)["type"] for line in lines} == {"progress", "result"}


def test_the_request_carries_the_settings(use_fake, lifted_file, clip_file, tmp_path, requests):
    use_fake("tracks", lifted_file)
    settings = bpy.context.scene.track_spine
    settings.use_subject_point = True
    settings.subject_point = (30, 20)
    settings.subject_height = 1.5
    track(clip_file, tmp_path)
    track(clip_file, tmp_path, subject_height=1.8)
    first, second = requests
    assert first.video == str(clip_file) and first.take == str(tmp_path / "take")
    assert first.subject_px == (30.0, 20.0)
    assert first.subject_s == 0.0 and first.people == "one"
    assert first.subject_height_m == pytest.approx(1.5)
    assert second.subject_height_m == pytest.approx(1.8)


def test_an_empty_timeline_takes_the_clips_rate(use_fake, lifted_file, clip_file, tmp_path):
    use_fake("tracks", lifted_file)
    scene = bpy.context.scene
    scene.render.fps = 24
    track(clip_file, tmp_path)
    assert (scene.render.fps, scene.render.fps_base) == (25, 1.0)
    assert (scene.frame_start, scene.frame_end) == (1, 40)
    curve = compat.action_channels(bpy.context.active_object).fcurves[0]
    frames = [point.co[0] for point in curve.keyframe_points]
    assert frames == [*range(1, 21), *range(31, 41)]


def test_a_timeline_in_use_is_left_alone_with_a_warning(
    use_fake, lifted_file, clip_file, tmp_path, capfd
):
    use_fake("tracks", lifted_file)
    scene = bpy.context.scene
    scene.render.fps, scene.frame_end = 24, 99
    bpy.data.actions.new("Somebody's work")
    track(clip_file, tmp_path)
    assert (scene.render.fps, scene.frame_end) == (24, 99)
    assert scene.camera is None and scene.render.resolution_x == 1920
    curve = compat.action_channels(bpy.context.active_object).fcurves[0]
    frames = [point.co[0] for point in curve.keyframe_points]
    assert frames[:3] == pytest.approx([1.0, 1.96, 2.92], abs=1e-5)
    assert "plays at 25 frames a second, the scene at 24" in capfd.readouterr().out


def test_the_clip_may_begin_at_any_frame(use_fake, lifted_file, clip_file, tmp_path):
    use_fake("tracks", lifted_file)
    clip = bpy.data.movieclips.load(str(clip_file))
    clip.frame_start, clip.frame_offset = 101, 1
    bpy.context.scene.track_spine.clip = clip
    bpy.ops.track_spine.track(take=str(tmp_path / "take"))
    curve = compat.action_channels(bpy.context.active_object).fcurves[0]
    assert curve.keyframe_points[0].co[0] == 100
    assert bpy.context.scene.frame_start == 100


def test_the_camera_lies_over_the_footage(use_fake, lifted_file, clip_file, tmp_path):
    use_fake("tracks", lifted_file)
    track(clip_file, tmp_path)
    scene = bpy.context.scene
    camera = scene.camera
    assert camera.name == "walk Camera"
    assert tuple(camera.matrix_world.translation) == pytest.approx((0, -4, 1))
    assert (scene.render.resolution_x, scene.render.resolution_y) == (64, 48)
    background = camera.data.background_images[0]
    assert background.clip.name == "walk.mp4" and camera.data.show_background_images
    track(clip_file, tmp_path)
    assert [obj.name for obj in scene.objects if obj.type == "CAMERA"] == ["walk Camera"]
    assert len(camera.data.background_images) == 1


def test_a_second_run_adds_a_second_rig(use_fake, lifted_file, clip_file, tmp_path):
    use_fake("tracks", lifted_file)
    track(clip_file, tmp_path)
    track(clip_file, tmp_path)
    armatures = [obj for obj in bpy.context.scene.objects if obj.type == "ARMATURE"]
    assert len(armatures) == 2
    assert len({armature.animation_data.action for armature in armatures}) == 2


def test_the_first_run_s_rig_can_be_animated_again(use_fake, lifted_file, clip_file, tmp_path):
    use_fake("tracks", lifted_file)
    track(clip_file, tmp_path)
    armature = bpy.context.active_object
    first = armature.animation_data.action
    track(clip_file, tmp_path, target=armature.name)
    assert armature.animation_data.action != first
    assert first.use_fake_user
    assert "Kept: walk Track" in bpy.context.scene.track_spine.last_report.splitlines()
    assert [obj for obj in bpy.context.scene.objects if obj.type == "ARMATURE"] == [armature]


def test_constraints_that_may_hide_the_motion_are_named(
    use_fake, lifted_file, clip_file, tmp_path, capfd
):
    use_fake("tracks", lifted_file)
    track(clip_file, tmp_path)
    armature = bpy.context.active_object
    for bone, mute in (("spine_02", False), ("spine_03", True)):
        armature.pose.bones[bone].constraints.new("LIMIT_ROTATION").mute = mute
    capfd.readouterr()
    track(clip_file, tmp_path, target=armature.name)
    assert "against the new keys: spine_02. Mute" in capfd.readouterr().out


@pytest.mark.parametrize(
    ("behaviour", "words"),
    [
        ("rubbish", "not the worker of Track Spine"),
        ("dies", "ImportError: no module named numpy"),
        ("dies_later", "Killed by the test"),
        ("fails", "clip.mp4 holds no video stream"),
        ("crashes", "KeyError"),
        ("nobody", "Nobody was found"),
    ],
)
def test_a_bad_worker_is_reported_and_changes_nothing(
    use_fake, clip_file, tmp_path, behaviour, words
):
    use_fake(behaviour)
    with pytest.raises(RuntimeError, match=words):
        track(clip_file, tmp_path)
    assert not bpy.data.armatures and not bpy.data.actions and not bpy.data.movieclips


def test_a_worker_python_that_is_not_there_is_named(clip_file, tmp_path):
    import track_spine

    track_spine.unregister()  # Blender's own switch registers it again, with its preferences
    addon_utils.enable("track_spine", default_set=True)
    preferences = bpy.context.preferences.addons["track_spine"].preferences
    preferences.worker_python = str(tmp_path / "gone" / "python")
    with pytest.raises(RuntimeError, match=r"Cannot start the worker with .*gone.*preferences"):
        track(clip_file, tmp_path)


def test_without_a_clip_it_says_so():
    with pytest.raises(RuntimeError, match="No movie clip is open"):
        bpy.ops.track_spine.track()


@pytest.fixture
def sequence(tmp_path):
    """A clip of four pictures, numbered from 7."""
    image = bpy.data.images.new("frame", 8, 8)
    image.file_format = "PNG"
    for number in range(7, 11):
        image.filepath_raw = str(tmp_path / f"frame_{number:04}.png")
        image.save()
    clip = bpy.data.movieclips.load(str(tmp_path / "frame_0007.png"))
    assert clip.source == "SEQUENCE"
    bpy.context.scene.track_spine.clip = clip
    return clip


def test_an_image_sequence_is_tracked_at_the_rate_of_the_scene_or_the_panel(
    use_fake, lifted_file, sequence, tmp_path, requests
):
    use_fake("tracks", lifted_file)
    bpy.context.scene.render.fps = 30
    bpy.ops.track_spine.track(take=str(tmp_path / "take"))
    bpy.context.scene.track_spine.sequence_rate = 12.5
    bpy.ops.track_spine.track(take=str(tmp_path / "take"))
    assert [request.rate_hz for request in requests] == [30.0, 12.5]
    assert requests[0].video == str(tmp_path / "frame_0007.png")


def test_a_person_picked_later_is_followed_from_there(
    use_fake, lifted_file, clip_file, tmp_path, requests
):
    use_fake("tracks", lifted_file)
    settings = bpy.context.scene.track_spine
    settings.clip = bpy.data.movieclips.load(str(clip_file))
    settings.clip.frame_start = 101
    settings.use_subject_point, settings.subject_point = True, (30, 20)
    settings.subject_frame = 111
    bpy.ops.track_spine.track(take=str(tmp_path / "take"))
    settings.people = "ALL"
    bpy.ops.track_spine.track(take=str(tmp_path / "take"))
    picked, everybody = requests
    assert picked.subject_s == pytest.approx(9.5 / 25.0)
    assert (everybody.people, everybody.subject_px, everybody.subject_s) == ("all", None, 0.0)


@pytest.mark.parametrize(
    ("settings", "trim"),
    [
        ({}, None),
        ({"part": "SCENE"}, "9:30"),
        ({"part": "FRAMES", "part_frames": (101, 110)}, "0:10"),
        ({"part": "FRAMES", "part_frames": (1, 102)}, "0:2"),
        ({"part": "SECONDS", "part_seconds": (0.5, 1.25)}, "0.500000s:1.250000s"),
    ],
)
def test_parts_are_counted_from_the_clip_s_first_frame(
    use_fake, lifted_file, clip_file, tmp_path, requests, settings, trim
):
    use_fake("tracks", lifted_file)
    scene = bpy.context.scene
    clip = bpy.data.movieclips.load(str(clip_file))
    clip.frame_start = 101
    scene.frame_start, scene.frame_end = 110, 130
    scene.track_spine.clip = clip
    for name, value in settings.items():
        setattr(scene.track_spine, name, value)
    bpy.ops.track_spine.track(take=str(tmp_path / "take"))
    assert requests[0].trim == trim


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"part": "FRAMES", "part_frames": (20, 10)}, "20 to 10 hold nothing"),
        ({"part": "FRAMES", "part_frames": (41, 50)}, "which lies on 1 to 40"),
        ({"part": "FRAMES", "part_frames": (-5, 0)}, "-5 to 0 hold nothing"),
        ({"part": "SECONDS", "part_seconds": (2.0, 2.0)}, "2 to 2 seconds holds nothing"),
    ],
)
def test_a_part_without_a_frame_is_told_before_the_work(clip_file, settings, words):
    chosen = bpy.context.scene.track_spine
    chosen.clip = bpy.data.movieclips.load(str(clip_file))
    for name, value in settings.items():
        setattr(chosen, name, value)
    with pytest.raises(RuntimeError, match=words):
        bpy.ops.track_spine.track()


def test_a_take_folder_that_cannot_be_made_is_named(clip_file):
    with pytest.raises(RuntimeError, match="/proc/take"):
        bpy.ops.track_spine.track(filepath=str(clip_file), take="/proc/take")


def test_a_height_no_person_has_is_refused(clip_file, tmp_path):
    with pytest.raises(RuntimeError, match=r"Subject height is 17"):
        track(clip_file, tmp_path, subject_height=17.0)


def test_footage_that_blender_cannot_show_still_gives_a_rig(use_fake, lifted_file, tmp_path, capfd):
    use_fake("tracks", lifted_file)
    strange = tmp_path / "strange.mp4"
    strange.write_bytes(b"not a movie")
    track(strange, tmp_path)
    assert bpy.context.active_object.name == "strange"
    assert bpy.context.scene.render.fps == 25
    assert "Blender cannot show" in capfd.readouterr().out


def test_footage_that_blender_shows_on_its_side_stays_off_the_camera(
    use_fake, lifted_file, clip_file, tmp_path, capfd
):
    with np.load(lifted_file) as arrays:
        turned = {**arrays, "image_size_px": np.array([48, 64])}
    np.savez(tmp_path / "turned.npz", **turned)
    use_fake("tracks", tmp_path / "turned.npz")
    track(clip_file, tmp_path)
    assert not bpy.context.scene.camera.data.background_images
    assert bpy.context.scene.render.resolution_y == 64
    assert "lying on its side" in capfd.readouterr().out


def test_scenes_in_centimetres_get_a_person_of_true_size(
    use_fake, lifted_file, clip_file, tmp_path, person
):
    use_fake("tracks", lifted_file)
    bpy.context.scene.unit_settings.scale_length = 0.01
    bpy.context.scene.track_spine.subject_height = 175.0
    track(clip_file, tmp_path)
    bpy.context.scene.frame_set(1)
    head = bpy.context.active_object.pose.bones["spine_09_head"]
    index = person.skeleton.index("spine_09_head")
    assert head.head.z == pytest.approx(100.0 * person.heads_m[0, index, 2], rel=0.05)


def test_the_user_s_mode_and_selection_survive(use_fake, lifted_file, clip_file, tmp_path):
    use_fake("tracks", lifted_file)
    bpy.ops.mesh.primitive_cube_add()
    bpy.ops.object.mode_set(mode="EDIT")
    track(clip_file, tmp_path)
    assert bpy.context.mode == "EDIT_MESH"
    assert bpy.context.active_object.name == "Cube"
    assert bpy.data.objects["walk"].animation_data.action


def test_the_selected_armature_is_meant_unless_the_panel_names_one():
    context = bpy.context
    assert chosen_target(context) == ""
    bpy.ops.object.armature_add()
    assert chosen_target(context) == "Armature"
    context.active_object.select_set(False)
    assert chosen_target(context) == ""
    context.scene.track_spine.target = context.active_object
    assert chosen_target(context) == "Armature"
    bpy.ops.mesh.primitive_cube_add()
    assert chosen_target(context) == "Armature"


def test_an_armature_that_does_not_fit_is_told_before_the_work(use_fake, clip_file, tmp_path):
    use_fake("dies")
    bpy.ops.object.armature_add()
    with pytest.raises(RuntimeError, match=r"'Armature' cannot take the motion.*To get a new"):
        track(clip_file, tmp_path, target="Armature")
    assert not (tmp_path / "take").exists()
