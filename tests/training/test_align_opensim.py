# SPDX-License-Identifier: GPL-3.0-or-later
"""OpenSim's model made like a body of the bank: lengths, signs, and poses that it knows itself."""

from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("anny", reason="training has its own environment, see training/README.md")
pytest.importorskip("opensim", reason="pip install --no-deps opensim==4.6")

from track_spine.inference.keypoints import INDEX, NAMES, SPINE
from track_spine.training import opensim_fit as fitting
from track_spine.training.align_poses import rest_points
from track_spine.training.anatomy import LUMBAR
from track_spine.training.errors import TrainingError
from track_spine.training.opensim_model import (
    fetch_skeleton,
    from_opensim,
    joint_place,
    load_model,
    scale,
    scale_factors,
    to_opensim,
)
from track_spine.training.opensim_solver import placed_markers
from track_spine.training.posing import make_figure, put_on

BODY = 20
LUMBAR_DEG = {"L5_S1_Flex_Ext": -4.0, "L5_S1_Lat_Bending": 1.0, "L5_S1_axial_rotation": 2.0}


@pytest.fixture(scope="module")
def skeleton():
    try:
        return fetch_skeleton()
    except TrainingError as error:
        pytest.skip(str(error))


@pytest.fixture(scope="module")
def figure(model):
    return make_figure(model, BODY)


@pytest.fixture(scope="module")
def rest(figure):
    return rest_points(figure)


@pytest.fixture(scope="module")
def placement(skeleton, rest):
    return fitting.place_markers(skeleton, rest)


def posed_by_the_model(skeleton, rest, placement, coordinates):
    """Markers of the model itself, world axes, and the lumbar rotation, at given angles."""
    model = fitting.marked_model(skeleton, rest, placement.markers)
    state = model.initSystem()
    for name, degrees in coordinates.items():
        model.getCoordinateSet().get(name).setValue(state, np.radians(degrees), False)
    model.assemble(state)
    return from_opensim(placed_markers(model, state)), fitting.lumbar_rotation(model, state)


def test_axes_are_forward_up_and_right():
    assert to_opensim(np.array([0.0, -1.0, 0.0])) == pytest.approx([1.0, 0.0, 0.0])
    assert to_opensim(np.array([-1.0, 0.0, 0.0])) == pytest.approx([0.0, 0.0, 1.0])
    points = np.random.default_rng(0).normal(size=(4, 3))
    assert np.allclose(from_opensim(to_opensim(points)), points)


def test_the_scaled_model_has_the_lengths_of_the_body(skeleton, rest):
    model = load_model(skeleton)
    scale(model, scale_factors(rest))
    state = model.initSystem()

    def apart(first, second):
        return np.linalg.norm(joint_place(model, state, first) - joint_place(model, state, second))

    def wanted(first, second):
        return np.linalg.norm(rest[INDEX[first]] - rest[INDEX[second]])

    assert apart("hip_l", "walker_knee_l") == pytest.approx(
        wanted("left_hip", "left_knee"), abs=2e-3
    )
    assert apart("elbow_r", "radius_hand_r") == pytest.approx(
        wanted("right_elbow", "right_wrist"), abs=2e-3
    )
    assert apart("hip_l", "hip_r") == pytest.approx(wanted("left_hip", "right_hip"), abs=1e-3)
    height = joint_place(model, state, "acromial_l")[1] - joint_place(model, state, "hip_l")[1]
    rise = rest[INDEX["left_shoulder"], 2] - rest[INDEX["left_hip"], 2]
    assert height == pytest.approx(rise, abs=2e-3)


def test_at_rest_the_markers_lie_on_the_points(skeleton, rest, placement):
    fit = fitting.fit(skeleton, rest, placement.markers, rest[None])
    others = [INDEX[name] for name in placement.markers]
    assert set(SPINE) < set(placement.markers)
    assert fit.residual_m[0, others].max() < 0.002
    assert np.abs(fit.lumbar_deg).max() < 1.0


def test_a_pose_of_the_model_itself_is_found_again(skeleton, rest, placement):
    limbs = {"hip_flexion_l": 60.0, "knee_angle_l": 50.0, "arm_flex_r": 40.0, "elbow_flex_r": 70.0}
    points, lumbar = posed_by_the_model(skeleton, rest, placement, LUMBAR_DEG | limbs)
    fit = fitting.fit(skeleton, rest, placement.markers, points[None])
    assert fit.residual_m[0, [INDEX[name] for name in SPINE]].max() < 2e-3
    assert np.sqrt(np.mean(np.square(fit.residual_m))) < 2e-3
    assert fit.lumbar_deg[0] == pytest.approx(lumbar, abs=0.5)


@pytest.mark.parametrize(
    ("coordinate", "degrees", "axis", "total"),
    [
        ("L5_S1_Flex_Ext", -4.0, 0, 4.0 * 7.143),
        ("L5_S1_Lat_Bending", -2.0, 1, 2.0 * 10.78),
        ("L5_S1_axial_rotation", 3.0, 2, 3.0 * 5.5625),
    ],
)
def test_six_lumbar_joints_share_three_freedoms(
    skeleton, rest, placement, coordinate, degrees, axis, total
):
    _, lumbar = posed_by_the_model(skeleton, rest, placement, {coordinate: degrees})
    assert lumbar[axis] == pytest.approx(total, abs=1.5)  # shares of the facts on biomechanics


@pytest.mark.parametrize(("axis", "size"), [(0, 7.0), (0, -2.5), (1, 3.0), (2, 1.2)])
def test_a_bend_of_the_generator_comes_out_with_its_sign(
    model, figure, standing, skeleton, rest, placement, axis, size
):
    angles = np.zeros((25, 3))
    angles[LUMBAR, axis] = size
    points = put_on(figure, model, replace(standing, spine_deg=angles)).points
    fit = fitting.fit(skeleton, rest, placement.markers, points[None])
    assert fit.lumbar_deg[0, axis] == pytest.approx(6 * size, abs=8.0)
    assert np.sqrt(np.mean(fit.residual_m[0, [INDEX[name] for name in SPINE]] ** 2)) < 0.02


def test_a_point_far_off_is_left_over(skeleton, rest, placement):
    points = rest.copy()
    points[INDEX["spine_03"], 1] += 0.3
    fit = fitting.fit(skeleton, rest, placement.markers, points[None])
    assert fit.residual_m[0, INDEX["spine_03"]] > 0.1


def test_common_markers_are_the_mean_of_those_on_the_usual_segment():
    def placed(segment, x):
        marker = fitting.Marker(segment, np.array([x, 0.0, 0.0]))
        return fitting.Placement({"spine_02": marker}, np.zeros((6, 3)))

    common = fitting.common_markers(
        [placed("lumbar5", 0.1), placed("lumbar5", 0.3), placed("sacrum", 9.0)]
    )
    assert common["spine_02"].segment == "lumbar5"
    assert common["spine_02"].place[0] == pytest.approx(0.2)


def test_every_key_point_has_a_marker(skeleton, rest, placement):
    model = fitting.marked_model(skeleton, rest, placement.markers)
    assert sorted(marker.getName() for marker in model.getMarkerSet()) == sorted(NAMES)
