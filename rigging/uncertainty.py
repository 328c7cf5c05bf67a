# SPDX-License-Identifier: GPL-3.0-or-later
"""How far off the joints of a fitted clip may be."""

import numpy as np

from .banded import solve_blocks
from .fit import Equations
from .freedoms import ROOT, Freedoms
from .rotation import Floats


def joint_deviations(free: Freedoms, at_end: Equations) -> Floats:
    """Give the standard deviation of each joint.

    Within a frame, columns share what is known: the inverse of the frame's block. Over time, each
    column is told by its neighbours as in a chain of such samples. What two columns have in common
    over time is left out.

    Args:
        free: The freedoms.
        at_end: The equations of the fitted clip, T frames.

    Returns:
        (T, B) radians about each joint's least certain axis; 0 where it does not turn on its own.
    """
    unit = np.broadcast_to(np.eye(free.count), at_end.blocks.shape)
    inverse = solve_blocks(at_end.blocks, unit)
    own = 1.0 / np.einsum("tdd->td", inverse)
    variance = _chain_variance(own, at_end.coupling)[:, ROOT:]
    turns = free.spread(np.sqrt(variance))
    deviation = np.zeros((len(turns), len(free.skeleton.bones)))
    for e, bone in enumerate(free.bone):
        deviation[:, bone] = np.maximum(deviation[:, bone], turns[:, e])
    return deviation


def _chain_variance(own: Floats, coupling: Floats) -> Floats:
    """Give the diagonal (T, D) of the inverse of D pentadiagonal matrices.

    Args:
        own: (T, D) diagonals.
        coupling: (2, T, D) elements one and two places off it.

    Returns:
        (T, D) diagonals of the inverses: of pairs of frames, the inverse of what is left of a pair
        when all before and all after it are eliminated.
    """
    frames, columns = own.shape
    if frames % 2:
        coupling = np.append(coupling, np.zeros((2, 1, columns)), axis=1)
        coupling[0, frames - 1] = coupling[1, frames - 2 : frames] = 0.0
        return _chain_variance(np.append(own, np.ones((1, columns)), axis=0), coupling)[:-1]
    within = np.empty((frames // 2, columns, 2, 2))
    within[..., 0, 0], within[..., 1, 1] = own[::2], own[1::2]
    within[..., 0, 1] = within[..., 1, 0] = coupling[0, ::2]
    # From the later pair to the earlier one: rows are its first and second frame.
    onward = np.zeros((frames // 2 - 1, columns, 2, 2))
    onward[..., 0, 0], onward[..., 1, 1] = coupling[1, :-2:2], coupling[1, 1:-2:2]
    onward[..., 0, 1] = coupling[0, 1:-2:2]
    forward = _eliminated(within, onward)
    backward = _eliminated(within[::-1], np.swapaxes(onward, -1, -2)[::-1])[::-1]
    left = _inverse(forward + backward - within)
    diagonal = np.stack([left[..., 0, 0], left[..., 1, 1]], axis=1)
    return np.asarray(diagonal.reshape(frames, columns))


def _eliminated(within: Floats, onward: Floats) -> Floats:
    """Give what is left of each block (N, D, 2, 2) when all before it are eliminated."""
    left = within.copy()
    for n in range(1, len(left)):
        left[n] -= onward[n - 1] @ _inverse(left[n - 1]) @ np.swapaxes(onward[n - 1], -1, -2)
    return left


def _inverse(m: Floats) -> Floats:
    """Invert symmetric 2 x 2 matrices (..., 2, 2)."""
    determinant = m[..., 0, 0] * m[..., 1, 1] - m[..., 0, 1] ** 2
    turned = np.stack(
        [
            np.stack([m[..., 1, 1], -m[..., 0, 1]], axis=-1),
            np.stack([-m[..., 0, 1], m[..., 0, 0]], axis=-1),
        ],
        axis=-2,
    )
    return np.asarray(turned / determinant[..., None, None])
