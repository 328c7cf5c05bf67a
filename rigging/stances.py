# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the points of feet stand, stance by stance, so that one body can serve them all."""

from collections.abc import Sequence
from typing import Final

import numpy as np
from scipy.sparse import coo_matrix
from scipy.sparse.linalg import spsolve

from .rotation import Bools, Floats

_OWN: Final = 0.003
"""How much it counts that a stance is where the moving body puts it, against that two stances at
one time are as far apart as it puts them."""


def stances(points: Sequence[tuple[Floats, Bools, Floats]]) -> list[Floats]:
    """Choose where each point stands in each stretch of frames in which it is planted.

    While two points are planted they should be as far apart as the unplanted motion has them, so
    that moving the body serves both; that ties each stance to the next. All stances together stay
    where the motion has them: least squares in the places of all.

    Args:
        points: By point, where it is (T, 3), when it is planted (T,), and how much that counts
            (T, 1).

    Returns:
        (T, 3) by point, where it stands; of no meaning where it is not planted.
    """
    labels, count = [], 0
    for _, on, _ in points:
        starts = np.diff(on.astype(np.int8), prepend=0) == 1
        labels.append(np.maximum(count + np.cumsum(starts) - 1, count))
        count += int(starts.sum())
    whole = np.maximum(np.sum([weight[:, 0] for _, _, weight in points], axis=0), 1e-12)
    rows, columns, values = [], [], []
    right = np.zeros((count, 3))
    for (here, on, weight), label in zip(points, labels, strict=True):
        own, mine = weight[on, 0], label[on]
        rows.append(mine)
        columns.append(mine)
        values.append((1.0 + _OWN) * own)
        np.add.at(right, mine, (1.0 + _OWN) * own[:, None] * here[on])
        # The body goes to the weighted mean of what the points ask for; what is left counts.
        for (there, also, other), name in zip(points, labels, strict=True):
            both = on & also
            share = weight[both, 0] * other[both, 0] / whole[both]
            rows.append(label[both])
            columns.append(name[both])
            values.append(-share)
            np.add.at(right, label[both], -share[:, None] * there[both])
    matrix = coo_matrix(
        (np.concatenate(values), (np.concatenate(rows), np.concatenate(columns))),
        shape=(count, count),
    )
    places = spsolve(matrix.tocsc(), right).reshape(count, 3)
    return [np.asarray(places[label]) for label in labels]
