# SPDX-License-Identifier: GPL-3.0-or-later
"""Points placed where they were not seen: beyond the picture, on the other limb, for a moment away.

Scores hardly tell: in clips of which an edge was cut off, points just beyond it had 0.75.
"""

from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray

from .keypoints import INDEX
from .prior import LEAST_SCORE
from .take import Arrays

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

_EDGE: Final = 0.1
_BEYOND: Final = 0.3
"""How far beyond the picture, in trunk lengths, scores have fallen as far as they do, and how much
of them is left. In pose_squats.mp4 and pose_1.mp4 of tensorflow/tfjs-models, cut at hips, knees and
shins, against the same clips whole, points just within the edge were off by 0.044 trunk lengths in
the median, by 0.055 up to 0.05 beyond it, 0.08 up to 0.1, and 0.11 to 0.15 up to 1."""

_LIMBS: Final = (("elbow", "wrist"), ("knee", "ankle", "heel", "big_toe", "small_toe"))

_ALIKE: Final = 0.15
"""Mean distance between a limb's points and the other's, in trunk lengths, at which they are on one
limb: three times the error of points at the edge of the picture."""

_MUSCLES_M_S2: Final = 300.0
_TRUNK_M: Final = 0.5
"""What a limb may miss where it was going by, over `_ALIKE`, is what muscles can do; see
`rigging/outliers.py`. The trunk is that of somebody 1.75 m tall, from mid-hip to C7."""

_LONGEST_S: Final = 0.15
"""Longest that a limb is elsewhere: at these accelerations it may have been 0.84 m away. Also the
longest that a copy is not on the other limb."""

_FLICKER_S: Final = 0.1
"""Shortest time that a limb stays where it is not mistaken: shorter stays next to a copy are taken
for a network that wavers."""


def doubted(arrays: Arrays, size_px: tuple[int, int]) -> Arrays:
    """Lower the scores of points that cannot have been seen where they are.

    Args:
        arrays: Chunks of a take, left and right put right.
        size_px: Width and height of the upright picture.

    Returns:
        The same with other scores: of points beyond the picture a part, of limbs that are copies of
        the other one or elsewhere for a moment none that counts.
    """
    scores = {name: arrays[name].copy() for name in ("raw_score", "score")}
    for person in range(arrays["xy_px"].shape[1]):
        seen = np.flatnonzero(np.isfinite(arrays["xy_px"][:, person]).all(axis=(1, 2)))
        if len(seen) == 0:
            continue
        xy_px = arrays["xy_px"][seen, person].astype(np.float64)
        trunk_px = _trunk_px(xy_px)
        beyond_px = np.maximum(-xy_px, xy_px - np.array(size_px)).max(axis=-1)
        outside = np.clip(beyond_px / (_EDGE * trunk_px), 0.0, 1.0)
        share = 1.0 - (1.0 - _BEYOND) * outside
        lost = find_lost(xy_px, arrays["time_s"][seen])
        for track in scores.values():
            lowered = track[seen, person] * share
            track[seen, person] = np.where(lost, np.minimum(lowered, LEAST_SCORE), lowered)
    return arrays | scores


def find_lost(xy_px: Floats, time_s: Floats) -> Bools:
    """Find arms and legs that a network puts where they are not.

    A limb is a copy from where it jumped onto the other limb, which went on as it was going, to
    where it jumps off it. Limbs that come together without a jump, as hands that clap and legs that
    pass each other, are where they seem to be. And a limb was not where it cannot have come back
    from.

    Args:
        xy_px: (T, 37, 2) one person's points.
        time_s: (T,) strictly increasing seconds.

    Returns:
        (T, 37) which points are not to be believed.
    """
    lost = np.zeros(xy_px.shape[:2], dtype=bool)
    if len(time_s) < 3:
        return lost
    body = (xy_px - xy_px[:, [INDEX["hip"]]]) / _trunk_px(xy_px)
    for parts in _LIMBS:
        sides = [[INDEX[f"{side}_{part}"] for part in parts] for side in ("left", "right")]
        apart = np.linalg.norm(body[:, sides[0]] - body[:, sides[1]], axis=-1).mean(axis=-1)
        place = [body[:, side].mean(axis=1) for side in sides]
        missed = [_missed(time_s, one) for one in place]
        for own, other in ((0, 1), (1, 0)):
            rows = _copies(time_s, apart < _ALIKE, missed[own], missed[other])
            rows |= _excursions(time_s, place[own])
            lost[:, sides[own]] = rows[:, None]
    return lost


def _trunk_px(xy_px: Floats) -> float:
    trunk = np.linalg.norm(xy_px[:, INDEX["neck"]] - xy_px[:, INDEX["hip"]], axis=-1)
    return max(float(np.percentile(trunk, 75)), 1.0)


def _missed(time_s: Floats, place: Floats) -> Floats:
    """Give how far each step (T - 1,) of a limb (T, 2) is from what those about it lead to."""
    step, pace = np.diff(place, axis=0), np.diff(time_s)[:, None]
    change = np.diff(step / pace, axis=0)
    before = np.linalg.norm(change * pace[1:], axis=-1)
    after = np.linalg.norm(change * pace[:-1], axis=-1)
    return np.minimum(np.append(np.inf, before), np.append(after, np.inf))


def _copies(time_s: Floats, alike: Bools, missed: Floats, other: Floats) -> Bools:
    """Tell (T,) where a limb is a copy, by how far it and the other missed (T - 1,)."""
    least = _ALIKE + 0.25 * _MUSCLES_M_S2 * np.diff(time_s) ** 2 / _TRUNK_M
    jumps = missed > least
    alone = np.concatenate([[False], jumps & (other < 0.5 * missed), [False]])
    edges = np.concatenate([[0], np.flatnonzero(jumps) + 1, [len(time_s)]])
    copied = np.zeros(len(time_s), dtype=bool)
    brief = np.zeros(len(edges) - 1, dtype=bool)
    for i, (first, last) in enumerate(pairwise(edges)):
        brief[i] = time_s[last - 1] - time_s[first] < _FLICKER_S
        rows = slice(first, last)
        if alone[first]:
            copied[rows] |= _begun(time_s[rows], alike[rows])
        if alone[last]:
            copied[rows] |= _begun(-time_s[rows][::-1], alike[rows][::-1])[::-1]
    for order in (range(len(brief)), range(len(brief))[::-1]):
        for i in order:
            first, last = edges[i], edges[i + 1]
            beside = copied[max(first - 1, 0)] or copied[min(last, len(copied) - 1)]
            if brief[i] and beside:
                copied[first:last] = True
    return copied


def _begun(time_s: Floats, alike: Bools) -> Bools:
    """Tell (N,) how long a limb that jumped stays on the other, where it does so mostly."""
    on = np.flatnonzero(alike)
    apart_s = np.diff(np.append(time_s[0], time_s[on]))
    on = on[: int(np.argmax(np.append(apart_s > _LONGEST_S, True)))]
    stays = np.zeros(len(alike), dtype=bool)
    if len(on) and alike[: on[-1] + 1].mean() > 0.5:
        stays[: on[-1] + 1] = True
    return stays


def _excursions(time_s: Floats, place: Floats) -> Bools:
    """Tell (T,) where a limb (T, 2) is further from its way than it can go and come back in time.

    Out and back within a time t, not stopping before or after, takes a part an eighth of its
    acceleration times t squared away.
    """
    away = np.zeros(len(time_s), dtype=bool)
    for count in range(2, len(time_s)):
        lasts_s = time_s[count:] - time_s[:-count]
        if lasts_s.min() > _LONGEST_S:
            break
        start, onward = place[:-count], place[count:] - place[:-count]
        inner = [slice(i, len(time_s) - count + i) for i in range(1, count)]
        shares = [(time_s[rows] - time_s[:-count]) / lasts_s for rows in inner]
        aside = np.max(
            [
                np.linalg.norm(place[rows] - start - share[:, None] * onward, axis=-1)
                for rows, share in zip(inner, shares, strict=True)
            ],
            axis=0,
        )
        most = _ALIKE + 0.125 * _MUSCLES_M_S2 * lasts_s**2 / _TRUNK_M
        back = np.linalg.norm(onward, axis=-1) < 0.5 * aside
        for first in np.flatnonzero((aside > most) & back & (lasts_s <= _LONGEST_S)):
            if not away[first : first + count + 1].any():
                away[first + 1 : first + count] = True
    return away
