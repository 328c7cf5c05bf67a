# SPDX-License-Identifier: GPL-3.0-or-later
"""The skeleton fitted to everything that is known of a clip, all frames together."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from . import spine_curve
from .banded import solve_blocks
from .freedoms import ROOT, Freedoms
from .limits import arm_cost, bend_ranges, curve_cost, limit_cost
from .normal import joint_equations, root_equations, screws, spatial
from .observations import Observed, Pulls
from .rotation import Floats, conjugate, multiply, rotate, rotation_vector
from .steadiness import coupling, difference_weights, travel_cost, turning_cost

ROUNDS: Final = 6
"""Most steps of a fit."""

_GAIN: Final = 0.02
_ROUGH_GAIN: Final = 0.1
"""A fit ends when a step lowers the cost by less than this share: a rough one sooner."""

_LARGEST_STEP: Final = 0.5
_DAMPING: Final = 1e-3
_STIFFER: Final = 10.0
"""Damping that steps begin with, and how much more of it the next has where one raised the cost.
With less the fits of resting feet, whose pulls are a thousand times those of points, overshoot."""

_KEEP: Final = np.radians(20.0)
"""How far, usually, the first solution is off where nothing else is known, such as the twist of a
straight arm: twice what a wrist 1 cm off turns the plane of an arm bent by 12 degrees."""

_ROOT_PRICE: Final = 0.05
_TURN_PRICE: Final = 8e-3
"""Price of squared accelerations, s^3/m^2 and s^3/rad^2: spectral densities of 20 m^2/s^3, about
that of `inference/root_path.py`, and 125 rad^2/s^3. The latter had the least error of 2e-4, 2e-3,
8e-3, 3e-2 and 1e-1 on the clips CHOSEN_ON of benchmarks/known_motion.py, which do not judge, seen
with the noise of benchmarks/filters.py."""


@dataclass(frozen=True, eq=False)
class Pose:
    """A skeleton's pose over T frames.

    Attributes:
        local: (T, B, 4) turn of each bone from rest, seen from its parent.
        root_m: (T, 3) place of the root joint.
    """

    local: Floats
    root_m: Floats

    def placed(self, free: Freedoms) -> tuple[Floats, Floats]:
        """Give heads (T, B, 3), metres, and turns from rest (T, B, 4) in the world."""
        skeleton = free.skeleton
        turn = np.empty_like(self.local)
        heads = np.empty((*self.local.shape[:-1], 3))
        turn[:, 0], heads[:, 0] = self.local[:, 0], self.root_m
        for bone, parent in enumerate(skeleton.parents[1:].tolist(), start=1):
            turn[:, bone] = multiply(turn[:, parent], self.local[:, bone])
            offset = skeleton.head_m[bone] - skeleton.head_m[parent]
            heads[:, bone] = heads[:, parent] + rotate(turn[:, parent], offset)
        return heads, turn

    def moved(self, free: Freedoms, step: Floats) -> "Pose":
        """Go on by a step (T, ROOT + R)."""
        return Pose(free.moved(self.local, step[:, ROOT:]), self.root_m + step[:, :ROOT])


@dataclass(frozen=True, eq=False)
class Problem:
    """A clip, or a window of it, to be fitted.

    Attributes:
        free: The freedoms of the person's skeleton.
        observed: What is known.
        first: The first solution.
        neutral: (8, 2) the person's neutral bends above L5, about X and Z, radians from rest.
        held: How many frames at the start stay as they are: those of the window before.
    """

    free: Freedoms
    observed: Observed
    first: Pose
    neutral: Floats
    held: int = 0


@dataclass(frozen=True, eq=False)
class Equations:
    """The cost of a pose and its expansion.

    Attributes:
        cost: The cost: half the sum of squares.
        blocks: (T, D, D) curvature within frames.
        slope: (T, D) slope.
        coupling: (2, T, D) curvature between frames one and two apart.
    """

    cost: float
    blocks: Floats
    slope: Floats
    coupling: Floats


def fit(problem: Problem, *, rough: bool = False) -> tuple[Pose, Equations]:
    """Find the pose of least cost by damped Gauss-Newton steps.

    Args:
        problem: What is to be fitted.
        rough: Whether it is enough to come near it.

    Returns:
        The pose, and the equations there.

    Source: Levenberg-Marquardt after Nielsen (IMM-REP-1999-05), with fixed factors.
    """
    pose = problem.first
    now = equations(problem, pose)
    damping, least_gain = _DAMPING, _ROUGH_GAIN if rough else _GAIN
    for _ in range(ROUNDS):
        step = _step(problem, now, damping)
        trial = pose.moved(problem.free, step)
        then = equations(problem, trial)
        if then.cost > now.cost:
            damping *= _STIFFER
            continue
        done = now.cost - then.cost < least_gain * now.cost
        pose, now = trial, then
        damping = max(damping / _STIFFER, _DAMPING)
        if done:
            break
    return pose, now


def _step(problem: Problem, now: Equations, damping: float) -> Floats:
    """Take a damped step (T, D), at most half a radian or metre by each column."""
    size = now.slope.shape[1]
    diagonal = np.einsum("tdd->td", now.blocks)
    blocks = now.blocks + (damping * diagonal)[..., None] * np.eye(size)
    step = solve_blocks(blocks, -now.slope, now.coupling)
    step[: problem.held] = 0.0
    return np.clip(step, -_LARGEST_STEP, _LARGEST_STEP)


def equations(problem: Problem, pose: Pose) -> Equations:
    """Expand the cost about a pose.

    Args:
        problem: What is to be fitted.
        pose: Where.

    Returns:
        The cost, its exact slope, and its curvature after Gauss and Newton.
    """
    free, observed = problem.free, problem.observed
    frames = len(observed.time_s)
    cost, blocks, slope = _point_equations(problem, pose)

    weights = difference_weights(observed.time_s) if frames > 2 else np.zeros((2, 0))
    diagonal, later = coupling(weights, frames)
    prices = np.full(len(free.skeleton.bones), _TURN_PRICE)
    travel, root_slope = travel_cost(weights, pose.root_m, _ROOT_PRICE)
    turning, bone_slope = turning_cost(weights, pose.local, prices)
    limits, limit_slope = _limit_equations(problem, pose, blocks)
    away = rotation_vector(multiply(conjugate(problem.first.local), pose.local))
    bone_slope += limit_slope + away / _KEEP**2

    slope[:, :ROOT] += root_slope
    per_turn = np.sum(bone_slope[:, free.bone] * free.direction, axis=-1)
    slope[:, ROOT:] += free.collect(per_turn)
    price = np.append(
        np.full(ROOT, _ROOT_PRICE), free.collect_squares(np.full(len(free.bone), _TURN_PRICE))
    )
    on_diagonal = diagonal[:, None] * price
    on_diagonal[:, ROOT:] += free.collect_squares(np.full(len(free.bone), _KEEP**-2))
    blocks[:, np.arange(free.count), np.arange(free.count)] += on_diagonal
    kept = 0.5 * float(np.sum(away**2)) / _KEEP**2
    later = later[..., None] * price
    if problem.held:
        _hold(problem.held, blocks, slope, later)
    return Equations(cost + travel + turning + limits + kept, blocks, slope, later)


def _hold(held: int, blocks: Floats, slope: Floats, later: Floats) -> None:
    """Take the first frames out of the equations."""
    blocks[:held] = np.eye(blocks.shape[1])
    slope[:held] = 0.0
    later[:, :held] = 0.0


def _point_equations(problem: Problem, pose: Pose) -> tuple[float, Floats, Floats]:
    """Expand the cost of points: its value, curvature (T, D, D) and slope (T, D)."""
    free, observed = problem.free, problem.observed
    heads, turn = pose.placed(free)
    screw = screws(free, heads, turn)
    bone, points = observed.attachments.bone, observed.attachments.place(heads, turn)
    root = heads[:, :1]
    # What a camera lifts is known from the root; what it sees, and what rests, in the world.
    near = observed.places.pulls(points - root if observed.from_root else points)
    pulls = [(bone, points, near, not observed.from_root)]
    if observed.sight is not None:
        pulls.append((bone, points, observed.sight.pulls(points), True))
    if observed.locks is not None:
        locks = observed.locks
        resting = heads[:, locks.bone] + rotate(turn[:, locks.bone], locks.offset)
        pulls.append((locks.bone, resting, locks.pulls(resting), True))

    away = pose.root_m - observed.root_m
    root_force = (observed.root_precision @ away[..., None])[..., 0]
    cost = 0.5 * float(np.sum(away * root_force)) + sum(pull.cost for _, _, pull, _ in pulls)
    blocks = np.zeros((len(root), free.count, free.count))
    slope = np.zeros((len(root), free.count))
    blocks[:, :ROOT, :ROOT] = observed.root_precision
    slope[:, :ROOT] = root_force
    curve = torque = np.zeros(())
    for absolute in (False, True):
        group = [part for part in pulls if part[3] is absolute]
        if not group:
            continue
        joined = _joined([pull for _, _, pull, _ in group])
        where = np.concatenate([place for _, place, _, _ in group], axis=1) - root
        carriers = np.concatenate([carrier for carrier, _, _, _ in group])
        here, turning = spatial(free, carriers, where, joined.weight, joined.force)
        curve, torque = curve + here, torque + turning
        if absolute:
            square, push, between = root_equations(free, screw, here, turning)
            blocks[:, :ROOT, :ROOT] += square
            slope[:, :ROOT] += push
            blocks[:, :ROOT, ROOT:] = free.collect(between)
            blocks[:, ROOT:, :ROOT] = np.swapaxes(blocks[:, :ROOT, ROOT:], 1, 2)
    form, lever = joint_equations(free, screw, curve, torque)
    blocks[:, ROOT:, ROOT:] = form
    slope[:, ROOT:] = lever
    return cost, blocks, slope


def _joined(pulls: list[Pulls]) -> Pulls:
    return Pulls(
        sum(pull.cost for pull in pulls),
        np.concatenate([pull.weight for pull in pulls], axis=1),
        np.concatenate([pull.force for pull in pulls], axis=1),
    )


def _limit_equations(problem: Problem, pose: Pose, blocks: Floats) -> tuple[float, Floats]:
    """Price limits and the curve of the spine, whose curvature enters `blocks`.

    Returns:
        The cost and its slope (T, B, 3).
    """
    free = problem.free
    skeleton = free.skeleton
    spine = [skeleton.index(name) for name in spine_curve.BENDING]
    least, most = bend_ranges(skeleton)
    for edge in (least, most):
        edge[spine, ::2] += problem.neutral
    cost, slope, curve = limit_cost(pose.local, skeleton.rest, least, most)
    arms = [skeleton.index(f"upper_arm.{side}") for side in "LR"]
    reach, arm_slope, arm_curve = arm_cost(pose.local[:, arms], skeleton.rest[arms])
    slope[:, arms] += arm_slope
    curve[:, arms] += arm_curve
    for bone in np.flatnonzero(curve.any(axis=(0, 2, 3))):
        columns, axes = free.of_bone(bone)
        blocks[:, columns[:, None], columns] += curve[:, bone][:, axes[:, None], axes]
    bent, bent_slope = curve_cost(pose.local[:, spine], skeleton.rest[spine], problem.neutral)
    slope[:, spine] += bent_slope
    for axis, form in zip("XZ", spine_curve.turn_stiffness(), strict=True):
        columns = np.array(
            [ROOT + free.columns.index(f"{name} {axis}") for name in spine_curve.BENDING]
        )
        blocks[:, columns[:, None], columns] += form
    return cost + reach + bent, slope
