# SPDX-License-Identifier: GPL-3.0-or-later
"""The part of a video that is wanted, by frame or by time."""

import math
import re
from dataclasses import dataclass
from typing import Final

from .errors import VideoError

TOLERANCE_S: Final = 1e-6
"""Times are told apart to the microsecond."""

_BOUND: Final = r"\d{1,9}|\d{0,9}\.?\d{1,9}s"
"""A frame or a time; nobody's clip has more digits."""


@dataclass(frozen=True)
class Trim:
    """A part of a file; every bound given must hold.

    Attributes:
        first: Index in the file of the first frame wanted, or None.
        end: Index of the first frame after those wanted, or None.
        first_s: Time in the file from which on frames are wanted, seconds, or None.
        end_s: Time at which they end; a frame at that very time is out. Or None.
    """

    first: int | None = None
    end: int | None = None
    first_s: float | None = None
    end_s: float | None = None

    def __post_init__(self) -> None:
        """Refuse bounds that no frame can hold.

        Raises:
            VideoError: A bound is negative or not finite, or the end does not lie after the first.
        """
        for first, end in ((self.first, self.end), (self.first_s, self.end_s)):
            bounds = [bound for bound in (first, end) if bound is not None]
            if any(bound < 0 or not math.isfinite(bound) for bound in bounds):
                raise VideoError(f"A trim of {first} to {end} has a bound that is no place in time")
            if len(bounds) == 2 and bounds[0] >= bounds[1]:
                raise VideoError(f"A trim of {first} to {end} ends before it starts")

    @classmethod
    def parse(cls, text: str) -> "Trim":
        """Read a trim as a user writes it.

        Args:
            text: `120:480`, `120:` or `:480` for frames counted from 0, the last not included;
                `2.5s:10s`, `2.5s:` or `:10s` for seconds.

        Returns:
            The trim.

        Raises:
            VideoError: It is written otherwise, or holds nothing.
        """
        parts = re.fullmatch(f"({_BOUND})?:({_BOUND})?", text.strip())
        if parts is None:
            raise VideoError(
                f"Trim {text!r} cannot be read: write frames as 120:480 or seconds as 2.5s:10s"
            )
        first, end = parts.groups()
        return cls(_frames(first), _frames(end), _seconds(first), _seconds(end))

    def begins_by(self, index: int, time_s: float) -> bool:
        """Whether the part has begun at a frame.

        Args:
            index: Place of the frame in the file.
            time_s: Its time in the file, seconds.

        Returns:
            False for the frames before the part.
        """
        return index >= (self.first or 0) and time_s >= (self.first_s or 0.0) - TOLERANCE_S

    def ends_by(self, index: int, time_s: float) -> bool:
        """Whether the part is over at a frame.

        Args:
            index: Place of the frame in the file.
            time_s: Its time in the file, seconds.

        Returns:
            True for the frames after the part.
        """
        late = self.end_s is not None and time_s >= self.end_s - TOLERANCE_S
        return late or (self.end is not None and index >= self.end)

    def count(self, of: int, rate_hz: float) -> int:
        """Number of frames in the part, if they came at an even rate.

        Args:
            of: Number of frames in the file.
            rate_hz: Their rate.

        Returns:
            The number, 0 where the part lies beyond the file.
        """
        first = max(self.first or 0, math.ceil((self.first_s or 0.0) * rate_hz - TOLERANCE_S))
        ends = [of if self.end is None else self.end]
        if self.end_s is not None:
            ends.append(math.ceil(self.end_s * rate_hz - TOLERANCE_S))
        return max(min(of, *ends) - first, 0)


def _frames(text: str | None) -> int | None:
    return None if text is None or text.endswith("s") else int(text)


def _seconds(text: str | None) -> float | None:
    return float(text[:-1]) if text is not None and text.endswith("s") else None
