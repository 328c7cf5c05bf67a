# SPDX-License-Identifier: GPL-3.0-or-later
"""Axis-angle and Euler channels: the same rotation, without jumps."""

import numpy as np
import pytest
from scipy.spatial.transform import Rotation
from track_spine.rigging.rotation import angle_between, from_axis_angle, quaternions_to_euler
from track_spine.rigging.rotation_modes import (
    euler_near,
    euler_to_quaternions,
    quaternions_to_axis_angle,
)


def spin(angle, axis=(0.6, 0.0, 0.8)):
    return from_axis_angle(np.asarray(axis), np.asarray(angle))


def back(channels):
    return from_axis_angle(channels[:, 1:], channels[:, 0])


def test_a_spin_through_full_turns_and_back_does_not_jump():
    angle = np.concatenate([np.linspace(-7.0, 15.0, 300), np.linspace(15.0, -3.0, 250)])
    channels = quaternions_to_axis_angle(spin(angle))
    assert np.abs(np.diff(channels, axis=0)).max() < 0.08
    assert angle_between(back(channels), spin(angle)).max() < 1e-7


def test_any_signs_and_any_rotations_come_back():
    turns = Rotation.random(200, rng=np.random.default_rng(3)).as_quat()
    channels = quaternions_to_axis_angle(turns)
    assert np.linalg.norm(channels[:, 1:], axis=-1) == pytest.approx(1.0)
    assert angle_between(back(channels), turns).max() < 1e-6


def test_rest_gives_an_axis_all_the_same():
    still = np.tile([1.0, 0.0, 0.0, 0.0], (4, 1))
    assert quaternions_to_axis_angle(still)[:, 0] == pytest.approx(0.0)
    assert np.linalg.norm(quaternions_to_axis_angle(still)[:, 1:], axis=-1) == pytest.approx(1.0)
    pause = spin([0.0, 0.0, 0.3, 0.0, -0.3])
    assert quaternions_to_axis_angle(pause)[:, 1] == pytest.approx(0.6)


@pytest.mark.parametrize("order", ["XYZ", "XZY", "YXZ", "YZX", "ZXY", "ZYX"])
def test_euler_angles_undo_what_quaternions_to_euler_does(order):
    turns = Rotation.random(100, rng=np.random.default_rng(5)).as_quat()
    there = quaternions_to_euler(turns, order)
    assert angle_between(euler_to_quaternions(there, order), turns).max() < 1e-7


@pytest.mark.parametrize("order", ["XYZ", "XZY", "YXZ", "YZX", "ZXY", "ZYX"])
def test_the_nearest_euler_angles_are_those_given_where_they_fit(order):
    near = np.random.default_rng(6).uniform(-9.0, 9.0, (200, 3))
    assert euler_near(euler_to_quaternions(near, order), order, near) == pytest.approx(near)
    turned = euler_near(euler_to_quaternions(near + 0.1, order), order, near)
    assert np.abs(turned - near).max() < 0.1001
