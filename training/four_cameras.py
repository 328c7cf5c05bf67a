# SPDX-License-Identifier: GPL-3.0-or-later
"""The real clip that spines are judged by, never trained on: a bare back in four calibrated views.

A man bends sideways on a beam: `Demo_SinglePerson` of Pose2Sim (BSD-3-Clause), 100 frames at 60 Hz.
"""

import xml.etree.ElementTree as ElementTree
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ..inference import video
from ..tools.pinned_wheel import FetchError, Member, PinnedWheel, fetch_members
from .errors import TrainingError
from .four_cameras_geometry import View
from .places import CACHE

WHEEL: Final = PinnedWheel(
    requirement="pose2sim==0.10.49",
    sha256="403e0dc4065898ba6a595e72a8970950310979253d60e24c2e00b16b36bf21e1",
)

_VIDEOS: Final = {
    "cam01": "cf4f2816c86bea4bfbea255333d8626ff32a3ecabdab8b0fb147cea9167fde3a",
    "cam02": "94ff87cf978b8406e8aa36ab3c5362e72848994e87652f0dc7a33c315e8e0442",
    "cam03": "b8b329f832f178f27ecb78d024d5026b96c6adb36c387bfe2c0af85eab8a11ca",
    "cam04": "b5c0e7863fd70d008e7178d3c556b045b0ea5f78fcd61ca548a0b2e807e641f7",
}
_CALIBRATION: Final = "fd90e4bbae3278ef1dc0cdd42a34ee06bf88286f628a02c00a29407aa39e34c5"

CAMERAS: Final = tuple(_VIDEOS)

SUBJECT_PX: Final = {
    "cam01": (419.0, 755.0),
    "cam02": (540.0, 755.0),
    "cam03": (612.0, 909.0),
    "cam04": (380.0, 898.0),
}
"""The man's pelvis in the first frame; others stand behind him in two views."""

BOLTS_PX: Final = np.array(
    [
        [(278.8, 1360.6), (np.nan, np.nan), (786.7, 1279.8), (510.6, 1035.7)],
        [(283.9, 1215.3), (414.9, 1037.7), (802.7, 1269.9), (823.8, 1066.8)],
        [(np.nan, np.nan), (912.3, 1228.2), (141.8, 1269.7), (520.3, 1502.7)],
        [(933.1, 1058.0), (884.9, 1430.4), (487.8, 1135.4), (325.5, 1464.7)],
    ]
)
"""Four bolts of the floor in each camera, read off by eye to about one pixel, NaN where hidden.

By the calibration alone they disagree by 3-15 px, with a constant offset of each picture by less
than 1 px: the videos were cropped or steadied after it was made.
"""

SUBPIXEL: Final = 64.0
"""Qualisys counts 64 units a pixel."""


def fetch(folder: Path = CACHE / "four_cameras") -> Path:
    """Make sure that videos and calibration are there.

    Args:
        folder: Where they are kept.

    Returns:
        The folder.

    Raises:
        TrainingError: If they cannot be fetched, or are not the pinned ones.
    """
    root = "Pose2Sim/Demo_SinglePerson"
    targets = {
        Member(f"{root}/videos/{name}.mp4", sha256): folder / f"{name}.mp4"
        for name, sha256 in _VIDEOS.items()
    }
    calibration = Member(f"{root}/calibration/Calib.qca.txt", _CALIBRATION)
    try:
        fetch_members(WHEEL, {**targets, calibration: folder / "calibration.xml"})
    except FetchError as error:
        raise TrainingError(f"the four-camera clip cannot be had: {error}") from error
    return folder


def read_views(path: Path) -> list[View]:
    """Read a Qualisys calibration.

    Args:
        path: The XML file.

    Returns:
        The cameras, in the file's order; world axes are the file's, metres.
    """
    views = []
    for camera in ElementTree.parse(path).getroot().iter("camera"):
        outer, inner = camera.find("transform"), camera.find("intrinsic")
        if outer is None or inner is None:
            raise TrainingError(f"{path} lacks a camera's transform or intrinsic: fetch it again")
        # Its rows are the camera's axes right, up, back; ours are right, down, forward.
        turn = np.array([[float(outer.attrib[f"r{i}{j}"]) for j in (1, 2, 3)] for i in (1, 2, 3)])
        place = np.array([float(outer.attrib[axis]) for axis in "xyz"]) / 1000.0
        lens = {name: float(value) for name, value in inner.attrib.items()}
        focal_u, focal_v, centre_u, centre_v = (
            lens[name] / SUBPIXEL
            for name in ("focalLengthU", "focalLengthV", "centerPointU", "centerPointV")
        )
        matrix = np.array([[focal_u, 0.0, centre_u], [0.0, focal_v, centre_v], [0.0, 0.0, 1.0]])
        radial = [lens[f"radialDistortion{order}"] for order in (1, 2, 3)]
        tangential = [lens[f"tangentalDistortion{order}"] for order in (1, 2)]
        distortion = np.array([*radial[:2], *tangential, radial[2]])
        views.append(View(matrix, distortion, turn * [[1.0], [-1.0], [-1.0]], place))
    return views


def read_frames(path: Path) -> list[NDArray[np.uint8]]:
    """Decode a video: its 100 pictures, (H, W, 3) RGB."""
    return [frame.rgb for frame in video.frames(video.probe(path))]
