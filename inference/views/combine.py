# SPDX-License-Identifier: GPL-3.0-or-later
"""From what several cameras saw of one person to metric points in the world."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.stats import chi2

from ..camera import world_axes
from ..errors import CalibrationError
from ..keypoints import INDEX
from ..lift import ground_origin
from ..stature import stature
from ..upright import FEET
from .agreement import Agreement, require_agreement
from .refine import find_shifts, shifted
from .synchronise import Clocks, Seen, sample, synchronise
from .triangulation import Triangulated, triangulate
from .view import View

Floats = NDArray[np.float64]

ERROR_SHARE: Final = 0.025
"""Expected error of a point of score 1, in trunk lengths; it grows as the score falls. It starts
the search: how large errors are in the clip at hand is measured from how the cameras agree, .023 in
the four-camera clip of Pose2Sim."""

LEAST_SCORE: Final = 0.05

LEAST_ERROR_PX: Final = 0.1
"""No point is seen more exactly, however well cameras agree."""

UNITS_M: Final = (1.0, 0.001, 0.01)
"""Units that calibrations come in: metres, FreeMoCap's millimetres, centimetres."""

STATURE_M: Final = (0.5, 2.5)
"""Standing height between which a person's must lie for the unit to be right."""

AXES: Final = ("+x", "+y", "+z", "-x", "-y", "-z")

SNAP: Final = np.cos(np.radians(25.0))
"""An axis of the calibration that lies closer to the person's own up, feet to neck over the clip,
is taken for the vertical: tools that know the floor put an axis along it."""


@dataclass(frozen=True, eq=False)
class Combined:
    """A person in the world, from several cameras.

    Attributes:
        time_s: (T,) seconds of the first camera's clock.
        xyz_m: (T, K, 3) world frame, NaN where fewer than two cameras tell.
        sigma_m: (T, K) standard deviation, metres.
        score: (T, K) 0..1: the best score among the cameras, as far as they agree.
        world_from_camera: (4, 4) of the first camera.
        views: The cameras, metres, with their pictures shifted.
        clocks: How their clocks lie.
        shift_px: (C, 2) how their pictures lay off the calibration.
        agreement: How well they agree.
        unit_m: Metres in the calibration's unit.
        up_source: What told the vertical.
    """

    time_s: Floats
    xyz_m: Floats
    sigma_m: Floats
    score: Floats
    world_from_camera: Floats
    views: tuple[View, ...]
    clocks: Clocks
    shift_px: Floats
    agreement: Agreement
    unit_m: float
    up_source: str


def combine(
    views: Sequence[View],
    clips: Sequence[Seen],
    reach_s: float,
    offset_s: Floats | None = None,
    up_axis: str | None = None,
) -> Combined:
    """Put a person that several cameras saw into the world.

    Args:
        views: C cameras, fitted to their footage; the first one's clock and heading are kept.
        clips: C what each saw.
        reach_s: Largest offset between clocks to look for, seconds.
        offset_s: (C,) offsets where they are known: nothing is looked for then.
        up_axis: Axis of the calibration that points up, one of AXES, where it is known.

    Returns:
        The person, and how well the cameras agreed.

    Raises:
        CalibrationError: Cameras do not agree with each other or with the calibration.
    """
    clocks = _clocks(views, clips, reach_s, offset_s)
    moment = _Moments.of(clips, clocks)
    views, unit_m = _in_metres(views, moment)
    require_agreement(views, moment.xy_px, moment.error_px, moment.trunk_px)
    shift_px = find_shifts(views, moment.xy_px, moment.score, moment.error_px)
    views = [shifted(view, shift) for view, shift in zip(views, shift_px, strict=True)]
    agreed = require_agreement(views, moment.xy_px, moment.error_px, moment.trunk_px)
    found = _measured(views, moment)
    shape = len(moment.time_s), -1
    score = (found.trust * moment.score).max(axis=0).reshape(shape)
    in_camera = found.xyz_m @ views[0].rotation.T + views[0].translation
    xyz_camera = in_camera.reshape(*shape, 3)[:, None]
    axes, up_source = _upright(xyz_camera, views[0], up_axis)
    xyz = xyz_camera @ axes.T
    world_from_camera = np.eye(4)
    world_from_camera[:3, :3] = axes
    world_from_camera[:3, 3] = -ground_origin(xyz, moment.time_s)
    return Combined(
        time_s=moment.time_s,
        xyz_m=(xyz + world_from_camera[:3, 3])[:, 0],
        sigma_m=found.sigma_m.reshape(shape),
        score=score,
        world_from_camera=world_from_camera,
        views=tuple(views),
        clocks=clocks,
        shift_px=shift_px,
        agreement=agreed,
        unit_m=unit_m,
        up_source=up_source,
    )


@dataclass(frozen=True, eq=False)
class _Moments:
    """All cameras' points at the same moments, flat: N = T x K."""

    time_s: Floats
    xy_px: Floats
    score: Floats
    error_px: Floats
    trunk_px: Floats

    @classmethod
    def of(cls, clips: Sequence[Seen], clocks: Clocks) -> "_Moments":
        time_s = _shared_time(clips, clocks.offset_s)
        at = [time_s + offset for offset in clocks.offset_s]
        xy_px = [sample(clip.time_s, clip.xy_px, one) for clip, one in zip(clips, at, strict=True)]
        scores = [
            sample(clip.time_s, clip.score[..., None], one)[..., 0]
            for clip, one in zip(clips, at, strict=True)
        ]
        trunk = [np.linalg.norm(xy[:, INDEX["hip"]] - xy[:, INDEX["neck"]], axis=1) for xy in xy_px]
        trunk_px = np.array([float(np.nanmedian(one)) for one in trunk])
        flat = np.stack(xy_px).reshape(len(clips), -1, 2)
        score = np.nan_to_num(np.stack(scores)).reshape(len(clips), -1)
        error_px = ERROR_SHARE * trunk_px[:, None] / np.maximum(score, LEAST_SCORE)
        return cls(time_s, flat, score, error_px, trunk_px)


def _shared_time(clips: Sequence[Seen], offset_s: Floats) -> Floats:
    """Times of the first camera that at least two cameras film."""
    time_s = clips[0].time_s
    filmed = [
        (time_s + offset >= clip.time_s[0]) & (time_s + offset <= clip.time_s[-1])
        for clip, offset in zip(clips, offset_s, strict=True)
    ]
    shared = time_s[np.sum(filmed, axis=0) >= 2]
    if len(shared) < 2:
        raise CalibrationError(
            f"The recordings do not overlap in time with offsets {offset_s.round(3).tolist()} s"
        )
    return np.asarray(shared)


def _clocks(
    views: Sequence[View], clips: Sequence[Seen], reach_s: float, offset_s: Floats | None
) -> Clocks:
    if offset_s is None:
        return synchronise(views, clips, reach_s)
    return Clocks(offset_s, np.full(len(views), np.nan))


def _in_metres(views: Sequence[View], moment: _Moments) -> tuple[list[View], float]:
    """Find the calibration's unit from the height that the person would have."""
    points = triangulate(views, moment.xy_px, moment.error_px).xyz_m
    shape = (len(moment.time_s), 1, -1)
    score = moment.score.max(axis=0).reshape(shape)
    height = stature(points.reshape(*shape, 3), score)
    for unit_m in UNITS_M:
        if STATURE_M[0] <= height * unit_m <= STATURE_M[1]:
            return [view.scaled(unit_m) for view in views], unit_m
    raise CalibrationError(
        f"The person would be {height:.3g} tall in the calibration's unit, nobody's height in "
        "metres, centimetres or millimetres: check the size of its board, and which clip belongs "
        "to which camera"
    )


def _measured(views: Sequence[View], moment: _Moments) -> Triangulated:
    """Triangulate with errors as large as the cameras' disagreement shows them to be."""
    found = triangulate(views, moment.xy_px, moment.error_px)
    seen = np.stack([view.project(found.xyz_m) for view in views])
    missed = np.linalg.norm(seen - moment.xy_px, axis=2) / moment.error_px
    sights = np.isfinite(missed).sum(axis=0)
    met = sights >= 2
    # Two coordinates a sight, less the three of the point, which follow the noise.
    usual = chi2.median(2 * sights[met] - 3)
    scale = float(np.sqrt(np.median(np.nansum(missed[:, met] ** 2, axis=0) / usual)))
    return triangulate(views, moment.xy_px, np.maximum(scale * moment.error_px, LEAST_ERROR_PX))


def _upright(xyz_camera: Floats, view: View, up_axis: str | None) -> tuple[Floats, str]:
    """World axes in the first camera's, and what told the vertical."""
    axes = dict(zip(AXES, np.concatenate([view.rotation.T, -view.rotation.T]), strict=True))
    if up_axis is not None:
        return world_axes(axes[up_axis]), f"axis {up_axis} of the calibration, as given"
    body = xyz_camera[:, 0, INDEX["neck"]] - xyz_camera[:, 0, FEET].mean(axis=1)
    up = np.nanmedian(body / np.linalg.norm(body, axis=1, keepdims=True), axis=0)
    up /= np.linalg.norm(up)
    nearest = max(axes, key=lambda name: float(axes[name] @ up))
    if axes[nearest] @ up >= SNAP:
        return world_axes(axes[nearest]), f"axis {nearest} of the calibration, nearest the person's"
    return world_axes(up), "person, from feet to neck"
