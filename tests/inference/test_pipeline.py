# SPDX-License-Identifier: GPL-3.0-or-later
"""The tracking run with the real networks: what a take holds, gaps, people and refusals."""

import json
import shutil

import numpy as np
import pytest
from track_spine.inference import batches
from track_spine.inference.calibration import calibrated
from track_spine.inference.doubts import doubted
from track_spine.inference.errors import NobodyFoundError, VideoError
from track_spine.inference.keypoints import INDEX, NAMES
from track_spine.inference.lifted_points import LIFTED_VERSION
from track_spine.inference.lifting import lift_take
from track_spine.inference.models import CARDS, POINTS_VERSION
from track_spine.inference.protocol import ProtocolError, Result, TrackRequest
from track_spine.inference.take import CHUNK_ARRAYS, VERSION, Take
from track_spine.inference.tracks import STATE_ARRAYS
from track_spine.inference.video import probe
from track_spine.rigging.motion import load_lifted

from .tracking import FRAMES, WALKER, lifted, run


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
    assert (content["schema"], content["version"]) == ("track_spine.take", VERSION)
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
    assert content["camera"]["focal_source"] == "estimated"
    assert 0.5 * 884 < content["camera"]["focal_px"] < 2.0 * 884  # what cameras of people have
    assert np.array(content["camera"]["world_from_camera"]).shape == (4, 4)
    assert content["subject_height_m"] == 1.65
    assert content["people"] == [{"id": 0, "frames_seen": done[1].tracked}]


def test_the_lifted_file_is_as_documented(done):
    arrays = lifted(done[0])
    raw, _ = Take(done[0]).read_chunks()
    assert (str(arrays["schema"]), int(arrays["version"])) == ("track_spine.lifted", LIFTED_VERSION)
    assert tuple(arrays["names"]) == NAMES
    for name, told in doubted(raw, (884, 498)).items():
        if name in ("frame", "time_s", "score", "raw_score"):
            np.testing.assert_array_equal(arrays[name], told)
    assert arrays["xyz_m"].shape == (FRAMES, 1, 37, 3)
    assert arrays["xyz_m"].dtype == np.float32
    assert arrays["person"].tolist() == [0]
    assert float(arrays["focal_px"]) == Take(done[0]).read_json()["camera"]["focal_px"]
    assert arrays["image_size_px"].tolist() == [884, 498]
    transform = arrays["world_from_camera"]
    np.testing.assert_allclose(transform[:3, :3] @ transform[:3, :3].T, np.eye(3), atol=1e-9)
    np.testing.assert_array_equal(transform[3], [0, 0, 0, 1])


def test_scores_are_calibrated_and_points_in_space_are_made_of_raw_ones(done, short_clip, tmp_path):
    folder = shutil.copytree(done[0], tmp_path / "take")
    raw, _ = Take(folder).read_chunks()
    told = raw["raw_score"].astype(float)
    # A visibility near 1 is kept as float32: its log odds are not as exact.
    np.testing.assert_allclose(raw["score"], calibrated(told), atol=1e-3)
    hips = [INDEX["left_hip"], INDEX["right_hip"]]
    assert np.median(told[..., hips]) > 0.99 > 0.9 > np.median(raw["score"][..., hips])
    for path in (folder / "chunks").iterdir():
        with np.load(path, allow_pickle=False) as file:
            arrays = dict(file)
        np.savez(path, **arrays | {"score": np.float32(0.5) * arrays["score"]})
    request = TrackRequest(str(short_clip), str(folder), subject_height_m=1.65)
    lift_take(probe(short_clip), Take(folder), request)
    before, after = lifted(done[0]), lifted(folder)
    np.testing.assert_array_equal(after["xyz_m"], before["xyz_m"])
    np.testing.assert_array_equal(after["sigma_m"], before["sigma_m"])
    (motion,) = load_lifted(folder / "lifted.npz").values()
    np.testing.assert_array_equal(motion.score, before["raw_score"][:, 0].astype(float))


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
