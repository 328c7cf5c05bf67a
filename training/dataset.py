# SPDX-License-Identifier: GPL-3.0-or-later
"""Prepared features in memory, split, and served in batches."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from numpy.random import Generator
from numpy.typing import NDArray

from .codec import LANDMARK_PLACES
from .errors import TrainingError

MAPS: Final = ("early", "decoder", "context")


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


def read_features(folder: Path, shards: int | None = None) -> Dataset:
    """Read a folder of features; about 170 kB of memory a crop.

    Args:
        folder: The folder.
        shards: How many of its shards; by default all.

    Returns:
        The crops.

    Raises:
        TrainingError: If there is no shard, or one is damaged; the message names it.
    """
    paths = sorted(folder.glob("features-*.npz"))[:shards]
    if not paths:
        raise TrainingError(f"no features in {folder}: run track-spine-train prepare first")
    parts = [_read(path) for path in paths]
    return Dataset({name: np.concatenate([part[name] for part in parts]) for name in parts[0]})


def _read(path: Path) -> dict[str, NDArray[Any]]:
    try:
        with np.load(path, allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
        if len({len(values) for values in arrays.values()}) != 1:
            raise ValueError("its arrays do not fit each other")
        if not all(np.isfinite(arrays[name]).all() for name in (*MAPS, "target")):
            raise ValueError("it holds numbers that are not finite")
    except Exception as error:
        raise TrainingError(
            f"features {path} are damaged ({error}): delete the file and run prepare again"
        ) from error
    return arrays
