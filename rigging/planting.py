# SPDX-License-Identifier: GPL-3.0-or-later
"""Keeps the feet of a rig of other proportions on the floor, and its hands where they reach."""

from collections.abc import Mapping
from typing import Final

import numpy as np
from scipy.ndimage import gaussian_filter1d

from .matching import Roles
from .rest_pose import RestPose
from .rotation import Bools, Floats, conjugate, multiply, rotate
from .solve import Solved
from .two_bone import STRETCHED, reach

_X, _, _Z = np.eye(3)
_SIDES: Final = (("left", "L"), ("right", "R"))
_RAMP_S: Final = 0.2
"""Time over which a leg goes over from its planted foot to its own motion: about a step's swing."""
_SMOOTH_S: Final = 0.1
"""Standard deviation of the smoothing of the body's height, so that it does not jump when feet
change; the legs make up for what it takes away."""
_FARTHEST: Final = 0.1
"""Most that a planted foot is moved sideways, as a share of the leg; more is no slip of a foot."""


class Planting:
    """The feet of a rig, and when they are planted.

    Attributes:
        planted: (T,) by side and by "heel" or "ball".
    """

    def __init__(self, solved: Solved, roles: Roles, rest: RestPose, ratio: float) -> None:
        """Take what rests on the ground, the rig, and how much larger it is than the person."""
        self._roles, self._rest = roles, rest
        self._time_s = solved.motion.time_s
        skeleton = solved.skeleton
        self._floor_m = ratio * float(skeleton.tail_m[skeleton.index("foot.L"), 2])
        self.planted: dict[tuple[str, str], Bools] = {
            (side, point): np.asarray(solved.contacts[f"{name}_{point}"]) & solved.motion.valid
            for name, side in _SIDES
            for point in ("heel", "ball")
            if f"{name}_{point}" in solved.contacts
        }
        self._hinge = {
            side: rotate(solved.motion.rotation[:, skeleton.index(f"thigh.{side}")], _X)
            for _, side in _SIDES
        }

    def lift(self, turns: Mapping[str, Floats], at: Mapping[str, Floats]) -> Floats:
        """Give how far the whole body is to go up (T,), metres, for planted feet to stand.

        Args:
            turns: (T, 4) turn of each bone.
            at: (T, 3) where bones begin.
        """
        heights = np.stack(
            [
                np.where(on, self._point(side, point, turns, at)[:, 2] - self._floor_m, np.nan)
                for (side, point), on in self.planted.items()
            ]
        )
        known = np.isfinite(heights).any(axis=0)
        # Down to the highest of them: other legs can bend, but straight ones cannot grow.
        wanted = -np.nanmax(heights[:, known], axis=0)
        height = np.interp(self._time_s, self._time_s[known], wanted)
        step_s = float(np.median(np.diff(self._time_s))) if len(self._time_s) > 1 else 1.0
        return np.asarray(gaussian_filter1d(height, _SMOOTH_S / step_s, mode="nearest"))

    def any(self) -> bool:
        """Tell whether a foot is ever planted."""
        return any(on.any() for on in self.planted.values())

    def bend_legs(self, turns: dict[str, Floats], at: Mapping[str, Floats]) -> None:
        """Turn thighs and shins so that planted feet stand still on the floor.

        Args:
            turns: (T, 4) turn of each bone; those of the legs are replaced.
            at: (T, 3) where bones begin.
        """
        for _, side in _SIDES:
            off = self._offsets(side, turns, at)
            if off is None:
                continue
            parts = (f"thigh.{side}", f"shin.{side}", f"foot.{side}")
            off = _within_reach([at[self._roles.limbs[part]] for part in parts], off)
            bend_limb(self._roles, parts, turns, at, off, self._hinge[side])

    def _offsets(
        self, side: str, turns: Mapping[str, Floats], at: Mapping[str, Floats]
    ) -> Floats | None:
        """Give how far (T, 3) a foot is to be moved; None where it is never planted."""
        moves, counts = np.zeros((len(self._time_s), 3)), np.zeros(len(self._time_s))
        for point in ("heel", "ball"):
            on = self.planted.get((side, point))
            if on is None or not on.any():
                continue
            here = self._point(side, point, turns, at)
            stands = _stretch_means(here, on)
            move = np.where(on[:, None], stands - here, 0.0)
            size = np.linalg.norm(move[:, :2], axis=-1, keepdims=True)
            move[:, :2] *= np.minimum(1.0, _FARTHEST * self._rest.leg_m / np.maximum(size, 1e-9))
            move[:, 2] = np.where(on, self._floor_m - here[:, 2], 0.0)
            moves += move
            counts += on
        planted = counts > 0
        if not planted.any():
            return None
        moves[planted] /= counts[planted, None]
        return _ramped(self._time_s, moves, planted)

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


def _within_reach(joints: list[Floats], move: Floats) -> Floats:
    """Shorten moves (T, 3) sideways where the leg would be too short: the floor comes first."""
    hip, knee, ankle = joints
    leg = np.linalg.norm(knee - hip, axis=-1) + np.linalg.norm(ankle - knee, axis=-1)
    now = ankle - hip
    goal = now + move
    width = np.linalg.norm(goal[:, :2], axis=-1)
    most = np.sqrt(np.maximum((STRETCHED * leg) ** 2 - goal[:, 2] ** 2, 0.0))
    least = np.minimum(np.linalg.norm(now[:, :2], axis=-1), width)
    fit = np.clip(most, least, width) / np.maximum(width, 1e-9)
    goal[:, :2] *= fit[:, None]
    return np.asarray(goal - now)


def _stretch_means(points: Floats, on: Bools) -> Floats:
    """Give the mean place (T, 3) over each stretch of frames that is on."""
    starts = np.flatnonzero(np.diff(on.astype(np.int8), prepend=0) == 1)
    label = np.clip(np.cumsum(np.diff(on.astype(np.int8), prepend=0) == 1) - 1, 0, None)
    sums = np.zeros((len(starts), 3))
    np.add.at(sums, label[on], points[on])
    return np.asarray((sums / np.bincount(label[on], minlength=len(starts))[:, None])[label])


def _ramped(time_s: Floats, moves: Floats, planted: Bools) -> Floats:
    """Let moves fade out before and after the frames in which a foot is planted."""
    rows = np.flatnonzero(planted)
    after = np.searchsorted(rows, np.arange(len(time_s)))
    before = rows[np.clip(after - 1, 0, None)]
    after = rows[np.clip(after, None, len(rows) - 1)]
    weights = [
        np.clip(1.0 - np.abs(time_s - time_s[nearest]) / _RAMP_S, 0.0, 1.0)[:, None]
        for nearest in (before, after)
    ]
    whole = np.maximum(weights[0] + weights[1], 1.0)
    faded = (weights[0] * moves[before] + weights[1] * moves[after]) / whole
    return np.asarray(np.where(planted[:, None], moves, faded))
