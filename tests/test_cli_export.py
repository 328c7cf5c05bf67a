# SPDX-License-Identifier: GPL-3.0-or-later
"""`track-spine export`: a take becomes files that labs and animation programs read."""

import sys

import ezc3d
import numpy as np
import pytest
from track_spine import cli
from track_spine.rigging.filters import smooth
from track_spine.rigging.motion import load_lifted
from track_spine.rigging.skeleton import canonical_skeleton

from .rigging.conftest import key_points, pose, turn_about

FRAMES, RATE_HZ = 30, 25.0


def write_take(folder, people=1):
    """A person who nods, as inference would write it; the left wrist is unseen in frame 3 to 9."""
    skeleton = canonical_skeleton({})
    time_s = np.arange(FRAMES) / RATE_HZ
    nod = {"spine_06": turn_about("x", 0.3 * np.sin(4.0 * time_s))}
    motion = key_points(skeleton, pose(skeleton, time_s, nod))
    xyz_m = np.repeat(motion.xyz_m[:, None], people, axis=1).astype(np.float32)
    xyz_m[3:10, :, motion.names.index("left_wrist")] = np.nan
    folder.mkdir()
    np.savez(
        folder / "lifted.npz",
        schema=np.array("track_spine.lifted"),
        version=np.array(1),
        names=np.array(motion.names),
        frame=np.arange(FRAMES),
        time_s=time_s,
        xyz_m=xyz_m,
        score=np.where(np.isnan(xyz_m).any(axis=-1), 0.0, 0.9).astype(np.float32),
        person=np.arange(people),
        world_from_camera=np.eye(4),
        focal_px=np.array(1000.0),
        image_size_px=np.array([640, 480]),
    )
    return folder


@pytest.fixture
def take(tmp_path):
    return write_take(tmp_path / "take")


def export(take, out):
    return cli.main(["export", str(take), "--out", str(out)])


@pytest.mark.parametrize("suffix", [".bvh", ".trc", ".mot", ".c3d"])
def test_every_format_is_written_whole(take, tmp_path, suffix):
    out = tmp_path / f"walk{suffix}"
    out.write_bytes(b"old")
    assert export(take, out) == cli.OK
    assert out.stat().st_size > 1000
    assert sorted(path.name for path in tmp_path.iterdir()) == ["take", out.name]


def test_c3d_holds_the_points_their_names_and_the_rate(take, tmp_path):
    assert export(take, tmp_path / "walk.c3d") == cli.OK
    (motion,) = load_lifted(take / "lifted.npz").values()
    wanted = smooth(motion)
    file = ezc3d.c3d(str(tmp_path / "walk.c3d"))
    point = file["parameters"]["POINT"]
    assert point["LABELS"]["value"] == list(wanted.names)
    assert point["UNITS"]["value"] == ["mm"]
    assert point["RATE"]["value"] == pytest.approx([RATE_HZ])
    read_m = np.moveaxis(file["data"]["points"][:3], 0, -1).swapaxes(0, 1) / 1000.0
    seen = wanted.score > 0.0
    assert np.abs(read_m[seen] - wanted.xyz_m[seen]).max() < 1e-6
    assert np.isnan(read_m[~seen]).all() and (~seen).sum() == 7


def test_trc_keeps_times_and_gaps(take, tmp_path):
    assert export(take, tmp_path / "walk.trc") == cli.OK
    rows = [line.split("\t") for line in (tmp_path / "walk.trc").read_text().splitlines()[6:]]
    assert [float(row[1]) for row in rows] == pytest.approx(np.arange(FRAMES) / RATE_HZ)
    # A tab after the last column too: without it OpenSim misses one that is empty.
    assert {len(row) for row in rows} == {2 + 3 * 37 + 1}
    assert sum(row[:-1].count("") for row in rows) == 7 * 3


def test_several_people_get_a_file_each(tmp_path):
    take = write_take(tmp_path / "take", people=2)
    assert export(take, tmp_path / "walk.trc") == cli.OK
    assert {path.name for path in tmp_path.glob("*.trc")} == {"walk_0.trc", "walk_1.trc"}


def test_the_folder_that_track_made_will_do(tmp_path):
    (tmp_path / "out").mkdir()
    write_take(tmp_path / "out" / "take")
    assert export(tmp_path / "out", tmp_path / "walk.mot") == cli.OK


def test_what_cannot_be_written_is_said(take, tmp_path, capsys, monkeypatch):
    assert export(take, tmp_path / "walk.xlsx") == cli.WRONG_ARGUMENTS
    assert "must end in one of .bvh, .trc, .mot, .c3d" in said(capsys)
    assert export(tmp_path, tmp_path / "walk.trc") == cli.OK  # holds the folder "take"
    assert export(tmp_path / "none", tmp_path / "walk.trc") == cli.WRONG_ARGUMENTS
    assert "no finished take" in said(capsys)
    assert export(take, "/proc/walk.trc") == cli.FAILED
    assert "/proc/walk.trc cannot be written" in said(capsys)
    monkeypatch.setitem(sys.modules, "ezc3d", None)
    assert export(take, tmp_path / "walk.c3d") == cli.WRONG_ARGUMENTS
    assert "track-spine[labs]" in said(capsys)
    assert not (tmp_path / "walk.c3d").exists()


def said(capsys):
    return " ".join(capsys.readouterr().err.split())
