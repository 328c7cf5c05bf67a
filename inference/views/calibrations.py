# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads the calibrations that motion-capture tools write, each into the same cameras.

Sources: Pose2Sim and FreeMoCap write Anipose's TOML (a table a camera: name, size, matrix,
distortions, rotation as a vector, translation); Caliscope's camera_array.toml has rotation matrices
and a number of turns; Qualisys Track Manager's .qca.txt is XML; OpenCV's FileStorage (YAML, XML,
JSON) is read as EasyMocap names things (names, K_, dist_, R_, Rot_, T_), in one file or in
intri.yml and extri.yml side by side.
"""

import tomllib
import xml.etree.ElementTree as ElementTree
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray

from ..errors import CalibrationError
from .view import View

Floats = NDArray[np.float64]

MAX_BYTES: Final = 4_000_000
MAX_CAMERAS: Final = 64

SUBPIXEL: Final = 64.0
"""Qualisys counts 64 units a pixel."""

MILLIMETRE_M: Final = 0.001

READABLE: Final = (
    "a TOML file of Pose2Sim, FreeMoCap or Caliscope, a .qca.txt of Qualisys, or OpenCV's "
    "intri.yml beside its extri.yml"
)


def read_calibration(path: Path, least: int = 2) -> dict[str, View]:
    """Read a calibration.

    Args:
        path: Its file; of OpenCV's pair of files, either.
        least: How many cameras it must hold.

    Returns:
        The cameras by name, in the file's order. Units are the file's, but Qualisys' millimetres
        become metres.

    Raises:
        CalibrationError: The file cannot be read, is of no known layout, or holds too few cameras.
    """
    text = _read_text(path)
    try:
        views = _reader(path, text)(path, text)
    except (
        ValueError,
        KeyError,
        TypeError,
        AttributeError,
        IndexError,
        ElementTree.ParseError,
    ) as error:
        raise CalibrationError(
            f"{path} is not a calibration that can be read ({type(error).__name__}: {error}): "
            f"give {READABLE}"
        ) from error
    except (cv2.error, SystemError) as error:  # OpenCV raises both on files it cannot parse
        raise CalibrationError(f"{path} is no calibration that OpenCV can read: {error}") from error
    if not least <= len(views) <= MAX_CAMERAS:
        raise CalibrationError(
            f"{path} holds {len(views)} cameras whose lens and place are known; {least} to "
            f"{MAX_CAMERAS} are needed: give {READABLE}"
        )
    named = {view.name: view for view in views}
    if len(named) < len(views):
        raise CalibrationError(f"{path} names two cameras alike: {[view.name for view in views]}")
    return named


def _read_text(path: Path) -> str:
    try:
        if path.stat().st_size > MAX_BYTES:
            raise CalibrationError(f"{path} is larger than any calibration: give {READABLE}")
        return path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise CalibrationError(f"{path} cannot be read: {error}") from error


def _reader(path: Path, text: str) -> Any:
    start = text.lstrip("\ufeff \n\r\t")
    if path.suffix == ".toml":
        return _from_toml
    if start.startswith(("%YAML", "<?xml", "<opencv", "{")) and "<calibration" not in start[:400]:
        return _from_opencv
    return _from_qualisys


def _from_toml(_path: Path, text: str) -> list[View]:
    content = tomllib.loads(text)
    tables = content.get("cameras", content)
    cameras = [(key, one) for key, one in tables.items() if _is_camera(one)]
    return [_toml_camera(key, one) for key, one in cameras if not one.get("ignore")]


def _is_camera(table: Any) -> bool:
    """Whether it is a camera and has a place; Caliscope writes "null" or nothing before it has."""
    known = ("matrix", "rotation", "translation")
    return isinstance(table, dict) and all(table.get(one, "null") != "null" for one in known)


def _toml_camera(key: str, values: Mapping[str, Any]) -> View:
    turn = np.array(values["rotation"], float)
    rotation = cv2.Rodrigues(turn)[0] if turn.shape == (3,) else turn.reshape(3, 3)
    return View(
        name=str(values.get("name", values.get("cam_id", key))),
        size_px=np.array(values["size"], float),
        matrix=np.array(values["matrix"], float).reshape(3, 3),
        distortion=np.array(values.get("distortions", []), float).ravel(),
        rotation=np.asarray(rotation, float),
        translation=np.array(values["translation"], float).ravel(),
        fisheye=bool(values.get("fisheye", False)),
        turns=-int(values.get("rotation_count", 0)) % 4,
    )


def _from_qualisys(_path: Path, text: str) -> list[View]:
    if "<!ENTITY" in text:
        raise ValueError("it declares entities, which no calibration needs")
    cameras = ElementTree.fromstring(text.encode()).iter("camera")
    return [_qualisys_camera(one) for one in cameras if one.get("active", "1") != "0"]


def _qualisys_camera(camera: ElementTree.Element) -> View:
    outer, inner, frame = (camera.find(tag) for tag in ("transform", "intrinsic", "fov_video"))
    if outer is None or inner is None or frame is None:
        raise ValueError("a camera lacks transform, intrinsic or fov_video")
    # Its rows are the camera's axes right, up, back; ours are right, down, forward.
    turn = np.array([[float(outer.attrib[f"r{i}{j}"]) for j in (1, 2, 3)] for i in (1, 2, 3)])
    rotation = turn * [[1.0], [-1.0], [-1.0]]
    place = np.array([float(outer.attrib[axis]) for axis in "xyz"]) * MILLIMETRE_M
    lens = {name: float(value) for name, value in inner.attrib.items()}
    left, top, right, bottom = (float(frame.attrib[k]) for k in ("left", "top", "right", "bottom"))
    focal_x, focal_y, middle_x, middle_y = (
        lens[name] / SUBPIXEL
        for name in ("focalLengthU", "focalLengthV", "centerPointU", "centerPointV")
    )
    radial = [lens[f"radialDistortion{order}"] for order in (1, 2, 3)]
    tangential = [lens[f"tangentalDistortion{order}"] for order in (1, 2)]
    matrix = [[focal_x, 0.0, middle_x - left], [0.0, focal_y, middle_y - top], [0.0, 0.0, 1.0]]
    return View(
        name=camera.attrib["serial"],
        size_px=np.array([right - left + 1.0, bottom - top + 1.0]),
        matrix=np.array(matrix),
        distortion=np.array([*radial[:2], *tangential, radial[2]]),
        rotation=rotation,
        translation=-rotation @ place,
        turns=-int(float(camera.get("viewrotation", 0)) // 90) % 4,
    )


def _from_opencv(path: Path, _text: str) -> list[View]:
    pair = [path.with_name(f"{part}{path.suffix}") for part in ("intri", "extri")]
    files = pair if path in pair else [path]
    stored = [cv2.FileStorage(str(file), cv2.FILE_STORAGE_READ) for file in files]
    missing = [file.name for file, one in zip(files, stored, strict=True) if not one.isOpened()]
    if missing:
        raise ValueError(f"{missing[0]} is missing beside it")
    try:
        names = stored[0].getNode("names")
        return [_opencv_camera(names.at(i).string(), stored) for i in range(names.size())]
    finally:
        for one in stored:
            one.release()


def _opencv_camera(name: str, stored: list[Any]) -> View:
    def matrix(key: str) -> Floats | None:
        found = (one.getNode(f"{key}_{name}").mat() for one in stored)
        return next((np.asarray(value, float) for value in found if value is not None), None)

    def number(key: str) -> float | None:
        nodes = (one.getNode(f"{key}_{name}") for one in stored)
        return next((node.real() for node in nodes if not node.empty()), None)

    lens, shift, bent = matrix("K"), matrix("T"), matrix("dist")
    turn = matrix("Rot") if matrix("Rot") is not None else matrix("R")
    if lens is None or shift is None or turn is None:
        raise ValueError(f"camera {name} lacks K_{name}, R_{name} or T_{name}")
    size = number("W"), number("H")
    return View(
        name=name,
        size_px=np.full(2, np.nan) if None in size else np.array(size, float),
        matrix=lens,
        distortion=np.zeros(5) if bent is None else bent.ravel(),
        rotation=turn if turn.shape == (3, 3) else np.asarray(cv2.Rodrigues(turn)[0]),
        translation=shift.ravel(),
    )
