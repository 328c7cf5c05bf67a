# SPDX-License-Identifier: GPL-3.0-or-later
"""Measures the solver on takes and on captured motion; enters the figures in out/motion.json."""

import argparse
import os
import time
from dataclasses import replace
from pathlib import Path
from typing import Final

# One thread of LAPACK, so that processor time is the time of one core.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np
from filters import SLOW_M, WHITE_M, whole_clip
from known_motion import CHOSEN_ON, JUDGED_ON, MOCAP, captured, with_noise
from record import record
from track_spine.rigging.attachments import Attachments, attach
from track_spine.rigging.filters import smooth
from track_spine.rigging.holding import slides
from track_spine.rigging.motion import Motion3D, load_lifted
from track_spine.rigging.reconstruct import Reconstruction, reconstruct
from track_spine.rigging.rotation import Floats
from track_spine.rigging.smoothness import amplitude_kept, jitter
from track_spine.rigging.solve import Solved, believed, solve

ROOT: Final = Path(__file__).resolve().parents[1]
COMMAND: Final = ".venv/bin/python benchmarks/solver.py TAKE..."
LEAST_RATE_HZ: Final = 15.0
"""Frame rate below which a clip holds no jitter that could be told from 3 Hz movement."""


def figures_of_takes(motions: list[Motion3D]) -> dict[str, tuple[float, str, float]]:
    """Drift of bones, sliding of feet and jitter: the worst of the takes, but slides pooled."""
    drift, left, before, after = [], [], [], []
    for motion in motions:
        solved = reconstruct(motion)
        seen = solved.motion.valid
        length = np.linalg.norm(solved.tails_m[seen] - solved.heads_m[seen], axis=-1)
        drift.append(float(np.ptp(length, axis=0).max()))
        # Heels are where they lie on the foot before it is held: where points drift on, they lie
        # elsewhere on a foot that stays.
        free = reconstruct(motion, Reconstruction(contacts=False))
        where = attach(smooth(believed(motion)), free)
        before.append(slides(free, solved.contacts, where))
        after.append(slides(solved, solved.contacts, where))
        if 1.0 / np.median(np.diff(motion.time_s)) >= LEAST_RATE_HZ:
            raw = np.where(seen[:, None, None], motion.xyz_m[:, where.column], np.nan)
            left.append(jitter(placed(solved, where)) / jitter(raw))
            print(f"jitter {left[-1]:.2f} of raw")
        print(
            f"{len(motion.time_s)} frames, {len(after[-1])} contacts, slide before "
            f"{1e3 * np.median(before[-1]):.1f} mm, after {1e3 * np.median(after[-1]):.1f} mm "
            f"(worst {1e3 * after[-1].max():.1f} mm)"
            if len(after[-1])
            else f"{len(motion.time_s)} frames without contacts"
        )
    slid = 1e3 * np.concatenate(after)
    return {
        "bone_length_drift": (1e3 * max(drift), "mm", 0.0),
        "foot_slide_mm": (float(np.percentile(slid, 95)), "mm, 95th percentile of contacts", 5.0),
        "foot_slide_median_mm": (float(np.median(slid)), "mm", 5.0),
        "foot_slide_unlocked_mm": (float(1e3 * np.median(np.concatenate(before))), "mm", 5.0),
        "jitter_vs_raw": (max(left), "ratio, worst clip", 0.25),
    }


def placed(solved: Solved, where: Attachments) -> Floats:
    """Give the key points (T, N, 3) as the solved skeleton carries them, NaN where not valid."""
    return where.place(solved.heads_m, solved.turn)


def amplitude() -> float:
    """Give how much of captured movement up to 3 Hz is left: the least of the clips that judge."""
    rng = np.random.default_rng(77)
    least = 1.0
    for title, clips in (("chose numbers", CHOSEN_ON), ("judges", JUDGED_ON)):
        for archive, clip in clips:
            truth = captured(archive, clip)
            found = whole_clip(with_noise(truth, rng, WHITE_M, SLOW_M))
            kept = amplitude_kept(truth.time_s, truth.xyz_m, found)
            print(f"amplitude kept {kept:.3f} of {Path(clip).stem}, which {title}")
            least = min(least, kept) if clips is JUDGED_ON else least
    return least


def longer(motion: Motion3D, frames: int) -> Motion3D:
    """Play a motion forwards and backwards until it has so many frames."""
    there = np.arange(len(motion.time_s))
    rows = np.resize(np.concatenate([there, there[-2:0:-1]]), frames)
    step = float(np.median(np.diff(motion.time_s)))
    played = {
        name: None if (part := getattr(motion, name)) is None else part[rows]
        for name in ("xyz_m", "score", "sigma_m", "xy_px")
    }
    return replace(motion, time_s=step * np.arange(frames), **played)


def speed(motion: Motion3D, frames: int) -> float:
    """Give frames a second of one core, filters, fit and contacts included."""
    clip = longer(motion, frames)
    begun = time.process_time()
    reconstruct(clip, Reconstruction())
    return frames / (time.process_time() - begun)


def main() -> None:
    """Measure and enter."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("lifted", nargs="+", type=Path, help="lifted.npz of takes")
    parser.add_argument("--out", type=Path, default=ROOT / "out" / "motion.json")
    options = parser.parse_args()
    motions = [motion for path in options.lifted for motion in load_lifted(path).values()]
    figures = figures_of_takes(motions)
    if MOCAP.exists():
        figures["amplitude_kept_3hz"] = (amplitude(), "ratio", 0.97)
    seen = motions[0].at(solve(smooth(motions[0])).motion.valid)
    short, long = speed(seen, 1000), speed(seen, 4000)
    figures["solver_frames_per_s"] = (long, "frames/s of one core", 300.0)
    figures["solver_speed_4000_against_1000"] = (long / short, "ratio", 1.0)
    for name, (value, unit, baseline) in figures.items():
        record(options.out, name, value, unit, baseline, COMMAND)
        print(f"{name:32}{value:10.4g} {unit} (wanted: {baseline:g})")


if __name__ == "__main__":
    main()
