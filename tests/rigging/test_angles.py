# SPDX-License-Identifier: GPL-3.0-or-later
"""Known rotations of single segments come out as angles of the regions they lie in."""

import numpy as np
import pytest
from track_spine.rigging import spine_curve
from track_spine.rigging.angles import PLANES, REGIONS, curvature, regional_angles
from track_spine.rigging.motion import BoneMotion
from track_spine.rigging.person import bends, posture
from track_spine.rigging.rotation import conjugate, from_axis_angle, multiply
from track_spine.rigging.skeleton import canonical_skeleton
from track_spine.rigging.solve import Solved

TIME_S = np.arange(5) / 30.0
ANGLE = np.radians(np.array([0.0, 5.0, 10.0, 20.0, 30.0]))
AXES = {"flexion": [1.0, 0.0, 0.0], "side_bend": [0.0, 1.0, 0.0], "axial": [0.0, 0.0, 1.0]}


def turned_above(skeleton, bone, axis, angle=ANGLE, world=(1.0, 0.0, 0.0, 0.0)):
    """The neutral pose with everything from one segment upwards turned about a world axis."""
    rest = np.tile(skeleton.rest, (len(angle), 1, 1))
    turn = from_axis_angle(np.array(axis), angle)
    above = spine_curve.BONES[spine_curve.BONES.index(bone) :]
    for name in above:
        row = skeleton.index(name)
        rest[:, row] = multiply(turn, rest[:, row])
    rotation = multiply(np.array(world), rest)
    root = np.zeros((len(angle), 3))
    return BoneMotion(skeleton.bones, TIME_S, rotation, root, np.ones(len(angle), bool))


@pytest.fixture(name="skeleton", scope="module")
def _skeleton():
    return canonical_skeleton({})


@pytest.mark.parametrize("plane", PLANES)
@pytest.mark.parametrize(
    ("bone", "region"),
    [("spine_02", "lumbar"), ("spine_05", "thoracic"), ("spine_08_neck", "cervical")],
)
def test_a_turn_shows_in_its_region_and_plane_alone(skeleton, plane, bone, region):
    angles = regional_angles(skeleton, turned_above(skeleton, bone, AXES[plane]))
    column = PLANES.index(plane)
    wanted = np.zeros((len(ANGLE), 3))
    wanted[:, column] = ANGLE
    np.testing.assert_allclose(angles[region], wanted, atol=1e-9)
    for other in set(REGIONS) - {region, "trunk"}:
        np.testing.assert_allclose(angles[other], 0.0, atol=1e-9)
    trunk = 0.0 if region == "cervical" else wanted
    np.testing.assert_allclose(angles["trunk"], trunk, atol=1e-9)


def test_where_the_person_faces_does_not_matter(skeleton):
    facing = from_axis_angle(np.array([0.0, 0.0, 1.0]), np.array(2.0))
    lying = from_axis_angle(np.array([1.0, 0.0, 0.0]), np.array(-1.5))
    motion = turned_above(skeleton, "spine_05", [1.0, 0.0, 0.0], world=multiply(facing, lying))
    angles = regional_angles(skeleton, motion)
    np.testing.assert_allclose(angles["thoracic"][:, 0], ANGLE, atol=1e-9)


def test_bending_forwards_is_flexion_and_left_is_left(skeleton):
    """The signs, told by where the head goes: the person faces -Y, the left is +X."""
    for axis, ahead in ((AXES["flexion"], [0.0, -1.0, 0.0]), (AXES["side_bend"], [1.0, 0.0, 0.0])):
        motion = turned_above(skeleton, "spine_02", axis)
        row = skeleton.index("spine_06")
        turn = multiply(motion.rotation[-1, row], conjugate(skeleton.rest[row]))
        w, x, y, z = turn
        up = np.array([2 * (x * z + w * y), 2 * (y * z - w * x), 1 - 2 * (x * x + y * y)])
        assert up @ ahead == pytest.approx(np.sin(ANGLE[-1]))


def test_axes_are_split_in_isb_order(skeleton):
    flexion, side, axial = 0.5, 0.3, -0.4
    turn = from_axis_angle(np.array(AXES["flexion"]), np.array(flexion))
    for axis, angle in ((AXES["side_bend"], side), (AXES["axial"], axial)):
        turn = multiply(turn, from_axis_angle(np.array(axis), np.array(angle)))
    motion = turned_above(skeleton, "spine_02", AXES["axial"], np.zeros(5))
    rotation = motion.rotation.copy()
    for name in spine_curve.BONES[1:]:
        rotation[:, skeleton.index(name)] = multiply(turn, skeleton.rest[skeleton.index(name)])
    motion = BoneMotion(motion.bones, TIME_S, rotation, motion.root_m, motion.valid)
    found = regional_angles(skeleton, motion)["lumbar"]
    np.testing.assert_allclose(found, np.tile([flexion, side, axial], (5, 1)), atol=1e-9)


def test_curvature_is_lordosis_below_and_kyphosis_above(skeleton):
    motion = turned_above(skeleton, "spine_02", AXES["flexion"])
    arc, curved = curvature(skeleton, motion)
    assert arc[5] == pytest.approx(1.0)
    assert (np.diff(arc) > 0.0).all()
    names = dict(zip(("L5", "L3", "L1", "T8", "T3", "C7", "C4", "C1"), curved[0], strict=True))
    assert names["L5"] < 0.0 and names["L3"] < 0.0 and names["C4"] < 0.0
    assert names["T8"] > 0.0 and names["T3"] > 0.0
    length = skeleton.length_m[[skeleton.index(bone) for bone in spine_curve.BONES[:2]]].mean()
    np.testing.assert_allclose(curved[:, 0] - curved[0, 0], ANGLE / length, atol=1e-9)
    np.testing.assert_allclose(curved[:, 1:] - curved[:1, 1:], 0.0, atol=1e-9)


def test_whoever_stands_as_they_do_has_angles_of_zero(skeleton):
    rng = np.random.default_rng(3)
    neutral = rng.uniform(-0.15, 0.15, (8, 2))
    rest = np.tile(skeleton.rest, (len(ANGLE), 1, 1))
    rows = [skeleton.index(bone) for bone in spine_curve.BONES]
    rest[:, rows] = multiply(posture(skeleton, neutral), rest[:, rows])
    above = spine_curve.BONES.index("spine_05")
    # On top of that posture, a bend of the upper back forwards.
    bent = multiply(
        from_axis_angle(np.array([1.0, 0.0, 0.0]), ANGLE)[:, None], rest[:, rows[above:]]
    )
    rest[:, rows[above:]] = bent
    root = np.zeros((len(ANGLE), 3))
    motion = BoneMotion(skeleton.bones, TIME_S, rest, root, np.ones(len(ANGLE), bool))
    from_own = regional_angles(skeleton, motion, neutral)
    for region in ("lumbar", "thoracic", "cervical", "trunk"):
        np.testing.assert_allclose(from_own[region][0], 0.0, atol=1e-9)
    assert np.degrees(np.abs(regional_angles(skeleton, motion)["thoracic"][0])).max() > 1.0
    # A turn about the world's axis is one of the same size about the turned segment's.
    np.testing.assert_allclose(np.linalg.norm(from_own["trunk"], axis=1), ANGLE, atol=0.02)


def test_a_posture_is_what_bends_tell_of_it(skeleton):
    neutral = np.random.default_rng(4).uniform(-0.2, 0.2, (8, 2))
    rotation = skeleton.rest[None].copy()
    rows = [skeleton.index(bone) for bone in spine_curve.BONES]
    rotation[:, rows] = multiply(posture(skeleton, neutral), rotation[:, rows])
    motion = BoneMotion(skeleton.bones, TIME_S[:1], rotation, np.zeros((1, 3)), np.ones(1, bool))
    nowhere = np.zeros((1, len(skeleton.bones), 3))
    found = bends(Solved(skeleton, motion, nowhere, nowhere, sigma=nowhere[..., 0]))
    np.testing.assert_allclose(found[0, :, ::2], neutral, atol=1e-9)
    np.testing.assert_allclose(found[0, :, 1], 0.0, atol=1e-9)
