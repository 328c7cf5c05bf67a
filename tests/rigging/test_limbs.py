# SPDX-License-Identifier: GPL-3.0-or-later
"""Arms and legs of synthetic people, found again."""

import numpy as np
import pytest
from track_spine.rigging.motion import Motion3D
from track_spine.rigging.rotation import angle_between, conjugate, multiply, rotate
from track_spine.rigging.skeleton import canonical_skeleton
from track_spine.rigging.solve import solve

TIME_S = np.arange(60) / 30.0
RISE = np.linspace(0.0, 1.0, 60)


@pytest.fixture(name="skeleton", scope="module")
def _skeleton():
    return canonical_skeleton({})


@pytest.fixture(name="play", scope="module")
def _play(skeleton, pose, key_points):
    """Pose the skeleton, change its key points, and give what was posed and what was solved."""

    def run(local, change=lambda motion: motion):
        posed = pose(skeleton, TIME_S, local)
        return posed, solve(change(key_points(skeleton, posed)))

    return run


def noisy(error_m, seed=0):
    def change(motion):
        noise = np.random.default_rng(seed).normal(size=motion.xyz_m.shape)
        return Motion3D(motion.names, motion.time_s, motion.xyz_m + error_m * noise, motion.score)

    return change


def hide(name, frames):
    def change(motion):
        xyz, score = motion.xyz_m.copy(), motion.score.copy()
        k = motion.names.index(name)
        xyz[frames, k], score[frames, k] = np.nan, 0.0
        return Motion3D(motion.names, motion.time_s, xyz, score)

    return change


def error_deg(skeleton, posed, solved, *bones):
    rows = [skeleton.index(bone) for bone in bones]
    return np.degrees(angle_between(solved.motion.rotation, posed.rotation))[:, rows]


def hinge(skeleton, motion, bone):
    """(T, 3) direction of a bone's X axis in the world."""
    return rotate(motion.rotation[:, skeleton.index(bone)], np.array([1.0, 0.0, 0.0]))


def steps_deg(skeleton, motion, bone):
    turn = motion.rotation[:, skeleton.index(bone)]
    return np.degrees(angle_between(turn[1:], turn[:-1]))


@pytest.mark.parametrize("side", ["L", "R"])
def test_a_bent_arm_shows_swing_and_twist(skeleton, play, turn_about, side):
    sign = 1.0 if side == "L" else -1.0
    local = {
        f"clavicle.{side}": turn_about("z", 0.1 * RISE),
        f"upper_arm.{side}": multiply(
            turn_about("z", -sign * (0.4 + 0.8 * RISE)),
            multiply(turn_about("x", 0.4 * RISE), turn_about("y", 0.9 * RISE - 0.3)),
        ),
        f"forearm.{side}": turn_about("x", np.radians(40.0 + 80.0 * RISE)),
    }
    posed, solved = play(local)
    bones = [f"{part}.{side}" for part in ("upper_arm", "forearm", "hand")]
    # The steady hinge is not quite free to turn as fast as it wants.
    assert error_deg(skeleton, posed, solved, *bones).max() < 0.3
    # Where a shoulder is in the middle of its movement counts as where it rests.
    assert error_deg(skeleton, posed, solved, f"clavicle.{side}").max() < np.degrees(0.05)


@pytest.mark.parametrize("side", ["L", "R"])
def test_a_bent_leg_and_its_foot_show_swing_and_twist(skeleton, play, turn_about, side):
    local = {
        f"thigh.{side}": multiply(turn_about("x", -1.2 * RISE), turn_about("y", 0.4 * RISE - 0.2)),
        f"shin.{side}": turn_about("x", np.radians(35.0 + 70.0 * RISE)),
        f"foot.{side}": multiply(turn_about("x", 0.4 * RISE), turn_about("y", 0.3 * RISE)),
    }
    posed, solved = play(local)
    bones = [f"{part}.{side}" for part in ("thigh", "shin", "foot", "toe")]
    assert error_deg(skeleton, posed, solved, *bones).max() < 0.3


def test_joints_are_where_the_points_are(play, turn_about):
    local = {
        "upper_arm.R": turn_about("z", 0.7 * RISE),
        "forearm.R": turn_about("x", RISE),
        "thigh.L": turn_about("x", -RISE),
        "shin.L": turn_about("x", 1.4 * RISE),
    }
    seen = []
    _, solved = play(local, lambda motion: seen.append(motion) or motion)
    heads = dict(zip(solved.motion.bones, np.moveaxis(solved.heads_m, 1, 0), strict=True))
    points = {"hand.R": "right_wrist", "foot.L": "left_ankle", "shin.L": "left_knee"}
    for bone, name in points.items():
        assert np.allclose(heads[bone], seen[0].point(name), atol=1e-4)


@pytest.mark.parametrize("error_m", [0.003, 0.01])
def test_straight_limbs_do_not_flip_in_noise(skeleton, play, turn_about, error_m):
    hanging = {
        "upper_arm.L": turn_about("z", np.radians([-85.0])),
        "upper_arm.R": turn_about("z", np.radians([85.0])),
    }
    posed, solved = play(hanging, noisy(error_m))
    for bone in ("upper_arm.L", "upper_arm.R", "thigh.L", "thigh.R"):
        across = np.sum(
            hinge(skeleton, solved.motion, bone) * hinge(skeleton, posed, bone), axis=-1
        )
        # Always on the side on which the anatomy has it, and never more than noise from frame to
        # frame: 1 cm at each end of a clavicle of 16 cm are 5 degrees, which twist the arm below.
        assert across.min() > 0.7
        assert steps_deg(skeleton, solved.motion, bone).max() < 25.0 * error_m / 0.01


def test_an_arm_keeps_its_plane_while_it_is_straight(skeleton, play, turn_about):
    # Bent by 60 degrees, straight from 0.7 s to 1.3 s, bent again; twisted by 50 degrees all along.
    bend = np.radians(np.interp(TIME_S, [0.0, 0.5, 0.7, 1.3, 1.5, 2.0], [60, 60, 0, 0, 60, 60]))
    local = {
        "upper_arm.L": multiply(
            turn_about("z", np.array([-1.2])), turn_about("y", np.array([0.87]))
        ),
        "forearm.L": turn_about("x", bend),
    }
    posed, solved = play(local, noisy(0.002))
    across = np.sum(
        hinge(skeleton, solved.motion, "upper_arm.L") * hinge(skeleton, posed, "upper_arm.L"),
        axis=-1,
    )
    assert np.degrees(np.arccos(across.min())) < 25.0
    assert steps_deg(skeleton, solved.motion, "upper_arm.L").max() < 8.0


def test_knees_and_elbows_bent_slightly_backwards_do_not_turn_the_limb_round(
    skeleton, play, turn_about
):
    backwards = np.radians(-8.0 + 20.0 * np.maximum(0.0, np.sin(4.0 * TIME_S)))
    local = {
        "forearm.L": turn_about("x", backwards),
        "forearm.R": turn_about("x", backwards),
        "shin.L": turn_about("x", 2.0 * backwards),
        "shin.R": turn_about("x", 2.0 * backwards),
    }
    posed, solved = play(local, noisy(0.002))
    for bone in ("upper_arm.L", "upper_arm.R", "thigh.L", "thigh.R"):
        across = np.sum(
            hinge(skeleton, solved.motion, bone) * hinge(skeleton, posed, bone), axis=-1
        )
        assert across.min() > 0.9


def test_a_straight_arm_raised_forward_keeps_its_elbow_in_place(skeleton, play, turn_about):
    """From hanging through pointing ahead to overhead the elbow's hinge stays level."""
    raised = np.radians(5.0 + 170.0 * RISE)
    local = {}
    for side, sign in (("L", 1.0), ("R", -1.0)):
        # Down from T-pose, then up about the line of the shoulders, which is its hinge.
        local[f"upper_arm.{side}"] = multiply(
            turn_about("z", np.array([-sign * np.pi / 2.0])), turn_about("x", raised)
        )
    posed, solved = play(local, noisy(0.002))
    for bone in ("upper_arm.L", "upper_arm.R"):
        assert (hinge(skeleton, posed, bone)[:, 0] < -0.99).all()
        # Within 45 degrees: no point shows it.
        assert (hinge(skeleton, solved.motion, bone)[:, 0] < -0.7).all()


def test_a_straight_leg_twists_with_its_foot(skeleton, play, turn_about):
    local = {
        "thigh.L": turn_about("y", np.array([0.5])),
        "thigh.R": turn_about("y", np.array([-0.3])),
    }
    posed, solved = play(local)
    assert error_deg(skeleton, posed, solved, "thigh.L", "thigh.R", "foot.L").max() < 2.0


def test_feet_roll_yaw_and_pitch_with_their_soles(skeleton, play, turn_about):
    for axis in "xyz":
        local = {f"foot.{side}": turn_about(axis, 0.5 * RISE) for side in "LR"}
        posed, solved = play(local)
        assert error_deg(skeleton, posed, solved, "foot.L", "foot.R", "toe.L", "toe.R").max() < 0.01


def test_a_part_that_is_hidden_goes_on_with_its_parent(skeleton, play, turn_about):
    steady = turn_about("x", np.radians(30.0 + 40.0 * RISE))
    local = {
        "pelvis": turn_about("y", 1.5 * RISE),
        "forearm.L": steady,
        "shin.R": steady,
        "foot.R": turn_about("x", 0.3 * RISE),
    }
    for name, bone in (
        ("left_wrist", "forearm.L"),
        ("right_ankle", "shin.R"),
        ("right_heel", "foot.R"),
    ):
        posed, solved = play(local, hide(name, slice(20, 35)))
        assert error_deg(skeleton, posed, solved, bone).max() < 1.0
    posed, solved = play(local, hide("left_wrist", slice(30, None)))
    forearm, upper = (
        solved.motion.rotation[:, skeleton.index(bone)] for bone in ("forearm.L", "upper_arm.L")
    )
    held = multiply(conjugate(upper), forearm)[30:]
    assert np.degrees(angle_between(held[1:], held[:-1]).max()) < 0.5


def test_a_limb_never_seen_rests(skeleton, play, turn_about):
    everything = slice(None)

    def change(motion):
        for name in ("left_elbow", "left_wrist"):
            motion = hide(name, everything)(motion)
        return motion

    posed, solved = play({"pelvis": turn_about("y", RISE)}, change)
    assert error_deg(skeleton, posed, solved, "upper_arm.L", "forearm.L", "hand.L").max() < 0.01


@pytest.mark.parametrize("side", ["left", "right"])
def test_feet_mistaken_in_depth_turn_no_leg_round(skeleton, play, side):
    def toes_behind(motion):
        """In some frames depth noise puts toes behind the heel, and knees bend back."""
        xyz = motion.xyz_m.copy()
        index = {name: row for row, name in enumerate(motion.names)}
        for frames, shift in ((slice(10, 13), 0.5), (slice(30, 31), 0.4), (slice(45, 50), 0.6)):
            for part in ("big_toe", "small_toe"):
                xyz[frames, index[f"{side}_{part}"], 1] += shift
            xyz[frames, index[f"{side}_knee"], 1] += 0.06
        return Motion3D(motion.names, motion.time_s, xyz, motion.score)

    posed, solved = play({}, toes_behind)
    suffix = side[0].upper()
    for bone in (f"thigh.{suffix}", f"shin.{suffix}", f"foot.{suffix}"):
        assert steps_deg(skeleton, solved.motion, bone).max() < 30.0
        across = np.sum(
            hinge(skeleton, solved.motion, bone) * hinge(skeleton, posed, bone), axis=-1
        )
        assert across.min() > 0.7
