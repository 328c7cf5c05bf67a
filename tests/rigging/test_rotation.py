# SPDX-License-Identifier: GPL-3.0-or-later
"""Quaternion arithmetic against SciPy and against its own definitions."""

import itertools

import numpy as np
import pytest
from scipy.spatial.transform import Rotation, Slerp
from track_spine.rigging import rotation as rot

ORDERS = ["".join(order) for order in itertools.permutations("XYZ")]


@pytest.fixture(name="rng")
def _rng():
    return np.random.default_rng(7)


def random_quaternions(rng, *shape):
    return rot.unit(rng.normal(size=(*shape, 4)))


def scipy_rotation(q):
    return Rotation.from_quat(np.roll(q, -1, axis=-1))


def test_multiply_rotate_and_matrices_agree_with_scipy(rng):
    a, b = random_quaternions(rng, 2, 50)
    v = rng.normal(size=(50, 3))
    both = scipy_rotation(a) * scipy_rotation(b)
    assert np.allclose(rot.rotate(rot.multiply(a, b), v), both.apply(v), atol=1e-12)
    assert np.allclose(rot.to_matrix(a), scipy_rotation(a).as_matrix(), atol=1e-12)
    assert np.allclose(rot.angle_between(rot.from_matrix(rot.to_matrix(a)), a), 0.0, atol=1e-7)
    assert np.allclose(rot.rotate(rot.conjugate(a), rot.rotate(a, v)), v, atol=1e-12)


def test_angle_between_measures_the_rotation_in_between(rng):
    a = random_quaternions(rng, 20)
    angle = rng.uniform(0.0, np.pi, 20)
    step = rot.from_axis_angle(rot.unit(rng.normal(size=(20, 3))), angle)
    assert np.allclose(rot.angle_between(a, -rot.multiply(step, a)), angle, atol=1e-12)


def test_from_axes_keeps_y_and_comes_nearest_to_x(rng):
    x, y = rng.normal(size=(2, 30, 3))
    m = rot.to_matrix(rot.from_axes(x, y))
    assert np.allclose(m[..., 1], rot.unit(y), atol=1e-12)
    assert (np.sum(m[..., 0] * x, axis=-1) > 0.0).all()
    assert np.allclose(np.sum(m[..., 2] * x, axis=-1), 0.0, atol=1e-12)


def test_swing_between_is_the_smallest_rotation(rng):
    a, b = rot.unit(rng.normal(size=(2, 40, 3)))
    q = rot.swing_between(a, b)
    assert np.allclose(rot.rotate(q, a), b, atol=1e-12)
    angle = np.arccos(np.clip(np.sum(a * b, axis=-1), -1.0, 1.0))
    assert np.allclose(rot.angle_between(q, rot.IDENTITY), angle, atol=1e-7)


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_swing_between_opposite_directions_is_half_a_turn(axis):
    a = np.eye(3)[axis]
    q = rot.swing_between(a, -a)
    assert np.allclose(rot.rotate(q, a), -a, atol=1e-12)
    assert np.isclose(np.linalg.norm(q), 1.0)


def test_slerp_agrees_with_scipy_and_takes_the_short_way(rng):
    a, b = random_quaternions(rng, 2)
    for fraction in (0.0, 0.3, 1.0):
        expected = Slerp([0.0, 1.0], scipy_rotation(np.stack([a, b])))(fraction)
        for sign in (1.0, -1.0):
            result = rot.slerp(a, sign * b, np.asarray(fraction))
            assert np.allclose(scipy_rotation(result).as_matrix(), expected.as_matrix(), atol=1e-9)


def test_slerp_between_equal_rotations_stays(rng):
    a = random_quaternions(rng, 5)
    assert np.allclose(rot.slerp(a, a, np.linspace(0, 1, 5)), a, atol=1e-12)


def test_continuous_never_jumps_and_keeps_rotations_and_gaps(rng):
    angle = np.linspace(0.0, 20.0, 200)
    smooth = rot.from_axis_angle(rot.unit(np.array([1.0, 2.0, -1.0])), angle)
    q = smooth * rng.choice([-1.0, 1.0], size=(200, 1))
    q[50:55] = np.nan
    result = rot.continuous(q[:, None])[:, 0]
    assert np.isnan(result[50:55]).all()
    seen = np.isfinite(result[:, 0])
    assert np.allclose(rot.angle_between(result[seen], smooth[seen]), 0.0, atol=1e-7)
    steps = np.sum(result[seen][1:] * result[seen][:-1], axis=-1)
    assert (steps > 0.0).all()


def blender_matrix(angles, order):
    """Blender's Euler rotation: the first letter's axis first, all axes fixed."""
    m = np.eye(3)
    for letter in order:
        axis = "XYZ".index(letter)
        vector = np.eye(3)[axis] * angles[axis]
        m = Rotation.from_rotvec(vector).as_matrix() @ m
    return m


@pytest.mark.parametrize("order", ORDERS)
def test_euler_angles_give_the_rotation_back_in_blenders_order(rng, order):
    q = random_quaternions(rng, 20)
    angles = rot.quaternions_to_euler(q, order)
    for row, expected in zip(angles, rot.to_matrix(q), strict=True):
        assert np.allclose(blender_matrix(row, order), expected, atol=1e-9)


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("axis", [0, 1, 2])
def test_euler_angles_are_continuous_over_whole_turns(order, axis):
    # Three turns about an axis a little off the main ones: the middle angle passes a right angle
    # closely, where the other of the two triples must take over.
    turning = rot.unit(np.eye(3)[axis] + 0.05)
    q = rot.from_axis_angle(turning, np.linspace(0.0, 6.0 * np.pi, 2000))
    angles = rot.quaternions_to_euler(q, order)
    for row, expected in zip(angles[::97], rot.to_matrix(q)[::97], strict=True):
        assert np.allclose(blender_matrix(row, order), expected, atol=1e-9)
    # The fastest an angle really turns here is about 1 / 0.05 times the rotation's 0.0094 a step.
    assert np.abs(np.diff(angles, axis=0)).max() < 0.4


def test_euler_angles_of_a_plain_turn_count_on_past_half_a_turn():
    turned = np.linspace(0.0, 4.0 * np.pi, 500)
    angles = rot.quaternions_to_euler(rot.from_axis_angle(np.eye(3)[2], turned), "XYZ")
    assert np.allclose(angles[:, 2], turned, atol=1e-9)
    assert np.allclose(angles[:, :2], 0.0, atol=1e-9)


def test_euler_angles_keep_gaps(rng):
    q = random_quaternions(rng, 5)
    q[2] = np.nan
    angles = rot.quaternions_to_euler(q, "ZXY")
    assert np.isnan(angles[2]).all()
    assert np.isfinite(np.delete(angles, 2, axis=0)).all()
    assert np.isnan(rot.quaternions_to_euler(q[2:3], "ZXY")).all()


def test_axes_that_determine_no_rotation_give_one_all_the_same():
    x = np.array([[0.0, 1.0, 0.0], [0.0, 0.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 0.0]])
    y = np.array([[0.0, 2.0, 0.0], [0.0, 0.0, 3.0], [0.0, 0.0, 0.0], [0.0, 0.0, 0.0]])
    q = rot.from_axes(x, y)
    assert np.allclose(np.linalg.norm(q, axis=-1), 1.0)
    assert np.allclose(rot.rotate(q[:2], np.array([0.0, 1.0, 0.0])), [[0, 1, 0], [0, 0, 1]])
