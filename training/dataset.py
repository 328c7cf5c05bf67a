# SPDX-License-Identifier: GPL-3.0-or-later
"""Prepared features in memory, split, and served in batches."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from numpy.random import Generator
from numpy.typing import NDArray

from .codec import LANDMARK_PLACES
from .errors import TrainingError
from .splits import MIXED, TEST, TRAIN, bodies_aside

MAPS: Final = ("cells", "context")
WHOLE_MAPS: Final = ("early", "middle", "late", "deep")
"""What is there instead of cells if the base's decoder is to be trained too: late_stages.CUT."""

Keep = Callable[[Mapping[str, NDArray[Any]]], NDArray[np.bool_]]


@dataclass(frozen=True)
class Dataset:
    """Crops with what is known of them.

    Attributes:
        arrays: By name as prepare makes them, a row a crop.
    """

    arrays: dict[str, NDArray[Any]]

    def __len__(self) -> int:
        """How many crops there are."""
        return len(self.arrays["split"])

    def only(self, rows: NDArray[Any]) -> "Dataset":
        """Some of the crops: (N,) booleans or (M,) row numbers."""
        return Dataset({name: values[rows] for name, values in self.arrays.items()})

    def batch(self, rows: NDArray[np.int64]) -> dict[str, torch.Tensor]:
        """Crops as float32 tensors.

        Args:
            rows: (M,) row numbers.

        Returns:
            By name, first axis M.
        """
        return {
            name: torch.from_numpy(np.asarray(values[rows], np.float32))
            for name, values in self.arrays.items()
        }

    def shuffled(
        self, size: int, noise_px: float, rng: Generator
    ) -> Iterator[dict[str, torch.Tensor]]:
        """Go through all crops once in batches, with noise on the landmarks the head is told.

        Args:
            size: Crops a batch; a rest is left out, unless it is all there is.
            noise_px: Largest spread of the noise, pixels of the body crop.
            rng: Source of chance.

        Yields:
            Batches as `batch`.
        """
        order = rng.permutation(len(self))
        size = min(size, len(self))
        for start in range(0, len(self) - size + 1, size):
            batch = self.batch(order[start : start + size])
            spread = rng.uniform(0.0, noise_px, (size, 1)) / batch["unit_px"].numpy()[:, None]
            places = batch["context"][:, LANDMARK_PLACES]
            noise = rng.normal(0.0, 1.0, places.shape) * spread
            places += torch.from_numpy(noise.astype(np.float32))
            yield batch


def joined(parts: list[Dataset]) -> Dataset:
    """Put crops behind each other; the parts have the arrays of the first."""
    names = parts[0].arrays
    return Dataset({name: np.concatenate([part.arrays[name] for part in parts]) for name in names})


def read_features(folder: Path, keep: Keep, shards: int | None = None) -> Dataset:
    """Read some crops of a folder of features; about 170 kB of memory a crop.

    Args:
        folder: The folder.
        keep: Which crops: given the small arrays of a shard, gives (N,) booleans.
        shards: How many of the shards; by default all.

    Returns:
        The crops, perhaps none.

    Raises:
        TrainingError: If there is no shard, or one is damaged; the message names it.
    """
    paths = sorted(folder.glob("features-*.npz"))[:shards]
    if not paths:
        raise TrainingError(f"no features in {folder}: run track-spine-train prepare first")
    arrays: dict[str, NDArray[Any]] = {}
    rows = [_rows(path, keep) for path in paths]
    ends = np.cumsum([len(own) for own in rows])
    for path, own, end in zip(paths, rows, ends, strict=True):
        part = _read(path, own)
        if not arrays:
            # Filled in place: joining lists would need the memory twice.
            arrays = {
                name: np.empty((ends[-1], *values.shape[1:]), values.dtype)
                for name, values in part.items()
            }
        if part.keys() != arrays.keys():
            raise _damaged(path, "it holds other arrays than the shards before")
        for name, values in part.items():
            arrays[name][end - len(own) : end] = values
    return Dataset(arrays)


def to_train_on(known: Mapping[str, NDArray[Any]]) -> NDArray[np.bool_]:
    """Choose the training crops."""
    return np.asarray(known["split"] == TRAIN)


def to_test_on(known: Mapping[str, NDArray[Any]]) -> NDArray[np.bool_]:
    """Choose the crops of which nothing was seen before, as rendered (not mirrored)."""
    return np.asarray((known["split"] == TEST) & (known["turn"] == 0))


def to_calibrate_on(known: Mapping[str, NDArray[Any]]) -> NDArray[np.bool_]:
    """Choose crops of new bodies that are no test: a captured clip or background was seen."""
    return np.asarray((known["split"] == MIXED) & bodies_aside(known["body_id"]))


def _rows(path: Path, keep: Keep) -> NDArray[np.int64]:
    return np.flatnonzero(keep(_load(path, lambda name: name not in (*MAPS, *WHOLE_MAPS))))


def _read(path: Path, rows: NDArray[np.int64]) -> dict[str, NDArray[Any]]:
    arrays = _load(path, lambda name: True)
    needed = [name for name in (*MAPS, *WHOLE_MAPS, "target") if name in arrays]
    if not all(np.isfinite(arrays[name]).all() for name in needed):
        raise _damaged(path, "it holds numbers that are not finite")
    return {name: values[rows] for name, values in arrays.items()}


def _load(path: Path, wanted: Callable[[str], bool]) -> dict[str, NDArray[Any]]:
    try:
        with np.load(path, allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files if wanted(name)}
    except Exception as error:
        raise _damaged(path, error) from error
    if len({len(values) for values in arrays.values()}) != 1:
        raise _damaged(path, "its arrays do not fit each other")
    return arrays


def _damaged(path: Path, why: object) -> TrainingError:
    return TrainingError(
        f"features {path} are damaged ({why}): delete the file and run prepare again"
    )
