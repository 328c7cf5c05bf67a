# SPDX-License-Identifier: GPL-3.0-or-later
"""Which limbs of a pair are the left ones: by toes, knees and elbows, failing these by names."""

import re
from typing import Final

import numpy as np

from .chains import Chains
from .limb_joints import Limb
from .rotation import Floats, unit

_FACES: Final = 0.02
"""Least hint at the facing, as a share of the reach of a leg; below it names decide."""
_LEFT: Final = re.compile(r"left|links|gauche|izq|лев|左|왼|(?:^|[\W_])l(?:$|[\W_])|L$", re.I)
_RIGHT: Final = re.compile(
    r"right|rechts|droit|der(?:$|[\W_])|прав|右|오른|(?:^|[\W_])r(?:$|[\W_])|R$", re.I
)
_UP: Final = np.array([0.0, 0.0, 1.0])
_FRONT: Final = np.array([0.0, -1.0, 0.0])
"""Where a figure faces in Blender's front view, taken where nothing else tells."""


def left_first(chains: Chains, legs: list[Limb], arms: list[Limb]) -> tuple[bool, tuple[str, ...]]:
    """Tell whether the first of each pair is the left one, and what is odd about it.

    Args:
        chains: The rig.
        legs: Both.
        arms: Both; their order is made to agree with that of the legs.

    Returns:
        Whether the first is left, and notes for the user.
    """
    at = chains.heads_m
    across = at[legs[0].joints["thigh"]] - at[legs[1].joints["thigh"]]
    shoulders = [at[arm.joints["upper_arm"]] for arm in arms]
    if (shoulders[0] - shoulders[1]) @ across < 0.0:
        arms.reverse()
    hint = float(np.cross(_UP, _ahead(at, legs, arms)) @ unit(across))
    named = _named_left([chains.tree.names[leg.joints["thigh"]] for leg in legs])
    if abs(hint) < _FACES * chains.far(legs[0].path[0], legs[0].path[-1]):
        return (bool(np.cross(_UP, _FRONT) @ across > 0.0) if named is None else named), ()
    left = hint > 0.0
    if named is not None and named != left:
        return left, (
            "By its feet, knees and elbows the figure faces the other way than its names for "
            "left and right say; sides were told by the figure.",
        )
    return left, ()


def _ahead(at: Floats, legs: list[Limb], arms: list[Limb]) -> Floats:
    """Give the way the figure faces: that of its toes, its knees, and against its elbows."""
    ahead = np.zeros(3)
    for leg in legs:
        hip, knee, ankle = (at[leg.joints[part]] for part in ("thigh", "shin", "foot"))
        ahead += 2.0 * (knee - 0.5 * (hip + ankle))
        if "toe" in leg.joints:
            ahead += 3.0 * (at[leg.joints["toe"]] - ankle)
    for arm in arms:
        if "hand" in arm.joints:
            shoulder, elbow, wrist = (at[arm.joints[p]] for p in ("upper_arm", "forearm", "hand"))
            ahead -= elbow - 0.5 * (shoulder + wrist)
    return np.asarray(ahead * [1.0, 1.0, 0.0])


def _named_left(thighs: list[str]) -> bool | None:
    """Tell whether the first thigh's name says left; None where names do not tell."""
    first, second = thighs
    if _LEFT.search(first) and _RIGHT.search(second):
        return True
    if _RIGHT.search(first) and _LEFT.search(second):
        return False
    return None
