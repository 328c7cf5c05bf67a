# SPDX-License-Identifier: GPL-3.0-or-later
"""Image sequences: found by folder, first picture or pattern; gaps and damage keep their place."""

import hashlib
from fractions import Fraction

import av
import cv2
import numpy as np
import pytest
from track_spine.inference import sequence
from track_spine.inference.errors import VideoError
from track_spine.inference.video import Trim, frames, probe

SIZE = (48, 32)


def write(folder, names, suffix=".png"):
    """Pictures that tell their place by their brightness."""
    folder.mkdir(exist_ok=True)
    for place, name in enumerate(names):
        picture = np.full((SIZE[1], SIZE[0], 3), 10 + 10 * place, np.uint8)
        assert cv2.imwrite(str(folder / f"{name}{suffix}"), picture)
    return folder


def read(path, start=0, **options):
    info = probe(path, **options)
    return info, list(frames(info, start))


def places(got):
    return [round((float(frame.rgb.mean()) - 10) / 10) for frame in got]


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".tif", ".bmp", ".webp", ".jp2"])
@pytest.mark.parametrize("name", ["", "walk.0009.png", "walk.####.png", "walk.%04d.png"])
def test_a_sequence_is_found_by_folder_first_picture_or_pattern(tmp_path, name, suffix):
    folder = write(tmp_path / "shot", [f"walk.{9 + index:04}" for index in range(5)], suffix)
    info, got = read(folder / name.replace(".png", suffix), rate_hz=24.0)
    assert (info.width, info.height) == SIZE
    assert (info.rate_hz, info.frame_count, info.rotation_deg) == (24.0, 5, 0)
    assert [frame.index for frame in got] == list(range(5))
    assert places(got) == list(range(5))
    np.testing.assert_allclose([frame.time_s for frame in got], np.arange(5) / 24, atol=1e-9)


def test_numbers_without_leading_zeros_are_in_order(tmp_path):
    folder = write(tmp_path / "shot", [f"f{index}" for index in range(8, 13)])
    assert places(read(folder, rate_hz=25.0)[1]) == list(range(5))


def test_a_picture_in_mid_sequence_begins_there(tmp_path):
    folder = write(tmp_path / "shot", [f"f{index:03}" for index in range(6)])
    assert places(read(folder / "f002.png", rate_hz=25.0)[1]) == [2, 3, 4, 5]


def test_every_second_frame_keeps_the_time_of_the_whole(tmp_path):
    folder = write(tmp_path / "shot", ["f1", "f3", "f5", "f7"])
    info, got = read(folder, rate_hz=24.0)
    assert (info.rate_hz, len(got)) == (12.0, 4)
    np.testing.assert_allclose([frame.time_s for frame in got], np.arange(4) / 12, atol=1e-9)


def test_missing_and_damaged_pictures_keep_their_place(tmp_path):
    folder = write(tmp_path / "shot", [f"f{index}" for index in range(1, 9)])
    (folder / "f3.png").unlink()
    (folder / "f5.png").write_bytes((folder / "f5.png").read_bytes()[:40])
    (folder / "f6.png").write_bytes(b"")
    info, got = read(folder, rate_hz=25.0)
    assert info.frame_count == 8
    assert [frame.whole for frame in got] == [True, True, False, True, False, False, True, True]
    assert places(got) == [0, 1, 1, 3, 3, 3, 6, 7]
    np.testing.assert_allclose([frame.time_s for frame in got], np.arange(8) / 25, atol=1e-9)


def test_a_picture_of_another_shape_is_marked(tmp_path):
    folder = write(tmp_path / "shot", [f"f{index}" for index in range(4)])
    cv2.imwrite(str(folder / "f2.png"), np.zeros((64, 64, 3), np.uint8))
    _, got = read(folder, rate_hz=25.0)
    assert [frame.whole for frame in got] == [True, True, False, True]


@pytest.mark.parametrize("start", [0, 1, 3, 9])
def test_a_later_start_and_a_trim_read_only_what_is_wanted(tmp_path, start, monkeypatch):
    folder = write(tmp_path / "shot", [f"f{index}" for index in range(10)])
    info = probe(folder, rate_hz=10.0, trim=Trim(first=4, end_s=0.8))
    assert info.frame_count == 4
    opened = []
    real = sequence.decoded
    monkeypatch.setattr(sequence, "decoded", lambda file: opened.append(file.stem) or real(file))
    got = list(frames(info, start))
    assert places(got) == list(range(4, 8))[start:]
    assert [frame.source_index for frame in got] == list(range(4, 8))[start:]
    assert not {"f0", "f1", "f2", "f3"} & set(opened)


def test_its_hash_covers_every_picture_and_place(tmp_path):
    folder = write(tmp_path / "shot", [f"f{index}" for index in range(4)])
    before = probe(folder, rate_hz=25.0)
    assert before.size_bytes == sum(file.stat().st_size for file in folder.iterdir())
    assert probe(folder, rate_hz=25.0).sha256 == before.sha256
    content = [(folder / f"f{index}.png").read_bytes() for index in range(4)]
    lines = [f"{index} {len(one)}\n".encode() + one for index, one in enumerate(content)]
    assert before.sha256 == hashlib.sha256(b"".join(lines)).hexdigest()
    (folder / "f2.png").rename(folder / "f5.png")
    assert probe(folder, rate_hz=25.0).sha256 != before.sha256


def test_a_single_picture_needs_no_rate(tmp_path):
    folder = write(tmp_path / "shot", ["portrait"])
    info, got = read(folder / "portrait.png")
    assert (info.frame_count, len(got), got[0].time_s) == (1, 1, 0.0)


def test_a_name_with_a_pattern_in_it_is_taken_as_it_is(tmp_path):
    folder = write(tmp_path / "shot", ["a%03d", "b"])
    assert places(read(folder / "a%03d.png")[1]) == [0]


@pytest.mark.parametrize("suffix", ["exr", "hdr"])
def test_linear_light_is_shown_as_a_screen_does(tmp_path, suffix):
    light = np.array([0.02, 0.2140, 0.6, 20.0], np.float32)
    want = [39, 127, 203, 255]  # IEC 61966-2-1
    path = tmp_path / f"a.{suffix}"
    encoder = av.CodecContext.create("exr" if suffix == "exr" else "hdr", "w")
    picture = av.VideoFrame(*SIZE, "gbrpf32le")
    lines = np.repeat(light, SIZE[0] // 4)
    for plane in picture.planes:
        row = np.zeros(plane.line_size // 4, "<f4")
        row[: SIZE[0]] = lines
        plane.update(np.tile(row, SIZE[1]).tobytes())
    encoder.width, encoder.height, encoder.pix_fmt = *SIZE, "gbrpf32le"
    encoder.time_base = Fraction(1, 25)
    path.write_bytes(b"".join(map(bytes, encoder.encode(picture) + encoder.encode(None))))
    got = read(path)[1][0].rgb[0, 6::12, 0]
    np.testing.assert_allclose(got, want, atol=2)


def refusal(path, **options):
    with pytest.raises(VideoError) as caught:
        probe(path, **options)
    assert str(path) in str(caught.value)
    return str(caught.value)


def test_a_sequence_without_a_rate_is_refused(tmp_path):
    folder = write(tmp_path / "shot", ["f1", "f2"])
    assert "give its frame rate" in refusal(folder)


@pytest.mark.parametrize("rate", [0.0, -1.0, float("nan"), float("inf")])
def test_a_rate_that_is_none_is_refused(tmp_path, rate):
    folder = write(tmp_path / "shot", ["f1", "f2"])
    with pytest.raises(VideoError, match="positive"):
        probe(folder, rate_hz=rate)


def test_what_holds_no_single_sequence_is_refused(tmp_path):
    assert "holds no image sequences" in refusal(tmp_path, rate_hz=25.0)
    assert "No pictures are there" in refusal(tmp_path / "f####.png", rate_hz=25.0)
    assert "No such picture" in refusal(tmp_path / "f.png", rate_hz=25.0)
    assert "No such picture" in refusal(tmp_path / "nowhere" / "f0001.png", rate_hz=25.0)
    folder = write(write(tmp_path / "shot", ["a1", "a2"]), ["b1", "b2"])
    assert "2 image sequences: a#.png, b#.png" in refusal(folder, rate_hz=25.0)


def test_a_collection_of_photos_is_no_sequence(tmp_path):
    folder = write(tmp_path / "shot", ["img_20240101", "img_20240103", "img_99999998"])
    assert "too few" in refusal(folder, rate_hz=25.0)


def test_text_called_a_picture_is_refused(tmp_path):
    path = tmp_path / "a1.png"
    path.write_text("#EXTM3U\n/etc/hostname\n" * 9)
    assert "no picture that can be decoded" in refusal(path, rate_hz=25.0)
