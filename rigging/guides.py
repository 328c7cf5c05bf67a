# SPDX-License-Identifier: GPL-3.0-or-later
"""Controls that steer the curve of a Spline IK, put where the measured curve takes them."""

from collections.abc import Mapping

import numpy as np

from .column import Curve, joints_at_rest, places
from .controls import Carried
from .rest_pose import RestPose
from .rotation import Floats, multiply, rotate
from .target import TargetRig


def guide_keys(
    target: TargetRig,
    rest: RestPose,
    curve: Curve,
    turns: Mapping[str, Floats],
    at: Mapping[str, Floats],
) -> tuple[dict[str, Floats], dict[str, Floats]]:
    """Move the guides of a spine as if they were fixed to its curve.

    Args:
        target: The rig.
        rest: It at rest.
        curve: The measured curve.
        turns: (T, 4) turn of each bone in the world, from rest.
        at: (T, 3) where bones begin, metres.

    Returns:
        Rotations (T, 4) and locations (T, 3) as Blender's pose has them, by guide; connected guides
        have no locations.
    """
    rotations: dict[str, Floats] = {}
    locations: dict[str, Floats] = {}
    turns, at = dict(turns), dict(at)
    spans = places(target.roles, rest).spine
    for guide in sorted(target.roles.guides, key=lambda bone: len(rest.above(bone))):
        bone, share = _on_spine(target, rest, rest.head(guide))
        where = spans[bone, 0] + share * (spans[bone, 2] - spans[bone, 0])
        turn = multiply(curve.on_spine(np.array([where]))[0], rest.upright)
        joint = target.roles.spine[bone]
        along = rest.head(guide) - rest.head(joint)
        place = at[joint] + rotate(turns[joint], along)
        carried = Carried(target, rest, guide, turns, at)
        rotations[guide] = carried.rotation(turn)
        if target.connected is not None and target.connected[rest.index(guide)]:
            place = carried.begins
        else:
            locations[guide] = carried.location(place)
        turns[guide], at[guide] = turn, place
    return rotations, locations


def _on_spine(target: TargetRig, rest: RestPose, at: Floats) -> tuple[int, float]:
    """Find the bone of the spine that lies nearest to a place, and how far along it."""
    joints = np.array(joints_at_rest(target.roles, rest))[: len(target.roles.spine) + 1]
    steps = np.diff(joints, axis=0)
    share = np.sum((at - joints[:-1]) * steps, axis=-1) / np.sum(steps**2, axis=-1)
    share = np.clip(share, 0.0, 1.0)
    far = np.linalg.norm(joints[:-1] + share[:, None] * steps - at, axis=-1)
    return int(np.argmin(far)), float(share[np.argmin(far)])
