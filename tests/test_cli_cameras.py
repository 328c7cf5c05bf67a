# SPDX-License-Identifier: GPL-3.0-or-later
"""`track-spine cameras`: clips find their cameras, mistakes are named, one motion comes out."""

import json
from types import SimpleNamespace

import numpy as np
import pytest
from track_spine import cli, cli_cameras
from track_spine.inference.take import Take

from .inference.views.conftest import camera, clip
from .inference.views.test_calibrations import anipose_toml

VIEWS = [camera("cam_a", 0.0), camera("cam_b", 110.0), camera("cam_c", 240.0)]


class _Tracker:
    """Stands in for the networks: the takes are what the cameras saw."""

    def track(self, request, report, stopping):
        del request, report, stopping


@pytest.fixture(name="filmed")
def _filmed(tmp_path, monkeypatch):
    """A calibration and three clips of one person, tracked without networks."""
    seen = {view.name: clip(view, noise_px=0.5, seed=n) for n, view in enumerate(VIEWS)}
    seen["other"] = clip(camera("other", 20.0), noise_px=0.5)

    def read_chunks(take):
        one = seen[take.folder.parent.name]
        return {
            "time_s": one.time_s,
            "xy_px": one.xy_px[:, None],
            "raw_score": one.score[:, None],
            "score": one.score[:, None],
            "relative_m": np.zeros((*one.score[:, None].shape, 3), np.float32),
        }, None

    width, height = VIEWS[0].upright_size_px.astype(int)
    info = SimpleNamespace(width=int(width), height=int(height), sha256="0" * 64)
    monkeypatch.setattr(cli_cameras, "Tracker", _Tracker)
    footage = SimpleNamespace(info=info)
    monkeypatch.setattr(cli_cameras, "open_footage", lambda request: footage)
    monkeypatch.setattr(Take, "read_chunks", read_chunks)
    (tmp_path / "Calib.toml").write_text(anipose_toml(VIEWS))
    return tmp_path


def run(folder, *arguments):
    calibration = ["--calibration", str(folder / "Calib.toml"), "--out", str(folder / "out")]
    return cli.main(["cameras", *calibration, *arguments])


@pytest.mark.parametrize(
    "clips",
    [
        ["cam_a.mp4", "cam_b.mp4", "cam_c.mp4"],
        ["left.mp4", "right.mp4", "top.mp4"],
        ["cam_c=1.mp4", "cam_a=2.mp4", "cam_b.mp4"],
    ],
)
def test_clips_find_their_cameras_and_become_one_motion(filmed, clips):
    assert run(filmed, "--reach", "0.5", *clips) == 0
    take = json.loads((filmed / "out" / "take" / "take.json").read_text())
    assert [one["name"] for one in take["cameras"]] == ["cam_a", "cam_b", "cam_c"]
    assert max(abs(one["offset_s"]) for one in take["cameras"]) < 0.02
    assert (filmed / "out" / "motion.bvh").read_text().startswith("HIERARCHY")
    with np.load(filmed / "out" / "take" / "lifted.npz") as lifted:
        assert np.isfinite(lifted["xyz_m"]).mean() > 0.99


def test_offsets_and_a_camera_left_out_are_taken_as_given(filmed):
    assert (
        run(filmed, "--synchronised", "--without", "cam_b", "cam_a.mp4", "cam_b.mp4", "cam_c.mp4")
        == 0
    )
    take = json.loads((filmed / "out" / "take" / "take.json").read_text())
    assert [(one["name"], one["offset_s"]) for one in take["cameras"]] == [
        ("cam_a", 0.0),
        ("cam_c", 0.0),
    ]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["one.mp4", "two.mp4"], "write NAME=CLIP"),
        (["nobody=one.mp4", "cam_a.mp4"], "nobody"),
        (["cam_a=one.mp4", "cam_a=two.mp4"], "not clear"),
        (["cam_a.mp4"], "Two cameras at least"),
        (["--without", "cam_z", "cam_a.mp4", "cam_b.mp4"], "--without cam_z"),
        (["--subject", "cam_a=here", "cam_a.mp4", "cam_b.mp4"], "no number or pixel"),
        (["--subject", "cam_z=3,4", "cam_a.mp4", "cam_b.mp4"], "--subject cam_z=3,4"),
        (["--offset", "cam_b=late", "cam_a.mp4", "cam_b.mp4"], "no number"),
        (["--offset", "cam_b=0.1", "cam_a.mp4", "cam_b.mp4", "cam_c.mp4"], "missing ['cam_c']"),
    ],
)
def test_wrong_arguments_are_told_before_anything_is_tracked(filmed, capsys, arguments, told):
    assert run(filmed, *arguments) == 2
    assert told in capsys.readouterr().err
    assert not (filmed / "out").exists()


def test_clips_given_to_the_wrong_cameras_are_named(filmed, capsys):
    (filmed / "Calib.toml").write_text(anipose_toml([VIEWS[0], VIEWS[1], camera("other", 300.0)]))
    status = run(filmed, "--reach", "0.5", "cam_a.mp4", "cam_b.mp4", "other.mp4")
    assert status == 1
    assert "other" in capsys.readouterr().err
    assert not (filmed / "out" / "take").exists()
