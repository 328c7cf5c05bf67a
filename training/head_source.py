# SPDX-License-Identifier: GPL-3.0-or-later
"""A head that does not ship yet as a source of spines, to be judged beside the one that does."""

import numpy as np

from ..inference.crop import Crop
from ..inference.keypoints import SPINE
from ..inference.spine import SURE_WITHIN, probability_within
from .base import FrozenBase
from .judging_figures import Floats, Picture, Source
from .look import look_at
from .model import SpineHead
from .student import Student


def head_source(head: SpineHead) -> Source:
    """A head that does not ship yet, on the frozen base.

    Args:
        head: The head, in evaluation mode.

    Returns:
        The source; a point's score is what the product would make of the head's scale.
    """
    base, student = FrozenBase(), Student(head)

    def source(rgb: Picture, crop: Crop) -> Floats:
        seen = look_at(base, student, rgb, crop)
        share = seen.scale / max(seen.body.trunk_px(), 1e-6)
        score = seen.body.presence * probability_within(SURE_WITHIN, share)
        return np.column_stack([seen.points, score])[: len(SPINE)]

    return source
