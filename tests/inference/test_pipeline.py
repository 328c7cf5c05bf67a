# SPDX-License-Identifier: GPL-3.0-or-later
"""The tracking run with the real networks: takes, resuming, gaps, and what cannot be tracked."""

import json
import shutil

import av
import numpy as np
import pytest
from track_spine.inference import batches, source
from track_spine.inference.errors import NobodyFoundError, TakeError, VideoError
from track_spine.inference.follow import Follower
from track_spine.inference.keypoints import INDEX, NAMES
from track_spine.inference.lifting import LIFTED_VERSION
from track_spine.inference.models import CARDS, POINTS_VERSION
from track_spine.inference.protocol import Cancelled, ProtocolError, Result, TrackRequest
from track_spine.inference.take import CHUNK_ARRAYS, Take
from track_spine.inference.tracks import STATE_ARRAYS
from track_spine.inference.video import probe

WALKER = (650.0, 370.0)
"""The woman's hips in the first frame of the short clip, by eye."""

FRAMES = 48


def never():
    return False


def ignore(progress):
    pass


def run(tracker, clip, take, report=ignore, stopping=never, **settings):
    settings = {"subject_px": WALKER, "subject_height_m": 1.65, "batch_frames": 2, **settings}
    return tracker.track(TrackRequest(str(clip), str(take), **settings), report, stopping)


def contents(folder):
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def lifted(folder):
    with np.load(folder / "lifted.npz", allow_pickle=False) as file:
        return {name: file[name] for name in file.files}


@pytest.fixture(scope="module")
def pictures(short_clip):
    with av.open(str(short_clip)) as container:
        return [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]


@pytest.fixture(scope="module")
def done(tracker, short_clip, tmp_path_factory):
    """Folder of an undisturbed run in chunks of 20 frames, its result and its progress."""
    folder = tmp_path_factory.mktemp("done") / "take"
    said = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(batches, "CHUNK_FRAMES", 20)
        patch.setattr(batches, "PROGRESS_PERIOD_S", 0.0)
        result = run(tracker, short_clip, folder, said.append)
    return folder, result, said


def test_the_walker_is_found_in_nearly_every_frame(done):
    folder, result, _ = done
    assert isinstance(result, Result)
    assert result.frames == FRAMES
    assert result.tracked >= 0.95 * FRAMES
    assert (result.take, result.lifted) == (str(folder), str(folder / "lifted.npz"))
    assert {"decode", "follow", "lift"} <= set(result.seconds)
    assert all(seconds >= 0 for seconds in result.seconds.values())


def test_the_points_are_the_walker_s(done):
    arrays, _ = Take(done[0]).read_chunks()
    hips = arrays["xy_px"][:, 0, [INDEX["left_hip"], INDEX["right_hip"]]].mean(axis=1)
    # Read off the first and the last picture by eye, to about 10 px; 15 more for the network.
    np.testing.assert_allclose(hips[0], [653, 367], atol=25)
    np.testing.assert_allclose(hips[-1], [431, 358], atol=25)
    assert np.nanmax(np.abs(np.diff(hips[:, 0]))) < 20
    heads = arrays["xy_px"][:, 0, INDEX["nose"]]
    assert (heads[:, 1] < hips[:, 1] - 60).all()
    assert (heads[:, 0] < hips[:, 0] + 20).all()  # she walks, and looks, to the left


def test_the_body_lifted_walks_upright_on_the_floor_at_its_height(done):
    arrays = lifted(done[0])
    xyz = arrays["xyz_m"][:, 0]
    feet = xyz[:, [INDEX["left_heel"], INDEX["right_heel"]], 2].min(axis=1)
    assert np.median(feet) == pytest.approx(0.0, abs=0.12)
    assert np.median(xyz[:, INDEX["head"], 2]) == pytest.approx(1.65, abs=0.15)
    walked = xyz[-1, INDEX["hip"], :2] - xyz[0, INDEX["hip"], :2]
    # She crosses 222 px; her 1.65 m are about 215 px high: 1.7 m to the left (-X), within a third.
    assert walked[0] == pytest.approx(-1.7, abs=0.6)
    spine = xyz[:, INDEX["neck"]] - xyz[:, INDEX["hip"]]
    assert (spine[:, 2] > 0.9 * np.linalg.norm(spine, axis=1)).all()
    # Facing the way she walks, her left is towards the camera (-Y).
    across = xyz[:, INDEX["left_hip"]] - xyz[:, INDEX["right_hip"]]
    assert np.median(across[:, 1]) < 0


def test_the_chunks_are_as_documented(done):
    names = sorted(path.name for path in (done[0] / "chunks").iterdir())
    assert names == ["00000000.npz", "00000020.npz", "00000040.npz"]
    with np.load(done[0] / "chunks" / "00000020.npz", allow_pickle=False) as file:
        assert set(file.files) == {*CHUNK_ARRAYS, "person", *STATE_ARRAYS}
        np.testing.assert_array_equal(file["row"], np.arange(20, 40))
        np.testing.assert_array_equal(file["frame"], np.arange(20, 40))
        assert file["whole"].all()
        np.testing.assert_allclose(file["time_s"], np.arange(20, 40) / 30, atol=1e-9)
        assert file["xy_px"].shape == (20, 1, 37, 2)
        assert file["xy_px"].dtype == np.float32
        assert file["score"].min() > 0
        assert file["score"].max() <= 1
        toes = [INDEX[f"{side}_small_toe"] for side in ("left", "right")]
        assert file["score"][..., toes].max() <= 0.3
        np.testing.assert_allclose(
            file["relative_m"][..., [INDEX["left_hip"], INDEX["right_hip"]], :].sum(axis=2),
            0.0,
            atol=1e-6,
        )


def test_a_body_s_ray_is_that_of_a_crop_that_fits_it(done):
    raw, _ = Take(done[0]).read_chunks()
    hips = raw["xy_px"][:, 0, [INDEX["left_hip"], INDEX["right_hip"]]].mean(axis=1)
    # A tenth of the crop's 550 px, and 15 px from the middle of the hips to the network's own.
    assert np.nanmax(np.linalg.norm(raw["ray_px"][:, 0] - hips, axis=1)) < 70


def test_the_head_of_the_take_is_as_documented(done, short_clip):
    content = json.loads((done[0] / "take.json").read_text("utf-8"))
    info = probe(short_clip)
    assert (content["schema"], content["version"]) == ("track_spine.take", 1)
    assert content["state"] == "lifted"
    assert content["source"] == {
        "path": str(short_clip),
        "sha256": info.sha256,
        "size_bytes": info.size_bytes,
        "width": 884,
        "height": 498,
        "rotation_deg": 0,
        "rate_hz": 30.0,
    }
    models = {model["name"]: model for model in content["models"]}
    for card in CARDS:
        assert models[card.name]["sha256"] == card.sha256
        assert models[card.name]["licence"] == card.licence
    assert set(models) == {"blazepose-detector", "track-spine-pose"}
    assert content["settings"] == {
        "people": "one",
        "most_people": 1,
        "subject_px": list(WALKER),
        "subject_s": 0.0,
        "batch_frames": 2,
        "flip_test": False,
        "trim": {"first": None, "end": None, "first_s": None, "end_s": None},
        "rate_hz": None,
        "points_version": POINTS_VERSION,
    }
    assert content["timestamps"] == {
        "first_s": 0.0,
        "last_s": pytest.approx(47 / 30),
        "count": FRAMES,
    }
    assert content["camera"]["focal_px"] == 884.0
    assert content["camera"]["focal_source"] == "assumed"
    assert np.array(content["camera"]["world_from_camera"]).shape == (4, 4)
    assert content["subject_height_m"] == 1.65
    assert content["people"] == [{"id": 0, "frames_seen": done[1].tracked}]


def test_the_lifted_file_is_as_documented(done):
    arrays = lifted(done[0])
    raw, _ = Take(done[0]).read_chunks()
    assert (str(arrays["schema"]), int(arrays["version"])) == ("track_spine.lifted", LIFTED_VERSION)
    assert tuple(arrays["names"]) == NAMES
    for name in ("frame", "time_s", "score"):
        np.testing.assert_array_equal(arrays[name], raw[name])
    assert arrays["xyz_m"].shape == (FRAMES, 1, 37, 3)
    assert arrays["xyz_m"].dtype == np.float32
    assert arrays["person"].tolist() == [0]
    assert float(arrays["focal_px"]) == 884.0
    assert arrays["image_size_px"].tolist() == [884, 498]
    transform = arrays["world_from_camera"]
    np.testing.assert_allclose(transform[:3, :3] @ transform[:3, :3].T, np.eye(3), atol=1e-9)
    np.testing.assert_array_equal(transform[3], [0, 0, 0, 1])


def test_the_lifted_points_project_onto_the_points_seen(done):
    arrays, (raw, _) = lifted(done[0]), Take(done[0]).read_chunks()
    camera_from_world = np.linalg.inv(arrays["world_from_camera"])
    xyz = arrays["xyz_m"] @ camera_from_world[:3, :3].T + camera_from_world[:3, 3]
    assert (xyz[..., 2] > 0.5).all()
    xy = xyz[..., :2] / xyz[..., 2:] * float(arrays["focal_px"]) + arrays["image_size_px"] / 2
    # The network's metres are not quite its pixels: 5 % of the body's height, at the median.
    assert np.median(np.linalg.norm(xy - raw["xy_px"], axis=-1)) < 0.05 * 215


def test_progress_counts_every_frame_to_the_total(done):
    _, _, said = done
    tracked = [progress for progress in said if progress.stage == "track"]
    assert [progress.done for progress in tracked] == list(range(2, FRAMES + 1, 2))
    assert {progress.total for progress in tracked} == {FRAMES}
    assert {progress.people for progress in tracked} <= {0, 1}
    assert all(progress.fps > 0 for progress in tracked)


def test_a_second_run_tracks_nothing(done, tracker, short_clip, monkeypatch):
    folder, result, _ = done
    before = contents(folder / "chunks")
    monkeypatch.setattr(source, "frames", lambda *_: pytest.fail("a frame was decoded again"))
    again = run(tracker, short_clip, folder)
    assert (again.frames, again.tracked) == (result.frames, result.tracked)
    assert "follow" not in again.seconds
    assert contents(folder / "chunks") == before


class StopAfter:
    """Asks to stop after so many questions: one comes with every two frames."""

    def __init__(self, count):
        """Stop at question `count`."""
        self.left = count

    def __call__(self):
        self.left -= 1
        return self.left <= 0


@pytest.mark.parametrize("stops", [(17,), (10, 1, 6)])
def test_a_cancelled_run_goes_on_to_the_same_take(
    done, tracker, short_clip, tmp_path, stops, monkeypatch
):
    monkeypatch.setattr(batches, "CHUNK_FRAMES", 20)
    folder, kept = tmp_path / "take", 0
    for count in stops:
        kept += 2 * count
        stopped = run(tracker, short_clip, folder, stopping=StopAfter(count))
        assert stopped == Cancelled(str(folder), kept)
        assert len(Take(folder).read_chunks()[0]["frame"]) == kept
        assert json.loads((folder / "take.json").read_text())["state"] == "partial"
        assert not (folder / "lifted.npz").exists()
    result = run(tracker, short_clip, folder)
    assert (result.frames, result.tracked) == (done[1].frames, done[1].tracked)
    (whole, last), (resumed, last_resumed) = (Take(f).read_chunks() for f in (done[0], folder))
    for name in CHUNK_ARRAYS:
        np.testing.assert_array_equal(resumed[name], whole[name])
    for name in STATE_ARRAYS:
        np.testing.assert_array_equal(last_resumed[name], last[name])
    for name, array in lifted(done[0]).items():
        np.testing.assert_array_equal(lifted(folder)[name], array)


def test_a_run_stopped_while_the_person_is_away_knows_where_to_look_for_it(
    tracker, pictures, tmp_path, write_clip
):
    grey = np.full_like(pictures[0], 128)
    # She has walked 280 px from the subject point, farther than it reaches, when she is hidden.
    subject = (745.0, 395.0)
    shown = pictures[:40:2] + [grey] * 3 + pictures[40::2]
    clip = write_clip(tmp_path / "a.mp4", shown)
    stopped = run(tracker, clip, tmp_path / "take", subject_px=subject, stopping=StopAfter(11))
    assert stopped.frames == 22
    run(tracker, clip, tmp_path / "take", subject_px=subject)
    seen = np.isfinite(Take(tmp_path / "take").read_chunks()[0]["ray_px"]).all(axis=(1, 2))
    np.testing.assert_array_equal(seen, [True] * 20 + [False] * 3 + [True] * 4)


def test_a_killed_run_goes_on_from_its_last_whole_chunk(
    done, tracker, short_clip, tmp_path, monkeypatch
):
    monkeypatch.setattr(batches, "CHUNK_FRAMES", 20)
    follow, left = Follower.follow, StopAfter(12)

    def dying(self, pictures):
        if left():
            raise MemoryError
        return follow(self, pictures)

    with monkeypatch.context() as patch, pytest.raises(MemoryError):
        patch.setattr(Follower, "follow", dying)
        run(tracker, short_clip, tmp_path)
    kept = len(Take(tmp_path).read_chunks()[0]["frame"])
    assert kept == 20
    run(tracker, short_clip, tmp_path)
    for name, array in lifted(done[0]).items():
        np.testing.assert_array_equal(lifted(tmp_path)[name], array)


def test_a_chunk_deleted_from_a_finished_take_is_tracked_again(done, tracker, short_clip, tmp_path):
    folder = shutil.copytree(done[0], tmp_path / "take")
    (folder / "chunks" / "00000040.npz").unlink()
    assert run(tracker, short_clip, folder).frames == FRAMES
    for name, array in lifted(done[0]).items():
        np.testing.assert_array_equal(lifted(folder)[name], array)


def test_another_height_lifts_anew_and_tracks_nothing(done, tracker, short_clip, monkeypatch):
    folder, _, _ = done
    before, chunks = lifted(folder), contents(folder / "chunks")
    monkeypatch.setattr(Follower, "follow", lambda *_: pytest.fail("a frame was tracked again"))
    try:
        run(tracker, short_clip, folder, subject_height_m=1.98)
        taller = lifted(folder)
        assert json.loads((folder / "take.json").read_text())["subject_height_m"] == 1.98
    finally:
        run(tracker, short_clip, folder)
    assert contents(folder / "chunks") == chunks
    # Nothing else is known of distances: the whole scene grows by 1.98 / 1.65. What smooths the
    # path is stated in metres, so that it grows by a little more or less.
    np.testing.assert_allclose(taller["xyz_m"], 1.2 * before["xyz_m"], atol=0.03)
    np.testing.assert_array_equal(lifted(folder)["xyz_m"], before["xyz_m"])


def test_a_known_focal_length_lifts_anew(done, tracker, short_clip):
    folder, _, _ = done
    chunks = contents(folder / "chunks")
    try:
        run(tracker, short_clip, folder, focal_px=1768.0)
        content = json.loads((folder / "take.json").read_text())
        far = lifted(folder)
    finally:
        run(tracker, short_clip, folder)
    assert contents(folder / "chunks") == chunks
    assert content["camera"]["focal_source"] == "given"
    assert float(far["focal_px"]) == 1768.0
    depth = [-(np.linalg.inv(a["world_from_camera"])[2, 3]) for a in (far, lifted(folder))]
    # Twice the focal length: twice as far away.
    assert abs(depth[0]) == pytest.approx(2 * abs(depth[1]), rel=0.1)


def test_another_clip_or_subject_needs_another_folder(done, tracker, short_clip, tmp_path):
    before = contents(done[0])
    with pytest.raises(TakeError, match="another settings"):
        run(tracker, short_clip, done[0], subject_px=(320.0, 120.0))
    other = tmp_path / "other.mp4"
    other.write_bytes(short_clip.read_bytes() + b"\x00\x00\x00\x08free")
    with pytest.raises(TakeError, match="another source"):
        run(tracker, other, done[0])
    assert contents(done[0]) == before


@pytest.mark.parametrize("point", [(885.0, 200.0), (100.0, 499.0), (-1.0, 5.0)])
def test_a_subject_point_outside_the_frame_is_refused(tracker, short_clip, tmp_path, point):
    with pytest.raises(ProtocolError, match="outside the frame of 884 x 498 pixels"):
        run(tracker, short_clip, tmp_path / "take", subject_px=point)
    assert not (tmp_path / "take").exists()


def test_without_a_subject_somebody_is_followed_steadily(tracker, short_clip, tmp_path):
    said = []
    result = run(tracker, short_clip, tmp_path, said.append, subject_px=None)
    assert result.tracked >= 0.95 * FRAMES
    assert said[-1].done == FRAMES
    assert len(said) <= sum(result.seconds.values()) / batches.PROGRESS_PERIOD_S + 2
    hips = Take(tmp_path).read_chunks()[0]["xy_px"][:, 0, INDEX["left_hip"]]
    assert np.linalg.norm(np.diff(hips, axis=0), axis=1).max() < 40


@pytest.mark.parametrize("subject", [None, (48.0, 32.0)])
def test_nobody_in_the_clip_is_said_so(tracker, tmp_path, write_clip, noise, subject):
    grey = np.full((498, 884, 3), 128, np.uint8)
    for name, shown in (("noise", noise[:8]), ("grey", [grey] * 8)):
        clip = write_clip(tmp_path / f"{name}.mp4", shown)
        with pytest.raises(NobodyFoundError, match="8 frames") as caught:
            run(tracker, clip, tmp_path / name, subject_px=subject)
        assert str(clip) in str(caught.value)
        assert not (tmp_path / name / "lifted.npz").exists()
        raw, _ = Take(tmp_path / name).read_chunks()
        assert np.isnan(raw["xy_px"]).all()
        assert (raw["score"] == 0).all()


def test_frames_without_the_person_are_gaps_and_nothing_is_invented(
    tracker, pictures, tmp_path, write_clip
):
    grey = np.full_like(pictures[0], 128)
    shown = [grey] * 4 + pictures[:14] + [grey] * 9 + pictures[14:26] + [grey] * 3
    empty = np.array([picture is grey for picture in shown])
    result = run(tracker, write_clip(tmp_path / "gaps.mp4", shown), tmp_path / "take")
    raw, after = Take(tmp_path / "take").read_chunks()[0], lifted(tmp_path / "take")
    lost = np.isnan(raw["ray_px"]).all(axis=(1, 2))
    # Tiles, in which she is large enough, are searched every tenth of a second: three frames.
    late = np.zeros_like(empty)
    late[4:7] = late[27:30] = True
    np.testing.assert_array_equal(lost[~late], empty[~late])
    assert (result.frames, result.tracked) == (len(shown), int((~lost).sum()))
    for array in (raw["xy_px"], raw["relative_m"], after["xyz_m"]):
        missing = np.isnan(array).reshape(len(shown), -1)
        np.testing.assert_array_equal(missing.all(axis=1), lost)
        np.testing.assert_array_equal(missing.any(axis=1), lost)
    for array in (raw["score"], after["score"]):
        assert (array[lost] == 0).all()
        assert (array[~lost] > 0).all()
    np.testing.assert_allclose(after["time_s"], np.arange(len(shown)) / 30, atol=1e-9)
    assert json.loads((tmp_path / "take/take.json").read_text())["people"] == [
        {"id": 0, "frames_seen": int((~lost).sum())}
    ]


def test_a_clip_that_breaks_off_keeps_its_frames(tracker, pictures, tmp_path, write_clip):
    clip = write_clip(tmp_path / "a.mp4", pictures, options={"movflags": "faststart"})
    content = clip.read_bytes()
    clip.write_bytes(content[: 3 * len(content) // 4])
    for _ in range(2):  # and once more, from where the first run stopped
        with pytest.raises(VideoError, match="breaks off") as caught:
            run(tracker, clip, tmp_path / "take")
        assert str(clip) in str(caught.value)
        raw, _ = Take(tmp_path / "take").read_chunks()
        assert 5 < len(raw["frame"]) < 45
        assert np.isfinite(raw["xy_px"]).all()
        assert not (tmp_path / "take" / "lifted.npz").exists()


def test_a_full_disk_stops_the_run_and_leaves_a_take_to_go_on_with(
    tracker, short_clip, tmp_path, monkeypatch
):
    monkeypatch.setattr(batches, "CHUNK_FRAMES", 20)
    real, left = Take.write_chunk, StopAfter(2)

    def full(self, arrays, state):
        if left():
            raise TakeError("No space left on device")
        real(self, arrays, state)

    with monkeypatch.context() as patch, pytest.raises(TakeError, match="No space"):
        patch.setattr(Take, "write_chunk", full)
        run(tracker, short_clip, tmp_path)
    assert len(Take(tmp_path).read_chunks()[0]["frame"]) == 20


def test_a_missing_clip_makes_no_take(tracker, tmp_path):
    with pytest.raises(VideoError, match="No such video file"):
        run(tracker, tmp_path / "missing.mp4", tmp_path / "take")
    assert not (tmp_path / "take").exists()


def test_however_many_threads_the_points_are_the_same(done, tracker, short_clip, tmp_path):
    result = run(tracker, short_clip, tmp_path, threads=1, trim="0:24")
    assert "1 threads, 2 frames together" in result.engine
    alone, _ = Take(tmp_path).read_chunks()
    whole, _ = Take(done[0]).read_chunks()
    for name in CHUNK_ARRAYS:
        np.testing.assert_array_equal(alone[name], whole[name][:24])


def test_a_take_goes_on_with_as_many_frames_together_as_it_was_begun_with(
    tracker, short_clip, tmp_path
):
    part = {"trim": "0:12", "batch_frames": 3}
    run(tracker, short_clip, tmp_path, stopping=StopAfter(1), **part)
    assert len(Take(tmp_path).read_chunks()[0]["row"]) == 3
    with pytest.raises(TakeError, match="another settings"):
        run(tracker, short_clip, tmp_path, **{**part, "batch_frames": 4})
    result = run(tracker, short_clip, tmp_path, **{**part, "batch_frames": None})
    assert "3 frames together" in result.engine


def test_the_person_picked_at_a_moment_is_followed_from_there(tracker, short_clip, tmp_path):
    run(tracker, short_clip, tmp_path, subject_px=(541.0, 363.0), subject_s=0.8)
    raw, _ = Take(tmp_path).read_chunks()
    seen = np.isfinite(raw["ray_px"][:, 0, 0])
    # At 0.8 s, halfway, she is half of the way from (653, 367) to (431, 358).
    np.testing.assert_array_equal(seen, np.arange(FRAMES) >= 24)
    assert abs(raw["xy_px"][24, 0, INDEX["hip"], 0] - 541.0) < 40


def test_everybody_is_followed_each_with_an_id(tracker, short_clip, tmp_path):
    result = run(tracker, short_clip, tmp_path, subject_px=None, people="all")
    raw, _ = Take(tmp_path).read_chunks()
    assert result.people == 2  # the man on the roof and the woman on the lawn
    assert raw["person"].tolist() == [0, 1]
    hips = raw["xy_px"][:, :, INDEX["hip"]]
    walker, man = np.argsort(-np.nanmedian(hips[..., 1], axis=0))
    assert np.nanmax(np.abs(np.diff(hips[:, walker, 0]))) < 20
    assert hips[-1, walker, 0] < hips[5, walker, 0] - 150
    assert np.ptp(hips[5:, man], axis=0).max() < 60
    people = json.loads((tmp_path / "take.json").read_text())["people"]
    seen = np.isfinite(raw["ray_px"][..., 0]).sum(axis=0)
    assert people == [{"id": i, "frames_seen": int(seen[i])} for i in (0, 1)]
    assert lifted(tmp_path)["xyz_m"].shape == (FRAMES, 2, 37, 3)
