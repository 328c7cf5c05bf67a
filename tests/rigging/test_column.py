# SPDX-License-Identifier: GPL-3.0-or-later
"""The spine's curve on chains of any number of bones, its stiffness, and bendy bones."""

import sys
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from track_spine.rigging.column import handles
from track_spine.rigging.errors import RigError
from track_spine.rigging.retarget import Retargeting, TargetRig, retarget, spine_error
from track_spine.rigging.rotation import (
    angle_between,
    conjugate,
    from_axis_angle,
    multiply,
    to_matrix,
)

X, Y, Z = np.eye(3)


@pytest.fixture(scope="module")
def bench():
    """The benchmark's motion and rigs, which docs/rigs.md quotes."""
    folder = str(Path(__file__).parents[2] / "benchmarks")
    sys.path.insert(0, folder)
    import retarget as module

    yield module
    sys.path.remove(folder)
    del sys.modules["retarget"]


def test_the_more_bones_the_nearer_to_the_curve(bench):
    solved = bench.bend(60)
    errors = [
        spine_error(solved, bench.rig_with(solved.skeleton, count, 2)).mean()
        for count in (1, 2, 3, 4, 6, 8, 12, 16, 24)
    ]
    assert (np.diff(errors) < 0.0).all()
    assert errors[2] < 0.02
    assert errors[-1] < 0.001


def test_a_person_at_rest_has_no_spine_error(bench):
    solved = bench.bend(1)
    assert spine_error(solved, bench.rig_with(solved.skeleton, 3, 1)).max() < 1e-9


def bone_turn(pose, target, bone):
    chain = [target.roles.pelvis, *target.roles.spine, *target.roles.neck, target.roles.head]
    turn = np.array([1.0, 0.0, 0.0, 0.0])
    for name in chain[: chain.index(bone) + 1]:
        turn = multiply(turn, pose.rotation_basis[:, pose.bones.index(name)])
    return turn


@pytest.mark.parametrize(("region", "bones"), [("lumbar", 3), ("thoracic", 3), ("cervical", 3)])
def test_a_stiff_region_does_not_bend_and_the_others_do_as_before(bench, region, bones):
    solved = bench.bend(40)
    target = bench.rig_with(solved.skeleton, 6, 2)
    chain = [target.roles.pelvis, *target.roles.spine, *target.roles.neck, target.roles.head]

    def bends(options):
        pose = retarget(solved, target, options)
        turns = [bone_turn(pose, target, bone) for bone in chain]
        return [angle_between(a, b).max() for a, b in pairwise(turns)]

    free, stiff = bends(Retargeting()), bends(Retargeting(**{region: 0.0}))
    assert sum(stiff) < sum(free) - 0.05
    where = {"lumbar": 0, "thoracic": 3, "cervical": 6}[region]
    inner = slice(where, where + bones)
    assert sum(stiff[inner]) < 0.45 * sum(free[inner])
    loose = bends(Retargeting(**{region: 1.5}))
    assert sum(loose[inner]) > 1.25 * sum(free[inner])


@pytest.mark.parametrize("choice", [{"lumbar": -0.1}, {"cervical": 1.6}, {"hands_reach": 2.0}])
def test_choices_out_of_range_are_refused(choice):
    with pytest.raises(RigError, match=next(iter(choice))):
        Retargeting(**choice)


def test_a_spine_drawn_downwards_is_sampled_where_its_bones_lie(bench):
    """Bones that begin at their upper end, as Rigify's controls below the pivot do."""
    solved = bench.bend(40)
    up = bench.rig_with(solved.skeleton, 4, 1)
    rest, length = up.rest.copy(), up.length.copy()
    for bone, above in zip(up.roles.spine, (*up.roles.spine[1:], *up.roles.neck), strict=True):
        b, a = up.bones.index(bone), up.bones.index(above)
        along = up.rest[b, :3, 3] - up.rest[a, :3, 3]
        length[b] = np.linalg.norm(along)
        y = along / length[b]
        rest[b, :3, :3] = np.stack([X, y, np.cross(X, y)], axis=-1)
        rest[b, :3, 3] = up.rest[a, :3, 3]
    down = TargetRig(up.bones, up.parents, rest, length, np.eye(4), up.roles)
    a, b = retarget(solved, up), retarget(solved, down)
    for bone in up.roles.spine:
        index = up.bones.index(bone)
        frame = np.linalg.inv(up.rest[index, :3, :3]) @ rest[index, :3, :3]
        i, j = a.bones.index(bone), b.bones.index(bone)
        turned = frame @ to_matrix(b.rotation_basis[:, j]) @ np.linalg.inv(frame)
        assert np.abs(turned - to_matrix(a.rotation_basis[:, i])).max() < 1e-6


def test_a_bendy_bone_leaves_and_arrives_along_the_curve():
    own = from_axis_angle(X, np.asarray(np.pi / 2.0))  # the bone points up, its Z forward
    bend = np.array([0.0, 0.3])
    none = np.tile([1.0, 0.0, 0.0, 0.0], (2, 1))
    ahead = from_axis_angle(X, bend)
    curves = handles(own, none, (conjugate(ahead), ahead), np.array([1.0, 1.0]))
    assert np.abs(curves[0]).max() < 1e-12
    # Turning about X takes +Y towards +Z in the bone's own axes; both handles pull the same way.
    expected = 0.390464 * np.tan(0.3)
    assert curves[1] == pytest.approx([0.0, -expected, 0.0, 0.0, -expected, 0.0], abs=1e-6)
    twist = from_axis_angle(Z, np.array([0.2, 0.4]))
    rolled = handles(own, none, (none, twist), np.array([1.0, 1.0]))
    assert rolled[:, 5] == pytest.approx([0.2, 0.4])
    held = handles(own, none, (ahead, ahead), np.array([0.0, 0.0]))
    assert np.abs(held).max() < 1e-12


def test_only_free_ends_of_bendy_bones_are_bent(bench):
    solved = bench.bend(10)
    plain = bench.rig_with(solved.skeleton, 1, 1)
    bendy = np.zeros((len(plain.bones), 2), bool)
    bendy[plain.bones.index("spine 0")] = True, False
    target = TargetRig(
        plain.bones, plain.parents, plain.rest, plain.length, np.eye(4), plain.roles, bendy=bendy
    )
    keys = retarget(solved, target)
    assert set(keys.handles) == {"spine 0"}
    assert np.abs(keys.handles["spine 0"][:, :3]).max() > 1e-3
    assert np.abs(keys.handles["spine 0"][:, 3:]).max() < 1e-12
    assert retarget(solved, plain).handles == {}
