# SPDX-License-Identifier: GPL-3.0-or-later
"""Judges lifting on rendered clips of people and motions that nothing was trained on.

Run as a module it looks at .cache/training/held_out_motion, which lift_held_out.py renders, enters
the figures in out/motion.json and prints them clip by clip. With --choosing it looks at the clips
that settings are chosen on, and enters nothing. See docs/lifting.md.
"""

import argparse
import hashlib
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Final

import numpy as np

from ..benchmarks.record import record
from ..inference.bend import complete
from ..inference.errors import InferenceError
from ..inference.keypoints import INDEX, NAMES, SPINE
from ..inference.lift import place
from ..inference.lifter import Answer, FrameLifter, Lifter, Track
from ..inference.models import LIFTER, MODELS_FOLDER
from ..inference.prior import SEEN
from ..inference.session import Session
from ..inference.stature import stature
from ..inference.temporal_lifter import TemporalLifter
from .anatomy import Floats
from .errors import TrainingError
from .judge_look import Looker, crop_about
from .lift_errors import HIPS, SHOULDERS
from .lift_held_out import CHOOSING, CHOOSING_FOLDER, CLIPS, FOLDER, HeldOut, read_clips
from .lift_score import mpjpe, p_mpjpe

COMMAND: Final = "make evaluate-motion"
OUT: Final = Path(__file__).resolve().parent.parent / "out" / "motion.json"

BODY: Final = [INDEX[name] for name in SEEN]
"""The 21 points that BlazePose gives itself."""

_SPINE: Final = [INDEX[name] for name in SPINE]

SPINE_TARGET_MM: Final = 13.0
LEAST_GAIN: Final = 0.25
BODY_GAIN: Final = 0.20
MOST_AT_ENDS: Final = 1.3
"""What was aimed at, see docs/lifting.md."""

END_FRAMES: Final = 4
"""Frames on each side of a cut: 0.2 s of the clips, well within a window."""


@dataclass(frozen=True)
class Judged:
    """A clip as the product sees it.

    Attributes:
        track: What lifting is given, pixels as the network found them.
        truth: (T, 37, 3) camera axes, metres.
        height_m: Stature of the person.
    """

    track: Track
    truth: Floats
    height_m: float


def watch(looker: Looker, clip: HeldOut) -> Judged:
    """Follow the person of a clip with the product's network.

    Args:
        looker: The product's networks.
        clip: A rendered clip.

    Returns:
        What was seen; every frame counts, however sure the network is.
    """
    xy = clip.xy_px[0]
    crop = crop_about(xy, xy[HIPS].mean(axis=0), xy[SHOULDERS].mean(axis=0))
    body = looker.see_again(clip.pictures[0], crop).body
    seen, rays = [], []
    for picture in clip.pictures:
        body = looker.see(picture, body.next_crop()).body
        seen.append(complete(body))
        rays.append(body.crop.centre_px)

    def slopes(pixels: Floats) -> Floats:
        return (pixels - clip.centre_px) / clip.focal_px

    track = Track(
        slopes(np.stack([one.xy_px for one in seen])),
        slopes(np.stack(rays)),
        np.stack([one.relative_m for one in seen]),
        np.stack([one.score for one in seen]),
        clip.time_s,
    )
    truth = clip.xyz_m
    ones = np.ones((len(truth), 1, len(NAMES)))
    return Judged(track, truth, stature(truth[:, None], ones))


@dataclass(frozen=True)
class Scores:
    """Errors of a lifter in each frame, metres.

    Attributes:
        spine: P-MPJPE of the nine spine points,
        body: MPJPE of BODY from the middle of the hips,
        body_aligned: its P-MPJPE,
        root: distance of the middle of the hips from its place before the camera,
        shake: third difference of its distance from the camera, from the truth's.
        within: share of coordinates within one deviation told: 0.68 where these are true.
    """

    spine: Floats
    body: Floats
    body_aligned: Floats
    root: Floats
    shake: Floats
    within: Floats


def score(judged: Judged, lifter: Lifter) -> Scores:
    """Lift a clip as the product does, and compare."""
    points, sigma = place(judged.track, lifter, judged.height_m)
    truth = judged.truth
    root, own = (values[:, HIPS].mean(axis=1, keepdims=True) for values in (points, truth))
    off = (points - root) - (truth - own)
    distance = (root - own)[:, 0, 2]
    return Scores(
        p_mpjpe(points[:, _SPINE], truth[:, _SPINE]),
        mpjpe((points - root)[:, BODY], (truth - own)[:, BODY]),
        p_mpjpe(points[:, BODY], truth[:, BODY]),
        np.linalg.norm(root - own, axis=-1)[:, 0],
        np.abs(np.diff(distance, 3)),
        (np.abs(off) < sigma[..., None]).mean(axis=(1, 2)),
    )


def alone(track: Track) -> Track:
    """The same frames, so far apart that none knows of another."""
    return replace(track, time_s=10.0 * np.arange(len(track.time_s)))


def true_pixels(judged: Judged) -> Judged:
    """The clip as a perfect 2D network would see it."""
    slopes = judged.truth[..., :2] / judged.truth[..., 2:]
    track = replace(judged.track, slopes=slopes, score=np.ones(slopes.shape[:2]))
    return replace(judged, track=track)


class Landmarks:
    """BlazePose's world landmarks as they are, to compare the body with."""

    def lift(self, track: Track) -> Answer:
        """Turn them to the camera's axes, and do not move them onto their rays."""
        answer = FrameLifter().lift(track)
        return replace(answer, sigma_m=np.full_like(answer.sigma_m, 1e-6), denoised=True)


def judge(judged: list[Judged], network: Lifter) -> dict[str, Scores]:
    """Score all ways of lifting.

    Args:
        judged: The clips.
        network: The temporal lifter.

    Returns:
        By name; frames of all clips one after the other.
    """
    ways: dict[str, tuple[Lifter, Callable[[Judged], Judged]]] = {
        "windows": (network, lambda one: one),
        "single frames": (network, lambda one: replace(one, track=alone(one.track))),
        "geometric": (FrameLifter(), lambda one: one),
        "landmarks": (Landmarks(), lambda one: one),
        "true pixels": (network, true_pixels),
    }
    return {
        name: joined([score(change(one), lifter) for one in judged])
        for name, (lifter, change) in ways.items()
    }


def cut_error(judged: list[Judged], lifter: Lifter) -> float:
    """How much more frames err at the ends of a clip than the same frames within one.

    Args:
        judged: The clips; each is lifted whole, and cut in two halves.
        lifter: What lifts them.

    Returns:
        Error of the END_FRAMES on both sides of the cuts, points about the hips, over that of these
        frames in the whole clips.
    """
    whole, cut = [], []
    for one in judged:
        middle = len(one.truth) // 2
        halves = [part(one, slice(0, middle)), part(one, slice(middle, None))]
        near = slice(middle - END_FRAMES, middle + END_FRAMES)
        whole.append(score(one, lifter).body[near])
        cut.append(np.concatenate([score(half, lifter).body for half in halves])[near])
    return float(np.mean(cut) / np.mean(whole))


def part(judged: Judged, rows: slice) -> Judged:
    """Some frames of a clip."""
    track = Track(**{name: values[rows] for name, values in vars(judged.track).items()})
    return replace(judged, track=track, truth=judged.truth[rows])


def joined(scores: list[Scores]) -> Scores:
    """Scores of several clips one after the other."""
    names = [field.name for field in fields(Scores)]
    return Scores(**{name: np.concatenate([vars(one)[name] for one in scores]) for name in names})


def write(scores: Mapping[str, Scores], ends: float, path: Path | None) -> None:
    """Print the figures, each a mean over all frames, and enter them in a file if one is given.

    Args:
        scores: By way of lifting, see `judge`.
        ends: Error at ends over that within, see `cut_error`.
        path: The file.
    """

    def mean(way: str, what: str, scale: float = 1000.0) -> float:
        return round(scale * float(vars(scores[way])[what].mean()), 3)

    spine, single, geometric = (
        mean(way, "spine") for way in ("windows", "single frames", "geometric")
    )
    body, landmarks = mean("windows", "body"), mean("landmarks", "body")
    aligned, landmarks_aligned = (mean(way, "body_aligned") for way in ("windows", "landmarks"))
    rows = (
        ("spine_p_mpjpe_mm", spine, "mm", SPINE_TARGET_MM),
        ("spine_p_mpjpe_single_frame_mm", single, "mm", None),
        ("spine_p_mpjpe_geometric_mm", geometric, "mm", None),
        ("spine_gain_over_single_frame", 1.0 - spine / single, "ratio", LEAST_GAIN),
        ("spine_gain_over_geometric", 1.0 - spine / geometric, "ratio", LEAST_GAIN),
        ("spine_p_mpjpe_true_pixels_mm", mean("true pixels", "spine"), "mm", None),
        ("body_mpjpe_mm", body, "mm", landmarks),
        ("body_p_mpjpe_mm", aligned, "mm", landmarks_aligned),
        ("body_gain_mpjpe", 1.0 - body / landmarks, "ratio", BODY_GAIN),
        ("body_gain_p_mpjpe", 1.0 - aligned / landmarks_aligned, "ratio", BODY_GAIN),
        ("root_error_mm", mean("windows", "root"), "mm", mean("geometric", "root")),
        ("root_shake_mm", mean("windows", "shake"), "mm", mean("geometric", "shake")),
        ("error_at_ends_over_within", ends, "ratio", MOST_AT_ENDS),
        ("within_one_sigma", mean("windows", "within", 1.0), "ratio", 0.683),
    )
    for name, value, unit, baseline in rows:
        if path is not None:
            record(path, name, round(value, 3), unit, baseline, COMMAND)
        print(f"{name:32} {value:8.3f} {unit:6} {'' if baseline is None else baseline}")


def opened(path: Path) -> TemporalLifter:
    """Open a lifter that need not be the pinned one."""
    content = path.read_bytes()
    card = replace(LIFTER, file=path.name, sha256=hashlib.sha256(content).hexdigest())
    return TemporalLifter(Session(card, path.parent, threads=1))


def main() -> int:
    """Judge the lifter that ships; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clips", type=Path, default=FOLDER)
    parser.add_argument("--choosing", action="store_true", help="clips to choose settings on")
    parser.add_argument("--lifter", type=Path, default=MODELS_FOLDER / LIFTER.file)
    parser.add_argument("--out", type=Path, default=OUT)
    options = parser.parse_args()
    folder, count = options.clips, len(CLIPS)
    if options.choosing:
        folder, count = CHOOSING_FOLDER, len(CHOOSING)
    try:
        network, looker, clips = opened(options.lifter), Looker(), read_clips(folder, count)
    except (TrainingError, InferenceError, OSError) as error:
        print(f"evaluate-motion: {error}", file=sys.stderr)
        return 1
    judged = [watch(looker, clip) for clip in clips]
    for clip, one in zip(clips, judged, strict=True):
        means = {name: scores.spine.mean() for name, scores in judge([one], network).items()}
        shown = ", ".join(f"{name} {1000 * value:.1f}" for name, value in means.items())
        print(f"{clip.name}: spine P-MPJPE, mm: {shown}")
    path = None if options.choosing else options.out
    write(judge(judged, network), cut_error(judged, network), path)
    return 0


if __name__ == "__main__":
    sys.exit(main())
