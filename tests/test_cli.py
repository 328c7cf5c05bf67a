# SPDX-License-Identifier: GPL-3.0-or-later
"""The command line as a user runs it: files made, words said, exit status."""

import json
import re
import signal

import av
import cv2
import numpy as np
import pytest
from track_spine import cli, cli_track
from track_spine.inference.take import Take


def test_track_makes_take_overlay_and_bvh(short_clip, tmp_path, capsys):
    assert cli.main(["track", str(short_clip), "--out", str(tmp_path), "--height", "1.65"]) == 0
    arrays, _ = Take(tmp_path / "take").read_chunks()
    with av.open(str(tmp_path / "overlay.mp4")) as overlay:
        assert sum(1 for _ in overlay.decode(video=0)) == len(arrays["frame"])
    bvh = (tmp_path / "motion.bvh").read_text()
    joints = re.findall(r"(?:ROOT|JOINT) (\S+)", bvh)
    assert len([name for name in joints if name.startswith("spine_")]) == 9
    said = capsys.readouterr().err
    assert f"of {len(arrays['frame'])} frames" in said
    assert re.search(r"Spine seen with \d+% confidence", said)
    assert re.search(r"Tracking ran at [\d.]+ frames/s \(.*follow \d+ %", said)


def test_a_second_run_reuses_the_take(short_clip, tmp_path, capsys):
    command = ["track", str(short_clip), "--out", str(tmp_path)]
    assert cli.main(command) == 0
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "take/chunks").iterdir()}
    assert cli.main(command) == 0
    assert {
        path: path.stat().st_mtime_ns for path in (tmp_path / "take/chunks").iterdir()
    } == before
    assert "tracked by an earlier run" in capsys.readouterr().err


def test_ctrl_c_leaves_a_take_that_the_same_command_finishes(short_clip, tmp_path, monkeypatch):
    class Interrupted(cli_track.Tracker):
        def track(self, request, report, stopping, *rest):
            def report_and_interrupt(progress):
                if not stopping():
                    signal.raise_signal(signal.SIGINT)
                report(progress)

            return super().track(request, report_and_interrupt, stopping, *rest)

    command = ["track", str(short_clip), "--out", str(tmp_path)]
    with monkeypatch.context() as patch:
        patch.setattr(cli_track, "Tracker", Interrupted)
        assert cli.main(command) == cli.INTERRUPTED
    kept = len(Take(tmp_path / "take").read_chunks()[0]["frame"])
    assert kept > 0
    assert not (tmp_path / "motion.bvh").exists()
    assert cli.main(command) == cli.OK
    assert len(Take(tmp_path / "take").read_chunks()[0]["frame"]) > kept
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def read_video(path):
    with av.open(str(path)) as container:
        return [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]


def test_a_part_of_a_clip_is_tracked_and_drawn(short_clip, tmp_path, capsys):
    command = ["track", str(short_clip), "--out", str(tmp_path), "--subject", "650,370"]
    assert cli.main([*command, "--trim", "30:36"]) == cli.OK
    arrays, _ = Take(tmp_path / "take").read_chunks()
    np.testing.assert_array_equal(arrays["frame"], np.arange(30, 36))
    drawn, footage = read_video(tmp_path / "overlay.mp4"), read_video(short_clip)
    assert len(drawn) == 6
    # Lines cover little: the picture drawn upon is known by all the rest of it.
    off = [np.abs(drawn[0].astype(int) - picture).mean() for picture in footage]
    assert int(np.argmin(off)) == 30
    assert "Frames: 6\n" in (tmp_path / "motion.bvh").read_text()
    assert cli.main([*command, "--trim", "30:40"]) == cli.FAILED
    assert "another settings" in capsys.readouterr().err


def test_a_folder_of_pictures_with_a_missing_one_is_tracked(short_clip, tmp_path, capsys):
    (tmp_path / "shot").mkdir()
    for number, picture in enumerate(read_video(short_clip)[:8]):
        if number != 5:
            cv2.imwrite(str(tmp_path / f"shot/{number:03}.png"), picture[..., ::-1])
    command = ["track", str(tmp_path / "shot"), "--out", str(tmp_path / "out")]
    command += ["--subject", "650,370"]
    assert cli.main(command) == cli.FAILED
    assert "give its frame rate" in capsys.readouterr().err
    assert cli.main([*command, "--fps", "25"]) == cli.OK
    said = capsys.readouterr().err
    assert "Tracked 7 of 8 frames" in said
    assert "Note: 1 damaged frame was left out (5)" in said
    assert len(read_video(tmp_path / "out" / "overlay.mp4")) == 8
    arrays, _ = Take(tmp_path / "out" / "take").read_chunks()
    np.testing.assert_allclose(np.diff(arrays["time_s"]), 1 / 25, atol=1e-9)


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (["--trim", "5-9"], "write frames as 120:480"),
        (["--trim", "9:5"], "ends before it starts"),
        (["--fps", "25"], "leave out the frame rate"),
        (["--fps", "-1"], "must lie in 0.01..100000 Hz"),
    ],
)
def test_a_wrong_trim_or_rate_is_a_wrong_argument(short_clip, tmp_path, capsys, wrong, words):
    command = ["track", str(short_clip), "--out", str(tmp_path / "out"), *wrong]
    assert cli.main(command) == cli.WRONG_ARGUMENTS
    assert words in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("clip", "words"),
    [
        ("missing.mp4", "No such video file"),
        ("empty.mp4", "is empty"),
        ("text.mp4", "not a video"),
    ],
)
def test_a_bad_clip_fails_with_the_reason(tmp_path, capsys, clip, words):
    (tmp_path / "empty.mp4").touch()
    (tmp_path / "text.mp4").write_text("not a film")
    assert cli.main(["track", str(tmp_path / clip), "--out", str(tmp_path / "out")]) == cli.FAILED
    said = capsys.readouterr().err
    assert words in said
    assert "Traceback" not in said


def test_nobody_in_the_clip_has_an_exit_status_of_its_own(tmp_path, capsys):
    clip = tmp_path / "grey.mp4"
    with av.open(str(clip), "w") as container:
        stream = container.add_stream("mpeg4", rate=25)
        stream.width, stream.height, stream.pix_fmt = 320, 240, "yuv420p"
        for _ in range(5):
            grey = av.VideoFrame.from_ndarray(np.full((240, 320, 3), 128, np.uint8), "rgb24")
            container.mux(stream.encode(grey))
        container.mux(stream.encode(None))
    assert cli.main(["track", str(clip), "--out", str(tmp_path / "out")]) == cli.NOBODY
    assert "Nobody was found in the 5 frames" in capsys.readouterr().err
    assert not (tmp_path / "out" / "motion.bvh").exists()


def test_an_output_folder_that_cannot_be_made_is_named(short_clip, tmp_path, capsys):
    (tmp_path / "file").touch()
    out = tmp_path / "file" / "out"
    assert cli.main(["track", str(short_clip), "--out", str(out)]) == cli.FAILED
    assert "Choose another" in capsys.readouterr().err


def test_everybody_gets_a_file_of_their_own(short_clip, tmp_path, capsys):
    command = ["track", str(short_clip), "--out", str(tmp_path), "--people", "all"]
    assert cli.main([*command, "--trim", "0:20", "--max-people", "2"]) == cli.OK
    said = capsys.readouterr().err
    assert "without any of the 2 people" in said
    for name in ("motion_1.bvh", "motion_2.bvh"):
        # Who is new is taken at the third sighting; until then the figure stands.
        assert "Frames: 20\n" in (tmp_path / name).read_text()
        assert f"confidence in {name}" in said
    assert not (tmp_path / "motion.bvh").exists()


@pytest.mark.parametrize(
    "wrong",
    [["--subject", "12"], ["--subject", "a,b"], ["--subject", "1,2@x"], ["--height", "tall"]],
)
def test_wrong_arguments_are_refused(tmp_path, wrong):
    with pytest.raises(SystemExit) as leaving:
        cli.main(["track", "clip.mp4", "--out", str(tmp_path), *wrong])
    assert leaving.value.code == 2


def test_a_height_no_person_has_is_refused(short_clip, tmp_path, capsys):
    command = ["track", str(short_clip), "--out", str(tmp_path), "--height", "170"]
    assert cli.main(command) == cli.WRONG_ARGUMENTS
    assert "must lie between 0.3 and 2.8 m" in capsys.readouterr().err


def test_detect_writes_the_contract_for_every_photo(short_clip, tmp_path):
    with av.open(str(short_clip)) as container:
        picture = next(container.decode(video=0)).to_ndarray(format="bgr24")
    photo, empty, target = tmp_path / "p.png", tmp_path / "e.png", tmp_path / "out.json"
    cv2.imwrite(str(photo), picture)
    cv2.imwrite(str(empty), np.full((200, 300, 3), 90, np.uint8))
    assert cli.main(["detect", str(photo), str(empty), "--json", str(target)]) == cli.OK
    images = json.loads(target.read_text())["images"]
    assert list(images) == [str(photo), str(empty)]
    assert images[str(empty)] == []
    height, width = picture.shape[:2]
    assert len(images[str(photo)]) == 2  # the woman on the lawn and the man on the roof
    for person in images[str(photo)]:
        x, y, w, h = person["bbox"]
        assert min(x, y) >= 0 and x + w <= width and y + h <= height and min(w, h) > 20
        points = np.array(person["keypoints"])
        assert points.shape == (37, 3)
        assert ((points[:, 2] >= 0) & (points[:, 2] <= 1)).all()


def test_detect_goes_on_after_an_unreadable_photo_and_says_so(tmp_path, capsys):
    (tmp_path / "p.jpg").write_text("no picture")
    cv2.imwrite(str(tmp_path / "e.png"), np.full((200, 300, 3), 90, np.uint8))
    photos, target = [str(tmp_path / name) for name in ("p.jpg", "e.png")], tmp_path / "out.json"
    assert cli.main(["detect", *photos, "--json", str(target)]) == cli.FAILED
    said = capsys.readouterr().err
    assert f"{photos[0]} is not a photo" in said
    assert "in 1 photos" in said
    assert json.loads(target.read_text())["images"] == {photos[1]: []}


def test_no_output_takes_the_place_of_an_input(short_clip, tmp_path, capsys):
    clip = tmp_path / "overlay.mp4"
    clip.write_bytes(short_clip.read_bytes())
    assert cli.main(["track", str(clip), "--out", str(tmp_path)]) == cli.WRONG_ARGUMENTS
    assert cli.main(["detect", str(clip), "--json", str(clip)]) == cli.WRONG_ARGUMENTS
    assert clip.read_bytes() == short_clip.read_bytes()
    assert capsys.readouterr().err.count("name another output") == 2
