# SPDX-License-Identifier: GPL-3.0-or-later
"""Keeps the feet of a rig of other proportions on the floor, and its hands where they reach."""

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
from scipy.ndimage import gaussian_filter1d, maximum_filter1d

from .freedoms import Ints
from .matching import Roles
from .rest_pose import RestPose
from .rotation import Bools, Floats, conjugate, multiply, rotate
from .solve import Solved
from .stances import stances
from .two_bone import STRETCHED, reach

_X, _, _Z = np.eye(3)
_SIDES: Final = (("left", "L"), ("right", "R"))
_BLEND_S: Final = 0.3
"""Time over which a leg goes over from its planted foot to its own motion, and the body from one
foot to the next. Of 0.1 to 0.4 it made bones jump least on the walk of `benchmarks/rigs.py`."""
_SMOOTH_S: Final = 0.1
"""Standard deviation of the smoothing of how far the body sinks for legs that are too short."""
_CUT: Final = 2.0
"""Standard deviations after which that smoothing ends, so that it can begin in time."""
_DEEPEST: Final = 0.1
"""Most that the body sinks, as a share of the leg."""
_GIVE: Final = 0.002
"""How far a planted foot may be off, as a share of the leg, before a leg is bent for it: a straight
leg that is to be shorter by this bends by seven degrees."""


class Planting:
    """The feet of a rig, and when they are planted."""

    def __init__(self, solved: Solved, roles: Roles, rest: RestPose, ball_m: float) -> None:
        """Take what rests on the ground, the rig, and how high its balls are above the ground."""
        self._roles, self._rest, self._ball_m = roles, rest, ball_m
        self._time_s = solved.motion.time_s
        skeleton = solved.skeleton
        planted = {
            (side, point): np.asarray(solved.contacts[f"{name}_{point}"]) & solved.motion.valid
            for name, side in _SIDES
            for point in ("heel", "ball")
            if f"{name}_{point}" in solved.contacts
        }
        self._planted: dict[tuple[str, str], Bools] = {
            key: on for key, on in planted.items() if on.any()
        }
        self._hinge = {
            side: rotate(solved.motion.rotation[:, skeleton.index(f"thigh.{side}")], _X)
            for _, side in _SIDES
        }

    def any(self) -> bool:
        """Tell whether a foot is ever planted."""
        return bool(self._planted)

    def settle(
        self, turns: Mapping[str, Floats], at: Mapping[str, Floats]
    ) -> tuple[Floats, dict[str, Floats]]:
        """Find where the body is to be for planted feet to stand still on the floor.

        A single foot is served by moving the whole body, so that all bones keep their directions.
        Where two differ, the body goes between, and down as far as the legs are too short; the rest
        is for the legs to bend.

        Args:
            turns: (T, 4) turn of each bone.
            at: (T, 3) where bones begin.

        Returns:
            (T, 3) how far the body is to be moved, and by side how far each foot then is, metres.
        """
        depths = {key: _depth(self._time_s, on)[:, None] for key, on in self._planted.items()}
        weights = {key: np.clip(depth / _BLEND_S, 0.0, 1.0) for key, depth in depths.items()}
        moves = self._moves(turns, at, weights)
        # The body begins to go over to a foot before that is planted.
        ahead = [np.clip(0.5 + 0.5 * depth / _BLEND_S, 0.0, 1.0) for depth in depths.values()]
        known, shift = _weighted(list(moves.values()), ahead)
        shift = np.stack(
            [np.interp(self._time_s, self._time_s[known], axis[known]) for axis in shift.T], axis=-1
        )
        feet, sinks = {}, [np.zeros(len(shift))]
        for _, side in _SIDES:
            mine = [key for key in self._planted if key[0] == side]
            if not mine:
                continue
            known, move = _weighted([moves[key] for key in mine], [weights[key] for key in mine])
            feet[side] = known, _spared(move - shift, _GIVE * self._rest.leg_m)
            sinks.append(np.where(known, self._lacking(side, at, feet[side][1]), 0.0))
        sink = self._smooth_sink(np.max(sinks, axis=0))[:, None] * _Z
        return shift - sink, {
            side: _ramped(self._time_s, np.where(known[:, None], move + sink, 0.0), known)
            for side, (known, move) in feet.items()
        }

    def bend_legs(
        self, turns: dict[str, Floats], at: Mapping[str, Floats], moves: Mapping[str, Floats]
    ) -> None:
        """Turn thighs and shins so that feet are moved.

        Args:
            turns: (T, 4) turn of each bone; those of the legs are replaced.
            at: (T, 3) where bones begin.
            moves: (T, 3) how far, by side, metres.
        """
        for side, move in moves.items():
            parts = (f"thigh.{side}", f"shin.{side}", f"foot.{side}")
            bend_limb(self._roles, parts, turns, at, move, self._hinge[side])

    def _moves(
        self,
        turns: Mapping[str, Floats],
        at: Mapping[str, Floats],
        weights: Mapping[tuple[str, str], Floats],
    ) -> dict[tuple[str, str], Floats]:
        """Give how far (T, 3) points of feet are from where they stand, or will or did next."""
        here = {key: self._point(*key, turns, at) for key in self._planted}
        stands = stances([(here[key], on, weights[key]) for key, on in self._planted.items()])
        moves = {}
        for (key, on), stand in zip(self._planted.items(), stands, strict=True):
            stand[:, 2] = self._ball_m
            moves[key] = (stand - here[key])[_nearest(self._time_s, on)]
        return moves

    def _lacking(self, side: str, at: Mapping[str, Floats], move: Floats) -> Floats:
        """Give how far (T,) the hips must go down for a leg to reach."""
        hip, knee, ankle = (
            at[self._roles.limbs[f"{part}.{side}"]] for part in ("thigh", "shin", "foot")
        )
        leg = np.linalg.norm(knee - hip, axis=-1) + np.linalg.norm(ankle - knee, axis=-1)
        longest = np.maximum(STRETCHED * leg, np.linalg.norm(ankle - hip, axis=-1))
        goal = ankle + move - hip
        deep = np.sqrt(np.maximum(longest**2 - np.sum(goal[:, :2] ** 2, axis=-1), 0.0))
        return np.asarray(np.clip(-goal[:, 2] - deep, 0.0, _DEEPEST * self._rest.leg_m))

    def _smooth_sink(self, sink: Floats) -> Floats:
        """Smooth how far the body sinks (T,), never to less than what is needed."""
        step_s = float(np.median(np.diff(self._time_s))) if len(self._time_s) > 1 else 1.0
        sigma = _SMOOTH_S / step_s
        reached = maximum_filter1d(sink, 2 * int(_CUT * sigma + 0.5) + 1, mode="nearest")
        return np.asarray(gaussian_filter1d(reached, sigma, mode="nearest", truncate=_CUT))

    def _point(
        self, side: str, point: str, turns: Mapping[str, Floats], at: Mapping[str, Floats]
    ) -> Floats:
        """Give where heel or ball of a foot is (T, 3); the heel lies below the ankle."""
        foot = self._roles.limbs[f"foot.{side}"]
        offset = self._rest.along(f"foot.{side}")
        if point == "heel":
            down = float(rotate(self._rest.upright, offset)[2])
            offset = rotate(conjugate(self._rest.upright), down * _Z)
        return np.asarray(at[foot] + rotate(turns[foot], offset))


def bend_limb(
    roles: Roles,
    parts: tuple[str, str, str],
    turns: dict[str, Floats],
    at: Mapping[str, Floats],
    move: Floats,
    hinge: Floats,
) -> None:
    """Turn the two bones of a limb so that its end is moved.

    Args:
        roles: What the bones are.
        parts: Roles of upper bone, lower bone and end.
        turns: (T, 4) turn of each bone; those of the two are replaced.
        at: (T, 3) where bones begin.
        move: (T, 3) how far the end is to be moved, metres.
        hinge: (T, 3) axis about which the limb flexes.
    """
    upper, lower, end = (roles.limbs[part] for part in parts)
    moved = (np.abs(move) > 1e-7).any(axis=-1)
    thigh, shin = at[lower] - at[upper], at[end] - at[lower]
    first, second = reach(thigh[moved], shin[moved], (thigh + shin + move)[moved], hinge[moved])
    for bone, more in ((upper, first), (lower, second)):
        turn = turns[bone].copy()
        turn[moved] = multiply(more, turn[moved])
        turns[bone] = turn


def _nearest(time_s: Floats, on: Bools) -> Ints:
    """Give the row of the nearest frame that is on, for every frame (T,)."""
    rows = np.flatnonzero(on)
    after = np.searchsorted(rows, np.arange(len(on)))
    before, after = rows[np.maximum(after - 1, 0)], rows[np.minimum(after, len(rows) - 1)]
    sooner = np.abs(time_s - time_s[before]) < np.abs(time_s[after] - time_s)
    return np.asarray(np.where(sooner, before, after))


def _depth(time_s: Floats, on: Bools) -> Floats:
    """Give how long it is to the nearest frame that is not on, negative where a frame itself is."""
    away = [
        np.abs(time_s - time_s[_nearest(time_s, which)]) if which.any() else np.inf
        for which in (~on, on)
    ]
    return np.asarray(np.where(on, away[0], -away[1]))


def _weighted(moves: Sequence[Floats], weights: Sequence[Floats]) -> tuple[Bools, Floats]:
    """Give the frames (T,) in which anything weighs, and the weighted mean (T, 3) of moves."""
    whole = np.sum(weights, axis=0)
    mean = np.sum([w * move for w, move in zip(weights, moves, strict=True)], axis=0)
    return whole[:, 0] > 0.0, np.asarray(mean / np.where(whole > 0.0, whole, 1.0))


def _spared(move: Floats, give: float) -> Floats:
    """Take from moves (T, 3) what need not be made up."""
    size = np.linalg.norm(move, axis=-1, keepdims=True)
    return np.asarray(move * np.maximum(1.0 - give / np.maximum(size, 1e-12), 0.0))


def _ramped(time_s: Floats, moves: Floats, planted: Bools) -> Floats:
    """Let moves fade out before and after the frames in which a foot is planted."""
    rows = np.flatnonzero(planted)
    after = np.searchsorted(rows, np.arange(len(time_s)))
    before = rows[np.clip(after - 1, 0, None)]
    after = rows[np.clip(after, None, len(rows) - 1)]
    weights = [
        np.clip(1.0 - np.abs(time_s - time_s[nearest]) / _BLEND_S, 0.0, 1.0)[:, None]
        for nearest in (before, after)
    ]
    whole = np.maximum(weights[0] + weights[1], 1.0)
    faded = (weights[0] * moves[before] + weights[1] * moves[after]) / whole
    return np.asarray(np.where(planted[:, None], moves, faded))
