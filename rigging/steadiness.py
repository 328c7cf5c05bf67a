# SPDX-License-Identifier: GPL-3.0-or-later
"""What unsteady motion costs: accelerations over true time."""

import numpy as np

from .rotation import Floats, conjugate, multiply, rotation_vector, vector_slope


def difference_weights(time_s: Floats) -> Floats:
    """Give what makes accelerations of samples at irregular times.

    Args:
        time_s: (T,) strictly increasing seconds.

    Returns:
        (2, T - 2) factors of the step before and after each inner frame: the second divided
        difference times the square root of the time it stands for, so that squares sum up to the
        integral.
    """
    before, after = np.diff(time_s)[:-1], np.diff(time_s)[1:]
    scale = np.sqrt(2.0 / (before + after))
    return np.stack([scale / before, scale / after])


def coupling(weights: Floats, frames: int) -> tuple[Floats, Floats]:
    """Give the quadratic form of the squared accelerations of a track.

    Args:
        weights: (2, T - 2) of `difference_weights`.
        frames: T.

    Returns:
        (T,) diagonal, and (2, T) coupling of each frame with the one and two frames later.
    """
    diagonal, later = np.zeros(frames), np.zeros((2, frames))
    if frames >= 3:
        before, after = weights
        middle = -(before + after)
        diagonal[:-2] += before**2
        diagonal[1:-1] += middle**2
        diagonal[2:] += after**2
        later[0, :-2] += before * middle
        later[0, 1:-1] += middle * after
        later[1, :-2] += before * after
    return diagonal, later


def travel_cost(weights: Floats, place: Floats, price: float) -> tuple[float, Floats]:
    """Price the accelerations of a point.

    Args:
        weights: (2, T - 2) of `difference_weights`.
        place: (T, 3) positions.
        price: Cost of a unit of squared acceleration over a second, times two.

    Returns:
        The cost and its slope (T, 3).
    """
    cost, by_step = _by_steps(weights, np.diff(place, axis=0), price)
    return cost, -np.diff(by_step, axis=0, prepend=0.0, append=0.0)


def turning_cost(weights: Floats, local: Floats, price: Floats) -> tuple[float, Floats]:
    """Price the angular accelerations of joints.

    Args:
        weights: (2, T - 2) of `difference_weights`.
        local: (T, B, 4) turn of each bone from rest, seen from its parent.
        price: (B,) cost of a unit of squared acceleration over a second, times two.

    Returns:
        The cost and its slope (T, B, 3) by rotation vectors in the bone's own axes.
    """
    steps = rotation_vector(multiply(conjugate(local[:-1]), local[1:]))
    cost, by_step = _by_steps(weights, steps, price[:, None])
    slope = np.zeros((*local.shape[:-1], 3))
    slope[1:] += vector_slope(steps, by_step)
    slope[:-1] -= vector_slope(-steps, by_step)
    return cost, slope


def _by_steps(weights: Floats, steps: Floats, price: Floats | float) -> tuple[float, Floats]:
    """Price accelerations made of steps (T - 1, ...); give the slope by each step."""
    slope = np.zeros_like(steps)
    if len(steps) < 2:
        return 0.0, slope
    before, after = weights.reshape(2, -1, *(1,) * (steps.ndim - 1))
    acceleration = after * steps[1:] - before * steps[:-1]
    slope[1:] += price * after * acceleration
    slope[:-1] -= price * before * acceleration
    return 0.5 * float(np.sum(price * acceleration**2)), slope
