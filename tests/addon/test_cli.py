# SPDX-License-Identifier: GPL-3.0-or-later
"""`blender --command track_spine`: files out, JSON lines, exit codes."""

import json
import os
import signal

import bpy
import numpy as np
import pytest
from track_spine.addon import cli, compat, modal, run

pytestmark = pytest.mark.usefixtures("extension")


@pytest.fixture
def call(capfd):
    """Run the command; gives its exit code and its JSON lines."""

    def run(*arguments):
        code = cli.main([str(argument) for argument in arguments])
        lines = [line for line in capfd.readouterr().out.splitlines() if line.startswith("{")]
        return code, [json.loads(line) for line in lines]

    return run


@pytest.fixture
def hero_file(tmp_path):
    """A .blend with an armature of our own bones and something else in it."""
    from track_spine.addon.armature import build_armature
    from track_spine.rigging.skeleton import canonical_skeleton

    build_armature(bpy.context, canonical_skeleton({}), "Hero")
    bpy.ops.mesh.primitive_cube_add()
    path = tmp_path / "hero.blend"
    bpy.ops.wm.save_as_mainfile(filepath=str(path))
    return path


def test_a_clip_becomes_fbx_and_blend(use_fake, lifted_file, clip_file, tmp_path, call):
    use_fake("tracks", lifted_file)
    out, blend = tmp_path / "walk.fbx", tmp_path / "walk.blend"
    code, lines = call(clip_file, "--out", out, "--blend", blend, "--height", 1.8)
    assert code == cli.DONE
    assert [line["type"] for line in lines if line["type"] != "progress"] == ["result", "written"]
    assert lines[-1]["files"] == [str(out)] and lines[-1]["blend"] == str(blend)
    assert lines[-1]["summary"] == "Tracked 30 of 40 frames, 10 without the person"
    assert lines[-1]["warnings"] == []
    assert out.stat().st_size > 10_000
    assert (tmp_path / "walk.take" / "lifted.npz").is_file()
    bpy.ops.wm.open_mainfile(filepath=str(blend))
    scene = bpy.context.scene
    assert (scene.render.fps, scene.frame_start, scene.frame_end) == (25, 1, 40)
    assert {obj.type for obj in scene.objects} == {"ARMATURE", "CAMERA"}


def test_a_rig_of_a_file_is_animated_in_its_scene(
    use_fake, lifted_file, clip_file, tmp_path, call, hero_file
):
    use_fake("tracks", lifted_file)
    out, blend = tmp_path / "walk.fbx", tmp_path / "done.blend"
    code, lines = call(clip_file, "--out", out, "--blend", blend, "--rig", f"{hero_file}:Hero")
    assert code == cli.DONE
    assert lines[-1]["armatures"] == ["Hero"]
    bpy.ops.wm.open_mainfile(filepath=str(blend))
    assert {"Hero", "Cube"} <= set(bpy.data.objects.keys())
    curves = compat.action_channels(bpy.data.objects["Hero"]).fcurves
    assert any(np.ptp([point.co[1] for point in curve.keyframe_points]) > 0.1 for curve in curves)


@pytest.fixture
def requests(monkeypatch):
    """What workers are asked, in order."""
    asked, job = [], run.TrackJob

    def start(worker, request, feed):
        asked.append(request)
        return job(worker, request, feed)

    monkeypatch.setattr(run, "TrackJob", start)
    return asked


@pytest.fixture
def shot(tmp_path):
    """Folder of a sequence of pictures that Blender can open."""
    folder = tmp_path / "shot"
    folder.mkdir()
    image = bpy.data.images.new("frame", 64, 48)
    image.file_format = "PNG"
    for number in range(9, 49):
        image.filepath_raw = str(folder / f"walk_{number:04}.png")
        image.save()
    return folder


@pytest.mark.parametrize("name", [".", "walk_####.png", "walk_0009.png"])
def test_an_image_sequence_becomes_fbx(use_fake, lifted_file, shot, tmp_path, call, requests, name):
    use_fake("tracks", lifted_file)
    out, blend = tmp_path / "walk.fbx", tmp_path / "walk.blend"
    code, lines = call(shot / name, "--out", out, "--blend", blend, "--fps", 25)
    assert code == cli.DONE
    assert (requests[0].video, requests[0].rate_hz) == (str(shot / name), 25.0)
    assert out.stat().st_size > 10_000
    bpy.ops.wm.open_mainfile(filepath=str(blend))
    scene = bpy.context.scene
    assert (scene.render.fps, scene.frame_start, scene.frame_end) == (25, 1, 40)
    # Blender opens a sequence by its first picture only.
    shown = scene.camera.data.background_images
    if name == "walk_0009.png":
        assert shown[0].clip.source == "SEQUENCE"
        assert lines[-1]["warnings"] == []
    else:
        assert not shown
        assert "Blender cannot show" in lines[-1]["warnings"][0]


def test_a_part_lies_over_the_footage_where_it_was_cut(
    use_fake, lifted_file, clip_file, tmp_path, call, requests
):
    with np.load(lifted_file) as arrays:
        part = {
            name: array[12:] if array.shape[:1] == (40,) else array
            for name, array in arrays.items()
        }
    np.savez(tmp_path / "part.npz", **part)
    use_fake("tracks", tmp_path / "part.npz")
    blend = tmp_path / "walk.blend"
    command = (clip_file, "--out", tmp_path / "walk.fbx", "--blend", blend)
    assert call(*command, "--trim", "12:")[0] == cli.DONE
    assert requests[0].trim == "12:"
    bpy.ops.wm.open_mainfile(filepath=str(blend))
    scene = bpy.context.scene
    assert (scene.frame_start, scene.frame_end) == (13, 40)
    armature = next(obj for obj in scene.objects if obj.type == "ARMATURE")
    curve = compat.action_channels(armature).fcurves[0]
    frames = [point.co[0] for point in curve.keyframe_points]
    assert frames == [*range(13, 21), *range(31, 41)]


def test_damage_is_a_warning(use_fake, lifted_file, clip_file, tmp_path, call):
    use_fake("damaged", lifted_file)
    code, lines = call(clip_file, "--out", tmp_path / "walk.fbx")
    assert code == cli.DONE
    assert lines[-1]["warnings"] == ["2 damaged frames were left out (4, 9)"]


@pytest.mark.parametrize("wrong", [("--trim", "5-9"), ("--fps", -1)])
def test_a_wrong_trim_or_rate_is_told_before_the_work(use_fake, clip_file, tmp_path, call, wrong):
    use_fake("dies")
    code, lines = call(clip_file, "--out", tmp_path / "x.fbx", *wrong)
    assert code == cli.WRONG_ARGUMENTS
    assert lines[-1]["kind"] == "ProtocolError"


@pytest.mark.parametrize(
    ("behaviour", "code", "kind"),
    [
        ("nobody", cli.NOBODY_FOUND, "NobodyFoundError"),
        ("fails", cli.FAILED, "WorkerError"),
        ("dies", cli.FAILED, "WorkerError"),
        ("rubbish", cli.FAILED, "WorkerError"),
    ],
)
def test_each_failure_has_its_exit_code(use_fake, clip_file, tmp_path, call, behaviour, code, kind):
    use_fake(behaviour)
    got, lines = call(clip_file, "--out", tmp_path / "walk.fbx")
    assert got == code
    assert (lines[-1]["type"], lines[-1]["kind"]) == ("error", kind)
    assert not (tmp_path / "walk.fbx").exists()


@pytest.mark.parametrize("behaviour", ["stops", "deaf"])
def test_ctrl_c_stops_in_good_order_and_twice_at_once(
    use_fake, clip_file, tmp_path, call, monkeypatch, behaviour
):
    use_fake(behaviour)
    tell = modal._print_message

    def interrupt(message):
        tell(message)
        os.kill(os.getpid(), signal.SIGINT)
        if behaviour == "deaf":
            os.kill(os.getpid(), signal.SIGINT)

    monkeypatch.setattr(modal, "_print_message", interrupt)
    before = signal.getsignal(signal.SIGINT)
    code, lines = call(clip_file, "--out", tmp_path / "walk.fbx")
    assert code == cli.STOPPED
    assert lines[-1]["kind"] == "StoppedError"
    assert "goes on from there" in lines[-1]["message"]
    assert signal.getsignal(signal.SIGINT) == before


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["clip.mp4"],
        ["clip.mp4", "--out", "x.fbx", "--subject", "12"],
        ["clip.mp4", "--out", "x.fbx", "--subject", "a,b"],
        ["clip.mp4", "--out", "x.fbx", "--rig", "missing.blend:Rig"],
        ["clip.mp4", "--out", "x.fbx", "--rig", "no-colon"],
        ["clip.mp4", "--out", "x.fbx", "--height", "tall"],
        ["clip.mp4", "--out", "x.fbx", "--unknown"],
    ],
)
def test_wrong_arguments(call, arguments):
    assert call(*arguments)[0] == cli.WRONG_ARGUMENTS


def test_a_height_no_person_has_is_a_wrong_argument(call, clip_file, tmp_path):
    code, lines = call(clip_file, "--out", tmp_path / "x.fbx", "--height", 17)
    assert code == cli.WRONG_ARGUMENTS
    assert "0.3 and 2.8 m" in lines[-1]["message"]


def test_help_is_no_error(call):
    assert call("--help")[0] == cli.DONE


def test_outputs_are_checked_before_the_work(use_fake, clip_file, tmp_path, call):
    use_fake("dies")
    for out in ("/proc/walk.fbx", tmp_path / "missing" / "walk.fbx"):
        code, lines = call(clip_file, "--out", out)
        assert code == cli.FAILED
        assert lines[-1]["kind"] == "OutputError" and str(out) in lines[-1]["message"]


def test_a_rig_that_does_not_fit_is_told_before_the_work(
    use_fake, clip_file, tmp_path, call, hero_file
):
    use_fake("dies")
    code, lines = call(clip_file, "--out", tmp_path / "x.fbx", "--rig", f"{hero_file}:Cube")
    assert code == cli.FAILED
    assert "'Cube' is no armature" in lines[-1]["message"]
    code, lines = call(clip_file, "--out", tmp_path / "x.fbx", "--rig", f"{hero_file}:Villain")
    assert "'Villain'" in lines[-1]["message"]


def test_a_rig_file_that_is_no_blend_is_named(use_fake, clip_file, tmp_path, call):
    use_fake("dies")
    (tmp_path / "bad.blend").write_bytes(b"not a blend")
    code, lines = call(clip_file, "--out", tmp_path / "x.fbx", "--rig", f"{tmp_path}/bad.blend:Rig")
    assert code == cli.FAILED
    assert "bad.blend" in lines[-1]["message"]


def test_formats_presets_and_fewer_keys(use_fake, lifted_file, clip_file, tmp_path, call):
    use_fake("tracks", lifted_file)
    out = tmp_path / "walk.glb"
    options = ("--for", "godot", "--max-error", 2, "--keep-stages")
    code, lines = call(clip_file, "--out", out, "--blend", tmp_path / "walk.blend", *options)
    assert code == cli.DONE
    assert lines[-1]["files"] == [str(out)]
    assert b'"Hips"' in out.read_bytes()
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "walk.blend"))
    armature = next(obj for obj in bpy.data.objects if obj.type == "ARMATURE")
    assert [track.name for track in armature.animation_data.nla_tracks] == ["walk Raw"]
    counts = [len(curve.keyframe_points) for curve in compat.action_channels(armature).fcurves]
    assert max(counts) < 15  # of 30


def test_a_layer_over_the_rigs_animation(
    use_fake, lifted_file, clip_file, tmp_path, call, hero_file
):
    use_fake("tracks", lifted_file)
    blend = tmp_path / "done.blend"
    rig = ("--rig", f"{hero_file}:Hero", "--layer", "add", "--parts", "spine", "--from-first")
    code, lines = call(clip_file, "--out", tmp_path / "walk.usd", "--blend", blend, *rig)
    assert code == cli.DONE, lines[-1]
    bpy.ops.wm.open_mainfile(filepath=str(blend))
    (track,) = bpy.data.objects["Hero"].animation_data.nla_tracks
    assert track.strips[0].blend_type == "COMBINE"


@pytest.mark.parametrize(
    ("out", "option"),
    [("walk.obj", ()), ("walk.fbx", ("--parts", "tail")), ("walk.fbx", ("--for", "maya"))],
)
def test_formats_parts_and_programs_that_are_none(clip_file, tmp_path, call, out, option):
    code, _ = call(clip_file, "--out", tmp_path / out, *option)
    assert code in (cli.FAILED, cli.WRONG_ARGUMENTS)
    assert list(tmp_path.glob("*.take")) == []
