# SPDX-License-Identifier: GPL-3.0-or-later
"""A person's bone lengths, measured over a whole clip."""

from collections.abc import Mapping
from typing import Final

import numpy as np

from . import spine_curve
from .motion import Motion3D
from .rotation import Bools, Floats, conjugate, from_axes, multiply, rotate, unit
from .skeleton import BALL_HEIGHT, CLAVICLE_START, DEFAULT_LENGTHS_M, DEFAULT_OFFSETS_M

BALL_SHARE: Final = 0.8
"""Where the ball of the foot lies between heel and middle of the toe tips.

That is 0.73 of the length of the foot (ANSUR); the middle of the tips lies at about 0.91.
"""

_LIMB_ENDS: Final[Mapping[str, tuple[str, str]]] = {
    "upper_arm": ("shoulder", "elbow"),
    "forearm": ("elbow", "wrist"),
    "thigh": ("hip", "knee"),
    "shin": ("knee", "ankle"),
}
_SIDES: Final = ("left", "right")
_LEAST, _MOST = 0.5, 2.0
_FARTHEST_M: Final = 0.12


def measure_lengths(motion: Motion3D) -> dict[str, float]:
    """Measure the lengths `canonical_skeleton` takes, the left and right side together.

    A length is the median over the frames in which both ends are seen about as well as they ever
    are. Lengths that are never seen follow from the proportions of `DEFAULT_LENGTHS_M`, and none
    may leave them by more than a factor of two.

    Args:
        motion: Key points of one person.

    Returns:
        Metres by the names of `DEFAULT_LENGTHS_M` and `DEFAULT_OFFSETS_M`.
    """
    lengths = {"hip_width": _distance(motion, "left_hip", "right_hip")}
    lower = "hip"
    for bone, upper in zip(spine_curve.BONES, spine_curve.POINTS, strict=True):
        lengths[bone] = _distance(motion, lower, upper)
        lower = upper
    for part, (upper, lower) in _LIMB_ENDS.items():
        lengths[part] = _mean_seen(
            [_distance(motion, f"{side}_{upper}", f"{side}_{lower}") for side in _SIDES]
        )
    lengths["ankle_height"], lengths["foot"] = _foot(motion)
    width = _distance(motion, "left_shoulder", "right_shoulder")
    lengths["clavicle"] = 0.5 * width / (1.0 + CLAVICLE_START)
    lengths = _complete(lengths)
    return {**lengths, **_offsets(motion, lengths)}


def mid_hip(motion: Motion3D) -> tuple[Floats, Bools]:
    """Find the root joint: midway between the hip joints, or the `hip` point where one is missing.

    Args:
        motion: Key points of one person.

    Returns:
        (T, 3) positions, NaN where missing, and (T,) whether it is seen.
    """
    middle = 0.5 * (motion.point("left_hip") + motion.point("right_hip"))
    root = np.where(np.isfinite(middle), middle, motion.point("hip"))
    return root, np.isfinite(root).all(axis=-1)


def sole(motion: Motion3D, side: str) -> tuple[Floats, Floats, Bools]:
    """Find a foot's heel, the middle of its toe tips and where all are seen.

    Args:
        motion: Key points of one person.
        side: "left" or "right".

    Returns:
        Heel (T, 3), middle of the toe tips (T, 3), and (T,) whether heel and both toes are seen.
    """
    heel = motion.point(f"{side}_heel")
    toes = 0.5 * (motion.point(f"{side}_big_toe") + motion.point(f"{side}_small_toe"))
    return heel, toes, np.isfinite(heel + toes).all(axis=-1)


def _typical(values: Floats, score: Floats) -> float:
    """Take the median of the values seen at least half as well as the best; NaN without any."""
    seen = np.isfinite(values) & (score > 0.0)
    if not seen.any():
        return float("nan")
    return float(np.median(values[seen & (score >= 0.5 * np.percentile(score[seen], 95))]))


def _distance(motion: Motion3D, a: str, b: str) -> float:
    reach = np.linalg.norm(motion.point(a) - motion.point(b), axis=-1)
    return _typical(reach, np.minimum(motion.point_score(a), motion.point_score(b)))


def _mean_seen(values: list[float]) -> float:
    seen = [value for value in values if np.isfinite(value)]
    return sum(seen) / len(seen) if seen else float("nan")


def _foot(motion: Motion3D) -> tuple[float, float]:
    """Measure the height of the ankle above ground and its distance from the ball of the foot."""
    heights, reaches = [], []
    for side in _SIDES:
        heel, toes, seen = sole(motion, side)
        ankle = motion.point(f"{side}_ankle")
        score = np.where(seen, motion.point_score(f"{side}_ankle"), 0.0)
        along = toes - heel
        lift = np.linalg.norm(np.cross(ankle - heel, unit(along)), axis=-1)
        heights.append(_typical(lift, score) / (1.0 - BALL_HEIGHT))
        ball = heel + BALL_SHARE * along
        reaches.append(_typical(np.linalg.norm(ball - ankle, axis=-1), score))
    return _mean_seen(heights), _mean_seen(reaches)


def _complete(measured: Mapping[str, float]) -> dict[str, float]:
    """Put proportions in the place of what was not measured or cannot be."""
    ratios = [measured[n] / DEFAULT_LENGTHS_M[n] for n in measured if np.isfinite(measured[n])]
    size = float(np.median(ratios)) if ratios else 1.0
    lengths = {}
    for name, default in DEFAULT_LENGTHS_M.items():
        usual = size * default
        value = measured.get(name, usual)
        value = value if np.isfinite(value) else usual
        lengths[name] = float(np.clip(value, _LEAST * usual, _MOST * usual))
    least_foot = 1.1 * (1.0 - BALL_HEIGHT) * lengths["ankle_height"]
    lengths["foot"] = max(lengths["foot"], least_foot)
    return lengths


def _offsets(motion: Motion3D, lengths: Mapping[str, float]) -> dict[str, float]:
    """Measure where spine and shoulders are attached, in the axes of pelvis and upper chest."""
    rest = spine_curve.neutral_directions()
    hips, shoulders = ("left_hip", "right_hip"), ("left_shoulder", "right_shoulder")
    to_spine = _seen_from(motion, hips, ("hip", "spine_01"), rest[0], "hip")
    to_c7 = _seen_from(motion, shoulders, ("spine_05", "neck"), rest[spine_curve.CHEST], "neck")
    # What the chest's slope puts C7 ahead of the spine at the level of the shoulders.
    slope = rest[spine_curve.CHEST, 1] / rest[spine_curve.CHEST, 2]
    measured = {
        "spine_back": to_spine[1],
        "spine_up": to_spine[2],
        "shoulder_drop": to_c7[2],
        "shoulder_forward": to_c7[1] - slope * to_c7[2],
    }
    size = lengths["thigh"] / DEFAULT_LENGTHS_M["thigh"]
    return {
        name: size * float(np.clip(value / size, -_FARTHEST_M, _FARTHEST_M))
        if np.isfinite(value)
        else size * DEFAULT_OFFSETS_M[name]
        for name, value in measured.items()
    }


def _seen_from(
    motion: Motion3D,
    across: tuple[str, str],
    along: tuple[str, str],
    rest_along: Floats,
    point: str,
) -> Floats:
    """Give the median position (3,) of a point from the middle of two others, in rest axes.

    Args:
        motion: Key points.
        across: The two points, left and right.
        along: Two points of the spine, lower and upper, that show how the part is inclined.
        rest_along: (3,) direction between those at rest.
        point: The point.

    Returns:
        (3,) metres, NaN where it is never seen.
    """
    left, right = (motion.point(name) for name in across)
    lower, upper = (motion.point(name) for name in along)
    score = np.min([motion.point_score(name) for name in (*across, *along, point)], axis=0)
    seen = score > 0.0
    offset = np.full((len(seen), 3), np.nan)
    turned = from_axes((left - right)[seen], (upper - lower)[seen])
    back = multiply(from_axes(np.array([1.0, 0.0, 0.0]), rest_along), conjugate(turned))
    offset[seen] = rotate(back, (motion.point(point) - 0.5 * (left + right))[seen])
    return np.array([_typical(component, score) for component in offset.T])
