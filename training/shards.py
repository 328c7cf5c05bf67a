# SPDX-License-Identifier: GPL-3.0-or-later
"""Shards of samples: plain arrays and JPEG bytes in one file, written whole or not at all."""

import os
from dataclasses import fields
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray

from ..inference.keypoints import NAMES
from .anatomy import JOINTS
from .bodies import PHENOTYPES
from .errors import TrainingError
from .sample import Sample

SCHEMA: Final = "track_spine.renders"
VERSION: Final = 1
STRINGS: Final = ("source", "subject", "clip", "background", "clothes")


def shard_path(folder: Path, number: int) -> Path:
    """Path of a shard."""
    return folder / f"shard-{number:05d}.npz"


def write_shard(folder: Path, number: int, seed: int, samples: list[Sample]) -> Path:
    """Write a shard under a temporary name and rename it.

    Args:
        folder: Folder, made if needed.
        number: Number of the shard.
        seed: Seed of the set.
        samples: The samples.

    Returns:
        Its path.
    """
    folder.mkdir(parents=True, exist_ok=True)
    arrays: dict[str, Any] = {
        "schema": SCHEMA,
        "version": VERSION,
        "seed": seed,
        "number": number,
        "names": np.array(NAMES),
        "joints": np.array(JOINTS),
        "phenotypes": np.array([*PHENOTYPES, "stature_m"]),
        "jpeg": np.frombuffer(b"".join(sample.jpeg for sample in samples), np.uint8),
        "jpeg_end": np.cumsum([len(sample.jpeg) for sample in samples]),
    }
    for field in fields(Sample):
        if field.name in ("jpeg", "strings"):
            continue
        values = np.array([getattr(sample, field.name) for sample in samples])
        arrays[field.name] = values.astype(np.float32) if values.dtype == np.float64 else values
    for row, name in enumerate(STRINGS):
        arrays[name] = np.array([sample.strings[row] for sample in samples])
    path = shard_path(folder, number)
    partial = path.with_name(f".{path.stem}.{os.getpid()}.part.npz")
    np.savez(partial, **arrays)
    partial.replace(path)
    return path


def read_shard(path: Path) -> dict[str, NDArray[Any]]:
    """Read and check a shard.

    Args:
        path: The file.

    Returns:
        Its arrays, by the names of sample.Sample and STRINGS.

    Raises:
        TrainingError: If it is missing, damaged, or of another version; the message names it.
    """
    try:
        with np.load(path, allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
        if str(arrays["schema"]) != SCHEMA or int(arrays["version"]) != VERSION:
            raise ValueError(f"it is {arrays['schema']} version {arrays['version']}")
        count = len(arrays["jpeg_end"])
        if len(arrays["xy_px"]) != count or arrays["jpeg_end"][-1] != len(arrays["jpeg"]):
            raise ValueError("its arrays do not fit each other")
        if not np.all(np.isfinite(arrays["xyz_m"])):
            raise ValueError("it holds labels that are not finite")
    except Exception as error:
        raise TrainingError(
            f"shard {path} is damaged ({error}): delete it and run render again"
        ) from error
    return arrays


def picture_of(arrays: dict[str, NDArray[Any]], row: int) -> NDArray[np.uint8]:
    """Decode one picture of a shard: square RGB."""
    ends = arrays["jpeg_end"]
    start = int(ends[row - 1]) if row else 0
    picture = cv2.imdecode(arrays["jpeg"][start : int(ends[row])], cv2.IMREAD_COLOR)
    if picture is None:
        raise TrainingError(f"picture {row} of shard {int(arrays['number'])} is damaged")
    return np.asarray(cv2.cvtColor(picture, cv2.COLOR_BGR2RGB), np.uint8)
