# SPDX-License-Identifier: GPL-3.0-or-later
"""`track-spine track --camera`, with a clip that plays in real time in the camera's place."""

import contextlib
import json
import time

import av
import numpy as np
import pytest
from track_spine import cli, cli_live
from track_spine.inference.take import Take
from track_spine.inference.video import frames, probe


@contextlib.contextmanager
def played(clip):
    """The pictures of a clip, each at its time by the clock, over and over."""

    def pictures():
        began, base_s = time.monotonic(), 0.0
        while True:
            with av.open(str(clip)) as container:
                for picture in container.decode(video=0):
                    at_s = base_s + picture.time
                    time.sleep(max(began + at_s - time.monotonic(), 0.0))
                    picture.pts = round(at_s / picture.time_base)
                    yield picture
            base_s = at_s + 1 / 30

    yield pictures()


def third_difference(points):
    return np.median(np.linalg.norm(np.diff(points, 3, axis=0), axis=-1))


@pytest.fixture
def camera(monkeypatch, short_clip):
    monkeypatch.setattr(cli_live, "camera_pictures", lambda name: played(short_clip))


def test_a_camera_becomes_a_take_and_a_recording_that_can_be_tracked_again(
    camera, tmp_path, capsys
):
    command = ["track", "--camera", "0", "--seconds", "2", "--out", str(tmp_path), "--stream"]
    assert cli.main(command) == cli.OK
    streamed, said = capsys.readouterr()
    assert "camera.mkv: track it as a clip" in said
    assert (tmp_path / "motion.bvh").is_file() and not (tmp_path / "overlay.mp4").exists()
    arrays, _ = Take(tmp_path / "take").read_chunks()
    recorded = list(frames(probe(tmp_path / "camera.mkv")))
    assert len(recorded) == 60
    assert 5 <= len(arrays["frame"]) <= 60
    by_place = {frame.index: frame.time_s for frame in recorded}
    told = [by_place[int(place)] for place in arrays["frame"]]
    np.testing.assert_allclose(arrays["time_s"], told, atol=1.5e-3)
    assert (np.diff(arrays["frame"]) > 0).all()
    stream = [json.loads(line) for line in streamed.splitlines()]
    seen = np.isfinite(arrays["xy_px"][:, 0]).all(axis=(1, 2))
    assert [one["time_s"] for one in stream] == pytest.approx(arrays["time_s"][seen], abs=1e-4)
    live = np.array([list(one["xyz_m"].values()) for one in stream])
    raw = arrays["relative_m"][seen, 0]
    # The take stays raw; what was shown trembles less and follows it.
    assert third_difference(live) < 0.7 * third_difference(raw)
    assert np.median(np.linalg.norm(live - raw, axis=-1)) < 0.05
    again = ["track", str(tmp_path / "camera.mkv"), "--out", str(tmp_path / "again")]
    assert cli.main(again) == cli.OK
    assert len(Take(tmp_path / "again" / "take").read_chunks()[0]["frame"]) == 60


def test_a_recording_is_not_overwritten(camera, tmp_path, capsys):
    (tmp_path / "camera.mkv").write_bytes(b"precious")
    command = ["track", "--camera", "0", "--seconds", "1", "--out", str(tmp_path)]
    assert cli.main(command) == cli.WRONG_ARGUMENTS
    assert "is there already" in capsys.readouterr().err
    assert (tmp_path / "camera.mkv").read_bytes() == b"precious"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "Name a clip, or a camera"),
        (["clip.mp4", "--seconds", "3"], "--seconds and --stream are for cameras"),
        (["clip.mp4", "--stream"], "--seconds and --stream are for cameras"),
        (["clip.mp4", "--camera", "0"], "neither a clip"),
        (["--camera", "0", "--trim", "0:9"], "nor --trim"),
        (["--camera", "0", "--seconds", "-1"], "must lie in 0..86400"),
        (["--camera", "0", "--seconds", "nan"], "must lie in 0..86400"),
    ],
)
def test_options_that_do_not_go_together_are_refused(tmp_path, capsys, arguments, words):
    assert cli.main(["track", *arguments, "--out", str(tmp_path)]) == cli.WRONG_ARGUMENTS
    assert words in " ".join(capsys.readouterr().err.split())


def test_a_camera_that_is_not_there_fails_with_the_reason(tmp_path, capsys):
    command = ["track", "--camera", "/dev/video99", "--out", str(tmp_path)]
    assert cli.main(command) == cli.FAILED
    assert "plugged in" in " ".join(capsys.readouterr().err.split())
