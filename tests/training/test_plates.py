# SPDX-License-Identifier: GPL-3.0-or-later
"""The place behind people who walk through a clip is put together without them."""

import zipfile
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch", reason="see training/README.md")

from track_spine.training.base import FrozenBase
from track_spine.training.errors import TrainingError
from track_spine.training.plates import clear, plate, unpacked


def test_a_passer_by_leaves_nothing_behind() -> None:
    place = np.random.default_rng(1).integers(0, 256, (12, 20, 3)).astype(np.uint8)
    seen = np.stack([place] * 5)
    covered = np.zeros((5, 12, 20), bool)
    for number in range(5):
        covered[number, 2:10, 4 * number : 4 * number + 4] = True
        seen[number][covered[number]] = (255, 0, 255)
    np.testing.assert_array_equal(clear(seen, covered), place)


def test_what_nobody_uncovers_is_filled_from_its_rim() -> None:
    seen = np.full((3, 20, 20, 3), 90, np.uint8)
    covered = np.zeros((3, 20, 20), bool)
    covered[:, 6:14, 6:14] = True
    seen[covered] = 255
    np.testing.assert_allclose(clear(seen, covered), 90.0, atol=3.0)  # Telea's rounding


def test_a_clip_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match=r"walk\.mp4 of .*clips\.zip"):
        unpacked(tmp_path / "clips.zip", "walk.mp4", tmp_path)


def test_a_clip_that_is_no_film_is_named(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "clips.zip", "w") as file:
        file.writestr("walk.mp4", b"no film")
    with pytest.raises(TrainingError, match=r"cannot read walk\.mp4 of .*clips\.zip"):
        plate(FrozenBase(threads=1), tmp_path / "clips.zip", "walk.mp4")
