# SPDX-License-Identifier: GPL-3.0-or-later
"""Where takes go."""

from pathlib import Path

import bpy
import pytest
from track_spine.addon.errors import OutputError
from track_spine.addon.run import takes_home
from track_spine.addon.take_folder import make_folder, take_folder
from track_spine.inference.protocol import TrackRequest


def folder_of(video, home, identity="", **choices):
    return take_folder(TrackRequest(str(video), "-", **choices), home, identity)


def test_the_same_clip_finds_its_take_again(tmp_path):
    video = tmp_path / "walk.mp4"
    video.write_bytes(b"1")
    first = folder_of(video, tmp_path)
    assert first == folder_of(video, tmp_path)
    assert first.parent == tmp_path
    assert first.name.startswith("walk-")


def test_another_person_or_a_changed_clip_is_another_take(tmp_path):
    video = tmp_path / "walk.mp4"
    video.write_bytes(b"1")
    first = folder_of(video, tmp_path)
    assert folder_of(video, tmp_path, subject_px=(3.0, 4.0)) != first
    video.write_bytes(b"22")
    assert folder_of(video, tmp_path) != first


def test_what_decides_the_points_decides_the_folder(tmp_path):
    video = tmp_path / "walk.mp4"
    same = {folder_of(video, tmp_path, subject_height_m=height) for height in (1.5, 1.9)}
    assert len(same | {folder_of(video, tmp_path, focal_px=900.0)}) == 1
    others = {folder_of(video, tmp_path, **choice) for choice in ({"trim": "3:9"}, {"rate_hz": 24})}
    others.add(folder_of(video, tmp_path, identity="other frames"))
    assert len(others | same) == 4


def test_clips_of_one_name_in_two_folders_do_not_meet():
    home = Path("/takes")
    assert folder_of("/a/walk.mp4", home) != folder_of("/b/walk.mp4", home)


def test_takes_lie_beside_a_saved_file(tmp_path):
    assert tmp_path not in (takes_home(), *takes_home().parents)
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "scene.blend"))
    assert takes_home() == tmp_path / "track_spine_takes"


def test_a_folder_that_cannot_be_made_is_named():
    with pytest.raises(OutputError, match="/proc/takes/walk"):
        make_folder(Path("/proc/takes/walk"))


def test_a_file_in_the_way_is_named(tmp_path):
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(OutputError, match="file/take"):
        make_folder(tmp_path / "file" / "take")
