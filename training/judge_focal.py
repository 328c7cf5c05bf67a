# SPDX-License-Identifier: GPL-3.0-or-later
"""Judges the estimate of the focal length on rendered clips that nothing was trained on.

`python -m track_spine.training.judge_focal`; with --choosing on the clips that settings are chosen
on, and nothing is entered in out/motion.json. The clips are cut out of larger pictures: the whole
picture is taken to be the smallest about the principal point that holds what was cut out.
"""

import argparse
import sys

import numpy as np

from ..benchmarks.record import record
from ..inference.camera import Camera
from ..inference.errors import InferenceError
from ..inference.focal import Body, estimated_camera
from ..inference.models import LIFTER
from ..inference.session import Session
from ..inference.temporal_lifter import TemporalLifter
from .camera import PICTURE_PX
from .errors import TrainingError
from .evaluate_motion import COMMAND, OUT, watch
from .judge_look import Looker
from .lift_held_out import CHOOSING, CHOOSING_FOLDER, FOLDER, HeldOut, read_clips


def whole_picture(clip: HeldOut) -> tuple[int, int]:
    """Size of the picture that a clip was cut out of, pixels."""
    reach = np.maximum(np.abs(clip.centre_px), np.abs(PICTURE_PX - clip.centre_px))
    width, height = np.round(2.0 * reach).astype(int).tolist()
    return width, height


def main() -> int:
    """Estimate each clip's focal length, print and record how far off it is.

    Returns:
        Exit status.
    """
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--choosing", action="store_true", help="clips to choose settings on")
    choosing = parser.parse_args().choosing
    try:
        looker, lifter = Looker(), TemporalLifter(Session(LIFTER, threads=1))
        clips = read_clips(CHOOSING_FOLDER, len(CHOOSING)) if choosing else read_clips(FOLDER)
    except (TrainingError, InferenceError) as error:
        sys.stderr.write(f"evaluate-motion: {error}\n")
        return 1
    found, off, off_assumed = [], [], []
    for clip in clips:
        track = watch(looker, clip).track
        size = whole_picture(clip)
        middle = np.array(size) / 2.0
        pixels = [slopes * clip.focal_px + middle for slopes in (track.slopes, track.ray)]
        body = Body(pixels[0], track.score, track.relative_m, pixels[1], track.time_s)
        found.append(estimated_camera(*size, body, lifter))
        off.append(np.log(found[-1].focal_px / clip.focal_px))
        off_assumed.append(np.log(Camera.assumed(*size).focal_px / clip.focal_px))
        sys.stdout.write(
            f"{clip.name:30} {clip.focal_px:5.0f} px, {found[-1].focal_source} "
            f"{found[-1].focal_px:5.0f} px +- {found[-1].focal_spread:.0%}\n"
        )
    spread = np.array([camera.focal_spread for camera in found])
    rows = (
        ("focal_error", _rms(off), _rms(off_assumed)),
        ("focal_within_one_sigma", float(np.mean(np.abs(off) < spread)), 0.683),
        ("focal_error_over_spread", _rms(list(np.divide(off, spread))), 1.0),
        ("focal_told", float(np.mean([one.focal_source == "estimated" for one in found])), None),
    )
    for name, value, baseline in rows:
        if not choosing:
            record(OUT, name, round(value, 3), "ratio", baseline, COMMAND)
        sys.stdout.write(f"{name} {value:.3f}{'' if baseline is None else f' ({baseline:.3f})'}\n")
    return 0


def _rms(values: list[float]) -> float:
    return float(np.sqrt(np.mean(np.square(values))))


if __name__ == "__main__":
    sys.exit(main())
