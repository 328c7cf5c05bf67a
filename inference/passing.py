# SPDX-License-Identifier: GPL-3.0-or-later
"""Leaves out what was taken for a person for a moment: joined hands, a coat, a shadow.

Only the whole clip tells: one who walks through the picture within a second is seen surely, what
is no person is not. The chunks keep everything.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from .keypoints import INDEX, SPINE
from .take import PERSONAL, Arrays

MOMENT_S: Final = 1.0
"""Who is seen for less is a visitor, who must be seen more surely than others."""

UNSURE_VISIT: Final = 0.4
UNSURE: Final = 0.2
"""Mean score of the spine below which a visitor, and anybody, is taken for nobody.

Chosen on a clip of people who walk towards and away (`one-by-one-person-detection.mp4`): real
visits score 0.67 and more, what was no person 0.09 to 0.33, for 1 to 3 frames. Of renders between
training and test, hard poses seen once, 3.8 % score under 0.4 and 0.9 % under 0.2; of the spine
points of these, 13 % are right.
"""

_SPINE: Final = [INDEX[name] for name in SPINE]


def without_passing(raw: Arrays) -> tuple[Arrays, int]:
    """Keep the people of a take.

    Args:
        raw: Arrays of all chunks, as `Take.read_chunks` gives them.

    Returns:
        The same arrays with those who are people, perhaps nobody; and how many were left out.
    """
    kept = confirmed(raw["score"], raw["time_s"])
    people = {name: raw[name][:, kept] for name in PERSONAL}
    return raw | people | {"person": raw["person"][kept]}, int((~kept).sum())


def confirmed(score: NDArray[np.float32], time_s: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Tell people from what was taken for one.

    Args:
        score: (T, P, 37) 0..1, 0 where somebody is not seen.
        time_s: (T,) seconds.

    Returns:
        (P,) true for people.
    """
    frames = (score > 0.0).any(axis=-1).sum(axis=0)
    mean = score[..., _SPINE].sum(axis=(0, -1), dtype=float) / np.maximum(frames, 1) / len(_SPINE)
    step = float(np.median(np.diff(time_s))) if len(time_s) > 1 else 0.0
    return np.asarray(mean >= np.where(step * frames < MOMENT_S, UNSURE_VISIT, UNSURE))


def passing_note(left_out: int) -> str:
    """Tell how many were left out; empty for none."""
    if not left_out:
        return ""
    who = "One was" if left_out == 1 else f"{left_out} were"
    return f"{who} taken for people, hardly seen or with an unsure spine, and left out."
