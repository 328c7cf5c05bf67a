# SPDX-License-Identifier: GPL-3.0-or-later
"""How long errors last: on the clips that settings are chosen on, and as drawn for training.

Run as a module it prints both: LiftConfig's `lasting`, `flicker` and `keys` are chosen so that they
agree. What lasts for a whole clip no frames before and after take out.
"""

import argparse
import sys
from pathlib import Path
from typing import Final

import numpy as np

from ..inference.camera import ray_rotation
from ..inference.errors import InferenceError
from ..inference.models import LIFTER
from ..inference.session import Session
from ..inference.temporal_lifter import TemporalLifter, normalised
from .anatomy import Floats
from .errors import TrainingError
from .evaluate_motion import BODY, Judged, watch
from .judge_look import Looker
from .lift_bank import read_motions
from .lift_config import LiftConfig
from .lift_errors import HIPS, read_errors
from .lift_held_out import CHOOSING, CHOOSING_FOLDER, CLIP_FRAMES, read_clips
from .lift_model import SINGLE
from .lift_views import Theatre

LAGS: Final = (1, 4, 10, 20, 40)
"""Frames apart: 0.05, 0.2, 0.5, 1 and 2 s of the clips."""

DRAWN: Final = 192
SEED: Final = 3


def lasting(off: Floats) -> str:
    """Say how much of an error lasts.

    Args:
        off: (N, T, K, 3) errors of N clips, metres.

    Returns:
        The mean error, its share left without what is constant over each clip, and how far errors
        some frames apart differ, as shares of the mean.
    """
    mean = _mean(off)
    left = _mean(off - off.mean(axis=1, keepdims=True)) / mean
    steps = [f"{_mean(off[:, lag:] - off[:, :-lag]) / mean:.2f}" for lag in LAGS]
    return f"{1000 * mean:.0f} mm, {left:.2f} left without the clip's mean; {' '.join(steps)}"


def guessed_off(judged: Judged) -> Floats:
    """Errors (T, 21, 3) of the single frame's landmarks, axes of the rays, at STATURE_M."""
    track = judged.track
    about = judged.truth - judged.truth[:, HIPS].mean(axis=1, keepdims=True)
    turned = about @ ray_rotation(track.ray)
    truth, _ = normalised(turned, np.ones(track.score.shape))
    points, _ = normalised(track.relative_m, track.score)
    return np.asarray((points - truth)[:, BODY])


def lifted_off(judged: Judged, lifter: TemporalLifter) -> Floats:
    """Errors (T, 21, 3) of a lifter's points, camera axes, at STATURE_M."""
    about = judged.truth - judged.truth[:, HIPS].mean(axis=1, keepdims=True)
    truth, _ = normalised(about, np.ones(judged.track.score.shape))
    points, _ = normalised(lifter.lift(judged.track).relative_m, judged.track.score)
    return np.asarray((points - truth)[:, BODY])


def drawn_off(motions: Path, errors: Path) -> Floats:
    """Errors (N, CLIP_FRAMES, 21, 3) of windows drawn for training, steps of about 0.05 s."""
    theatre = Theatre(read_motions(motions), read_errors(errors), LiftConfig(still=0.0))
    windows = theatre.draw(DRAWN, CLIP_FRAMES, np.random.default_rng(SEED))
    told = windows.told[..., SINGLE].reshape(windows.truth.shape)
    return np.asarray((told - windows.truth)[:, :, BODY])


def _mean(off: Floats) -> float:
    return float(np.linalg.norm(off, axis=-1).mean())


def main() -> int:
    """Print how long errors last; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--motions", type=Path, required=True)
    parser.add_argument("--errors", type=Path, required=True)
    options = parser.parse_args()
    try:
        looker, lifter = Looker(), TemporalLifter(Session(LIFTER, threads=1))
        clips = read_clips(CHOOSING_FOLDER, len(CHOOSING))
        drawn = drawn_off(options.motions, options.errors)
    except (TrainingError, InferenceError) as error:
        print(f"lift_lasting: {error}", file=sys.stderr)
        return 1
    judged = [watch(looker, clip) for clip in clips]
    rows = {
        "single frames": np.stack([guessed_off(one) for one in judged]),
        "drawn": drawn,
        "lifted": np.stack([lifted_off(one, lifter) for one in judged]),
    }
    print(f"frames apart: {' '.join(str(lag) for lag in LAGS)}")
    for name, off in rows.items():
        print(f"{name:14} {lasting(off)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
