# SPDX-License-Identifier: GPL-3.0-or-later
"""Motion that hangs together, and files that may not."""

import io
import zipfile

import numpy as np
import pytest
from track_spine.rigging import motion as motion_module
from track_spine.rigging.errors import RigError
from track_spine.rigging.motion import BoneMotion, Motion3D, load_lifted

NAMES = ("left_hip", "right_hip", "neck")


def lifted_arrays(frames=5, people=2):
    rng = np.random.default_rng(3)
    points = len(NAMES)
    return {
        "schema": np.array("track_spine.lifted"),
        "version": np.array(1),
        "names": np.array(NAMES),
        "frame": np.arange(frames),
        "time_s": np.arange(frames) / 30.0,
        "xyz_m": rng.normal(size=(frames, people, points, 3)).astype(np.float32),
        "score": np.full((frames, people, points), 0.5, dtype=np.float32),
        "person": np.arange(people) + 4,
        "world_from_camera": np.eye(4),
        "focal_px": np.array(1000.0),
        "image_size_px": np.array([640, 480]),
    }


def write(path, arrays):
    np.savez_compressed(path, **arrays)
    return path


def test_lifted_file_gives_each_persons_motion(tmp_path):
    arrays = lifted_arrays()
    people = load_lifted(write(tmp_path / "lifted.npz", arrays))
    assert list(people) == [4, 5]
    for p, motion in enumerate(people.values()):
        assert motion.names == NAMES
        assert np.array_equal(motion.time_s, arrays["time_s"])
        assert np.array_equal(motion.xyz_m, arrays["xyz_m"][:, p])
        assert np.array_equal(motion.score, arrays["score"][:, p])


def test_version_two_tells_deviations_pixels_and_the_camera(tmp_path):
    arrays = lifted_arrays()
    old = load_lifted(write(tmp_path / "lifted.npz", arrays))[5]
    assert old.sigma_m is None
    assert old.xy_px is None
    rng = np.random.default_rng(8)
    arrays |= {
        "version": np.array(2),
        "sigma_m": rng.uniform(0.01, 0.1, size=(5, 2, 3)).astype(np.float32),
        "xy_px": rng.uniform(0.0, 400.0, size=(5, 2, 3, 2)).astype(np.float32),
    }
    motion = load_lifted(write(tmp_path / "lifted.npz", arrays))[5]
    assert np.array_equal(motion.sigma_m, arrays["sigma_m"][:, 1])
    assert np.array_equal(motion.xy_px, arrays["xy_px"][:, 1])
    assert motion.camera.focal_px == 1000.0
    assert motion.camera.image_size_px == (640, 480)
    part = motion.at(slice(1, 3))
    assert np.array_equal(part.time_s, motion.time_s[1:3])
    assert np.array_equal(part.xy_px, motion.xy_px[1:3])
    assert np.array_equal(part.sigma_m, motion.sigma_m[1:3])


def test_points_without_score_or_position_are_missing(tmp_path):
    arrays = lifted_arrays()
    arrays["score"][0, 0, 0] = 0.0
    arrays["xyz_m"][1, 0, 1, 2] = np.nan
    motion = load_lifted(write(tmp_path / "lifted.npz", arrays))[4]
    missing = np.zeros((5, 3), dtype=bool)
    missing[[0, 1], [0, 1]] = True
    assert np.array_equal(motion.score == 0.0, missing)
    assert np.array_equal(np.isnan(motion.xyz_m).all(axis=-1), missing)


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("schema", np.array("something.else"), "something.else"),
        ("version", np.array(4), "version 4"),
        ("version", np.array("1"), "version"),
        ("names", np.array(["a", "a", "b"]), "repeat"),
        ("names", np.array(NAMES, dtype=object), "read"),
        ("names", np.arange(3), "names"),
        ("time_s", np.array([0.0, 1.0, 1.0, 2.0, 3.0]), "increasing"),
        ("time_s", np.array([0.0, 1.0, np.nan, 2.0, 3.0]), "increasing"),
        ("time_s", np.array([0.0, 1.0, 1.0 + 1e-9, 2.0, 3.0]), "closer than a microsecond"),
        ("time_s", np.arange(4.0), "fit"),
        ("time_s", np.arange(5), "time_s"),
        ("person", np.array([4, 4]), "repeat"),
        ("person", np.array([4]), "fit"),
        ("xyz_m", np.zeros((5, 2, 3, 2), dtype=np.float32), "fit"),
        ("xyz_m", np.zeros((5, 2, 3), dtype=np.float32), "xyz_m"),
        ("xyz_m", np.full((5, 2, 3, 3), np.inf, dtype=np.float32), "away"),
        ("xyz_m", np.full((5, 2, 3, 3), 1e6, dtype=np.float32), "away"),
        ("xyz_m", np.zeros((5, 2, 3, 3), dtype=complex), "xyz_m"),
        ("score", np.full((5, 2, 3), 1.5), "0 and 1"),
        ("score", np.full((5, 2, 3), np.nan), "0 and 1"),
        ("score", np.full((5, 3, 2), 0.5), "fit"),
        ("sigma_m", np.full((5, 2, 4), 0.1), "fit"),
        ("sigma_m", np.full((5, 2, 3), -0.1), "deviations"),
        ("xy_px", np.zeros((5, 2, 3, 3)), "fit"),
        ("xy_px", np.full((5, 2, 3, 2), np.inf), "Pixels"),
        ("focal_px", np.array(np.nan), "focal"),
        ("focal_px", np.array(1e9), "focal"),
        ("world_from_camera", 2.0 * np.eye(4), "rotation"),
        ("world_from_camera", np.full((4, 4), np.nan), "rotation"),
        ("image_size_px", np.array([0, 480]), "picture"),
        ("image_size_px", np.array([1, 2, 3]), "image_size_px"),
    ],
)
def test_wrong_contents_are_named(tmp_path, name, value, said):
    arrays = {**lifted_arrays(), name: value}
    with pytest.raises(RigError, match=said) as caught:
        load_lifted(write(tmp_path / "lifted.npz", arrays))
    assert "lifted.npz" in str(caught.value)


@pytest.mark.parametrize(
    "name", ["schema", "version", "names", "time_s", "xyz_m", "score", "person"]
)
def test_missing_arrays_are_named(tmp_path, name):
    arrays = lifted_arrays()
    del arrays[name]
    with pytest.raises(RigError, match=name):
        load_lifted(write(tmp_path / "lifted.npz", arrays))


def test_unreadable_files_are_refused(tmp_path):
    for name, content in {"empty": b"", "text": b"not a zip", "array": array_bytes()}.items():
        (tmp_path / name).write_bytes(content)
        with pytest.raises(RigError, match=name):
            load_lifted(tmp_path / name)
    with pytest.raises(RigError, match="absent"):
        load_lifted(tmp_path / "absent.npz")
    with pytest.raises(RigError, match="cannot"):
        load_lifted(tmp_path)


def array_bytes():
    stream = io.BytesIO()
    np.save(stream, np.zeros(3))
    return stream.getvalue()


def test_damaged_files_are_refused_or_still_make_sense(tmp_path):
    path = write(tmp_path / "lifted.npz", lifted_arrays())
    whole = path.read_bytes()
    rng = np.random.default_rng(11)
    refused = 0
    for trial in range(150):
        damaged = bytearray(whole)
        for at in rng.integers(0, len(whole), size=3):
            damaged[at] = int(rng.integers(0, 256))
        path.write_bytes(bytes(damaged[: len(whole) // 2] if trial % 10 == 0 else damaged))
        try:
            load_lifted(path)
        except RigError:
            refused += 1
    assert refused > 75


def test_a_header_that_claims_a_giant_array_is_refused(tmp_path):
    path = write(tmp_path / "lifted.npz", lifted_arrays())
    header = b"{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999, 2, 3, 3), }"
    header += b" " * (117 - len(header)) + b"\n"
    giant = b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, giant if name == "xyz_m.npy" else content)
    with pytest.raises(RigError):
        load_lifted(path)


def test_huge_arrays_are_refused_before_they_are_read(tmp_path, monkeypatch):
    monkeypatch.setattr(motion_module, "_LARGEST_ARRAY_BYTES", 300)
    with pytest.raises(RigError, match="xyz_m"):
        load_lifted(write(tmp_path / "lifted.npz", lifted_arrays()))


def test_motion_must_hang_together():
    time_s, xyz, score = np.arange(4.0), np.zeros((4, 3, 3)), np.ones((4, 3))
    Motion3D(NAMES, time_s, xyz, score)
    hole = xyz.copy()
    hole[1, 1] = np.nan
    for wrong in (
        (("a", "a", "b"), time_s, xyz, score),
        (NAMES, time_s[::-1], xyz, score),
        (NAMES, time_s, xyz[:, :2], score),
        (NAMES, time_s, xyz, score[:3]),
        (NAMES, time_s, hole, score),
        (NAMES, time_s, xyz, 0.0 * score),
        (NAMES, time_s, xyz, 2.0 * score),
    ):
        with pytest.raises(RigError):
            Motion3D(*wrong)


def test_a_key_point_that_is_not_there_is_never_seen():
    motion = Motion3D(NAMES, np.arange(2.0), np.ones((2, 3, 3)), np.ones((2, 3)))
    assert np.isnan(motion.point("nose")).all()
    assert (motion.point_score("nose") == 0.0).all()
    assert (motion.point("neck") == 1.0).all()


def test_bone_motion_must_hang_together():
    rotation = np.tile([1.0, 0.0, 0.0, 0.0], (3, 2, 1))
    root, valid = np.zeros((3, 3)), np.array([True, False, True])
    rotation[1], root[1] = np.nan, np.nan
    BoneMotion(("a", "b"), np.arange(3.0), rotation, root, valid)
    for wrong in (
        (("a",), np.arange(3.0), rotation, root, valid),
        (("a", "b"), np.zeros(3), rotation, root, valid),
        (("a", "b"), np.arange(3.0), 2.0 * rotation, root, valid),
        (("a", "b"), np.arange(3.0), rotation, root, np.ones(3, dtype=bool)),
        (("a", "b"), np.arange(3.0), rotation, np.full((3, 3), np.nan), valid),
    ):
        with pytest.raises(RigError):
            BoneMotion(*wrong)
