# SPDX-License-Identifier: GPL-3.0-or-later
"""Lordosis and kyphosis: turns of the curve of vertebral body centres, at rest and standing."""

from collections.abc import Mapping
from typing import Final

import numpy as np

from .align_ranges import KYPHOSIS_DEG, LORDOSIS_DEG
from .align_statistics import Figures, spread
from .anatomy import JOINT_ARC, JOINTS, LUMBAR, THORACIC, Floats
from .backbone import Backbone, build_backbone
from .bodies import BodyModel, body_at_rest

_ENDS: Final = [JOINTS.index(name) for name in ("L5-S1", "T12-L1", "C7-T1")]


def resting_turns(spine: Backbone) -> tuple[float, float]:
    """Lordosis and kyphosis of a body at rest.

    Args:
        spine: Its spine.

    Returns:
        Degrees between the curve's tangents at L5-S1 and T12-L1, and at T12-L1 and C7-T1. A disc
        lies across the curve, so that this stands for the angle between the end plates.
    """
    step = np.gradient(spine.curve, spine.arc, axis=0)
    lean = np.degrees(np.arctan2(-step[:, 1], step[:, 2]))
    lowest, middle, top = np.interp(JOINT_ARC[_ENDS], spine.arc, lean)
    return float(lowest - middle), float(top - middle)


def posture(model: BodyModel, standing: Mapping[int, Floats]) -> Figures:
    """Curves of bodies at rest, and as they stand.

    Args:
        model: The body model and bank.
        standing: Body to its (M, 25, 3) angles, degrees.

    Returns:
        Mean and standard deviation of lordosis and kyphosis, and the literature's.
    """
    rest = {
        body: resting_turns(build_backbone(body_at_rest(model, body), model)) for body in standing
    }
    # Going up, flexion leans the next piece forward: it takes from a lordosis, adds to a kyphosis.
    lordosis = [rest[b][0] - a[:, LUMBAR, 0].sum(axis=1) for b, a in standing.items()]
    kyphosis = [rest[b][1] + a[:, THORACIC, 0].sum(axis=1) for b, a in standing.items()]
    turns = np.array(list(rest.values()))
    return {
        "bodies": len(rest),
        "lordosis": {
            "rest": spread(turns[:, 0]),
            "standing": spread(np.concatenate(lordosis)),
            "literature": list(LORDOSIS_DEG),
        },
        "kyphosis": {
            "rest": spread(turns[:, 1]),
            "standing": spread(np.concatenate(kyphosis)),
            "literature": list(KYPHOSIS_DEG),
        },
    }
