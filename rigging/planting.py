# SPDX-License-Identifier: GPL-3.0-or-later
"""Keeps the feet of a rig of other proportions on the floor."""

from collections.abc import Mapping
from typing import Final

import numpy as np
from scipy.ndimage import gaussian_filter1d, maximum_filter1d

from .compliance import Leg, inverse
from .matching import Roles
from .rest_pose import RestPose
from .rotation import Bools, Floats, conjugate, multiply, rotate
from .solve import Solved
from .stances import Foot, follow_foot, levels, settle_stances
from .two_bone import STRETCHED, bend_limb

_X, _, _Z = np.eye(3)
_SIDES: Final = (("left", "L"), ("right", "R"))
_LEG: Final = ("thigh", "shin", "foot")
_SMOOTH_S: Final = 0.1
"""Standard deviation of the smoothing of how far the body sinks for legs that are too short: a
third of a step, so that it goes down and up again as a walking body does."""
_CUT: Final = 2.0
"""Standard deviations after which that smoothing ends, so that it can begin in time."""
_DEEPEST: Final = 0.1
"""Most that the body sinks, as a share of the leg: a foot that is further off is no longer
followed."""


class Planting:
    """The feet of a rig, and when they are planted."""

    def __init__(
        self, solved: Solved, roles: Roles, rest: RestPose, ball_m: float, ratio: float
    ) -> None:
        """Take what rests on the ground, the rig, how high its balls are, and its relative size."""
        self._roles, self._rest, self._ball_m, self._ratio = roles, rest, ball_m, ratio
        self._time_s, self._valid = solved.motion.time_s, solved.motion.valid
        nothing = np.zeros(len(self._time_s), dtype=bool)
        self._planted: dict[str, tuple[Bools, Bools]] = {}
        for name, side in _SIDES:
            heel, ball = (
                np.asarray(solved.contacts.get(f"{name}_{point}", nothing)) & solved.motion.valid
                for point in ("heel", "ball")
            )
            if (heel | ball).any():
                self._planted[side] = heel, ball
        skeleton = solved.skeleton
        self._height = {
            side: solved.tails_m[:, skeleton.index(f"foot.{side}"), 2] for side in self._planted
        }
        self._hinge = {
            side: rotate(solved.motion.rotation[:, skeleton.index(f"thigh.{side}")], _X)
            for side in self._planted
        }

    def any(self) -> bool:
        """Tell whether a foot is ever planted."""
        return bool(self._planted)

    def plant(self, turns: dict[str, Floats], at: Mapping[str, Floats]) -> Floats:
        """Turn legs for planted feet to stand still on the floor, and move the body for that.

        A single foot is served by moving the whole body, so that all bones keep their directions.
        Where two differ, the body goes between, by the compliance of the legs, and down as far as
        they are too short; what then is left the legs make up by turning.

        Args:
            turns: (T, 4) turn of each bone; those of the legs are replaced.
            at: (T, 3) where bones begin.

        Returns:
            (T, 3) how far the body is to be moved, metres.
        """
        feet = {side: self._foot(side, turns, at) for side in self._planted}
        legs = {side: self._leg(side, foot, turns, at) for side, foot in feet.items()}
        heights = [
            self._ball_m + self._rest.raised_m(side) + self._ratio * level
            for side, level in zip(feet, levels([*feet.values()]), strict=True)
        ]
        compliance = [leg.whole for leg in legs.values()]
        places = settle_stances([*feet.values()], heights, compliance, self._rest.leg_m)
        wanted = {
            side: place[foot.stance] + foot.away
            for (side, foot), place in zip(feet.items(), places, strict=True)
        }
        near = [foot.near for foot in feet.values()]
        shift = self._between([*wanted.values()], compliance, near)
        # What feet and floor cannot take is shared again, by the legs alone.
        left = [legs[side].shared(move - shift)[1] for side, move in wanted.items()]
        shift = shift + self._between(left, [leg.bending for leg in legs.values()], near)
        moves = {side: (move - shift) * feet[side].near[:, None] for side, move in wanted.items()}
        sink = self._sink(legs, moves, at)[:, None] * _Z
        for side, move in moves.items():
            turn, left_over = legs[side].shared(move + sink * feet[side].near[:, None])
            parts = [self._roles.limbs[f"{part}.{side}"] for part in _LEG]
            turns[parts[2]] = multiply(turn, turns[parts[2]])
            bend_limb(parts, turns, at, left_over, self._hinge[side])
        return np.asarray(shift - sink)

    def _foot(self, side: str, turns: Mapping[str, Floats], at: Mapping[str, Floats]) -> Foot:
        """Find the stances of a foot."""
        bone = self._roles.limbs[f"foot.{side}"]
        heel, ball = (at[bone] + rotate(turns[bone], end) for end in self._ends(side))
        on_heel, on_ball = self._planted[side]
        known = (heel, on_heel), (ball, on_ball), self._height[side], self._valid
        return follow_foot(self._time_s, *known)

    def _leg(
        self, side: str, foot: Foot, turns: Mapping[str, Floats], at: Mapping[str, Floats]
    ) -> Leg:
        """Give what a leg can do for its foot."""
        hip, knee, ankle = (self._roles.limbs[f"{part}.{side}"] for part in _LEG)
        heel, ball = (rotate(turns[ankle], end) for end in self._ends(side))
        sole = np.where(foot.by_ball[:, None], ball, heel)
        length_m = float(np.linalg.norm(np.subtract(*self._ends(side))))
        bones = (at[knee] - at[hip], at[ankle] - at[knee], sole)
        return Leg(bones, np.abs(ball - heel)[:, 2], length_m, self._rest.leg_m)

    def _ends(self, side: str) -> tuple[Floats, Floats]:
        """Give the ways (3,) from ankle to heel and ball at rest; the heel lies below the ankle."""
        ball = self._rest.along(f"foot.{side}")
        down = float(rotate(self._rest.upright, ball)[2])
        heel = rotate(conjugate(self._rest.upright), down * _Z)
        return heel, np.asarray(ball)

    def _between(
        self, wanted: list[Floats], compliance: list[Floats], near: list[Floats]
    ) -> Floats:
        """Give the move (T, 3) of the body that costs the legs least, of what each foot wants."""
        stiff = [n[:, None, None] * inverse(c) for n, c in zip(near, compliance, strict=True)]
        known = np.sum(near, axis=0) > 0.0
        pull = np.sum(
            [np.einsum("tij,tj->ti", s, w) for s, w in zip(stiff, wanted, strict=True)], axis=0
        )
        best = np.einsum("tij,tj->ti", inverse(np.sum(stiff, axis=0)[known]), pull[known])
        times = self._time_s[known]
        axes = [np.interp(self._time_s, times, axis) for axis in best.T]
        return np.stack(axes, axis=-1)

    def _sink(
        self, legs: Mapping[str, Leg], moves: Mapping[str, Floats], at: Mapping[str, Floats]
    ) -> Floats:
        """Give how far (T,) the body must go down for legs to reach, smooth in time."""
        lacking = [
            self._lacking(side, at, legs[side].shared(move)[1]) for side, move in moves.items()
        ]
        step_s = float(np.median(np.diff(self._time_s))) if len(self._time_s) > 1 else 1.0
        sigma = _SMOOTH_S / step_s
        # Never less than what is needed.
        reached = maximum_filter1d(
            np.nan_to_num(np.max(lacking, axis=0)), 2 * int(_CUT * sigma + 0.5) + 1, mode="nearest"
        )
        return np.asarray(gaussian_filter1d(reached, sigma, mode="nearest", truncate=_CUT))

    def _lacking(self, side: str, at: Mapping[str, Floats], move: Floats) -> Floats:
        """Give how far (T,) the hips must go down for a leg to reach."""
        hip, knee, ankle = (at[self._roles.limbs[f"{part}.{side}"]] for part in _LEG)
        leg = np.linalg.norm(knee - hip, axis=-1) + np.linalg.norm(ankle - knee, axis=-1)
        longest = np.maximum(STRETCHED * leg, np.linalg.norm(ankle - hip, axis=-1))
        goal = ankle + move - hip
        deep = np.sqrt(np.maximum(longest**2 - np.sum(goal[:, :2] ** 2, axis=-1), 0.0))
        return np.asarray(np.clip(-goal[:, 2] - deep, 0.0, _DEEPEST * self._rest.leg_m))
