# SPDX-License-Identifier: GPL-3.0-or-later
"""The take on disk: what is written comes back, what is damaged or foreign is refused by name."""

import errno
import io
import json
import os
import pickle
import zipfile

import numpy as np
import pytest
from track_spine.inference.crop import Crop
from track_spine.inference.errors import TakeError
from track_spine.inference.take import (
    CHUNK_ARRAYS,
    PARTIAL,
    PERSONAL,
    SCHEMA,
    SCORES,
    VERSION,
    Take,
    replacing,
)
from track_spine.inference.tracks import STATE_ARRAYS, Track, from_arrays, to_arrays

HEAD = {
    "source": {"path": "clip.mp4", "sha256": "aa", "size_bytes": 10},
    "models": [{"name": "net", "sha256": "bb", "licence": "Apache-2.0"}],
    "settings": {"subject_px": (3.0, 4.5)},
}
STATE = to_arrays(
    [Track(Crop(np.array([10.0, 20.0]), 30.0, 0.1), 2.5, np.arange(24) / 24, person=0)]
)


def arrays_of(start, count, person=(0,)):
    rng = np.random.default_rng(start)
    rows = np.arange(start, start + count)
    arrays = {"row": rows, "frame": rows + 70, "time_s": rng.random(count)}
    arrays["whole"] = rng.random(count) < 0.5
    for name, (shape, kind) in CHUNK_ARRAYS.items():
        if name not in arrays:
            arrays[name] = rng.random((count, len(person), *shape)).astype(kind)
    return arrays | {"person": np.array(person, np.int64)}


def files(folder):
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


@pytest.fixture
def take(tmp_path):
    take = Take(tmp_path / "deep" / "take")
    take.begin(HEAD)
    return take


@pytest.fixture
def chunk(take):
    """Path of a take's only chunk."""
    take.write_chunk(arrays_of(0, 3), STATE)
    return take.folder / "chunks" / "00000000.npz"


def test_a_take_begins_with_its_head(take):
    content = json.loads((take.folder / "take.json").read_text("utf-8"))
    head = json.loads(json.dumps(HEAD))
    assert content == {"schema": SCHEMA, "version": VERSION, "state": PARTIAL, **head}
    assert take.read_json() == content


def test_beginning_again_from_the_same_changes_nothing(take):
    take.write_chunk(arrays_of(0, 2), STATE)
    take.write_json(take.read_json() | {"state": "lifted", "people": [{"id": 0}]})
    before = files(take.folder)
    take.begin(HEAD)
    assert files(take.folder) == before


def test_the_same_footage_elsewhere_may_go_on(take):
    take.begin({**HEAD, "source": {**HEAD["source"], "path": "/other/name.mov"}})


@pytest.mark.parametrize(
    ("what", "change"),
    [
        ("source", {"source": {**HEAD["source"], "sha256": "ab"}}),
        ("models", {"models": [{**HEAD["models"][0], "sha256": "bc"}]}),
        ("models", {"models": []}),
        ("settings", {"settings": {"subject_px": None}}),
    ],
)
def test_a_take_of_something_else_is_refused_and_kept(take, what, change):
    take.write_chunk(arrays_of(0, 2), STATE)
    before = files(take.folder)
    with pytest.raises(TakeError, match=f"another {what}") as caught:
        take.begin({**HEAD, **change})
    assert str(take.folder) in str(caught.value)
    assert "choose another folder" in str(caught.value)
    assert files(take.folder) == before


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "cannot be read"),
        (b"{", "cannot be read"),
        (b"\xff\xfe", "cannot be read"),
        (b"[" * 100_000, "cannot be read"),
        (b"[]", "is not a Track Spine take"),
        (b"{}", "is not a Track Spine take"),
        (b'{"schema": "other", "version": 1}', "is not a Track Spine take"),
        (json.dumps({"schema": SCHEMA, "version": 1}).encode(), "version 1"),
        (json.dumps({"schema": SCHEMA}).encode(), "version None"),
    ],
    ids=lambda value: repr(value[:12]),
)
def test_a_foreign_take_json_is_refused_and_kept(take, content, words):
    path = take.folder / "take.json"
    path.write_bytes(content)
    for refused in (take.read_json, lambda: take.begin(HEAD)):
        with pytest.raises(TakeError, match=words) as caught:
            refused()
        assert str(path) in str(caught.value)
    assert path.read_bytes() == content


def test_a_missing_take_json_is_named(tmp_path):
    with pytest.raises(TakeError, match=r"take\.json"):
        Take(tmp_path).read_json()


def test_a_folder_that_cannot_be_made_is_named(tmp_path):
    (tmp_path / "file").write_text("in the way")
    folder = tmp_path / "file" / "take"
    with pytest.raises(TakeError, match="Choose another") as caught:
        Take(folder).begin(HEAD)
    assert str(folder) in str(caught.value)
    assert (tmp_path / "file").read_text() == "in the way"


def test_a_file_where_the_chunks_should_be_is_named(tmp_path):
    (tmp_path / "chunks").write_text("in the way")
    with pytest.raises(TakeError, match="cannot be made"):
        Take(tmp_path).begin(HEAD)


def test_chunks_come_back_joined_in_order_with_the_last_state(take):
    parts = [arrays_of(0, 3), arrays_of(3, 120), arrays_of(123, 1)]
    last = to_arrays([*from_arrays(STATE), *from_arrays(STATE)])
    for part, state in zip(parts, (STATE, STATE, last), strict=True):
        take.write_chunk(part, state)
    arrays, state = take.read_chunks()
    assert set(arrays) == {*CHUNK_ARRAYS, "person"}
    for name in CHUNK_ARRAYS:
        expected = np.concatenate([part[name] for part in parts])
        assert arrays[name].dtype == expected.dtype
        np.testing.assert_array_equal(arrays[name], expected)
    assert set(state) == set(STATE_ARRAYS)
    for name in STATE_ARRAYS:
        np.testing.assert_array_equal(state[name], last[name])
    names = [path.name for path in sorted((take.folder / "chunks").iterdir())]
    assert names == ["00000000.npz", "00000003.npz", "00000123.npz"]


def test_people_who_come_later_are_missing_before(take):
    first, second = arrays_of(0, 2), arrays_of(2, 3, (0, 1, 4))
    take.write_chunk(first, STATE)
    take.write_chunk(second, STATE)
    arrays, _ = take.read_chunks()
    assert arrays["person"].tolist() == [0, 1, 4]
    for name in PERSONAL:
        np.testing.assert_array_equal(arrays[name][:2, 0], first[name][:, 0])
        np.testing.assert_array_equal(arrays[name][2:], second[name])
        missing = arrays[name][:2, 1:]
        assert (missing == 0).all() if name in SCORES else np.isnan(missing).all()


def test_a_take_without_chunks_is_empty_arrays_of_the_right_shapes(take):
    arrays, state = take.read_chunks()
    assert arrays["xy_px"].shape == (0, 1, 37, 2)
    assert arrays["frame"].shape == (0,)
    assert arrays["person"].tolist() == [0]
    for name, (_, kind) in CHUNK_ARRAYS.items():
        assert arrays[name].dtype.str[1:] == kind
    assert from_arrays(state) == []


def test_half_written_files_of_a_killed_run_are_not_read(take, chunk):
    (chunk.parent / "00000003.npz.part").write_bytes(b"half")
    assert len(take.read_chunks()[0]["frame"]) == 3


def test_lifted_points_are_plain_arrays(take):
    arrays = {"schema": np.array("x"), "xyz_m": np.full((2, 1, 37, 3), np.nan, np.float32)}
    path = take.write_lifted(arrays)
    with np.load(path, allow_pickle=False) as file:
        assert str(file["schema"]) == "x"
        np.testing.assert_array_equal(file["xyz_m"], arrays["xyz_m"])


def refusal(take, chunk):
    with pytest.raises(TakeError) as caught:
        take.read_chunks()
    assert str(chunk) in str(caught.value)
    assert "delete it" in str(caught.value)
    return str(caught.value)


def test_a_gap_between_chunks_is_refused(take, chunk):
    take.write_chunk(arrays_of(4, 2), STATE)
    assert "row 2" in refusal(take, chunk.with_name("00000004.npz"))


def test_chunks_that_overlap_are_refused(take, chunk):
    take.write_chunk(arrays_of(2, 2), STATE)
    assert "row 2" in refusal(take, chunk.with_name("00000002.npz"))


def test_a_chunk_cut_short_anywhere_is_refused(take, chunk):
    content = chunk.read_bytes()
    for length in range(0, len(content), 97):
        chunk.write_bytes(content[:length])
        refusal(take, chunk)


def test_a_chunk_with_a_changed_byte_is_refused_or_read_whole(take, chunk):
    content = chunk.read_bytes()
    rng = np.random.default_rng(11)
    refused = 0
    for place in rng.integers(0, len(content), 600):
        changed = bytearray(content)
        changed[place] ^= int(rng.integers(1, 256))
        chunk.write_bytes(changed)
        try:
            arrays, _ = take.read_chunks()
        except TakeError as error:
            refused += 1
            assert str(chunk) in str(error)
        else:
            for name, expected in arrays_of(0, 3).items():
                np.testing.assert_array_equal(arrays[name], expected)
    assert refused > 300  # most bytes matter: those of the arrays are guarded by a checksum


def saved(**arrays):
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)
    return buffer.getvalue()


def huge_array():
    """A chunk whose header claims 400 terabytes."""
    header = b"{'descr': '<f4', 'fortran_order': False, 'shape': (100000000000000,), }"
    header = header.ljust(117) + b"\n"
    data = b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header
    buffer = io.BytesIO(saved(**{**arrays_of(0, 3), **STATE}))
    whole = io.BytesIO()
    with zipfile.ZipFile(buffer) as source, zipfile.ZipFile(whole, "w") as target:
        for name in source.namelist():
            target.writestr(name, data if name == "xy_px.npy" else source.read(name))
    return whole.getvalue()


def foreign(**changes):
    arrays = {**arrays_of(0, 3), **STATE, **changes}
    return saved(**{name: array for name, array in arrays.items() if array is not None})


def lone_array():
    buffer = io.BytesIO()
    np.save(buffer, np.arange(3))
    return buffer.getvalue()


class Unpickled:
    """Tells on whoever unpickles it."""

    def __reduce__(self):
        """Raise when loaded."""
        return (pytest.fail, ("a pickle of the take was executed",))


FOREIGN = {
    "pickle": pickle.dumps(Unpickled()),
    "object array": foreign(frame=np.array([0, Unpickled(), 2], object)),
    "object crops": foreign(track_crops=np.full((1, 2, 4), None)),
    "lone array": lone_array(),
    "text": b"not an archive",
    "missing array": foreign(score=None),
    "missing crops": foreign(track_crops=None),
    "missing person": foreign(person=None),
    "the same person twice": foreign(person=np.array([0, 0])),
    "another person": foreign(person=np.array([-1])),
    "more people than points": foreign(person=np.array([0, 1])),
    "scalar row": foreign(row=np.array(0)),
    "one frame": foreign(frame=np.array([70])),
    "whole as numbers": foreign(whole=np.ones(3)),
    "scalar everything": foreign(**{name: np.array(0) for name in CHUNK_ARRAYS}),
    "shorter score": foreign(score=np.zeros((2, 1, 37), np.float32)),
    "two people": foreign(score=np.zeros((3, 2, 37), np.float32)),
    "other key points": foreign(xy_px=np.zeros((3, 1, 17, 2), np.float32)),
    "doubles": foreign(xy_px=np.zeros((3, 1, 37, 2))),
    "words": foreign(time_s=np.array(["a", "b", "c"])),
    "crops of words": foreign(track_crops=np.full((1, 2, 4), "x")),
    "other crops": foreign(track_crops=np.zeros((1, 2, 3))),
    "more crops than tracks": foreign(track_crops=np.zeros((2, 2, 4))),
    "huge array": huge_array(),
}


@pytest.mark.parametrize("content", FOREIGN.values(), ids=FOREIGN)
def test_a_foreign_chunk_is_refused(take, chunk, content):
    chunk.write_bytes(content)
    refusal(take, chunk)


def test_a_chunk_that_starts_elsewhere_than_its_name_says_is_refused(take, chunk):
    chunk.write_bytes(foreign(row=np.arange(3) + 1))
    refusal(take, chunk)


def no_space(*_args, **_kwargs):
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


@pytest.mark.parametrize("when", ["while writing", "while flushing", "while renaming"])
def test_a_full_disk_leaves_the_earlier_files_and_no_half_written_one(take, monkeypatch, when):
    take.write_chunk(arrays_of(0, 3), STATE)
    take.write_lifted({"a": np.zeros(3)})
    before = files(take.folder)

    def write_half(file, **arrays):
        file.write(b"half")
        no_space()

    with monkeypatch.context() as patch:
        if when == "while writing":
            patch.setattr(np, "savez", write_half)
            patch.setattr(json, "dumps", no_space)
        else:
            patch.setattr(os, "fsync" if when == "while flushing" else "replace", no_space)
        for write in (
            lambda: take.write_json({"a": 1}),
            lambda: take.write_chunk(arrays_of(3, 2), STATE),
            lambda: take.write_chunk(arrays_of(0, 2), STATE),
            lambda: take.write_lifted({"b": np.ones(3)}),
        ):
            with pytest.raises(TakeError, match="No space left on device") as caught:
                write()
            assert str(take.folder) in str(caught.value)
    assert files(take.folder) == before
    take.write_chunk(arrays_of(3, 2), STATE)
    assert len(take.read_chunks()[0]["frame"]) == 5


@pytest.mark.parametrize("stop", [KeyboardInterrupt, ValueError])
def test_an_interrupted_write_leaves_no_half_written_file(tmp_path, stop):
    path = tmp_path / "file"
    path.write_bytes(b"earlier")
    with pytest.raises(stop), replacing(path) as file:
        file.write(b"half")
        raise stop
    assert files(tmp_path) == {"file": b"earlier"}


def test_a_file_in_a_missing_folder_is_named(tmp_path):
    path = tmp_path / "missing" / "file"
    with pytest.raises(TakeError, match="No such file") as caught, replacing(path):
        pass
    assert str(path) in str(caught.value)
