# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads the Bandai-Namco clips: a source for tests only, whose licence bars commercial use."""

import zipfile
from pathlib import Path, PurePosixPath
from typing import Final

import numpy as np

from .errors import TrainingError
from .motions import Bvh, Motion, read_bvh
from .rotations import Floats, unit

ARCHIVE: Final = "bandai1_40_TEST_ONLY.zip"

_LIMBS: Final = {
    "upper_arm": ("UpperArm", "LowerArm"),
    "forearm": ("LowerArm", "Hand"),
    "hand": ("LowerArm", "Hand"),
    "thigh": ("UpperLeg", "LowerLeg"),
    "shin": ("LowerLeg", "Foot"),
    "foot": ("Foot", "Toes"),
}
"""Joints at the ends of the segments; there are no fingers."""

_Y_UP: Final = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, -1.0], [0.0, 1.0, 0.0]])


def read_bandai(mocap: Path, clip: str) -> Motion:
    """Read a clip; it runs at 30 Hz, of which `read_bvh` takes each second frame.

    Seen at 20 Hz, the motion is a third faster than it was.

    Args:
        mocap: Folder of the archive.
        clip: Name without dataset-1_ and .bvh, such as "bow_giant_001".

    Returns:
        The motion.

    Raises:
        TrainingError: If it is not there or damaged.
    """
    try:
        with zipfile.ZipFile(mocap / ARCHIVE) as file:
            wanted = f"dataset-1_{clip}.bvh"
            name = next(n for n in file.namelist() if PurePosixPath(n).name == wanted)
            bvh = read_bvh(file.read(name).decode())
    except (OSError, zipfile.BadZipFile, StopIteration) as error:
        raise TrainingError(f"cannot read {clip} of {mocap / ARCHIVE}: {error!r}") from error
    limbs = {
        part: unit(
            np.stack([bvh.between(f"{start}_{side}", f"{end}_{side}") for side in "LR"], axis=1)
            @ _Y_UP.T
        )
        for part, (start, end) in _LIMBS.items()
    }
    pelvis = _axes(bvh.between("UpperLeg_R", "UpperLeg_L"), bvh.between("Hips", "Chest"))
    chest = _axes(bvh.between("UpperArm_R", "UpperArm_L"), bvh.between("Chest", "Neck"))
    head = _head(bvh)
    trunk = [_Y_UP @ axes for axes in (pelvis, chest, head)]
    return Motion("bandai", "", clip, trunk[0], trunk[1], trunk[2], limbs)


def _axes(left: Floats, up: Floats) -> Floats:
    """(T, 3, 3) whose columns are left, backwards and up: the rotation from standing facing -Y."""
    left = unit(left)
    up = unit(up - (up * left).sum(axis=1, keepdims=True) * left)
    return np.stack([left, np.cross(up, left), up], axis=-1)


def _head(bvh: Bvh) -> Floats:
    """The head's bones run along x, and z points to the left."""
    turn = bvh.rotation[:, bvh.row["Head"]]
    return _axes(turn[..., 2], turn[..., 0])
