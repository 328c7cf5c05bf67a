# SPDX-License-Identifier: GPL-3.0-or-later
"""From a person's raw key points to believable motion: all that comes between lifting and rigs."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Final

import numpy as np

from .attachments import attach
from .clip import refine
from .contacts import find_contacts
from .cuts import cut_rows
from .errors import RigError
from .filters import cutoffs_hz, smooth
from .holding import hold, kept
from .motion import BoneMotion, Motion3D
from .person import Person, calibrate, require_stature
from .rotation import Floats
from .skeleton import canonical_skeleton
from .smoothness import effects
from .solve import Solved, believed, person_lengths, solve
from .trunk import torso_seen


@dataclass(frozen=True)
class Reconstruction:
    """What may be chosen.

    Attributes:
        person: Who it is, by a neutral trial; None to measure the clip itself.
        smoothing: Strength of smoothing by region, as `cutoffs_hz` takes it.
        contacts: Whether resting feet, hands and seat are held still.
    """

    person: Person | None = None
    smoothing: Mapping[str, float] = field(default_factory=dict)
    contacts: bool = True


DEFAULTS: Final = Reconstruction()


def reconstruct(motion: Motion3D, options: Reconstruction = DEFAULTS) -> Solved:
    """Smooth a person's key points and fit a skeleton to the whole clip.

    Where the clip is cut, the shots are solved one by one, with the same skeleton.

    Args:
        motion: Raw key points.
        options: What may be chosen.

    Returns:
        Skeleton and motion; frames in which the torso is not seen are not valid.

    Raises:
        RigError: No frame shows the torso, the person's size cannot be, or there is no such region
            to be smoothed.
    """
    motion = believed(motion)
    edges = [0, *cut_rows(motion), len(motion.time_s)]
    shots = [motion.at(slice(a, b)) for a, b in pairwise(edges)]
    smoothed = [smooth(shot, cutoff_hz=cutoffs_hz(options.smoothing)) for shot in shots]
    points = replace(motion, xyz_m=np.concatenate([shot.xyz_m for shot in smoothed]))
    lengths = person_lengths(points) if options.person is None else options.person.lengths_m
    require_stature(motion, lengths)
    solved = _joined([_solve_shot(shot, lengths, options) for shot in smoothed], lengths)
    return replace(solved, smoothing=effects(motion, points))


def neutral_trial(motion: Motion3D, frames: slice) -> Person:
    """Learn a person's lengths, height and neutral posture from a clip in which they stand.

    Args:
        motion: Raw key points.
        frames: Which frames show them standing as they do; the last is out.

    Returns:
        The person.

    Raises:
        RigError: The clip ends before those frames do, they do not show the torso, or the person's
            size cannot be.
    """
    count = len(motion.time_s)
    if frames.stop > count:
        raise RigError(
            f"The neutral frames {frames.start or 0}:{frames.stop} go beyond the clip, which has "
            f"{count}: choose others."
        )
    trial = believed(motion.at(frames))
    if len(trial.time_s) == 0 or not torso_seen(trial).any():
        raise RigError("The neutral frames do not show the torso: choose others.")
    smoothed = smooth(trial)
    lengths = person_lengths(smoothed)
    require_stature(trial, lengths)
    return calibrate(_solve_shot(smoothed, lengths, DEFAULTS), lengths)


def _solve_shot(
    smoothed: Motion3D, lengths: Mapping[str, float], options: Reconstruction
) -> Solved:
    """Solve a shot without cuts; one that never shows the torso is not valid throughout."""
    if not torso_seen(smoothed).any():
        return _nobody(smoothed, lengths)
    neutral = None if options.person is None else options.person.neutral
    solved = solve(smoothed, lengths)
    solved = refine(smoothed, solved, neutral, rough=options.contacts)
    if not options.contacts:
        return solved
    contacts = find_contacts(smoothed, solved)
    locks = hold(solved, contacts, attach(smoothed, solved))
    held = refine(smoothed, solved, neutral, locks)
    return replace(held, contacts=kept(held, contacts, locks))


def _nobody(motion: Motion3D, lengths: Mapping[str, float]) -> Solved:
    """Give a motion without a valid frame."""
    skeleton = canonical_skeleton(lengths)
    frames, bones = len(motion.time_s), len(skeleton.bones)
    none = BoneMotion(
        skeleton.bones,
        motion.time_s,
        np.full((frames, bones, 4), np.nan),
        np.full((frames, 3), np.nan),
        np.zeros(frames, dtype=bool),
    )
    empty = np.full((frames, bones, 3), np.nan)
    return Solved(skeleton, none, empty, empty, sigma=empty[..., 0])


def _joined(shots: list[Solved], lengths: Mapping[str, float]) -> Solved:
    """Put solved shots one after the other."""
    if len(shots) == 1:
        return shots[0]

    def all_of(parts: list[Floats]) -> Floats:
        return np.concatenate(parts)

    motions = [shot.motion for shot in shots]
    names = sorted({name for shot in shots for name in shot.contacts})
    return Solved(
        canonical_skeleton(lengths),
        BoneMotion(
            motions[0].bones,
            all_of([motion.time_s for motion in motions]),
            all_of([motion.rotation for motion in motions]),
            all_of([motion.root_m for motion in motions]),
            np.concatenate([motion.valid for motion in motions]),
        ),
        all_of([shot.heads_m for shot in shots]),
        all_of([shot.tails_m for shot in shots]),
        {
            name: np.concatenate(
                [shot.contacts.get(name, np.zeros(len(shot.heads_m), dtype=bool)) for shot in shots]
            )
            for name in names
        },
        all_of([shot.sigma for shot in shots if shot.sigma is not None]),
    )
