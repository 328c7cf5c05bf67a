# SPDX-License-Identifier: GPL-3.0-or-later
"""The whole-clip fit: its slope against finite differences, its limits, its memory of windows."""

import numpy as np
import pytest
from track_spine.rigging import clip, spine_curve
from track_spine.rigging.attachments import Attachments
from track_spine.rigging.clip import refine
from track_spine.rigging.fit import ROUNDS, Pose, Problem, equations, fit
from track_spine.rigging.freedoms import freedoms
from track_spine.rigging.motion import Camera, Motion3D
from track_spine.rigging.observations import Locks, Observed, Places, Sight
from track_spine.rigging.rotation import angle_between
from track_spine.rigging.skeleton import canonical_skeleton
from track_spine.rigging.solve import solve
from track_spine.rigging.uncertainty import _chain_variance

CAMERA = Camera(
    np.array([[1.0, 0, 0, 0], [0, 0, 1, -4], [0, -1, 0, 1], [0, 0, 0, 1]]), 800.0, (640, 480)
)
CARRIERS = ("forearm.L", "spine_09_head", "foot.L", "spine_06", "thigh.R", "pelvis")


@pytest.fixture(name="rng")
def _rng():
    return np.random.default_rng(5)


def drawn_problem(rng, camera, frames=4):
    """A problem of which every part pulls, about a pose drawn at random."""
    skeleton = canonical_skeleton({})
    free = freedoms(skeleton)
    count = len(CARRIERS)
    still = np.zeros((frames, len(skeleton.bones), 4))
    still[..., 0] = 1.0
    first = Pose(still, np.tile(skeleton.head_m[0], (frames, 1)))
    first = first.moved(free, 0.25 * rng.normal(size=(frames, free.count)))
    bones = np.array([skeleton.index(bone) for bone in CARRIERS])
    sight = Sight(
        CAMERA,
        rng.uniform(0.0, 500.0, size=(frames, count, 2)),
        rng.uniform(0.0, 0.01, size=(frames, count)),
    )
    half = rng.normal(size=(frames, 3, 3))
    observed = Observed(
        time_s=np.cumsum(rng.uniform(0.02, 0.05, size=frames)),
        attachments=Attachments(
            CARRIERS, np.arange(count), bones, 0.1 * rng.normal(size=(count, 3))
        ),
        places=Places(
            rng.normal(size=(frames, count, 3)), rng.uniform(0.0, 100.0, size=(frames, count))
        ),
        from_root=camera,
        sight=sight if camera else None,
        root_m=rng.normal(size=(frames, 3)),
        root_precision=half @ np.swapaxes(half, -1, -2),
        locks=Locks(
            ("left_heel",),
            bones[2:3],
            np.array([[0.0, 0.1, 0.0]]),
            rng.normal(size=(frames, 1, 3)),
            rng.uniform(0.0, 100.0, size=(frames, 1)),
        ),
    )
    return Problem(free, observed, first, 0.05 * rng.normal(size=(8, 2)))


@pytest.mark.parametrize("camera", [False, True])
def test_the_slope_is_that_of_finite_differences(rng, camera):
    problem = drawn_problem(rng, camera)
    free = problem.free
    step = 0.1 * rng.normal(size=(4, free.count))
    pose = problem.first.moved(free, step)
    found = equations(problem, pose).slope
    small = 1e-6
    expected = np.empty_like(found)
    for at in np.ndindex(found.shape):
        step = np.zeros_like(found)
        step[at] = small
        ahead, behind = (
            equations(problem, pose.moved(free, way * step)).cost for way in (1.0, -1.0)
        )
        expected[at] = (ahead - behind) / (2.0 * small)
    assert np.abs(found - expected).max() < 1e-8 * np.abs(expected).max()


@pytest.mark.parametrize("camera", [False, True])
def test_the_curvature_is_symmetric_and_the_fit_ends_where_nothing_pulls(rng, camera):
    problem = drawn_problem(rng, camera)
    start = equations(problem, problem.first)
    assert np.allclose(start.blocks, np.swapaxes(start.blocks, 1, 2))
    pose, end = fit(problem)
    assert end.cost < 0.3 * start.cost
    for _ in range(5):
        pose, end = fit(Problem(problem.free, problem.observed, pose, problem.neutral))
    first = Problem(problem.free, problem.observed, pose, problem.neutral)
    assert np.abs(equations(first, pose).slope).max() < 0.02 * np.abs(start.slope).max()
    assert ROUNDS < 10


def test_a_point_without_joints_between_moves_as_the_closed_form_says(rng):
    """Curvature of a wrist's pull by the elbow: its lever squared, times the weight."""
    drawn = drawn_problem(rng, False, frames=1)
    free = drawn.free
    elbow = 3 + free.columns.index("forearm.L X")
    bend = np.zeros((1, free.count))
    bend[0, elbow] = 0.6
    still = Pose(np.tile([1.0, 0.0, 0.0, 0.0], (1, len(free.skeleton.bones), 1)), np.zeros((1, 3)))
    pose = still.moved(free, bend)
    problem = Problem(free, drawn.observed, pose, drawn.neutral)
    step = np.zeros((1, free.count))
    step[0, elbow] = 1e-5
    at, moved = (
        drawn.observed.attachments.place(*one.placed(free))[0, 0]
        for one in (pose, pose.moved(free, step))
    )
    lever = np.linalg.norm(moved - at) / 1e-5
    error = at - drawn.observed.places.xyz_m[0, 0]
    precision = drawn.observed.places.precision[0, 0]
    weight = precision / (1.0 + precision * (error @ error) / 9.0)
    kept = np.radians(20.0) ** -2.0
    found = equations(problem, pose).blocks[0, elbow, elbow]
    assert found == pytest.approx(weight * lever**2 + kept, rel=1e-4)


def test_chain_variances_are_those_of_the_inverse(rng):
    for frames in (1, 2, 3, 7, 8):
        own, coupling = rng.uniform(6.0, 9.0, size=(frames, 3)), rng.normal(size=(2, frames, 3))
        found = _chain_variance(own, coupling)
        for d in range(3):
            matrix = np.diag(own[:, d])
            for apart in (1, 2):
                for t in range(frames - apart):
                    matrix[t, t + apart] = matrix[t + apart, t] = coupling[apart - 1, t, d]
            assert np.allclose(np.diag(np.linalg.inv(matrix)), found[:, d])


def noisy(points, rng, error_m, score=0.9):
    xyz = points.xyz_m + error_m * rng.normal(size=points.xyz_m.shape)
    return Motion3D(points.names, points.time_s, xyz, np.full(points.score.shape, score))


@pytest.fixture(name="sway", scope="module")
def _sway(pose, key_points, turn_about):
    """Arms, legs and trunk move by known, moderate angles for four seconds."""
    time_s = np.arange(120) / 30.0
    wave = np.sin(2.0 * np.pi * 0.8 * time_s)
    skeleton = canonical_skeleton({})
    local = {bone: turn_about("x", 0.04 * wave) for bone in spine_curve.BONES[1:]}
    for side, sign in (("L", 1.0), ("R", -1.0)):
        local[f"forearm.{side}"] = turn_about("x", 1.0 + 0.5 * wave)
        local[f"thigh.{side}"] = turn_about("x", -0.5 - 0.3 * sign * wave)
        local[f"shin.{side}"] = turn_about("x", 0.9 + 0.4 * sign * wave)
    truth = pose(skeleton, time_s, local)
    return skeleton, truth, key_points(skeleton, truth)


def test_the_fit_is_nearer_to_the_truth_than_frame_by_frame(sway, rng):
    skeleton, truth, points = sway
    raw = noisy(points, rng, 0.015)
    first = solve(raw, {})
    better = refine(raw, first)
    bones = [b for b, name in enumerate(skeleton.bones) if not name.startswith("clavicle")]
    errors = [
        np.degrees(angle_between(s.motion.rotation, truth.rotation))[:, bones].mean()
        for s in (first, better)
    ]
    assert errors[1] < 0.6 * errors[0]
    length = np.linalg.norm(better.tails_m - better.heads_m, axis=-1)
    assert np.ptp(length, axis=0).max() < 1e-9


def test_deviations_are_as_large_as_errors(sway, rng):
    skeleton, truth, points = sway
    raw = noisy(points, rng, 0.015)
    raw = Motion3D(
        raw.names, raw.time_s, raw.xyz_m, raw.score, sigma_m=np.full(raw.score.shape, 0.015)
    )
    found = refine(raw, solve(raw, {}))
    for name in ("forearm.L", "shin.R", "thigh.L"):
        bone = skeleton.index(name)
        parent = skeleton.parents[bone]
        errors = []
        for motion in (found.motion, truth):
            turned = motion.rotation[:, [parent, bone]]
            errors.append(angle_between(turned[:, 0], turned[:, 1]))
        error = np.sqrt(np.mean((errors[0] - errors[1]) ** 2))
        told = np.sqrt(np.mean(found.sigma[:, bone] ** 2))
        assert 0.3 < error / told < 1.7, name
    assert (found.sigma[:, skeleton.index("hand.L")] == 0.0).all()


def test_windows_join_without_a_seam(sway, rng, monkeypatch):
    _, _, points = sway
    raw = noisy(points, rng, 0.01)
    first = solve(raw, {})
    whole = refine(raw, first)
    monkeypatch.setattr(clip, "WINDOW", 50)
    parts = refine(raw, first)
    assert np.degrees(angle_between(whole.motion.rotation, parts.motion.rotation).max()) < 0.5
    assert np.abs(whole.motion.root_m - parts.motion.root_m).max() < 0.002


def test_joints_stay_within_their_limits(pose, key_points, turn_about):
    """A knee seen bent backwards by 40 degrees and a spine folded at one joint by 60."""
    skeleton = canonical_skeleton({})
    time_s = np.arange(20) / 30.0
    local = {"shin.L": turn_about("x", np.radians(-40.0)), "spine_04": turn_about("x", 1.05)}
    raw = key_points(skeleton, pose(skeleton, time_s, local))
    found = refine(raw, solve(raw, {}))
    turned = found.motion.rotation[:, [skeleton.index("thigh.L"), skeleton.index("shin.L")]]
    knee = np.degrees(angle_between(turned[:, 0], turned[:, 1]))
    assert knee.max() < 15.0
    turned = found.motion.rotation[:, [skeleton.index("spine_03"), skeleton.index("spine_04")]]
    rest = skeleton.rest[[skeleton.index("spine_03"), skeleton.index("spine_04")]]
    lumbar = np.degrees(angle_between(*np.moveaxis(turned, 1, 0)) - angle_between(*rest))
    # L1's turn reaches 27 degrees forward at most; a limit gives way by a few.
    assert lumbar.max() < 40.0


def test_pixels_bring_the_wrist_onto_its_ray(sway):
    """The lifted wrist is 5 cm beside where the camera sees it."""
    skeleton, _, points = sway
    camera = Camera(CAMERA.world_from_camera, 900.0, (1280, 720))
    seen = camera.seen_from(points.xyz_m)
    xy_px = 900.0 * seen[..., :2] / seen[..., 2:] + [640.0, 360.0]
    wrist = points.names.index("left_wrist")
    xyz = points.xyz_m.copy()
    xyz[:, wrist, 2] += 0.05
    raw = Motion3D(
        points.names,
        points.time_s,
        xyz,
        points.score,
        sigma_m=np.full(points.score.shape, 0.05),
        xy_px=xy_px,
        camera=camera,
    )
    found = refine(raw, solve(raw, {}))
    hand = found.heads_m[:, skeleton.index("hand.L")]
    assert np.abs(hand[:, 2] - points.xyz_m[:, wrist, 2]).mean() < 0.01
