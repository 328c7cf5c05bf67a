# SPDX-License-Identifier: GPL-3.0-or-later
"""Tracking a part of a clip, an image sequence, and footage with damaged frames."""

import json

import cv2
import numpy as np
import pytest
from track_spine.inference.errors import TakeError, VideoError
from track_spine.inference.protocol import Cancelled, ProtocolError, TrackRequest
from track_spine.inference.take import Take
from track_spine.inference.video import frames, probe

WALKER = (650.0, 370.0)
"""The woman's hips in the first frame of the short clip, by eye."""

PART = slice(8, 20)
RATE_HZ = 30.0

MEASURED = ("xy_px", "score", "relative_m", "ray_px")


def run(tracker, clip, take, stopping=lambda: False, **settings):
    request = TrackRequest(str(clip), str(take), subject_px=WALKER, batch_frames=1, **settings)
    return tracker.track(request, lambda progress: None, stopping)


def raw(take):
    return Take(take).read_chunks()[0]


def lifted(take):
    with np.load(take / "lifted.npz", allow_pickle=False) as file:
        return {name: file[name] for name in file.files}


def write(folder, pictures):
    """An image sequence, lossless; None leaves a number out."""
    folder.mkdir()
    for number, picture in enumerate(pictures, start=1):
        if picture is not None:
            path = folder / f"walk_{number:04}.png"
            assert cv2.imwrite(str(path), cv2.cvtColor(picture, cv2.COLOR_RGB2BGR))
    return folder


@pytest.fixture(scope="module")
def pictures(short_clip):
    return [frame.rgb for frame in frames(probe(short_clip))]


@pytest.fixture(scope="module")
def cut(tracker, pictures, tmp_path_factory):
    """Take of the part, cut out by the test and kept as an image sequence."""
    folder = tmp_path_factory.mktemp("cut")
    shot = write(folder / "shot", pictures[PART])
    result = run(tracker, shot, folder / "take", rate_hz=RATE_HZ)
    assert (result.frames, result.tracked, result.note) == (12, 12, "")
    return folder


def test_an_image_sequence_is_tracked_at_the_rate_given(cut):
    arrays = raw(cut / "take")
    np.testing.assert_array_equal(arrays["frame"], np.arange(12))
    np.testing.assert_allclose(arrays["time_s"], np.arange(12) / RATE_HZ, atol=1e-9)
    assert arrays["whole"].all()
    source = json.loads((cut / "take" / "take.json").read_text())["source"]
    assert (source["path"], source["rate_hz"]) == (str(cut / "shot"), RATE_HZ)


@pytest.mark.parametrize("trim", ["8:20", "0.25s:0.65s"])
def test_a_trimmed_run_is_that_of_the_same_frames_cut_out(tracker, short_clip, cut, tmp_path, trim):
    result = run(tracker, short_clip, tmp_path, trim=trim)
    assert (result.frames, result.tracked) == (12, 12)
    got, alone = raw(tmp_path), raw(cut / "take")
    for name in (*MEASURED, "row", "whole"):
        np.testing.assert_array_equal(got[name], alone[name])
    for name in ("xyz_m", "score", "world_from_camera"):
        # Times that begin elsewhere differ in their last digits.
        np.testing.assert_allclose(lifted(tmp_path)[name], lifted(cut / "take")[name], atol=1e-6)
    # Places and times are the file's own: Blender lays the motion over the whole clip by them.
    for arrays in (got, lifted(tmp_path)):
        np.testing.assert_array_equal(arrays["frame"], np.arange(8, 20))
        np.testing.assert_allclose(arrays["time_s"], np.arange(8, 20) / RATE_HZ, atol=1e-9)


def test_a_trimmed_run_goes_on_only_with_the_same_trim(tracker, short_clip, cut, tmp_path):
    counts = iter(range(1, 100))
    stopped = run(tracker, short_clip, tmp_path, lambda: next(counts) == 5, trim="8:20")
    assert stopped == Cancelled(str(tmp_path), 5)
    for other in ("8:21", "7:20", None):
        with pytest.raises(TakeError, match="another settings"):
            run(tracker, short_clip, tmp_path, trim=other)
    with pytest.raises(TakeError, match="another settings"):
        run(tracker, cut / "shot", cut / "take", rate_hz=24.0)
    run(tracker, short_clip, tmp_path, trim="8:20")
    for name in MEASURED:
        np.testing.assert_array_equal(raw(tmp_path)[name], raw(cut / "take")[name])


def test_damaged_frames_are_marked_and_the_others_are_what_they_were(tracker, pictures, tmp_path):
    part, lost = pictures[:14], [4, 9, 10]
    damaged = [None if place in lost else picture for place, picture in enumerate(part)]
    whole = [picture for picture in damaged if picture is not None]
    shot = write(tmp_path / "damaged", damaged)
    (shot / "walk_0010.png").write_bytes(b"\x89PNG and no more")
    result = run(tracker, shot, tmp_path / "a", rate_hz=RATE_HZ)
    assert (result.frames, result.tracked) == (14, 11)
    assert result.note.startswith("3 damaged frames were left out (4, 9-10)")
    run(tracker, write(tmp_path / "whole", whole), tmp_path / "b", rate_hz=RATE_HZ)
    got, after, alone = raw(tmp_path / "a"), lifted(tmp_path / "a"), raw(tmp_path / "b")
    marked = np.isin(np.arange(14), lost)
    np.testing.assert_array_equal(got["whole"], ~marked)
    np.testing.assert_array_equal(got["frame"], np.arange(14))
    np.testing.assert_allclose(got["time_s"], np.arange(14) / RATE_HZ, atol=1e-9)
    # Where she is looked for follows the time that has passed: points move by a pixel or two.
    away = np.linalg.norm(got["xy_px"][~marked] - alone["xy_px"], axis=-1)
    assert np.median(away) < 1.5
    np.testing.assert_array_equal(got["xy_px"][:4], alone["xy_px"][:4])
    for array in (got["xy_px"], got["relative_m"], got["ray_px"], after["xyz_m"]):
        assert np.isnan(array[marked]).all()
    assert (after["score"][marked] == 0).all()


def test_a_run_stopped_within_damage_goes_on_as_if_undisturbed(tracker, pictures, tmp_path):
    grey = np.full_like(pictures[0], 128)
    # Tiles are searched each tenth of a second. That of 0.1 s falls on the lost fourth picture and
    # is made up for at the next, where she is: at once by both runs, or they differ.
    shot = write(tmp_path / "shot", [grey, grey, grey, None, *pictures[:8]])
    run(tracker, shot, tmp_path / "a", rate_hz=RATE_HZ)
    counts = iter(range(1, 100))
    stopped = run(tracker, shot, tmp_path / "b", lambda: next(counts) == 4, rate_hz=RATE_HZ)
    assert stopped.frames == 4
    assert "(3)" in run(tracker, shot, tmp_path / "b", rate_hz=RATE_HZ).note
    seen = np.isfinite(raw(tmp_path / "a")["ray_px"]).all(axis=(1, 2))
    np.testing.assert_array_equal(seen, np.arange(12) >= 4)
    for name, array in raw(tmp_path / "a").items():
        np.testing.assert_array_equal(raw(tmp_path / "b")[name], array)


def test_a_part_that_the_clip_has_not_is_said_so(tracker, short_clip, tmp_path):
    with pytest.raises(VideoError, match="ends before the part") as caught:
        run(tracker, short_clip, tmp_path, trim="480:")
    assert str(short_clip) in str(caught.value)
    assert not (tmp_path / "take.json").exists()


def test_a_sequence_needs_a_rate_and_a_movie_has_its_own(tracker, short_clip, cut, tmp_path):
    with pytest.raises(VideoError, match="give its frame rate"):
        run(tracker, cut / "shot", tmp_path / "take")
    with pytest.raises(ProtocolError, match=r"is a movie .* leave out the frame rate \(24 Hz\)"):
        run(tracker, short_clip, tmp_path / "take", rate_hz=24.0)
    assert not (tmp_path / "take").exists()
