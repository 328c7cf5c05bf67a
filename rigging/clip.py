# SPDX-License-Identifier: GPL-3.0-or-later
"""A first solution made better: the whole clip fitted at once, in windows when it is long."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

import numpy as np

from .attachments import Attachments, attach
from .fit import Pose, Problem, fit
from .freedoms import Freedoms, Ints, freedoms
from .lengths import mid_hip
from .limits import bend_ranges
from .motion import BoneMotion, Motion3D
from .observations import Locks, Observed, Places, Sight
from .rotation import (
    IDENTITY,
    Bools,
    Floats,
    conjugate,
    continuous,
    from_axis_angle,
    multiply,
    rotate,
    rotation_vector,
)
from .skeleton import fk
from .solve import Solved
from .trunk import point_trust
from .uncertainty import joint_deviations

WINDOW: Final = 240
"""Frames fitted at once: what they take, about 40 MB, stays near the processor."""

_OVERLAP: Final = 24
"""Frames fitted beyond a window's end and then thrown away: what comes later no longer matters
there."""

_LONGEST_GAP_S: Final = 0.5
"""Time without the torso after which nothing is known of how the person moved on."""

_ROOT_ERROR_M: Final = 0.01
_DEPTH_ERROR: Final = 0.01
"""Error of the smoothed root joint across the view and, as a share of the distance, along it: the
samples are 5 to 19 mm and 55 mm off in the take of a walker 7 m away."""


def refine(
    motion: Motion3D,
    solved: Solved,
    neutral: Floats | None = None,
    locks: Locks | None = None,
    *,
    rough: bool = False,
) -> Solved:
    """Fit the skeleton to everything that is known of a clip.

    What counts: the points' places, weighted by deviation or score, and where the camera sees them;
    limits of joints; how spines bend; steadiness; points that rest; and, where nothing else speaks,
    the first solution. Elbows and knees become hinges.

    Args:
        motion: Smoothed key points, T frames.
        solved: The first solution.
        neutral: (8, 2) the person's neutral bends above L5, radians from rest; None for those of
            the skeleton's rest.
        locks: Points that rest, T frames.
        rough: Whether another fit follows: this one may end sooner, and tells no deviations.

    Returns:
        The same skeleton, moved better.
    """
    free = freedoms(solved.skeleton)
    deviation = np.full(solved.motion.rotation.shape[:2], np.nan)
    rotation, root_m = solved.motion.rotation.copy(), solved.motion.root_m.copy()
    turn = solved.turn
    valid = solved.motion.valid
    attachments = attach(motion, solved)
    bends = np.zeros((8, 2)) if neutral is None else neutral
    for rows in _stretches(motion.time_s, valid):
        observed = observe(motion.at(rows), attachments)
        if locks is not None:
            observed = replace(observed, locks=locks.at(rows))
        first = first_pose(free, turn[rows], root_m[rows])
        pose, deviation[rows] = _fit_windows(free, observed, first, bends, rough)
        root_m[rows] = pose.root_m
        rotation[rows] = multiply(pose.placed(free)[1], solved.skeleton.rest)
    better = BoneMotion(
        solved.motion.bones, motion.time_s, continuous(rotation), root_m, solved.motion.valid
    )
    heads, tails = fk(solved.skeleton, better)
    return replace(
        solved, motion=better, heads_m=heads, tails_m=tails, sigma=None if rough else deviation
    )


def _stretches(time_s: Floats, valid: Bools) -> Iterator[Ints]:
    """Yield the rows of valid frames that follow one another without a long gap."""
    at = np.flatnonzero(valid)
    yield from np.split(at, np.flatnonzero(np.diff(time_s[at]) > _LONGEST_GAP_S) + 1)


def observe(motion: Motion3D, attachments: Attachments) -> Observed:
    """Gather what is known of where a person's points are.

    Args:
        motion: Key points, T frames, each with the mid-hip.
        attachments: Which of them the skeleton carries.

    Returns:
        The observations.
    """
    columns = attachments.column
    score, root_m = motion.score[:, columns], mid_hip(motion)[0]
    trust = point_trust(score)
    precision = trust if motion.sigma_m is None else motion.sigma_m[:, columns] ** -2.0
    camera = motion.camera
    places = motion.xyz_m[:, columns] - (root_m[:, None] if camera else 0.0)
    known = np.isfinite(places).all(axis=-1) & np.isfinite(precision)
    root_precision = np.tile(np.eye(3) * _ROOT_ERROR_M**-2, (len(root_m), 1, 1))
    sight = None
    if camera is not None:
        ray = root_m - camera.world_from_camera[:3, 3]
        distance = np.maximum(np.linalg.norm(ray, axis=-1), _ROOT_ERROR_M / _DEPTH_ERROR)
        along = ray / distance[:, None]
        loss = _ROOT_ERROR_M**-2 - (_DEPTH_ERROR * distance) ** -2.0
        root_precision -= loss[:, None, None] * along[:, :, None] * along[:, None]
    if camera is not None and motion.xy_px is not None:
        xy_px = motion.xy_px[:, columns]
        depth = camera.seen_from(root_m)[:, 2:]
        seen = np.isfinite(xy_px).all(axis=-1) & (depth > 0.0)
        per_pixel = (np.maximum(depth, 0.0) / camera.focal_px) ** 2
        sight = Sight(camera, np.nan_to_num(xy_px), np.where(seen, trust * per_pixel, 0.0))
    return Observed(
        time_s=motion.time_s,
        attachments=attachments,
        places=Places(np.where(known[..., None], places, 0.0), np.where(known, precision, 0.0)),
        from_root=camera is not None,
        sight=sight,
        root_m=root_m,
        root_precision=root_precision,
    )


def first_pose(free: Freedoms, turn: Floats, root_m: Floats) -> Pose:
    """Put a first solution in local turns, within limits, elbows and knees bent about their hinges.

    Args:
        free: The freedoms.
        turn: (T, B, 4) turns of the bones from rest in the world.
        root_m: (T, 3) place of the root joint.

    Returns:
        The pose.
    """
    skeleton = free.skeleton
    local = turn.copy()
    local[:, 1:] = multiply(conjugate(turn[:, skeleton.parents[1:]]), turn[:, 1:])
    for bone, name in enumerate(skeleton.bones):
        if name.startswith(("forearm", "shin")):
            hinge, along, across = rotate(skeleton.rest[bone], np.eye(3))
            onward = rotate(local[:, bone], along)
            aside = np.linalg.norm(np.cross(onward, along), axis=-1)
            angle = np.arctan2(np.copysign(aside, onward @ across), onward @ along)
            local[:, bone] = from_axis_angle(hinge, angle)
        elif name.startswith(("hand", "toe")):
            local[:, bone] = IDENTITY
    bend = rotate(conjugate(skeleton.rest), rotation_vector(local))
    bend = rotate(skeleton.rest, np.clip(bend, *bend_ranges(skeleton)))
    angle = np.linalg.norm(bend, axis=-1)
    local = from_axis_angle(bend / np.maximum(angle, 1e-12)[..., None], angle)
    return Pose(local, root_m)


def _fit_windows(
    free: Freedoms, observed: Observed, first: Pose, neutral: Floats, rough: bool
) -> tuple[Pose, Floats]:
    """Fit window after window, each going on from the last two frames of the one before.

    Returns:
        The pose, and the deviations (T, B) of its joints where they are told.
    """
    frames = len(observed.time_s)
    local, root_m = first.local.copy(), first.root_m.copy()
    deviation = np.full(local.shape[:2], np.nan)
    for start in range(0, frames, WINDOW):
        held = min(2, start)
        end = min(start + WINDOW, frames)
        rows = slice(start - held, min(end + _OVERLAP, frames))
        problem = Problem(free, observed.at(rows), Pose(local[rows], root_m[rows]), neutral, held)
        pose, at_end = fit(problem, rough=rough)
        new = slice(held, held + end - start)
        local[start:end], root_m[start:end] = pose.local[new], pose.root_m[new]
        if not rough:
            deviation[start:end] = joint_deviations(free, at_end)[new]
    return Pose(local, root_m), deviation
