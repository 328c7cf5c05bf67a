# SPDX-License-Identifier: GPL-3.0-or-later
"""How far a planted leg gives when its bones turn by small angles, and who takes which part."""

from typing import Final

import numpy as np

from .rotation import Floats, cross, from_axis_angle, rotate, unit

_FLOOR: Final = 0.0035
"""How far a planted foot may be above or below the floor, as a share of the leg: 3 mm of 0.86 m,
of the 5 mm that are allowed."""
_PRICE_RAD: Final = float(np.radians(1.0))
"""Angle of a bone that counts as much as the whole of `_FLOOR`: what directions are allowed."""
_LEAST: Final = 1e-4
"""Least compliance, as a share of the squared leg, so that straight legs can be weighed too. 1e-3
changes the figures of `benchmarks/rigs.py` by less than a tenth."""


class Leg:
    """A leg that stands, in T frames.

    A bone along `v` moves its end by the turn's vector crossed with `v`. So with angles of unit
    variance the ends scatter with covariance |v|^2 I - v v^T, the bone's compliance; those of a
    chain add up. What is to be moved is shared by compliance: the least sum of squared angles.

    Attributes:
        bending: (T, 3, 3) compliance of thigh and shin, square metres.
        whole: (T, 3, 3) the same with the foot and what the floor allows.
    """

    def __init__(
        self, bones: tuple[Floats, Floats, Floats], lift_m: Floats, foot_m: float, leg_m: float
    ) -> None:
        """Take a leg.

        Args:
            bones: (T, 3) ways from hip to knee, to the ankle, and to the point it stands on.
            lift_m: (T,) how high the foot's other end is off the floor.
            foot_m: Distance from heel to ball.
            leg_m: Length of the leg.
        """
        thigh, shin, self._sole = bones
        self._floor_m = _FLOOR * leg_m
        # The other end may come as near to the floor as the one that stands, and no nearer.
        self._most_rad = (self._floor_m + lift_m) / foot_m
        self.bending = _compliance(thigh) + _compliance(shin) + _LEAST * leg_m**2 * np.eye(3)
        self.whole = self.bending + _compliance(self._sole)
        self.whole[:, 2, 2] += (self._floor_m / _PRICE_RAD) ** 2

    def shared(self, move: Floats) -> tuple[Floats, Floats]:
        """Give the foot and the floor their part of a move.

        Args:
            move: (T, 3) how far the point that stands is to be moved, metres.

        Returns:
            (T, 4) turn of the foot in the world, and the part (T, 3) that is left for thigh and
            shin.
        """
        force = np.einsum("tij,tj->ti", inverse(self.whole), move)
        floor = (self._floor_m / _PRICE_RAD) ** 2 * force[:, 2]
        axis = cross(self._sole, force)
        angle = np.minimum(np.linalg.norm(axis, axis=-1), self._most_rad)
        turn = from_axis_angle(unit(axis), angle)
        left = move - (rotate(turn, self._sole) - self._sole)
        left[:, 2] -= np.clip(floor, -self._floor_m, self._floor_m)
        return turn, left


def inverse(matrices: Floats) -> Floats:
    """Invert matrices by their adjugates; LAPACK's threads take seconds for many small ones.

    Args:
        matrices: (T, 3, 3) with determinants that are not 0.

    Returns:
        (T, 3, 3) their inverses.
    """
    first, second, third = np.moveaxis(matrices, -2, 0)
    columns = np.stack([cross(second, third), cross(third, first), cross(first, second)], axis=-1)
    volume = np.sum(first * columns[..., 0], axis=-1)
    return np.asarray(columns / volume[..., None, None])


def _compliance(bone: Floats) -> Floats:
    """Give the compliance (T, 3, 3) of a bone (T, 3) whose one end is held."""
    square = np.sum(bone**2, axis=-1)[:, None, None]
    return np.asarray(square * np.eye(3) - bone[:, :, None] * bone[:, None, :])
