# SPDX-License-Identifier: GPL-3.0-or-later
"""Who is who: gives the bodies seen in a frame to the people known, each to one at most."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from .colours import colour_distance
from .crop import Crop
from .pose2d import Body
from .tracks import Track

SAME_POINTS: Final = 0.25
"""Two bodies whose points lie closer than this share of their size on average are one person."""

SAME_HIPS: Final = 0.2
"""So are two whose hips lie closer than this share of their reach: one of them is posed wrongly."""

SIZE_WEIGHT: Final = 0.5
COLOUR_WEIGHT: Final = 1.0
"""What a factor e in size, and clothes without a colour in common, count beside one crop side of
distance from where a person is expected."""

FARTHEST: Final = 1.0
"""Nobody moves by more than this, in crop sides, from one frame to the next."""


@dataclass(frozen=True)
class Sighting:
    """A body in a frame.

    Attributes:
        body: The body.
        crop: Crop about it.
        colours: What it wears.
    """

    body: Body
    crop: Crop
    colours: NDArray[np.float64]


def same_person(a: Body, b: Body) -> bool:
    """Tell whether two bodies are one person.

    Args:
        a: One body.
        b: The other.

    Returns:
        Whether their landmarks or their hips lie together.
    """
    reach = max(float(np.linalg.norm(body.reach_px - body.hip_px)) for body in (a, b))
    hips = float(np.linalg.norm(a.hip_px - b.hip_px))
    return distance(a, b) <= SAME_POINTS or hips <= SAME_HIPS * reach


def distance(a: Body, b: Body) -> float:
    """Mean distance between the landmarks of two bodies.

    Args:
        a: One body.
        b: The other.

    Returns:
        The distance over the size (root of the area) of the larger one's extent.
    """
    extents = [np.ptp(body.xy_px, axis=0) for body in (a, b)]
    size = max(float(np.sqrt(extent.prod())) for extent in extents)
    return float(np.linalg.norm(a.xy_px - b.xy_px, axis=1).mean()) / max(size, 1e-9)


def each_once(bodies: Sequence[Body]) -> list[Body]:
    """Keep one body a person.

    Args:
        bodies: Bodies of one frame, some of them of the same person.

    Returns:
        The surest body of each person, surest first.
    """
    kept: list[Body] = []
    for body in sorted(bodies, key=lambda body: -body.presence * float(body.score.mean())):
        if not any(same_person(body, other) for other in kept):
            kept.append(body)
    return kept


def assign(
    tracks: Sequence[Track],
    seen: Sequence[Sighting],
    time_s: float,
    reach: Sequence[float] | float = FARTHEST,
    stranger: float = 1.0,
) -> dict[Track, Sighting]:
    """Give sightings to people, so that all together they fit best.

    Args:
        tracks: People who are looked for.
        seen: Sightings, a person each.
        time_s: Time of the frame, seconds.
        reach: How far from where it is expected somebody may be, crop sides; one for all, or one
            a person.
        stranger: Distance between colours from which on a sighting is nobody of these.

    Returns:
        The sighting of each person who has one.

    Source: the assignment problem solved by `scipy.optimize.linear_sum_assignment`.
    """
    if not tracks or not seen:
        return {}
    away, growth, colours = (
        np.array([[measure(track, one) for one in seen] for track in tracks])
        for measure in (
            lambda track, one: apart(track.expected(time_s), one.crop),
            lambda track, one: abs(np.log(one.crop.side_px / track.crop.side_px)),
            lambda track, one: colour_distance(one.colours, track.colours),
        )
    )
    cost = away + SIZE_WEIGHT * growth + COLOUR_WEIGHT * colours
    possible = (away <= np.broadcast_to(reach, len(tracks))[:, None]) & (colours <= stranger)
    # Dearer than any other choice: as many people as possible get a sighting.
    rows, columns = linear_sum_assignment(np.where(possible, cost, 1e3 + 1e3 * cost.max()))
    pairs = zip(rows, columns, strict=True)
    return {tracks[row]: seen[column] for row, column in pairs if possible[row, column]}


def apart(a: Crop, b: Crop) -> float:
    """Distance between the centres of two crops.

    Args:
        a: One crop.
        b: The other.

    Returns:
        The distance in sides of the larger one.
    """
    return float(np.linalg.norm(a.centre_px - b.centre_px)) / max(a.side_px, b.side_px)
