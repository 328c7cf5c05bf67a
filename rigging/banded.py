# SPDX-License-Identifier: GPL-3.0-or-later
"""Least squares over time: a block of unknowns a frame, each coupled to itself two frames on."""

import numpy as np
from scipy.linalg import solveh_banded

from .rotation import Floats


def solve_blocks(blocks: Floats, right: Floats, coupling: Floats | None = None) -> Floats:
    """Solve a symmetric positive definite system of T blocks of D unknowns.

    The effort grows with T D^3. Unlike a batch of dense systems, it does not collapse when another
    program keeps a core busy that LAPACK wants to use.

    Args:
        blocks: (T, D, D) the blocks on the diagonal.
        right: (T, D, ...) one or more right-hand sides.
        coupling: (2, T, D) of each unknown with itself one and two frames later; what points
            beyond the last frame is not read. None couples nothing.

    Returns:
        (T, D, ...) solutions.

    Raises:
        numpy.linalg.LinAlgError: The system is not positive definite.
    """
    frames, size = right.shape[:2]
    reach = size if coupling is None else 2 * size + 1
    bands = np.zeros((frames, size, reach))
    for j in range(size):
        bands[:, j, : size - j] = blocks[:, j, j:]
    if coupling is not None:
        bands[:-1, :, size] = coupling[0, :-1]
        bands[:-2, :, 2 * size] = coupling[1, :-2]
    # A short clip has fewer unknowns than bands.
    lower = bands.reshape(-1, reach).T[: frames * size]
    wanted = right.reshape(frames * size, *right.shape[2:])
    solution = solveh_banded(lower, wanted, lower=True, overwrite_ab=True)
    return np.asarray(solution).reshape(right.shape)
