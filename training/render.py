# SPDX-License-Identifier: GPL-3.0-or-later
"""Fills a folder with shards, in any number of processes; what is there already is kept."""

import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

import numpy as np

from .bodies import build_bank
from .errors import TrainingError
from .places import CACHE
from .sample import IMAGES_PER_BODY, draw_samples, open_studio
from .shards import read_shard, shard_path, write_shard

SHARD_IMAGES: Final = 128


def missing_shards(folder: Path, count: int) -> list[int]:
    """Numbers of the shards that a set of `count` images lacks.

    Args:
        folder: Folder of shards.
        count: Images wanted; rounded up to whole shards.

    Returns:
        The numbers.

    Raises:
        TrainingError: If a shard that is there is damaged; the message names it.
    """
    numbers = range(-(-count // SHARD_IMAGES))
    for number in numbers:
        if shard_path(folder, number).exists():
            read_shard(shard_path(folder, number))
    return [number for number in numbers if not shard_path(folder, number).exists()]


def render(
    folder: Path,
    count: int,
    seed: int,
    processes: int,
    data: Path,
    say: Callable[[str], None],
    *,
    aside: bool = False,
) -> int:
    """Render what is missing.

    Args:
        folder: Folder of shards.
        count: Images wanted.
        seed: Seed of the set.
        processes: How many processes render.
        data: The shared data folder.
        say: Receives a line of progress.
        aside: Draw only what splits.py keeps aside: a set for the test.

    Returns:
        How many images were made.

    Raises:
        TrainingError: If something is missing or a process failed.
    """
    bank = CACHE / "bodies.npz"
    if not bank.exists():
        say("Making the bank of bodies (a minute, once)")
        build_bank(bank)
    todo = missing_shards(folder, count)
    say(f"{len(todo)} shards of {SHARD_IMAGES} images to make in {folder}")
    if processes <= 1 or len(todo) <= 1:
        render_shards(folder, todo, seed, data, say, aside=aside)
    else:
        _share(folder, todo, seed, processes, data, aside)
    return len(todo) * SHARD_IMAGES


def render_shards(
    folder: Path,
    numbers: list[int],
    seed: int,
    data: Path,
    say: Callable[[str], None],
    *,
    aside: bool,
) -> None:
    """Render given shards in this process; a child of `render` runs it.

    Args:
        folder: Folder of shards.
        numbers: Numbers of the shards.
        seed: Seed of the set.
        data: The shared data folder.
        say: Receives a line of progress.
        aside: Draw only what splits.py keeps aside.
    """
    groups = SHARD_IMAGES // IMAGES_PER_BODY
    bank = CACHE / "bodies.npz"
    with tempfile.TemporaryDirectory(prefix="track_spine_") as scratch:
        videos = data / "video"
        studio = open_studio(bank, data / "mocap", videos, Path(scratch), aside=aside)
        for number in numbers:
            start = time.monotonic()
            samples = []
            for group in range(groups):
                rng = np.random.default_rng([seed, number, group])
                body = studio.bodies[(number * groups + group) % len(studio.bodies)]
                samples += draw_samples(studio, int(body), IMAGES_PER_BODY, rng)
            path = write_shard(folder, number, seed, samples)
            rate = len(samples) / (time.monotonic() - start)
            say(f"{path.name}: {len(samples)} images, {rate:.2f} images/s")


def _share(
    folder: Path, todo: list[int], seed: int, processes: int, data: Path, aside: bool
) -> None:
    """Start children, each with every n-th shard: Blender cannot run twice in one process."""
    children = []
    for first in range(processes):
        numbers = ",".join(str(number) for number in todo[first::processes])
        command = [sys.executable, "-m", "track_spine.training.cli", "render-shards", numbers]
        command += ["--out", str(folder), "--seed", str(seed), "--data", str(data)]
        command += ["--aside"] if aside else []
        children.append(subprocess.Popen(command))
    codes = [child.wait() for child in children]
    if any(codes):
        raise TrainingError(
            f"a rendering process failed (exit codes {codes}); run render again to go on"
        )
