# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs the person detector when and where it is needed: at the start, for who is lost or new."""

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from .crop import Crop
from .detect import Detection, tiles
from .finders import Finder
from .tracks import Track

NOBODY: Final = ((3, 1.0), (2, 0.1))
"""Levels of tiles and how often they are searched while nobody is followed, seconds. The whole
frame is looked at every time; large tiles take four times as long, small ones twenty times."""

EVERYBODY: Final = ((3, 5.0), (2, 1.0))
"""The same while somebody is followed and all are wanted; in between nothing is looked at."""

LOST_EACH_S: Final = 0.1
LOST_FOR_S: Final = 2.0
"""How often the surroundings of somebody lost are searched, and for how long, while others are
followed: somebody hidden behind another person comes out within that time, or comes back as
somebody new does."""

RIVALS_EACH_S: Final = 0.5
"""How often the surroundings of the only person wanted are searched for others: two people who walk
towards each other at 1.2 m/s (1.1 crop sides a second together) need that long from `follow.NEAR`
to where one covers the other."""

SURROUNDINGS: Final = 3.0
"""Side of what is searched about a person, in crop sides."""


class Search:
    """The detector, and when to run it."""

    def __init__(self, finder: Finder) -> None:
        """Take the detector.

        Args:
            finder: Finds people in parts of a frame.
        """
        self._finder = finder

    def __call__(self, rgb: NDArray[np.uint8], squares: Sequence[Crop]) -> list[Detection]:
        """Find people.

        Args:
            rgb: (H, W, 3) RGB frame.
            squares: What of it to search.

        Returns:
            People, best score first.
        """
        return self._finder(rgb, squares)

    def one(
        self, size: tuple[int, int], span_s: tuple[float, float], person: Track | None
    ) -> list[Crop]:
        """Choose what to search where one person is wanted.

        Args:
            size: Width and height of the frame, pixels.
            span_s: Times of the frame before and of this one, seconds.
            person: The person; None before it is found.

        Returns:
            Squares, none where no search is due.
        """
        if person is None or not person.followed:
            return tiles(*size, _level(NOBODY, span_s) or 1)
        return [_about(person, span_s[1])] if _due(RIVALS_EACH_S, span_s) else []

    def many(
        self, size: tuple[int, int], span_s: tuple[float, float], people: Sequence[Track], most: int
    ) -> list[Crop]:
        """Choose what to search where several people are wanted.

        Args:
            size: Width and height of the frame, pixels.
            span_s: Times of the frame before and of this one, seconds.
            people: Those known.
            most: How many are wanted.

        Returns:
            Squares, none where no search is due.
        """
        if not any(person.followed for person in people):
            return tiles(*size, _level(NOBODY, span_s) or 1)
        lost = [person for person in people if not person.followed]
        level = _level(EVERYBODY, span_s)
        if level and (lost or len(people) < most):
            return tiles(*size, level)
        recent = [person for person in lost if span_s[1] - person.seen_s <= LOST_FOR_S]
        return [_about(one, span_s[1]) for one in recent] if _due(LOST_EACH_S, span_s) else []


def _level(searches: Sequence[tuple[int, float]], span_s: tuple[float, float]) -> int | None:
    return next((level for level, each in searches if _due(each, span_s)), None)


def _due(each_s: float, span_s: tuple[float, float]) -> bool:
    before, now = (np.floor(time_s / each_s + 1e-6) for time_s in span_s)
    return bool(now > before)


def _about(person: Track, time_s: float) -> Crop:
    expected = person.expected(time_s)
    return Crop(expected.centre_px, SURROUNDINGS * expected.side_px, 0.0)
