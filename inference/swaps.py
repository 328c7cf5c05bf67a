# SPDX-License-Identifier: GPL-3.0-or-later
"""Left and right mistaken for each other for some frames: found by continuity and put right.

A network that sees a back for a front names every point of the body after the other side, and legs
that pass each other are now and then mistaken alone. What moves on smoothly was named rightly.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from .keypoints import INDEX, NAMES
from .take import Arrays

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

_GROUPS: Final = (
    ("shoulder", "hip", "clavicle", "latissimus", "eye", "ear"),
    ("elbow", "wrist"),
    ("knee", "ankle", "heel", "big_toe", "small_toe"),
)
"""What is swapped together: the trunk with the face, the arms, the legs."""

_BONES: Final = (None, ("shoulder", "elbow"), ("hip", "knee"))
"""What joins arms and legs to the trunk: no longer than it is, whichever side is which."""

_LEFT: Final = [[INDEX[f"left_{part}"] for part in group] for group in _GROUPS]
_RIGHT: Final = [[INDEX[f"right_{part}"] for part in group] for group in _GROUPS]

GAP_S: Final = 0.25
"""Time unseen after which nothing is known of where each side was."""

_NEAR: Final = 0.15
"""Distance from where a point was going, in trunk lengths, that costs half of the most: 1."""

_BEGIN: Final = 0.6
_MORE: Final = 0.2
"""What it costs to change which names are swapped, and for each group more that changes. A single
swapped frame misses where it was going several times over, which costs up to 8 in each group."""

_SWAPPED_PER_S: Final = 1.0
_PARTED_PER_S: Final = 2.0
"""What it costs a group to be swapped, and a limb to be swapped without the trunk, each second:
names are right unless something tells otherwise.

These prices were chosen by the flips that can be seen in the second camera of the four-camera clip
(33 of 100 frames) and in the sample clip (the legs of single frames), not by any angle."""

_TOO_LONG: Final = 1.15
_STRETCH: Final = 0.3
_TORN: Final = 0.3
"""Length of a bone over its usual longest from which it counts as torn, how much more counts in
full, and what that costs a frame."""

_STATES: Final = np.array([[s >> g & 1 for g in range(3)] for s in range(8)])
"""(8, 3) whether each group is swapped."""


def unswapped(arrays: Arrays) -> Arrays:
    """Put left and right of everybody's points right.

    Args:
        arrays: Chunks of a take, as `Take.read_chunks` gives them.

    Returns:
        The same, points and scores under the right names. Where the trunk was swapped a front was
        taken for a back, so depths are turned over too.
    """
    right = dict(arrays)
    for name in ("xy_px", "raw_score", "score", "relative_m"):
        right[name] = arrays[name].copy()
    for person in range(arrays["xy_px"].shape[1]):
        seen = np.flatnonzero(np.isfinite(arrays["xy_px"][:, person]).all(axis=(1, 2)))
        swapped = find_swaps(
            arrays["xy_px"][seen, person].astype(np.float64),
            arrays["raw_score"][seen, person].astype(np.float64),
            arrays["time_s"][seen],
        )
        order = _orders(swapped)
        for name in ("xy_px", "raw_score", "score", "relative_m"):
            track = right[name][seen, person]
            columns = order.reshape(*order.shape, *(1,) * (track.ndim - 2))
            right[name][seen, person] = np.take_along_axis(track, columns, axis=1)
        right["relative_m"][seen[swapped[:, 0]], person, :, 2] *= -1.0
    return right


def find_swaps(xy_px: Floats, score: Floats, time_s: Floats) -> Bools:
    """Tell in which frames left and right are swapped.

    Of all ways to name the sides of trunk, arms and legs in every frame, the one is taken that
    costs least: points are to go on as they were going, bones not to tear, names to change seldom.

    Args:
        xy_px: (T, 37, 2) one person's points.
        score: (T, 37) 0..1.
        time_s: (T,) strictly increasing seconds.

    Returns:
        (T, 3) whether trunk, arms and legs are swapped.

    Source: Viterbi, IEEE Trans. Inf. Theory 1967;13:260, over three frames at a time.
    """
    if len(time_s) == 0:
        return np.zeros((0, 3), dtype=bool)
    trunk = np.linalg.norm(xy_px[:, INDEX["neck"]] - xy_px[:, INDEX["hip"]], axis=-1)
    size = max(float(np.percentile(trunk, 75)), 1.0)
    alone = _frame_cost(xy_px / size, time_s)
    breaks = np.flatnonzero(np.diff(time_s) > GAP_S) + 1
    found = [
        _cheapest(alone[rows], _going_cost(xy_px[rows] / size, score[rows], time_s[rows]))
        for rows in np.split(np.arange(len(time_s)), breaks)
    ]
    return np.asarray(_STATES[np.concatenate(found)], dtype=bool)


def _orders(swapped: Bools) -> NDArray[np.intp]:
    """Which column (T, 37) belongs under each name."""
    order = np.tile(np.arange(len(NAMES)), (len(swapped), 1))
    for group, (left, right) in enumerate(zip(_LEFT, _RIGHT, strict=True)):
        rows = np.flatnonzero(swapped[:, group])[:, None]
        order[rows, left], order[rows, right] = right, left
    return order


def _frame_cost(xy: Floats, time_s: Floats) -> Floats:
    """Price (T, 8) the states of single frames: how long they last, and bones that tear."""
    step = np.gradient(time_s) if len(time_s) > 1 else np.zeros(1)
    step = np.minimum(step, GAP_S)[:, None]
    parted = (_STATES[:, 1:] != _STATES[:, :1]).astype(np.intp)
    rate = _SWAPPED_PER_S * _STATES.sum(axis=1) + _PARTED_PER_S * parted.sum(axis=1)
    cost = step * rate
    for limb, bone in enumerate(_BONES[1:]):
        upper, lower = ([INDEX[f"{side}_{part}"] for side in ("left", "right")] for part in bone)
        length = np.stack(
            [np.linalg.norm(xy[:, upper] - xy[:, lower[::way]], axis=-1) for way in (1, -1)],
            axis=1,
        )
        longest = max(float(np.percentile(length[:, 0], 75)), 1e-6)
        torn = np.clip((length / longest - _TOO_LONG) / _STRETCH, 0.0, 1.0).mean(axis=-1)
        cost += _TORN * torn[:, parted[:, limb]]
    return np.asarray(cost)


def _going_cost(xy: Floats, score: Floats, time_s: Floats) -> Floats:
    """Price (T - 3, 3, 16) by group how far from where they were going four frames lead points.

    The last axis is 8 a + 4 b + 2 c + d for the first to the fourth frame swapped or not. Three
    frames that follow one another count, and any three of which one lies beyond a frame that may be
    wrong.
    """
    count = max(len(time_s) - 3, 0)
    cost = np.empty((count, len(_GROUPS), 16))
    trust = np.minimum(1.0, 2.0 * score)
    four = range(4)
    t = [time_s[a : count + a, None, None] for a in four]
    for group, (left, right) in enumerate(zip(_LEFT, _RIGHT, strict=True)):
        ways = left + right, right + left
        sure = np.min([trust[a : count + a][:, ways[0]] for a in four], axis=0)
        for flips in range(8):
            x = [xy[a : count + a][:, ways[flips >> (3 - a) & 1]] for a in four]
            near, over, back = (
                _doubted(x[c] - x[b] - (t[c] - t[b]) / (t[b] - t[a]) * (x[b] - x[a]))
                for a, b, c in ((1, 2, 3), (0, 1, 3), (3, 2, 0))
            )
            cost[:, group, flips] = np.mean(sure * (near + over + back), axis=-1)
    # Names swapped in all four frames miss as much as in none.
    cost[:, :, 8:] = cost[:, :, 7::-1]
    return cost


def _doubted(apart: Floats) -> Floats:
    """Price distances (..., 2) in trunk lengths: up to 1, half of it at _NEAR."""
    square = np.sum(apart**2, axis=-1)
    return np.asarray(square / (square + _NEAR**2))


def _cheapest(alone: Floats, going: Floats) -> NDArray[np.intp]:
    """Give the states (T,) of least cost in all."""
    frames, states = alone.shape
    if frames < 4:
        return np.full(frames, alone.sum(axis=0).argmin())
    changed = np.abs(_STATES[:, None] - _STATES).sum(axis=-1)
    change = np.where(changed > 0, _BEGIN + _MORE * (changed - 1), 0.0)
    a, b, c, d = (_STATES.reshape(*(1,) * k, states, *(1,) * (3 - k), -1) for k in range(4))
    which = 8 * a + 4 * b + 2 * c + d
    best = alone[0][:, None, None] + change[:, :, None] + alone[1][:, None] + change + alone[2]
    came = np.empty((frames - 3, *best.shape), dtype=np.int8)
    for t, led in enumerate(going):
        total = best[..., None] + change + alone[t + 3]
        for group in range(len(_GROUPS)):
            total += led[group][which[..., group]]
        came[t] = total.argmin(axis=0)
        best = total.min(axis=0)
    path = [*np.unravel_index(int(best.argmin()), best.shape)][::-1]
    for before in came[::-1]:
        path.append(before[path[-1], path[-2], path[-3]])
    return np.array(path[::-1], dtype=np.intp)
