# SPDX-License-Identifier: GPL-3.0-or-later
"""What is known of one person while it is followed; nothing of it is ever another person's."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from .colours import BINS
from .crop import Crop

NOT_YET: Final = -1
"""In place of an id: seen too few times to be a person of the take, or only near the one wanted."""

SPEED_KEPT: Final = 0.5
"""Share of the last speed that a person is expected to go on with.

Chosen on three clips of the shared data (a walk over a lawn, two men crossing, a dance) by how far
the next crop's centre then lies from where it was expected, in crop sides, 90th percentile: two
frames ahead 0.043, 0.019, 0.005, where standing still gives 0.077, 0.012, 0.006 and going on at
full speed 0.032, 0.024, 0.007; eight frames ahead 0.19 at most, where both others exceed 0.2.
"""

LONGEST_S: Final = 0.4
"""A person is expected to go on for so long, then to stand."""

COLOUR_MEMORY: Final = 0.05
"""Weight of the newest frame in what a person wears: a memory of about 20 frames."""

CROP_NUMBERS: Final = 4
STATE_ARRAYS: Final = {
    "track_person": ((), "i8"),
    "track_sightings": ((), "i8"),
    "track_followed": ((), "b1"),
    "track_crops": ((2, CROP_NUMBERS), "f8"),
    "track_times_s": ((2,), "f8"),
    "track_colours": ((3 * BINS,), "f8"),
}
"""What tracks are kept as in a take, each after the axis of tracks (S,): shape and type."""


@dataclass(eq=False)
class Track:
    """One person.

    Attributes:
        crop: Crop about where the person was last seen, and
        seen_s: when.
        colours: What the person wears.
        earlier: The crop of the sighting before the last, and
        earlier_s: when; None and NaN where there was none just before.
        person: Id in the take, or NOT_YET.
        followed: Whether the person was seen in the last frame.
        sightings: Frames that showed the person.
    """

    crop: Crop
    seen_s: float
    colours: NDArray[np.float64]
    earlier: Crop | None = None
    earlier_s: float = np.nan
    person: int = NOT_YET
    followed: bool = True
    sightings: int = field(default=1)

    def expected(self, time_s: float) -> Crop:
        """Where to look for the person.

        Args:
            time_s: Time of the frame, seconds.

        Returns:
            The last crop, moved on.
        """
        if self.earlier is None:
            return self.crop
        ahead = min(time_s - self.seen_s, LONGEST_S) / (self.seen_s - self.earlier_s)
        ahead = round(ahead, 6)  # frames as far apart give the same wherever the clip begins
        step = self.crop.centre_px - self.earlier.centre_px
        return Crop(
            self.crop.centre_px + SPEED_KEPT * ahead * step, self.crop.side_px, self.crop.angle
        )

    def see(self, crop: Crop, time_s: float, colours: NDArray[np.float64], *, alone: bool) -> None:
        """Enter a sighting.

        Args:
            crop: Crop about the person.
            time_s: Time of the frame, seconds.
            colours: What is seen of its clothes.
            alone: Whether nobody is near, so that the colours are its own.
        """
        self.earlier, self.earlier_s = (self.crop, self.seen_s) if self.followed else (None, np.nan)
        self.crop, self.seen_s, self.followed = crop, time_s, True
        self.sightings += 1
        if alone:
            self.colours = self.colours + COLOUR_MEMORY * (colours - self.colours)


def to_arrays(tracks: Sequence[Track]) -> dict[str, NDArray[Any]]:
    """Write tracks as arrays.

    Args:
        tracks: The tracks.

    Returns:
        The arrays of STATE_ARRAYS.
    """
    arrays = {name: np.zeros((len(tracks), *s), kind) for name, (s, kind) in STATE_ARRAYS.items()}
    for row, track in enumerate(tracks):
        arrays["track_person"][row] = track.person
        arrays["track_sightings"][row] = track.sightings
        arrays["track_followed"][row] = track.followed
        arrays["track_crops"][row] = _numbers(track.earlier), _numbers(track.crop)
        arrays["track_times_s"][row] = track.earlier_s, track.seen_s
        arrays["track_colours"][row] = track.colours
    return arrays


def from_arrays(arrays: dict[str, NDArray[Any]]) -> list[Track]:
    """Read what `to_arrays` wrote.

    Args:
        arrays: The arrays of STATE_ARRAYS.

    Returns:
        The tracks, in the same state.
    """
    return [
        Track(
            crop=_crop(crops[1]),
            seen_s=float(times[1]),
            colours=colours,
            earlier=_crop(crops[0]) if np.isfinite(crops[0]).all() else None,
            earlier_s=float(times[0]),
            person=int(person),
            followed=bool(followed),
            sightings=int(sightings),
        )
        for person, sightings, followed, crops, times, colours in zip(
            *(arrays[name] for name in STATE_ARRAYS), strict=True
        )
    ]


def _numbers(crop: Crop | None) -> NDArray[np.float64]:
    if crop is None:
        return np.full(CROP_NUMBERS, np.nan)
    return np.array([*crop.centre_px, crop.side_px, crop.angle])


def _crop(numbers: NDArray[np.float64]) -> Crop:
    return Crop(numbers[:2], float(numbers[2]), float(numbers[3]))
