# SPDX-License-Identifier: GPL-3.0-or-later
"""Controls of a Spline IK's curve, whatever they hang from and however they take that over."""

from dataclasses import replace

import numpy as np
import pytest
from track_spine.rigging.retarget import TargetRig, retarget
from track_spine.rigging.rotation import angle_between, from_matrix, multiply, rotate
from track_spine.rigging.skeleton import canonical_skeleton


def with_guides(own_rig, guides, **flags):
    """The own rig with bones of given heads and parents, upright, that steer its spine."""
    rig = own_rig(canonical_skeleton({}), np.eye(4))
    names, parents, rest = list(rig.bones), rig.parents.tolist(), list(rig.rest)
    for name, (like, parent) in guides.items():
        place = np.eye(4)
        place[:3, 3] = rig.rest[rig.bones.index(like), :3, 3]
        names.append(name)
        parents.append(names.index(parent))
        rest.append(place)
    count = len(names)
    given = {
        flag: np.array([value if name in guides else flag != "connected" for name in names])
        for flag, value in flags.items()
    }
    roles = replace(rig.roles, guides=tuple(guides))
    length = np.full(count, 0.1)
    return TargetRig(
        tuple(names), np.array(parents), np.array(rest), length, np.eye(4), roles, **given
    )


def placed(target, keys, guide, play, inherits=True, own_axes=True):
    """Where a guide begins and how it is turned, by Blender's rules for its flags."""
    heads, turned = play(target, keys)
    b = target.bones.index(guide)
    p = int(target.parents[b])
    local = np.linalg.inv(target.rest[p]) @ target.rest[b]
    at = heads[:, p] + rotate(turned[:, p], local[:3, 3])
    axes = turned[:, p] if not own_axes else multiply(turned[:, p], quaternion(local))
    at = at + rotate(axes, keys.locations.get(guide, np.zeros(3)))
    above = turned[:, p] if inherits else quaternion(target.rest[p])
    basis = keys.rotation_basis[:, keys.bones.index(guide)]
    return at, multiply(multiply(above, quaternion(local)), basis)


def quaternion(matrix):
    return from_matrix(matrix[:3, :3])


GUIDES = {"low": ("spine_03", "pelvis"), "high": ("spine_06", "spine_02")}


@pytest.mark.parametrize(
    "flags",
    [{}, {"local_location": False}, {"inherits": False}],
    ids=["plain", "along the parent's axes", "not turning with the parent"],
)
def test_guides_lie_on_the_spine_as_if_fixed_to_it(dancer, own_rig, play, flags):
    target = with_guides(own_rig, GUIDES, **flags)
    keys = retarget(dancer, target)
    heads, _ = play(target, keys)
    for guide, (like, _) in GUIDES.items():
        at, _ = placed(
            target,
            keys,
            guide,
            play,
            inherits=flags.get("inherits", True),
            own_axes=flags.get("local_location", True),
        )
        assert np.abs(at - heads[:, target.bones.index(like)]).max() < 1e-6


def test_guides_turn_with_the_curve_whatever_they_take_over(dancer, own_rig, play):
    turns = []
    for inherits in (True, False):
        target = with_guides(own_rig, GUIDES, inherits=inherits)
        keys = retarget(dancer, target)
        turns.append(placed(target, keys, "high", play, inherits=inherits)[1])
    assert angle_between(*turns).max() < 1e-6


def test_connected_guides_turn_and_are_not_moved(dancer, own_rig):
    target = with_guides(own_rig, {"low": GUIDES["low"]}, connected=True)
    keys = retarget(dancer, target)
    assert "low" in keys.bones and "low" not in keys.locations
