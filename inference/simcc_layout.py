# SPDX-License-Identifier: GPL-3.0-or-later
"""Sizes of the networks of the SimCC family: plain data, see `simcc.py`."""

from dataclasses import dataclass
from typing import Final

from .ends import Ends
from .keypoints import NAMES

SPLIT: Final = 2
"""Bins a pixel of the crop."""


@dataclass(frozen=True)
class SimccLayout:
    """What networks of one input size share.

    Attributes:
        picture: Width and height of the crop, pixels.
        sigma: Standard deviations of the Gaussians trained on, across and down, bins.
    """

    picture: tuple[int, int]
    sigma: tuple[float, float]

    @property
    def ends(self) -> Ends:
        """What such a network takes and gives."""
        width, height = self.picture
        outputs = ((len(NAMES), SPLIT * width), (len(NAMES), SPLIT * height))
        return Ends(input=(3, height, width), outputs=outputs)


SMALL: Final = SimccLayout(picture=(192, 256), sigma=(4.9, 5.66))
LARGE: Final = SimccLayout(picture=(288, 384), sigma=(6.0, 6.93))
