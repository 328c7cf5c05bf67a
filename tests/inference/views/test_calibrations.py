# SPDX-License-Identifier: GPL-3.0-or-later
"""The same two cameras, written as five tools write them, are read alike; hostile files are not."""

import json

import cv2
import numpy as np
import pytest
from track_spine.inference.errors import CalibrationError
from track_spine.inference.views.calibrations import MAX_BYTES, read_calibration

from .conftest import camera, person

CAMERAS = [camera("cam_01", 20.0), camera("cam_02", 140.0)]
POINTS = person(np.array([0.1]))[0]


def anipose_toml(cameras, unit=1.0):
    """As Pose2Sim and FreeMoCap write it; the latter in millimetres."""
    tables = []
    for index, view in enumerate(cameras):
        values = {
            "name": view.name,
            "size": view.size_px.tolist(),
            "matrix": view.matrix.tolist(),
            "distortions": view.distortion.tolist(),
            "rotation": cv2.Rodrigues(view.rotation)[0].ravel().tolist(),
            "translation": (view.translation / unit).tolist(),
        }
        lines = [f"{key} = {json.dumps(value)}" for key, value in values.items()]
        tables.append("\n".join([f"[cam_{index}]", *lines, "fisheye = false"]))
    return "\n\n".join([*tables, "[metadata]\nadjusted = false\nerror = 0.0\n"])


def caliscope_toml(cameras):
    """As Caliscope writes it, with one more camera that is ignored."""
    tables = []
    for index, view in enumerate([*cameras, cameras[0]]):
        values = {
            "cam_id": view.name if index < len(cameras) else "unused",
            "rotation_count": -view.turns,
            "ignore": index == len(cameras),
            "size": view.size_px.astype(int).tolist(),
            "matrix": view.matrix.tolist(),
            "distortions": view.distortion.tolist(),
            "rotation": view.rotation.tolist(),
            "translation": view.translation.tolist(),
        }
        lines = [f"{key} = {json.dumps(value)}" for key, value in values.items()]
        tables.append("\n".join([f"[cameras.{index}]", *lines]))
    return "\n\n".join(tables)


def qualisys_xml(cameras):
    """As Qualisys Track Manager exports it: millimetres, 64 units a pixel, axes right, up, back."""
    parts = []
    for view in cameras:
        turn = view.rotation * [[1.0], [-1.0], [-1.0]]
        cells = " ".join(f'r{i + 1}{j + 1}="{turn[i, j]!r}"' for i in range(3) for j in range(3))
        x, y, z = view.place * 1000.0
        (fx, _, cx), (_, fy, cy), _ = view.matrix * 64.0
        k1, k2, p1, p2, k3 = view.distortion
        width, height = view.size_px
        parts.append(
            f'<camera active="1" serial="{view.name}" viewrotation="0">'
            f'<fov_video left="0" top="0" right="{width - 1:.0f}" bottom="{height - 1:.0f}"/>'
            f'<transform {cells} x="{x!r}" y="{y!r}" z="{z!r}"/>'
            f'<intrinsic focalLengthU="{fx!r}" focalLengthV="{fy!r}" centerPointU="{cx!r}" '
            f'centerPointV="{cy!r}" radialDistortion1="{k1!r}" radialDistortion2="{k2!r}" '
            f'radialDistortion3="{k3!r}" tangentalDistortion1="{p1!r}" '
            f'tangentalDistortion2="{p2!r}"/></camera>'
        )
    head = "<?xml version='1.0' encoding='ASCII'?>\n<calibration type=\"regular\"><cameras>"
    return f"{head}{''.join(parts)}</cameras></calibration>"


def write_opencv(folder, cameras):
    """intri.yml and extri.yml as EasyMocap names things; returns the first."""
    intri = cv2.FileStorage(str(folder / "intri.yml"), cv2.FILE_STORAGE_WRITE)
    extri = cv2.FileStorage(str(folder / "extri.yml"), cv2.FILE_STORAGE_WRITE)
    for file in (intri, extri):
        file.startWriteStruct("names", cv2.FileNode_SEQ)
        for view in cameras:
            file.write("", view.name)
        file.endWriteStruct()
    for view in cameras:
        intri.write(f"K_{view.name}", view.matrix)
        intri.write(f"dist_{view.name}", view.distortion)
        intri.write(f"W_{view.name}", float(view.size_px[0]))
        intri.write(f"H_{view.name}", float(view.size_px[1]))
        extri.write(f"R_{view.name}", cv2.Rodrigues(view.rotation)[0])
        extri.write(f"Rot_{view.name}", view.rotation)
        extri.write(f"T_{view.name}", view.translation)
    intri.release()
    extri.release()
    return folder / "intri.yml"


def written(folder, layout):
    """Path of the cameras in a layout."""
    if layout == "opencv":
        return write_opencv(folder, CAMERAS)
    texts = {
        "Calib.toml": anipose_toml(CAMERAS),
        "camera_array.toml": caliscope_toml(CAMERAS),
        "Calib.qca.txt": qualisys_xml(CAMERAS),
    }
    path = folder / layout
    path.write_text(texts[layout])
    return path


@pytest.mark.parametrize("layout", ["Calib.toml", "camera_array.toml", "Calib.qca.txt", "opencv"])
def test_every_layout_gives_the_same_cameras(tmp_path, layout):
    views = read_calibration(written(tmp_path, layout))
    assert list(views) == ["cam_01", "cam_02"]
    for view, wanted in zip(views.values(), CAMERAS, strict=True):
        assert view.size_px.tolist() == wanted.size_px.tolist()
        np.testing.assert_allclose(view.place, wanted.place, atol=1e-9)
        np.testing.assert_allclose(view.project(POINTS), wanted.project(POINTS), atol=1e-6)


def test_sizes_that_opencv_leaves_out_are_left_open(tmp_path):
    path = write_opencv(tmp_path, CAMERAS)
    lines = path.read_text().splitlines(keepends=True)
    path.write_text("".join(line for line in lines if not line.startswith(("W_", "H_"))))
    for view, wanted in zip(read_calibration(path).values(), CAMERAS, strict=True):
        assert np.isnan(view.size_px).all()
        fitted = view.resized(1280, 720)
        np.testing.assert_allclose(fitted.project(POINTS), wanted.project(POINTS), atol=1e-6)


@pytest.mark.parametrize("missing", ['rotation = "null"\ntranslation = "null"\n', ""])
def test_cameras_that_have_no_place_yet_are_left_out(tmp_path, missing):
    """As Caliscope writes them before their extrinsics are known, formerly and now."""
    path = tmp_path / "camera_array.toml"
    lens = f"size = [1280, 720]\nmatrix = {CAMERAS[0].matrix.tolist()}\n{missing}"
    path.write_text(f"{caliscope_toml(CAMERAS)}\n\n[cameras.9]\n{lens}")
    assert list(read_calibration(path)) == ["cam_01", "cam_02"]
    path.write_text(f"[cameras.0]\n{lens}\n[cameras.1]\n{lens}")
    with pytest.raises(CalibrationError, match="0 cameras whose lens and place are known"):
        read_calibration(path)


def test_turns_of_a_camera_on_its_side_are_read(tmp_path):
    path = tmp_path / "camera_array.toml"
    sideways = camera("c", 90.0, turns=1)
    path.write_text(caliscope_toml([CAMERAS[0], sideways]))
    np.testing.assert_allclose(
        read_calibration(path)["c"].project(POINTS), sideways.project(POINTS), atol=1e-6
    )


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("Calib.toml", "not = [toml"),
        ("Calib.toml", "[cam_0]\nmatrix = 3\ntranslation = [0, 0, 0]\n"),
        ("Calib.toml", anipose_toml(CAMERAS[:1])),
        ("Calib.toml", anipose_toml(CAMERAS).replace("[[900.0", '[["far"')),
        ("Calib.toml", anipose_toml([CAMERAS[0], CAMERAS[0]])),
        ("Calib.qca.txt", qualisys_xml(CAMERAS).replace("transform", "transformation")),
        ("Calib.qca.txt", '<?xml version="1.0"?><calibration><camera/></calibration>'),
        ("Calib.qca.txt", '<!DOCTYPE a [<!ENTITY b "c">]><calibration/>'),
        ("calib.txt", "\x00\x01 nothing"),
        ("intri.yml", "%YAML:1.0\n---\nnames:\n  - a\n  - b\n"),
        ("intri.yml", "%YAML:1.0\n--- [broken"),
        ("other.yml", "%YAML:1.0\n--- [broken"),
    ],
)
def test_what_is_no_calibration_is_refused_by_path(tmp_path, name, text):
    path = tmp_path / name
    path.write_text(text)
    with pytest.raises(CalibrationError) as refused:
        read_calibration(path)
    assert "alibration" in str(refused.value) or str(path) in str(refused.value)


def test_a_missing_or_huge_file_is_refused(tmp_path):
    with pytest.raises(CalibrationError, match="cannot be read"):
        read_calibration(tmp_path / "none.toml")
    (tmp_path / "huge.toml").write_bytes(b" " * (MAX_BYTES + 1))
    with pytest.raises(CalibrationError, match="larger"):
        read_calibration(tmp_path / "huge.toml")
