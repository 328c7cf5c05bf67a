# SPDX-License-Identifier: GPL-3.0-or-later
"""Pelvis, spine, neck and head of synthetic people, found again."""

import numpy as np
import pytest
from track_spine.rigging import spine_curve
from track_spine.rigging.errors import RigError
from track_spine.rigging.motion import Motion3D
from track_spine.rigging.rotation import angle_between, multiply
from track_spine.rigging.skeleton import canonical_skeleton
from track_spine.rigging.solve import solve
from track_spine.rigging.trunk import spine_confidence

TRUNK = ("pelvis", *spine_curve.BONES)
TRUNK_BONES = len(TRUNK)
TIME_S = np.arange(4) / 30.0


@pytest.fixture(name="skeleton", scope="module")
def _skeleton():
    return canonical_skeleton({})


@pytest.fixture(name="error_deg", scope="module")
def _error_deg(skeleton, pose, key_points):
    """Pose the skeleton, solve it from its key points, and give (T, 10) degrees of error."""

    def measure(local, change=lambda motion: motion, time_s=TIME_S, root_m=None):
        posed = pose(skeleton, time_s, local, root_m)
        solved = solve(change(key_points(skeleton, posed)))
        error = angle_between(solved.motion.rotation, posed.rotation)
        return np.degrees(error[:, :TRUNK_BONES])

    return measure


def bend(turn_about, axis, share, column):
    """Bend every joint of the spine by a share of its range, sagittal "x" or lateral "z"."""
    angles = np.radians(np.array(spine_curve.TURN_RANGE_DEG)[:, column]) * share
    return dict(zip(spine_curve.BONES[1:], turn_about(axis, angles)[:, None], strict=True))


def twist(turn_about, chest_deg, head_deg):
    trunk, neck = spine_curve.twist_shares()
    steps = [*np.diff(trunk, prepend=0.0) * chest_deg, *np.diff(neck, prepend=0.0) * head_deg]
    return dict(zip(spine_curve.BONES, turn_about("y", np.radians(steps))[:, None], strict=True))


def test_the_rest_pose_is_found_exactly(error_deg):
    assert error_deg({}).max() < 1e-4


@pytest.mark.parametrize("share", [0.6, 0.3, -0.3, -0.5])
def test_flexion_and_extension(error_deg, turn_about, share):
    # Up to 105 degrees from pelvis to head. The fit counts large bends as a little less likely than
    # small ones, which costs well under a degree.
    assert error_deg(bend(turn_about, "x", share, 0)).max() < 0.5


@pytest.mark.parametrize("share", [0.4, -0.4])
def test_side_bend(error_deg, turn_about, share):
    assert error_deg(bend(turn_about, "z", share, 1)).max() < 0.5


@pytest.mark.parametrize("chest_deg", [40.0, -40.0])
@pytest.mark.parametrize("head_deg", [70.0, -30.0, 0.0])
def test_axial_twist(error_deg, turn_about, chest_deg, head_deg):
    assert error_deg(twist(turn_about, chest_deg, head_deg)).max() < 0.01


def test_twist_of_a_bent_spine(error_deg, turn_about):
    bent, twisted = bend(turn_about, "x", 0.3, 0), twist(turn_about, 30.0, 40.0)
    local = {b: multiply(twisted[b], bent.get(b, twisted["spine_01"])) for b in twisted}
    assert error_deg(local).max() < 1.0


def test_a_kink_is_shared_with_its_neighbours_but_the_points_are_met(
    skeleton, pose, key_points, turn_about
):
    # All flexion at L3: 25 degrees in one joint, none in the next.
    posed = pose(skeleton, TIME_S, {"spine_03": turn_about("x", np.radians([25.0]))})
    motion = key_points(skeleton, posed)
    solved = solve(motion)
    error = angle_between(solved.motion.rotation, posed.rotation)[:, :TRUNK_BONES]
    assert np.degrees(error.max()) < 10.0
    tips = [skeleton.index(bone) for bone in spine_curve.BONES]
    points = np.stack([motion.point(name) for name in spine_curve.POINTS], axis=1)
    assert np.linalg.norm(solved.tails_m[:, tips] - points, axis=-1).max() < 0.007


@pytest.mark.parametrize("axis", ["x", "y", "z"])
@pytest.mark.parametrize("angle_deg", [90.0, 180.0, -120.0])
def test_the_body_may_lie_turn_or_stand_on_its_head(error_deg, turn_about, axis, angle_deg):
    assert error_deg({"pelvis": turn_about(axis, np.radians([angle_deg]))}).max() < 1e-3


def test_touching_the_toes(error_deg, turn_about):
    local = bend(turn_about, "x", 0.8, 0)
    local["pelvis"] = turn_about("x", np.radians([80.0]))
    assert error_deg(local).max() < 1.0


def test_the_pelvis_tips_with_the_sacrum_and_follows_the_hip_joints(error_deg, turn_about):
    local = {
        "pelvis": multiply(turn_about("y", np.array([0.6])), turn_about("x", np.array([0.3]))),
        "spine_01": turn_about("z", np.radians([3.0])),
    }
    assert error_deg(local)[:, 0].max() < 0.3


def waving(turn_about, rng, time_s):
    """Bend each joint in proportion to its range, and by a third of that on its own besides."""
    local = {}
    shared = [wave(rng, time_s) for _ in range(2)]
    for bone, limits in zip(spine_curve.BONES[1:], spine_curve.TURN_RANGE_DEG, strict=True):
        own = [
            0.3 * limit * (s + 0.33 * wave(rng, time_s))
            for s, limit in zip(shared, limits, strict=True)
        ]
        flex, lean = (turn_about(axis, np.radians(a)) for axis, a in zip("xz", own, strict=True))
        local[bone] = multiply(flex, lean)
    return local


def wave(rng, time_s):
    return np.sin(2.0 * np.pi * (rng.uniform(0.2, 1.2) * time_s + rng.uniform()))


def test_uneven_waves_are_followed_and_noise_is_not(error_deg, turn_about):
    rng = np.random.default_rng(1)
    time_s = np.arange(300) / 30.0
    local = waving(turn_about, rng, time_s)

    def noisy(motion):
        xyz = motion.xyz_m + 0.006 * rng.normal(size=motion.xyz_m.shape)
        return Motion3D(motion.names, motion.time_s, xyz, motion.score)

    exact = error_deg(local, time_s=time_s)
    blurred = error_deg(local, noisy, time_s)
    assert np.sqrt(np.mean(exact**2)) < 1.5
    # A segment of 5 cm between points 6 mm off is 10 degrees off by itself.
    assert np.sqrt(np.mean(blurred**2)) < 6.0


def hide(*names):
    def change(motion):
        xyz, score = motion.xyz_m.copy(), motion.score.copy()
        rows = [motion.names.index(name) for name in names]
        xyz[:, rows], score[:, rows] = np.nan, 0.0
        return Motion3D(motion.names, motion.time_s, xyz, score)

    return change


def test_missing_spine_points_are_bridged_by_the_ranges_of_the_joints(error_deg, turn_about):
    local = bend(turn_about, "x", 0.4, 0)
    error = error_deg(local, hide("spine_02", "spine_04", "neck_02"))
    assert error.max() < 2.5


def test_without_any_spine_point_the_spine_is_neutral_between_hips_and_shoulders(
    error_deg, turn_about
):
    names = ("hip", *spine_curve.POINTS)
    error = error_deg({"pelvis": turn_about("y", np.array([1.0]))}, hide(*names))
    assert error.max() < 8.0


def test_points_of_low_score_pull_less(skeleton, pose, key_points):
    motion = key_points(skeleton, pose(skeleton, TIME_S, {}))
    k = motion.names.index("spine_04")
    xyz = motion.xyz_m.copy()
    xyz[2:, k, 1] += 0.03
    strain = []
    for trust in (1.0, 0.1):
        score = motion.score.copy()
        score[2:, k] = trust
        solved = solve(Motion3D(motion.names, motion.time_s, xyz, score))
        strain.append(angle_between(solved.motion.rotation[3], solved.motion.rotation[0]).max())
    assert strain[1] < 0.2 * strain[0]


def test_the_chest_twist_is_bridged_where_a_shoulder_is_hidden(
    skeleton, pose, key_points, turn_about
):
    time_s = np.arange(31) / 30.0
    angle = np.radians(np.linspace(-20.0, 20.0, 31))
    trunk, _ = spine_curve.twist_shares()
    local = {
        bone: turn_about("y", share * angle)
        for bone, share in zip(spine_curve.BONES, np.diff(trunk, prepend=0.0), strict=False)
    }
    posed = pose(skeleton, time_s, local)
    motion = key_points(skeleton, posed)
    xyz, score = motion.xyz_m.copy(), motion.score.copy()
    hidden = motion.names.index("left_shoulder")
    xyz[10:20, hidden], score[10:20, hidden] = np.nan, 0.0
    solved = solve(Motion3D(motion.names, time_s, xyz, score))
    error = angle_between(solved.motion.rotation, posed.rotation)[:, :TRUNK_BONES]
    assert np.degrees(error.max()) < 0.1


def test_which_way_a_person_faces_must_be_seen_once(skeleton, pose, key_points):
    motion = key_points(skeleton, pose(skeleton, TIME_S, {}))
    with pytest.raises(RigError, match="faces"):
        solve(hide("left_hip", "right_shoulder")(motion))


def test_confidence_is_the_mean_score_of_the_nine_points_where_the_torso_is_seen(
    skeleton, pose, key_points
):
    motion = key_points(skeleton, pose(skeleton, TIME_S, {}))
    xyz, score = motion.xyz_m.copy(), motion.score.copy()
    names = ("hip", *spine_curve.POINTS[:-1])
    for number, name in enumerate(names):
        score[:, motion.names.index(name)] = number / 10 + 0.1
    score[:, motion.names.index("head")] = 0.01
    xyz[0], score[0] = np.nan, 0.0
    seen = Motion3D(motion.names, motion.time_s, xyz, score)
    assert spine_confidence(seen) == pytest.approx(0.5)
    nobody = Motion3D(motion.names, motion.time_s, np.full_like(xyz, np.nan), 0.0 * score)
    assert spine_confidence(nobody) == 0.0
