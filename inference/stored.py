# SPDX-License-Identifier: GPL-3.0-or-later
"""A picture as a file stores it, before it is turned upright."""

from dataclasses import dataclass

import av


@dataclass(frozen=True)
class Stored:
    """A place in the order of display, and the picture there if it can be decoded.

    Attributes:
        time_s: Time from the first picture of the file, seconds.
        picture: As decoded, or None where it is lost.
        whole: False where it is lost, or the decoder had to fill in parts of it.
    """

    time_s: float
    picture: av.VideoFrame | None
    whole: bool
