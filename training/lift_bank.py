# SPDX-License-Identifier: GPL-3.0-or-later
"""The bank of motions that the temporal lifter is trained on: shards, made once and resumed."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Final

import numpy as np

from .anatomy import Floats
from .bodies import load_bank
from .errors import TrainingError
from .lift_motion import draw_motion
from .motions import Motion, load_motions
from .splits import bodies_aside, clip_aside

SUBJECTS_ASIDE: Final = (("cmu", "02"),)
"""Captured people that no lifter is trained on: ten clips of walking, jumps, bends, swordplay."""

SHARD_MOTIONS: Final = 20
MOTION_FRAMES: Final = 80
"""Longest motion of the bank: 4 s, three windows of the network at 20 Hz."""


def may_train(motion: Motion) -> bool:
    """Whether a lifter may be trained on a capture: neither its subject nor its clip is aside."""
    subject = (motion.source, motion.subject)
    return subject not in SUBJECTS_ASIDE and not clip_aside(motion.source, motion.clip)


def build_motions(
    folder: Path, count: int, seed: int, bank: Path, data: Path, say: Callable[[str], None]
) -> None:
    """Draw the motions that a folder lacks; stop it at any time and go on by the same call.

    Args:
        folder: Folder of shards.
        count: Motions wanted, rounded up to whole shards.
        seed: Seed of the set.
        bank: Bank of bodies.
        data: The shared data folder.
        say: Receives a line of progress.

    Raises:
        TrainingError: If a source is missing.
    """
    model = load_bank(bank)
    motions = [motion for motion in load_motions(data / "mocap") if may_train(motion)]
    rows = np.arange(len(model.phenotypes))
    bodies = rows[~bodies_aside(rows)]
    for number in range(-(-count // SHARD_MOTIONS)):
        path = folder / f"motions-{number:04d}.npz"
        if path.exists():
            continue
        rng = np.random.default_rng([seed, number])
        drawn = [
            draw_motion(model, motions, int(rng.choice(bodies)), MOTION_FRAMES, rng).points
            for _ in range(SHARD_MOTIONS)
        ]
        ends = np.cumsum([len(points) for points in drawn])
        folder.mkdir(parents=True, exist_ok=True)
        partial = path.with_name(f".{path.stem}.{os.getpid()}.part.npz")
        np.savez(partial, points=np.concatenate(drawn).astype(np.float32), ends=ends)
        partial.replace(path)
        say(f"{path.name}: {ends[-1]} frames")


def read_motions(folder: Path) -> list[Floats]:
    """Read a bank.

    Args:
        folder: Folder of shards.

    Returns:
        (T, 37, 3) of each motion, metres, see lift_motion.Moving.

    Raises:
        TrainingError: If there are none, or one is damaged; the message names it.
    """
    found: list[Floats] = []
    for path in sorted(folder.glob("motions-*.npz")):
        try:
            with np.load(path, allow_pickle=False) as file:
                points, ends = file["points"], file["ends"]
            if ends[-1] != len(points) or not np.isfinite(points).all():
                raise ValueError("its arrays do not fit each other")
        except Exception as error:
            raise TrainingError(f"{path} is damaged ({error}): delete it and draw again") from error
        found += np.split(points, ends[:-1])
    if not found:
        raise TrainingError(f"{folder} holds no motions: run track-spine-train lift-motions")
    return found
