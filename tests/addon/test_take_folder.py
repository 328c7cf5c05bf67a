# SPDX-License-Identifier: GPL-3.0-or-later
"""Where takes go."""

from pathlib import Path

import bpy
import pytest
from track_spine.addon.errors import OutputError
from track_spine.addon.run import default_take
from track_spine.addon.take_folder import make_folder, take_folder


def test_the_same_clip_finds_its_take_again(tmp_path):
    video = tmp_path / "walk.mp4"
    video.write_bytes(b"1")
    first = take_folder(video, None, tmp_path)
    assert first == take_folder(video, None, tmp_path)
    assert first.parent == tmp_path
    assert first.name.startswith("walk-")


def test_another_person_or_a_changed_clip_is_another_take(tmp_path):
    video = tmp_path / "walk.mp4"
    video.write_bytes(b"1")
    first = take_folder(video, None, tmp_path)
    assert take_folder(video, (3.0, 4.0), tmp_path) != first
    video.write_bytes(b"22")
    assert take_folder(video, None, tmp_path) != first


def test_clips_of_one_name_in_two_folders_do_not_meet():
    home = Path("/takes")
    assert take_folder(Path("/a/walk.mp4"), None, home) != take_folder(
        Path("/b/walk.mp4"), None, home
    )


def test_takes_lie_beside_a_saved_file(tmp_path):
    unsaved = default_take(tmp_path / "walk.mp4", None)
    assert tmp_path not in unsaved.parents
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "scene.blend"))
    assert default_take(tmp_path / "walk.mp4", None).parent == tmp_path / "track_spine_takes"


def test_a_folder_that_cannot_be_made_is_named():
    with pytest.raises(OutputError, match="/proc/takes/walk"):
        make_folder(Path("/proc/takes/walk"))


def test_a_file_in_the_way_is_named(tmp_path):
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(OutputError, match="file/take"):
        make_folder(tmp_path / "file" / "take")
