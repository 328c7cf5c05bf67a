# SPDX-License-Identifier: GPL-3.0-or-later
"""Bends the guessed spine in 3D so that it lies where the spine is seen in the image.

Across the image the seen points decide; depth comes from the guess, which knows where hips,
shoulders and head are. A segment seen longer than guessed turns into the plane of the image, one
seen shorter turns out of it, the way that it leans in the guess. Only where the guess leans at all
does this move a point in depth: noise of points seen in one plane makes no depth.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from . import prior
from .keypoints import SPINE
from .pose2d import Body
from .prior import LEAST_SCORE, Points
from .spine import POINTS, ROWS, Spine

MOST_STRETCH: Final = 2.0
"""Most that a segment may be longer than its guess: a bound on mistakes, not on people."""

MOST_SHIFT: Final = 0.5
"""Farthest that the sacrum may lie from its guess, in lengths of the guess from there to C7."""

SOFTNESS: Final = 0.5
"""Lean of a segment, as a share of its length, below which a change seen in its length counts less
and less as a change of lean: it bounds what a pixel of noise moves in depth, see `lean`."""

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

_CHAIN: Final = len(SPINE)
_HELD: Final = [SPINE.index(name) for name in ("hip", "neck", "neck_03")]
"""Points whose depth stays as guessed: they hang on hips, shoulders and head."""


def complete(body: Body) -> Points:
    """Make the 37 points of a body.

    Args:
        body: What the pose network says of a person.

    Returns:
        Landmarks and spine as the network gave them, the others guessed; the spine is guessed too
        where only the landmark network was run.
    """
    guess = prior.complete(body)
    return bend(guess, body.spine) if body.spine else guess


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
    away_px = spine.xy_px - xy[ROWS]
    xy[ROWS] = spine.xy_px
    score[ROWS] = np.maximum(spine.score, LEAST_SCORE)
    relative[ROWS] = _bent(relative[ROWS], away_px / max(guess.px_per_m, 1e-9))
    return Points(xy, score, relative, guess.px_per_m)


def _bent(place: NDArray[np.float64], away: NDArray[np.float64]) -> NDArray[np.float64]:
    """Move points (14, 3) across the image by (14, 2) metres, and keep them a spine."""
    parent = np.array([POINTS.index(_PARENT[name]) for name in POINTS[1:]])
    segment = place[1:] - place[parent]
    flat = limited(
        segment[:, :2] + away[1:] - away[parent], MOST_STRETCH * np.linalg.norm(segment, axis=1)
    )
    links = slice(_CHAIN - 1)
    steps = np.column_stack([flat, segment[:, 2]])
    steps[links, 2] = lean(segment[links], flat[links])
    trunk = float(np.linalg.norm(place[SPINE.index("neck")] - place[0]))
    bent = np.empty_like(place)
    bent[0, :2] = place[0, :2] + limited(away[:1], np.array([MOST_SHIFT * trunk]))[0]
    bent[0, 2] = place[0, 2]
    bent[1:_CHAIN] = bent[0] + np.cumsum(steps[links], axis=0)
    bent[:_CHAIN, 2] -= np.interp(np.arange(_CHAIN), _HELD, bent[_HELD, 2] - place[_HELD, 2])
    bent[_CHAIN:] = bent[parent[_CHAIN - 1 :]] + steps[_CHAIN - 1 :]
    return bent


def lean(segment: NDArray[np.float64], flat: NDArray[np.float64]) -> NDArray[np.float64]:
    """Depth of segments of which the guess gives all, and the image the extent across.

    With l the guessed length and z the guessed depth, a segment seen as long as d has the depth
    sqrt(l^2 - d^2) where its length is to stay. This is that root's tangent at the guess, softened:
    a root has no bound on how much a change of d moves it, this moves by d / l at most.

    Args:
        segment: (S, 3) as guessed: x, y, depth.
        flat: (S, 2) as seen.

    Returns:
        (S,) depths, of the guess's sign or 0.
    """
    guessed = (segment[:, :2] ** 2).sum(axis=1)
    depth = segment[:, 2]
    soft = depth**2 + SOFTNESS**2 * (segment**2).sum(axis=1)
    more = (guessed - (flat**2).sum(axis=1)) / np.maximum(2.0 * soft, 1e-12)
    return np.asarray(depth * np.maximum(1.0 + more, 0.0))


def limited(vectors: NDArray[np.float64], length: NDArray[np.float64]) -> NDArray[np.float64]:
    """Shorten the vectors that are too long.

    Args:
        vectors: (S, 2).
        length: (S,) longest length allowed.

    Returns:
        (S, 2), their directions kept.
    """
    found = np.linalg.norm(vectors, axis=1)
    return np.asarray(vectors * np.minimum(1.0, length / np.maximum(found, 1e-12))[:, None])
