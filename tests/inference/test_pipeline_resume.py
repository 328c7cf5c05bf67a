# SPDX-License-Identifier: GPL-3.0-or-later
"""Tracking runs that are cut short, and what a later run of the same makes of their takes."""

import json
import shutil

import numpy as np
import pytest
from track_spine.inference import batches, source
from track_spine.inference.errors import TakeError, VideoError
from track_spine.inference.follow import Follower
from track_spine.inference.protocol import Cancelled
from track_spine.inference.take import CHUNK_ARRAYS, Take
from track_spine.inference.tracks import STATE_ARRAYS

from .tracking import FRAMES, StopAfter, contents, lifted, run


def test_a_second_run_tracks_nothing(done, tracker, short_clip, monkeypatch):
    folder, result, _ = done
    before = contents(folder / "chunks")
    monkeypatch.setattr(source, "frames", lambda *_: pytest.fail("a frame was decoded again"))
    again = run(tracker, short_clip, folder)
    assert (again.frames, again.tracked) == (result.frames, result.tracked)
    assert "follow" not in again.seconds
    assert contents(folder / "chunks") == before


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
