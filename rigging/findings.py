# SPDX-License-Identifier: GPL-3.0-or-later
"""What a solved motion says of a back, and how far it can be trusted."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from . import spine_curve
from .angles import REGIONS, curvature, regional_angles
from .motion import Motion3D
from .person import Person
from .rotation import Bools, Floats
from .solve import Solved

ENDS: Final[Mapping[str, tuple[str, str]]] = {
    "pelvis": ("left_hip", "right_hip"),
    "spine_03": ("spine_02", "spine_03"),
    "spine_06": ("spine_05", "neck"),
    "spine_09_head": ("neck_03", "head"),
}
"""Points between which a segment's direction is seen."""


@dataclass(frozen=True, eq=False)
class Findings:
    """What a report shows.

    Attributes:
        time_s: (T,) seconds.
        angles: (T, 3) radians by region, see `angles.regional_angles`; NaN where not valid.
        sigma: (T, 3) standard deviation of these, radians, by region; empty where not known.
        arc: (8,) and
        curvature: (T, 8) sagittal curvature, radians a metre, see `angles.curvature`.
        spine_score: (T,) mean score of the spine's points, 0..1.
        contacts: (T,) by part of the foot, as the solver found them.
        reprojection: (T,) median distance between the solved spine and its points in the picture,
            in trunk lengths; NaN where not seen; None where there is no picture to compare with.
        jitter: Third differences of the spine's points after solving over before; median.
        amplitude: Slope of the solved points' movement against the raw points', about the hips.
    """

    time_s: Floats
    angles: Mapping[str, Floats]
    sigma: Mapping[str, Floats]
    arc: Floats
    curvature: Floats
    spine_score: Floats
    contacts: Mapping[str, Bools] = field(default_factory=dict)
    reprojection: Floats | None = None
    jitter: float = np.nan
    amplitude: float = np.nan


def examine(motion: Motion3D, solved: Solved, person: Person | None = None) -> Findings:
    """Measure a solved motion against the key points that it was solved from.

    Args:
        motion: Raw key points.
        solved: What was made of them.
        person: Whose own neutral posture angles are told from; None for the average one.

    Returns:
        The findings; figures that a short or empty clip does not tell are NaN.
    """
    points = [motion.names.index(name) for name in spine_curve.POINTS]
    raw = motion.xyz_m[:, points]
    fitted = solved.tails_m[:, [solved.skeleton.index(bone) for bone in spine_curve.BONES]]
    neutral = None if person is None else person.neutral
    arc, curved = curvature(solved.skeleton, solved.motion)
    return Findings(
        time_s=motion.time_s,
        angles=regional_angles(solved.skeleton, solved.motion, neutral),
        sigma=_angle_sigma(motion),
        arc=arc,
        curvature=curved,
        spine_score=motion.score[:, points].mean(axis=1),
        contacts=solved.contacts,
        reprojection=_reprojection(motion, fitted, points),
        jitter=_third_difference(fitted, motion.time_s) / _third_difference(raw, motion.time_s),
        amplitude=_amplitude(raw, fitted, solved),
    )


def _angle_sigma(motion: Motion3D) -> dict[str, Floats]:
    """Spread of a region's angles, as that of the points at both ends of its two segments.

    Every frame is taken by itself: what smoothing gains is not claimed.
    """
    if motion.sigma_m is None:
        return {}
    spread = {bone: _direction_sigma(motion, *ends) for bone, ends in ENDS.items()}
    return {
        region: np.repeat(np.hypot(spread[bottom], spread[top])[:, None], 3, axis=1)
        for region, (bottom, top) in REGIONS.items()
    }


def _direction_sigma(motion: Motion3D, one: str, other: str) -> Floats:
    a, b = motion.names.index(one), motion.names.index(other)
    assert motion.sigma_m is not None
    length = np.linalg.norm(motion.xyz_m[:, a] - motion.xyz_m[:, b], axis=1)
    return np.asarray(np.hypot(motion.sigma_m[:, a], motion.sigma_m[:, b]) / length)


def _reprojection(motion: Motion3D, fitted: Floats, points: list[int]) -> Floats | None:
    if motion.camera is None or motion.xy_px is None or not np.isfinite(motion.xy_px).any():
        return None
    in_camera = motion.camera.seen_from(fitted)
    middle = np.array(motion.camera.image_size_px) / 2.0
    pixels = in_camera[..., :2] / in_camera[..., 2:] * motion.camera.focal_px + middle
    seen = motion.xy_px[:, points]
    hip, neck = (motion.xy_px[:, motion.names.index(name)] for name in ("hip", "neck"))
    trunk_px = np.linalg.norm(hip - neck, axis=1)
    off = np.linalg.norm(pixels - seen, axis=2)
    share = np.full(len(off), np.nan)
    known = np.isfinite(off).any(axis=1) & (trunk_px > 0.0)
    share[known] = np.nanmedian(off[known], axis=1) / trunk_px[known]
    return share


def _third_difference(xyz_m: Floats, time_s: Floats) -> float:
    """Median length of the third divided difference over time, metres a cubic second."""
    change = xyz_m
    at = time_s
    for _ in range(3):
        if len(at) < 2:
            return np.nan
        change = np.diff(change, axis=0) / np.diff(at)[:, None, None]
        at = 0.5 * (at[1:] + at[:-1])
    length = np.linalg.norm(change, axis=2)
    return float(np.nanmedian(length)) if np.isfinite(length).any() else np.nan


def _amplitude(raw: Floats, fitted: Floats, solved: Solved) -> float:
    """Slope of movement about the hips, solved on raw."""
    hips = solved.heads_m[:, [solved.skeleton.index(spine_curve.BONES[0])]]
    before, after = raw - hips, fitted - hips
    both = np.isfinite(before).all(axis=(1, 2)) & np.isfinite(after).all(axis=(1, 2))
    if both.sum() < 2:
        return np.nan
    before, after = (one[both] - one[both].mean(axis=0) for one in (before, after))
    return float(np.sum(before * after) / np.sum(before * before))
