# SPDX-License-Identifier: GPL-3.0-or-later
"""Where each place at rest is along arm, leg and trunk; clothes are cut by it."""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from scipy.sparse import csr_matrix

from .anatomy import Floats
from .bodies import BodyModel
from .posing import SIDES, Figure


@dataclass(frozen=True)
class Region:
    """Places on a body at rest.

    Attributes:
        arm: (V,) along the arm, 0 shoulder, 1 elbow, 2 wrist; negative off the arms.
        leg: (V,) along the leg, 0 hip, 1 knee, 2 ankle, above 2 the foot; negative off the legs.
        trunk: (V,) arc of the spine at the same height, 0 hip, 1 C7.
        head: (V,) share of the head's skin weight.
    """

    arm: Floats
    leg: Floats
    trunk: Floats
    head: Floats


def regions_of(figure: Figure, model: BodyModel, places: Floats, weights: csr_matrix) -> Region:
    """Say where places are.

    Args:
        figure: The body.
        model: The body model.
        places: (V, 3) metres, at rest.
        weights: (V, B + 26) their skin weights.

    Returns:
        The regions.
    """
    arm = np.full(len(places), -1.0)
    leg = np.full(len(places), -1.0)
    heads = figure.body.heads
    for _, letter in SIDES:
        stems = ("upperarm", "lowerarm", "wrist", "finger", "metacarpal")
        on = _weight(model, weights, stems, letter) > 0.5
        chain = [heads[model.bone(f"{s}.{letter}")] for s in ("upperarm01", "lowerarm01", "wrist")]
        arm = np.where(on, _along(places, chain), arm)
        on = _weight(model, weights, ("upperleg", "lowerleg", "foot", "toe"), letter) > 0.5
        chain = [heads[model.bone(f"{s}.{letter}")] for s in ("upperleg01", "lowerleg01", "foot")]
        leg = np.where(on, _along(places, chain), leg)
    curve = figure.spine.curve[:, 2]
    low = (places[:, 2] - curve[0]) / (curve[-1] - curve[0]) * figure.spine.arc[-1]
    trunk = np.where(places[:, 2] < curve[0], low, np.interp(places[:, 2], curve, figure.spine.arc))
    bones = len(model.bones)
    head = np.asarray(weights[:, bones + 25 :].sum(axis=1)).ravel()
    head += np.asarray(weights[:, [model.bone("head")]].sum(axis=1)).ravel()
    return Region(arm, leg, trunk, head)


def _weight(model: BodyModel, weights: csr_matrix, stems: tuple[str, ...], letter: str) -> Floats:
    columns = [
        row
        for row, name in enumerate(model.bones)
        if name.startswith(stems) and name.endswith(letter)
    ]
    return np.asarray(weights[:, columns].sum(axis=1)).ravel()


def _along(places: Floats, chain: list[Floats]) -> Floats:
    result = np.zeros(len(places))
    for number, (start, end) in enumerate(pairwise(chain)):
        way = end - start
        share = (places - start) @ way / (way @ way)
        if number == 0:
            result = np.minimum(share, 1.0)
        else:
            result = np.where(share > 0.0, np.maximum(result, number + share), result)
    return np.maximum(result, 0.0)


def chain_places(
    figure: Figure, model: BodyModel, transforms: Floats, side: int
) -> tuple[Floats, Floats, Floats]:
    """Posed elbow, wrist and knuckles of an arm, metres."""
    letter = SIDES[side][1]
    places = []
    for stem in ("lowerarm01", "wrist", "finger3-2"):
        bone = model.bone(f"{stem}.{letter}")
        transform = transforms[bone]
        places.append(transform[:, :3] @ figure.body.heads[bone] + transform[:, 3])
    return places[0], places[1], places[2]
