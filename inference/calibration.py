# SPDX-License-Identifier: GPL-3.0-or-later
"""Turns what the networks say of points into the probability that these are right.

The landmark network says whether a joint can be seen, not how far off it is; the spine head says
how far off the spine is, which tells much of the joints beside it. Both together are held against
errors on renders. Scores of the spine head are such probabilities from the start (`spine.py`).
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, logit

from .keypoints import INDEX

Floats = NDArray[np.float64]

SIDES: Final = ("left", "right")
JOINTS: Final = {
    "nose": ("nose",),
    **{
        part: tuple(f"{side}_{part}" for side in SIDES)
        for part in (
            *("eye", "ear", "shoulder", "elbow", "wrist"),
            *("hip", "knee", "ankle", "heel", "big_toe"),
        )
    },
}
"""Points that are calibrated, left and right alike."""

BESIDE: Final = {
    **dict.fromkeys(("nose", "eye", "ear"), "neck_03"),
    **dict.fromkeys(("shoulder", "elbow", "wrist"), "spine_05"),
    **dict.fromkeys(("hip", "knee", "ankle", "heel", "big_toe"), "hip"),
}
"""The spine's point whose score counts for each of them."""

WEIGHTS: Final = {
    "nose": (0.068, 0.412, -1.911),
    "eye": (0.076, 0.475, -1.930),
    "ear": (0.041, 0.549, -1.580),
    "shoulder": (0.134, 0.704, -2.502),
    "elbow": (0.277, 0.586, -2.280),
    "wrist": (0.518, 0.538, -2.119),
    "hip": (0.022, 0.867, -1.175),
    "knee": (0.245, 0.877, -2.007),
    "ankle": (0.448, 0.562, -1.647),
    "heel": (0.341, 0.583, -1.530),
    "big_toe": (0.403, 0.392, -1.982),
}
"""Weights of the log odds of visibility and of the spine's point, and a constant.

Source: logistic regression, `track-spine-train fit-scores --renders DIR` on the renders whose
bodies, but not clips and backgrounds, are kept aside; `make calibration` judges on others.
"""

LEAST: Final = 1e-3
MOST: Final = 1.0 - 1e-6
"""Scores are taken to lie between these, where log odds are finite."""


def calibrated(score: Floats) -> Floats:
    """Probability that points lie within `spine.SURE_WITHIN` of a trunk's length of the truth.

    Args:
        score: (..., 37) as `bend.complete` gives them, 0..1.

    Returns:
        (..., 37) the same for the spine head's points and small toes, calibrated for the others;
        0, which is missing, stays 0.
    """
    found = score.copy()
    for joint, names in JOINTS.items():
        rows = [INDEX[name] for name in names]
        found[..., rows] = expit(evidence(score, joint) @ np.array(WEIGHTS[joint]))
    return np.where(score > 0.0, found, 0.0)


def evidence(score: Floats, joint: str) -> Floats:
    """What the probability of a joint is made of.

    Args:
        score: (..., 37) as for `calibrated`.
        joint: One of JOINTS.

    Returns:
        (..., S, 3): for each point of JOINTS the log odds of its visibility, those of the spine's
        point beside it, and 1.
    """
    odds = logit(np.clip(score, LEAST, MOST))
    own = odds[..., [INDEX[name] for name in JOINTS[joint]]]
    beside = np.broadcast_to(odds[..., [INDEX[BESIDE[joint]]]], own.shape)
    return np.stack([own, beside, np.ones_like(own)], axis=-1)
