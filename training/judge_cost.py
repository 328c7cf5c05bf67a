# SPDX-License-Identifier: GPL-3.0-or-later
"""What the spine costs on top of the base: same body to the bit, and how much more time."""

import hashlib
import time
from dataclasses import replace
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ..inference.models import MODELS_FOLDER, POSE, ModelCard
from ..inference.pose2d import INPUT_PX, OUTPUTS
from ..inference.session import Session
from ..tools.fetch_models import RECIPES, make
from ..tools.pinned_wheel import FetchError, write_atomically
from .errors import TrainingError
from .places import CACHE

BODY: Final = OUTPUTS[:4]
"""Outputs of the base, those of the spine come after them."""

WARM_UP: Final = 8
RUNS: Final = 60


def base_card() -> ModelCard:
    """Make the base alone, from the pinned wheel by the converter of the shipped network.

    Returns:
        Its card; the file lies in CACHE.

    Raises:
        TrainingError: If the wheel cannot be had.
    """
    recipe = next(one for one in RECIPES if one.card == POSE)
    try:
        content = make(replace(recipe, head=None), CACHE.parent / "tflite", MODELS_FOLDER)
    except FetchError as error:
        raise TrainingError(f"the base cannot be made: {error}") from error
    file = "blazepose_landmark_full.onnx"
    write_atomically(CACHE / file, content)
    return replace(POSE, file=file, sha256=hashlib.sha256(content).hexdigest())


def cost(base: ModelCard, threads: int, folder: Path = MODELS_FOLDER) -> tuple[float, float]:
    """Time the shipped network against the base, run by turns, one picture at a time, warm.

    Args:
        base: Card of the base alone.
        threads: Threads of each.
        folder: Where the shipped network lies.

    Returns:
        What the spine adds as a share of the base's time (median of the paired differences over
        the median of the base), and the base's median, seconds.
    """
    alone, joined = Session(base, CACHE, threads), Session(POSE, folder, threads)
    picture = np.random.default_rng(1).random((1, INPUT_PX, INPUT_PX, 3), np.float32)
    times = np.empty((WARM_UP + RUNS, 2))
    for row in range(len(times)):
        for column, (session, outputs) in enumerate(((alone, BODY), (joined, OUTPUTS))):
            start = time.perf_counter()
            session.run(picture, outputs)
            times[row, column] = time.perf_counter() - start
    first, second = times[WARM_UP:].T
    return float(np.median(second - first) / np.median(first)), float(np.median(first))


def differs(base: Session, joined: Session, pictures: NDArray[np.float32]) -> int:
    """Count outputs of the base that the shipped network gives otherwise, in any bit."""
    pairs = zip(base.run(pictures, BODY), joined.run(pictures, BODY), strict=True)
    return sum(
        int(np.count_nonzero(one.view(np.uint32) != two.view(np.uint32))) for one, two in pairs
    )
