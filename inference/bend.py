# SPDX-License-Identifier: GPL-3.0-or-later
"""Bends the guessed spine in 3D so that it lies where the spine is seen in the image.

Across the image the seen points decide; depth comes from the guess, which knows where hips,
shoulders and head are. A segment seen longer than guessed turns into the plane of the image, one
seen shorter turns out of it, the way that it leans in the guess. Only where the guess leans at all
does this move a point in depth: noise of points seen in one plane makes no depth.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from . import prior
from .keypoints import SPINE
from .pose2d import Body
from .prior import LEAST_SCORE, Points
from .seen import Seen
from .spine import POINTS, ROWS, Spine

MOST_STRETCH: Final = 2.0
"""Most that a segment may be longer than its guess: a bound on mistakes, not on people."""

MOST_SHIFT: Final = 0.5
"""Farthest that the sacrum may lie from its guess, in lengths of the guess from there to C7."""

SOFTNESS: Final = 0.5
"""Lean of a segment, as a share of its length, below which a change seen in its length counts less
and less as a change of lean: it bounds what a pixel of noise moves in depth, see `lean`."""

_LANDMARKS: Final = ("xy_px", "score", "world_m")
_SPINE: Final = ("xy_px", "score")

_PARENT: Final = {
    **dict(zip(SPINE[1:], SPINE, strict=False)),
    "head": SPINE[-1],
    **{
        f"{side}_{part}": "spine_05"
        for side in ("left", "right")
        for part in ("clavicle", "latissimus")
    },
}
"""What each point hangs on; the lowest one hangs on nothing."""

_PARENTS: Final = np.array([POINTS.index(_PARENT[name]) for name in POINTS[1:]])
_CHAIN: Final = len(SPINE)
_HELD: Final = [SPINE.index(name) for name in ("hip", "neck", "neck_03")]
"""Points whose depth stays as guessed: they hang on hips, shoulders and head."""

_BETWEEN: Final = np.stack(
    [np.interp(np.arange(_CHAIN), _HELD, one) for one in np.eye(len(_HELD))], axis=-1
)
"""(9, 3) shares of the held points by which the depths of the chain between them are corrected."""


def complete(body: Body) -> Points:
    """Make the 37 points of a body.

    Args:
        body: What the pose network says of a person.

    Returns:
        Landmarks and spine as the network gave them, the others guessed; the spine is guessed too
        where only the landmark network was run.
    """
    guess = prior.complete(body)
    if body.seen:
        return place(guess, body.seen)
    return bend(guess, body.spine) if body.spine else guess


def complete_all(bodies: Sequence[Body]) -> Points:
    """Make the 37 points of many bodies at once, which takes a fraction of the time.

    Args:
        bodies: N bodies, at least one, all looked at by the same networks: with a spine each, or
            with what a network of others has seen.

    Returns:
        Points of shape (N, 37).
    """
    guess = prior.guess(
        *(np.stack([getattr(body, name) for body in bodies]) for name in _LANDMARKS)
    )
    seen = [body.seen for body in bodies if body.seen]
    if seen:
        return place(guess, Seen(*(np.stack([getattr(s, n) for s in seen]) for n in _SPINE)))
    spines = [body.spine for body in bodies if body.spine]
    return bend(guess, Spine(*(np.stack([getattr(s, n) for s in spines]) for n in _SPINE)))


def place(guess: Points, seen: Seen) -> Points:
    """Put all points that a network of others sees in place of the guessed ones.

    Args:
        guess: The 37 points as the networks that ship have them.
        seen: The points seen.

    Returns:
        The 37 points: with their pixels and scores as seen, in metres moved across the image by as
        much, the spine bent as by `bend`. What is not seen stays as it was, with LEAST_SCORE.
    """
    known = np.isfinite(seen.xy_px).all(axis=-1)
    xy = np.where(known[..., None], seen.xy_px, guess.xy_px)
    score = np.where(known, np.maximum(seen.score, LEAST_SCORE), LEAST_SCORE)
    relative = guess.relative_m.copy()
    relative[..., :2] += (xy - guess.xy_px) / np.maximum(guess.px_per_m, 1e-9)[..., None, None]
    spine = bend(guess, Spine(xy[..., ROWS, :], score[..., ROWS]))
    relative[..., ROWS, :] = spine.relative_m[..., ROWS, :]
    return Points(xy, score, relative, guess.px_per_m)


def bend(guess: Points, spine: Spine) -> Points:
    """Put the seen points in place of the guessed ones.

    Args:
        guess: The 37 points with a guessed spine.
        spine: The points seen.

    Returns:
        The 37 points: those of the spine with their pixels and scores as seen, and in metres where
        the guess is moved and bent to project onto those pixels.
    """
    xy, score, relative = guess.xy_px.copy(), guess.score.copy(), guess.relative_m.copy()
    away_px = spine.xy_px - xy[..., ROWS, :]
    xy[..., ROWS, :] = spine.xy_px
    score[..., ROWS] = np.maximum(spine.score, LEAST_SCORE)
    scale = np.maximum(guess.px_per_m, 1e-9)[..., None, None]
    relative[..., ROWS, :] = _bent(relative[..., ROWS, :], away_px / scale)
    return Points(xy, score, relative, guess.px_per_m)


def _bent(place: NDArray[np.float64], away: NDArray[np.float64]) -> NDArray[np.float64]:
    """Move points (..., 14, 3) across the image by (..., 14, 2) metres, and keep them a spine."""
    segment = place[..., 1:, :] - place[..., _PARENTS, :]
    flat = limited(
        segment[..., :2] + away[..., 1:, :] - away[..., _PARENTS, :],
        MOST_STRETCH * np.linalg.norm(segment, axis=-1),
    )
    links, chain = slice(_CHAIN - 1), slice(_CHAIN)
    steps = np.concatenate([flat, segment[..., 2:]], axis=-1)
    steps[..., links, 2] = lean(segment[..., links, :], flat[..., links, :])
    trunk = np.linalg.norm(place[..., [SPINE.index("neck")], :] - place[..., :1, :], axis=-1)
    bent = np.empty_like(place)
    bent[..., :1, :2] = place[..., :1, :2] + limited(away[..., :1, :], MOST_SHIFT * trunk)
    bent[..., 0, 2] = place[..., 0, 2]
    bent[..., 1:_CHAIN, :] = bent[..., :1, :] + np.cumsum(steps[..., links, :], axis=-2)
    bent[..., chain, 2] -= (bent[..., _HELD, 2] - place[..., _HELD, 2]) @ _BETWEEN.T
    bent[..., _CHAIN:, :] = bent[..., _PARENTS[_CHAIN - 1 :], :] + steps[..., _CHAIN - 1 :, :]
    return bent


def lean(segment: NDArray[np.float64], flat: NDArray[np.float64]) -> NDArray[np.float64]:
    """Depth of segments of which the guess gives all, and the image the extent across.

    With l the guessed length and z the guessed depth, a segment seen as long as d has the depth
    sqrt(l^2 - d^2) where its length is to stay. This is that root's tangent at the guess, softened:
    a root has no bound on how much a change of d moves it, this moves by d / l at most.

    Args:
        segment: (..., S, 3) as guessed: x, y, depth.
        flat: (..., S, 2) as seen.

    Returns:
        (..., S) depths, of the guess's sign or 0.
    """
    guessed = (segment[..., :2] ** 2).sum(axis=-1)
    depth = segment[..., 2]
    soft = depth**2 + SOFTNESS**2 * (segment**2).sum(axis=-1)
    more = (guessed - (flat**2).sum(axis=-1)) / np.maximum(2.0 * soft, 1e-12)
    return np.asarray(depth * np.maximum(1.0 + more, 0.0))


def limited(vectors: NDArray[np.float64], length: NDArray[np.float64]) -> NDArray[np.float64]:
    """Shorten the vectors that are too long.

    Args:
        vectors: (..., S, 2).
        length: (..., S) longest length allowed.

    Returns:
        (..., S, 2), their directions kept.
    """
    found = np.linalg.norm(vectors, axis=-1)
    return np.asarray(vectors * np.minimum(1.0, length / np.maximum(found, 1e-12))[..., None])
