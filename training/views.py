# SPDX-License-Identifier: GPL-3.0-or-later
"""Prepared crops of calibrated cameras, served in batches of whole moments."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from numpy.random import Generator
from numpy.typing import NDArray
from torch import Tensor

from .errors import TrainingError
from .model import SpineHead
from .multi_view import multi_view_loss

NAMES: Final = ("ray", "eye", "trunk_m", "moment", "weight")
"""What a file holds beside the maps that the head looks at."""

LEAST_SCALE: Final = 0.02
"""In units of the square, 5 % of a trunk: a view that is sure and wrong does not draw the rest."""


@dataclass(frozen=True)
class Views:
    """Crops with the rays of their pixels.

    Attributes:
        arrays: By name: the maps, `ray` (N, 3, 3), `eye` (N, 3), `trunk_m` (N,), `moment` (N,),
            `weight` (N, P) less where a view has no label.
    """

    arrays: dict[str, NDArray[Any]]

    def __len__(self) -> int:
        """How many crops there are."""
        return len(self.arrays["moment"])

    def draw(self, size: int, rng: Generator) -> dict[str, Tensor]:
        """Draw moments and take all their views.

        Args:
            size: Crops wanted at least, unless there are fewer.
            rng: Source of chance.

        Returns:
            By name as the arrays, and `group`, (M,) number of the moment among those drawn.
        """
        names, count = np.unique(self.arrays["moment"], return_counts=True)
        order = rng.permutation(len(names))
        enough = int(np.searchsorted(np.cumsum(count[order]), size)) + 1
        rows = np.flatnonzero(np.isin(self.arrays["moment"], names[order[:enough]]))
        batch = {
            name: torch.from_numpy(np.asarray(values[rows], np.float32))
            for name, values in self.arrays.items()
            if name != "moment"
        }
        _, group = np.unique(self.arrays["moment"][rows], return_inverse=True)
        return batch | {"group": torch.from_numpy(group.astype(np.int64))}


def answer_with_views(
    head: SpineHead, batch: Mapping[str, Tensor], seen: Mapping[str, Tensor]
) -> tuple[tuple[Tensor, ...], Tensor]:
    """Answer a batch and some views in one go, so that the norms see both.

    Args:
        head: The head.
        batch: N crops with labels.
        seen: M crops, as `Views.draw` gives them.

    Returns:
        The answers about the N crops, and the cost of those about the views.
    """
    both = {name: torch.cat([batch[name], seen[name]]) for name in head.inputs}
    answers = head.answer(both)
    count = len(batch["target"])
    loss = views_loss(answers[0][count:], answers[1][count:], seen)
    return tuple(part[:count] for part in answers), loss


def views_loss(points: Tensor, scale: Tensor, seen: Mapping[str, Tensor]) -> Tensor:
    """Cost of a head's answers about views.

    Args:
        points: (M, P, 2) and
        scale: (M, P) in units of the squares. Sure answers draw unsure ones; how sure they are is
            no matter of this loss.
        seen: What `Views.draw` gave.

    Returns:
        Mean distance of the rays from their points, in trunk lengths.
    """
    trust = seen["weight"] / (LEAST_SCALE + scale.detach()).square()
    known = (seen[name] for name in ("ray", "eye", "trunk_m", "group"))
    return multi_view_loss(points, trust / trust.mean(), *known)


def read_views(folder: Path) -> Views | None:
    """Read the views of a folder of features.

    Args:
        folder: The folder.

    Returns:
        Its views, or None where there are none.

    Raises:
        TrainingError: If a file is damaged; the message names it.
    """
    parts = [_read(path) for path in sorted(folder.glob("views-*.npz"))]
    if not parts:
        return None
    return Views({name: np.concatenate([part[name] for part in parts]) for name in parts[0]})


def _read(path: Path) -> dict[str, NDArray[Any]]:
    try:
        with np.load(path, allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
        if missing := set(NAMES) - set(arrays):
            raise ValueError(f"{min(missing)} is missing")
        if len({len(values) for values in arrays.values()}) != 1:
            raise ValueError("its arrays do not fit each other")
        if not all(np.isfinite(values).all() for values in arrays.values()):
            raise ValueError("it holds numbers that are not finite")
    except Exception as error:
        raise TrainingError(
            f"views {path} are damaged ({error}): delete the file and its features, and run "
            "prepare again"
        ) from error
    return arrays
