# SPDX-License-Identifier: GPL-3.0-or-later
"""What a neutral trial tells of a person, kept in a file for that person's other clips."""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from . import spine_curve
from .errors import RigError
from .motion import Motion3D
from .rotation import (
    IDENTITY,
    Floats,
    conjugate,
    from_axis_angle,
    multiply,
    rotate,
    rotation_vector,
)
from .skeleton import DEFAULT_LENGTHS_M, DEFAULT_OFFSETS_M, Skeleton, canonical_skeleton
from .solve import Solved

_SCHEMA: Final = "track_spine.person"
_VERSION: Final = 1
_LARGEST_BYTES: Final = 100_000
_LONGEST_M: Final = 3.0
_MOST_BENT: Final = np.radians(60.0)
STATURE_M: Final = (0.3, 2.8)
"""Least and most height that is believed, soles to the top of the head."""


@dataclass(frozen=True, eq=False)
class Person:
    """A person's proportions and own neutral posture.

    Attributes:
        lengths_m: Lengths as `canonical_skeleton` takes them.
        neutral: (8, 2) bends above L5 in neutral standing, forward and to the right, radians from
            the curve of the canonical skeleton.
    """

    lengths_m: Mapping[str, float]
    neutral: Floats

    def __post_init__(self) -> None:
        """Check that somebody could be like that.

        Raises:
            RigError: A length or a bend is not possible.
        """
        canonical_skeleton(self.lengths_m)
        if max(self.lengths_m.values(), default=0.0) > _LONGEST_M:
            raise RigError(f"A bone longer than {_LONGEST_M} m is not a person's.")
        wanted = (len(spine_curve.BENDING), 2)
        if self.neutral.shape != wanted or not (np.abs(self.neutral) < _MOST_BENT).all():
            raise RigError(
                f"A neutral posture needs {wanted[0]} bends by {wanted[1]}, each less than "
                f"{np.degrees(_MOST_BENT):.0f} degrees."
            )

    @property
    def stature_m(self) -> float:
        """Height from soles to the top of the head, metres."""
        skeleton = canonical_skeleton(self.lengths_m)
        return float(skeleton.tail_m[skeleton.index(spine_curve.BONES[-1]), 2])


def bends(solved: Solved) -> Floats:
    """Give how the spine is bent against the curve of the canonical skeleton.

    Args:
        solved: A solution.

    Returns:
        (T, 8, 3) bend at L5, L3, L1, T8, T3, C7, C4 and C1 about X (+ forward), Y (+ to the left)
        and Z (+ to the right) of the segment above, radians; NaN where not valid.
    """
    skeleton = solved.skeleton
    turn = solved.turn
    upper = [skeleton.index(bone) for bone in spine_curve.BENDING]
    lower = [skeleton.index(bone) for bone in spine_curve.BONES[:-1]]
    between = multiply(conjugate(turn[:, lower]), turn[:, upper])
    return rotate(conjugate(skeleton.rest[upper]), rotation_vector(between))


def posture(skeleton: Skeleton, neutral: Floats) -> Floats:
    """Give how a neutral posture turns the segments of the spine.

    Args:
        skeleton: The person's skeleton.
        neutral: (8, 2) as `Person.neutral`.

    Returns:
        (9, 4) turns of `spine_curve.BONES` from the skeleton's own neutral pose, world axes, of
        somebody whose pelvis is not turned.
    """
    turns = [IDENTITY]
    for bone, (forward, right) in zip(spine_curve.BENDING, neutral, strict=True):
        bent = rotate(skeleton.rest[skeleton.index(bone)], np.array([forward, 0.0, right]))
        angle = np.asarray(np.linalg.norm(bent))
        axis = bent / np.maximum(angle, 1e-12)
        turns.append(multiply(turns[-1], from_axis_angle(axis, angle)))
    return np.stack(turns)


def calibrate(
    solved: Solved, lengths_m: Mapping[str, float], frames: slice = slice(None)
) -> Person:
    """Learn a person's posture from frames in which they stand as they do.

    Args:
        solved: The solution of the clip.
        lengths_m: The person's lengths, measured over those frames.
        frames: Which frames show neutral standing.

    Returns:
        The person.

    Raises:
        RigError: None of the frames shows the torso.
    """
    standing = bends(solved)[frames][solved.motion.valid[frames]]
    if len(standing) == 0:
        raise RigError("The neutral frames do not show the torso: choose others.")
    return Person(dict(lengths_m), np.median(standing[..., ::2], axis=0))


def require_stature(motion: Motion3D, lengths_m: Mapping[str, float]) -> None:
    """Refuse people whose size cannot be.

    Args:
        motion: Key points, for the number of frames to be told.
        lengths_m: Lengths measured.

    Raises:
        RigError: The person would be smaller or taller than people are.
    """
    least, most = STATURE_M
    skeleton = canonical_skeleton(lengths_m)
    stature = float(skeleton.tail_m[skeleton.index(spine_curve.BONES[-1]), 2])
    if not least <= stature <= most:
        raise RigError(
            f"The person would be {stature:.2f} m tall in {len(motion.time_s)} frames; people are "
            f"{least} to {most} m. Give the person's height and track the clip again."
        )


def person_text(person: Person) -> str:
    """Write a person as the text of a JSON file.

    Args:
        person: The person.

    Returns:
        The text.
    """
    return (
        json.dumps(
            {
                "schema": _SCHEMA,
                "version": _VERSION,
                "stature_m": round(person.stature_m, 4),
                "lengths_m": {name: round(m, 5) for name, m in person.lengths_m.items()},
                "joints": list(spine_curve.POINTS[:-1]),
                "neutral_deg": np.degrees(person.neutral).round(3).tolist(),
            },
            indent=1,
        )
        + "\n"
    )


def load_person(path: Path) -> Person:
    """Read a person's file.

    Args:
        path: What `person_text` made.

    Returns:
        The person.

    Raises:
        RigError: The file is missing, of another kind, or tells of nobody possible.
    """
    try:
        if path.stat().st_size > _LARGEST_BYTES:
            raise RigError("It is larger than such files are.")
        return _person(json.loads(path.read_text("utf-8")))
    except (RigError, OSError, ValueError, RecursionError, OverflowError) as error:
        raise RigError(
            f"{path} cannot be used as a person's file ({error}). Make it again from a neutral "
            "trial."
        ) from error


def _person(content: Any) -> Person:
    if not isinstance(content, dict) or content.get("schema") != _SCHEMA:
        raise RigError(f"It is not a file of the kind {_SCHEMA!r}.")
    if content.get("version") != _VERSION:
        raise RigError(f"It has version {content.get('version')!r}, not {_VERSION}.")
    lengths, neutral = content.get("lengths_m"), content.get("neutral_deg")
    if not isinstance(lengths, dict) or not all(_is_number(m) for m in lengths.values()):
        raise RigError("It holds no lengths.")
    if set(lengths) != {*DEFAULT_LENGTHS_M, *DEFAULT_OFFSETS_M}:
        raise RigError("Its lengths are not those of a skeleton.")
    rows = neutral if isinstance(neutral, list) else []
    if not all(
        isinstance(row, list) and len(row) == 2 and all(map(_is_number, row)) for row in rows
    ):
        raise RigError("Its neutral posture is not a list of pairs of numbers.")
    return Person(
        {name: float(m) for name, m in lengths.items()},
        np.radians(np.array(rows, dtype=np.float64).reshape(-1, 2)),
    )


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
