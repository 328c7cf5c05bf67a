# SPDX-License-Identifier: GPL-3.0-or-later
"""The zip as a user gets it: what is in it, installed in an empty Blender, used, switched off.

TRACK_SPINE_ZIP names a zip with wheels, as `make extension` builds it; else one without is built.
"""

import json
import os
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import av
import pytest
from track_spine.tools.build_extension import ROOT, build
from track_spine.tools.pinned_wheel import CACHE

PROBE = Path(__file__).with_name("extension_probe.py")
SAMPLE = CACHE / "sample" / "demo.mp4"
PLATFORM = {"linux": "linux-x64", "darwin": "macos-arm64", "win32": "windows-x64"}[sys.platform]
WITH_WHEELS = os.environ.get("TRACK_SPINE_ZIP", "")
FRAMES = 24


@pytest.fixture(scope="module")
def archive(tmp_path_factory):
    return Path(WITH_WHEELS) if WITH_WHEELS else build(PLATFORM, (), tmp_path_factory.mktemp("out"))


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    """The first frames of the sample clip, as they are in its stream."""
    path = tmp_path_factory.mktemp("clip") / "short.mp4"
    with av.open(str(SAMPLE)) as source, av.open(str(path), "w") as target:
        stream = target.add_stream_from_template(source.streams.video[0])
        for _, packet in zip(range(FRAMES), source.demux(video=0), strict=False):
            packet.stream = stream
            target.mux(packet)
    return path


@pytest.fixture(scope="module")
def seen(archive, clip, tmp_path_factory):
    """What the probe saw, in a Blender of its own with an empty user folder."""
    folder = tmp_path_factory.mktemp("blender")
    report = folder / "report.json"
    run = subprocess.run(
        [sys.executable, str(PROBE), "--", str(archive.resolve()), str(clip), str(report)],
        env={**os.environ, "BLENDER_USER_RESOURCES": str(folder / "user")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0 and report.is_file(), run.stdout + run.stderr
    return json.loads(report.read_text("utf-8"))


def test_the_zip_holds_only_what_is_shipped(archive):
    with zipfile.ZipFile(archive) as opened:
        names = set(opened.namelist())
    top = {name.partition("/")[0] for name in names} - {"wheels"}
    files = {"LICENSE", "NOTICE", "__init__.py", "blender_manifest.toml"}
    assert top == files | {"addon", "inference", "models", "rigging"}
    packages = [name for name in names if name.startswith(("addon/", "inference/", "rigging/"))]
    assert {Path(name).suffix for name in packages} == {".py"}
    assert not [name for name in names if "__pycache__" in name]


def test_the_manifest_is_the_repositorys_with_the_platform(archive):
    with zipfile.ZipFile(archive) as opened:
        built = tomllib.loads(opened.read("blender_manifest.toml").decode("utf-8"))
        wheels = {f"./{name}" for name in opened.namelist() if name.startswith("wheels/")}
    assert built.pop("platforms") == [PLATFORM]
    assert set(built.pop("wheels", ())) == wheels
    assert built == tomllib.loads((ROOT / "blender_manifest.toml").read_text("utf-8"))


def test_it_adds_its_operators_settings_and_command(seen):
    added = set(seen["added"])
    assert {
        "type TRACK_SPINE_OT_track",
        "property Scene.track_spine",
        "command track_spine",
    } < added


def test_switched_off_it_leaves_nothing_behind(seen):
    assert seen["left"] == []


def test_switched_on_again_it_is_as_before(seen):
    assert seen["added_otherwise_again"] == []


def test_blender_finds_no_policy_violation(seen):
    assert seen["policy_violations"] == {}
    assert seen["stray_modules"] == []


def test_the_installed_extension_tracks_a_clip(seen):
    spine = [name for name in seen["track"]["bones"] if name.startswith("spine_")]
    assert len(spine) == 9
    keys = seen["track"]["keys"]
    assert all(keys[f'pose.bones["{name}"].rotation_quaternion'] == FRAMES for name in spine)


@pytest.mark.skipif(not WITH_WHEELS, reason="needs the zip of `make extension` in TRACK_SPINE_ZIP")
def test_the_worker_uses_the_wheels_of_the_zip(seen):
    wheels = Path(seen["extensions"]) / ".local"
    assert [
        file for file in seen["track"]["libraries"] if not Path(file).is_relative_to(wheels)
    ] == []
