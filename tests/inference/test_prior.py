# SPDX-License-Identifier: GPL-3.0-or-later
"""The geometric prior: where guessed points lie on bodies whose every landmark is known."""

import numpy as np
import pytest
from scipy.spatial.transform import Rotation
from track_spine.inference import prior
from track_spine.inference.keypoints import INDEX, NAMES, SPINE
from track_spine.inference.pose2d import LANDMARKS

ROW = {name: row for row, name in enumerate(LANDMARKS)}
GUESSED = [
    *SPINE,
    "head",
    "left_latissimus",
    "right_latissimus",
    "left_clavicle",
    "right_clavicle",
    "left_small_toe",
    "right_small_toe",
]
CONTRACT = {"spine_01": 0.13, "spine_02": 0.225, "spine_03": 0.34, "spine_04": 0.61}
CONTRACT |= {"spine_05": 0.845, "neck": 1.0, "neck_02": 1.10, "neck_03": 1.18}
"""Shares of the arc from hip to C7, as the design states them."""


def swapped(names):
    """Rows of the other side's points."""
    other = {"left": "right", "right": "left"}
    parts = [name.split("_") for name in names]
    return [list(names).index("_".join(other.get(p, p) for p in part)) for part in parts]


def chain(points):
    return points.relative_m[[INDEX[name] for name in SPINE]]


@pytest.fixture
def uneven(standing):
    """An asymmetric, bent, turned body."""
    wobble = np.random.default_rng(5).normal(0, 0.03, standing.shape)
    return Rotation.from_euler("y", 35, degrees=True).apply(standing + wobble)


def test_the_neutral_curve_is_one_chord_high_and_straight_above_its_foot():
    curve = prior.neutral_curve()
    np.testing.assert_allclose(curve[0], [0, 0], atol=1e-12)
    np.testing.assert_allclose(curve[SPINE.index("neck")], [0, 1], atol=1e-12)
    assert (np.diff(curve[:, 1]) > 0).all()


def test_the_neutral_curve_is_hollow_in_the_loins_and_round_in_the_chest():
    forward = dict(zip(SPINE, prior.neutral_curve()[:, 0], strict=True))
    assert min(forward["spine_01"], forward["spine_02"]) > 0.03
    assert max(forward["spine_04"], forward["spine_05"]) < -0.03
    assert min(forward["neck_02"], forward["neck_03"]) > 0.03
    bend = np.diff(np.unwrap(np.arctan2(*np.diff(prior.neutral_curve(), axis=0).T)))
    turn = dict(zip(SPINE[1:], bend, strict=False))
    assert max(turn["spine_01"], turn["spine_02"]) < 0  # lordosis: the next segment leans back
    assert min(turn["spine_04"], turn["spine_05"]) > 0  # kyphosis: it leans forward


def test_the_neutral_curve_has_the_contract_s_points():
    steps = np.linalg.norm(np.diff(prior.neutral_curve(), axis=0), axis=1)
    arc = np.cumsum(steps) / steps[:6].sum()
    # 0.002: chords between the points are a little shorter than the curve that they cut off.
    np.testing.assert_allclose(arc, list(CONTRACT.values()), atol=0.002)


def test_both_sides_of_the_file_boundary_hold_the_same_spine():
    # inference and rigging may not import each other: each keeps the table, this test keeps them.
    from track_spine.rigging import spine_curve

    np.testing.assert_allclose(np.diff(prior.CONTRACT_ARC), spine_curve.ARC_SHARE, atol=1e-9)
    directions = spine_curve.neutral_directions()[:-1]  # the head's is upright, not of the curve
    lean = np.degrees(np.arctan2(-directions[:, 1], directions[:, 2]))
    np.testing.assert_allclose(np.diff(lean), prior.TURN_DEG, atol=1e-6)
    np.testing.assert_allclose(directions[:, 0], 0.0, atol=1e-9)

    theirs = np.cumsum(np.array(spine_curve.ARC_SHARE)[:, None] * directions[:, 1:], axis=0)
    theirs /= np.hypot(*theirs[5])
    # 0.005 chord (2.5 mm): the measured segments and the contract's shares differ by that much.
    ours = prior.neutral_curve()[1:]
    np.testing.assert_allclose(ours, theirs * [-1, 1], atol=0.005)


def test_a_symmetric_body_has_its_spine_in_the_middle_bottom_to_top(standing, make_body):
    spine = chain(prior.complete(make_body(standing)))
    np.testing.assert_allclose(spine[:, 0], 0.0, atol=1e-9)
    assert (np.diff(spine[:, 1]) < 0).all()  # y points down
    assert spine[0, 2] > 0.02  # sacrum behind the hip joints


def test_hip_to_c7_is_divided_as_the_contract_says(standing, make_body):
    steps = np.linalg.norm(np.diff(chain(prior.complete(make_body(standing))), axis=0), axis=1)
    arc = np.cumsum(steps[:6]) / steps[:6].sum()
    # 0.02 of the arc (1 cm): the curve is sheared, since C7 and sacrum are not equally far back.
    np.testing.assert_allclose(arc, list(CONTRACT.values())[:6], atol=0.02)


def test_the_guesses_are_anatomically_sane(standing, make_body):
    points = prior.complete(make_body(standing)).relative_m
    place = {name: points[INDEX[name]] for name in NAMES}
    assert place["head"][1] < place["left_eye"][1] - 0.05
    for side, sign in (("left", 1.0), ("right", -1.0)):
        shoulder = place[f"{side}_shoulder"]
        assert 0 < sign * place[f"{side}_clavicle"][0] < sign * shoulder[0] / 2
        assert place[f"{side}_clavicle"][2] < place["spine_05"][2]  # breastbone before the spine
        assert 0 < sign * place[f"{side}_latissimus"][0] < sign * shoulder[0]
        assert shoulder[1] < place[f"{side}_latissimus"][1] < 0
        toe, small = place[f"{side}_big_toe"], place[f"{side}_small_toe"]
        assert sign * (small[0] - toe[0]) > 0.03
        assert toe[2] < small[2] < place[f"{side}_heel"][2]


def test_seen_points_are_the_network_s_own_about_mid_hip(uneven, make_body):
    body = make_body(uneven + np.array([0.3, -0.2, 0.1]))
    points = prior.complete(body)
    root = (body.world_m[ROW["left_hip"]] + body.world_m[ROW["right_hip"]]) / 2
    renamed = {"left_big_toe": "left_foot_index", "right_big_toe": "right_foot_index"}
    for name in NAMES:
        if name not in GUESSED:
            row = ROW[renamed.get(name, name)]
            np.testing.assert_allclose(points.relative_m[INDEX[name]], body.world_m[row] - root)
            np.testing.assert_allclose(points.xy_px[INDEX[name]], body.xy_px[row])
            assert points.score[INDEX[name]] == body.score[row]


def test_a_mirrored_body_has_mirrored_points(uneven, make_body):
    plain = prior.complete(make_body(uneven))
    mirror = np.array([-1.0, 1.0, 1.0])
    mirrored = prior.complete(make_body((uneven * mirror)[swapped(LANDMARKS)]))
    back = swapped(NAMES)
    np.testing.assert_allclose(mirrored.relative_m[back] * mirror, plain.relative_m, atol=1e-9)
    centre = np.array([400.0, 500.0])
    np.testing.assert_allclose(
        (mirrored.xy_px[back] - centre) * mirror[:2], plain.xy_px - centre, atol=1e-6
    )


@pytest.mark.parametrize("degrees", [30.0, 90.0, 180.0, -75.0])
def test_a_body_turned_in_the_image_turns_its_points(uneven, make_body, degrees):
    turn = Rotation.from_euler("z", degrees, degrees=True)
    flat = turn.as_matrix()[:2, :2]
    body = make_body(uneven)
    turned = make_body(turn.apply(uneven), xy_px=body.xy_px @ flat.T)
    before, after = prior.complete(body), prior.complete(turned)
    np.testing.assert_allclose(after.relative_m, turn.apply(before.relative_m), atol=1e-9)
    np.testing.assert_allclose(after.xy_px, before.xy_px @ flat.T, atol=1e-6)
    np.testing.assert_allclose(after.score, before.score)


def test_metres_turn_with_the_body_in_every_direction(uneven, make_body):
    for turn in Rotation.random(5, random_state=1):
        before, after = (
            prior.complete(make_body(uneven)),
            prior.complete(make_body(turn.apply(uneven))),
        )
        np.testing.assert_allclose(after.relative_m, turn.apply(before.relative_m), atol=1e-9)


def test_pixels_scale_and_move_with_the_picture(uneven, make_body):
    body = make_body(uneven)
    moved = make_body(uneven, xy_px=2.5 * body.xy_px + np.array([-300.0, 40.0]))
    before, after = prior.complete(body), prior.complete(moved)
    np.testing.assert_allclose(after.xy_px, 2.5 * before.xy_px + [-300.0, 40.0], atol=1e-6)
    np.testing.assert_allclose(after.relative_m, before.relative_m)


def test_guessed_points_project_as_the_seen_ones_do(uneven, make_body):
    centre, scale = np.array([311.0, 222.0]), 240.0
    points = prior.complete(make_body(uneven, xy_px=scale * uneven[:, :2] + centre))
    root = uneven[[ROW["left_hip"], ROW["right_hip"]]].mean(axis=0)
    expected = scale * (points.relative_m + root)[:, :2] + centre
    np.testing.assert_allclose(points.xy_px, expected, atol=1e-6)


@pytest.mark.parametrize(("part", "follows"), [("shoulder", "neck"), ("hip", "hip")])
def test_guessed_pixels_follow_the_part_they_hang_on(standing, make_body, part, follows):
    body = make_body(standing)
    shifted = body.xy_px.copy()
    shifted[[ROW[f"left_{part}"], ROW[f"right_{part}"]]] += [25.0, -10.0]
    before = prior.complete(body).xy_px
    after = prior.complete(make_body(standing, xy_px=shifted)).xy_px
    # A twelfth of the points moved: the fitted scale changes a little, the part's shift is whole.
    moved = after[INDEX[follows]] - before[INDEX[follows]]
    np.testing.assert_allclose(moved, [25.0, -10.0], atol=2.5)


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_a_side_bent_body_has_its_spine_on_the_arc_of_the_bend(standing, make_body, sign):
    # Pelvis level, chest at the end of an arc of 40 degrees and 0.5 m, shoulders square to it.
    bend, length = np.radians(40.0), 0.5
    radius = length / bend
    upper = [
        row
        for name, row in ROW.items()
        if not any(part in name for part in ("hip", "knee", "ankle", "heel", "foot"))
    ]
    chest = radius * np.array([sign * (1 - np.cos(bend)), -np.sin(bend), 0.0])
    bent = standing.copy()
    about_chest = standing[upper] - [0.0, -0.5, 0.0]
    bent[upper] = chest + Rotation.from_rotvec([0, 0, sign * bend]).apply(about_chest)
    spine = chain(prior.complete(make_body(bent)))[:7]
    share = np.array([0.0, *list(CONTRACT.values())[:6]])
    expected = sign * radius * (1 - np.cos(bend * share))
    # 0.02 m: C7 lies above the chest, so its arc is a little longer than that of the joints.
    np.testing.assert_allclose(spine[:, 0], expected, atol=0.02)
    assert sign * spine[-1, 0] > 0.15
    # And it bends, rather than leaning: its middle lies off the chord, on the outer side.
    middle, top = spine[SPINE.index("spine_03")], spine[-1]
    assert sign * (middle[0] - top[0] * (middle[1] - spine[0, 1]) / (top[1] - spine[0, 1])) < -0.01


def test_guesses_score_low_and_as_the_weakest_landmark_they_hang_on(standing, make_body):
    score = np.linspace(0.5, 0.98, len(LANDMARKS))
    points = prior.complete(make_body(standing, score=score))
    guessed = points.score[[INDEX[name] for name in GUESSED]]
    assert (guessed > 0).all()
    assert (guessed <= 0.3).all()
    shoulders = min(score[ROW["left_shoulder"]], score[ROW["right_shoulder"]])
    assert points.score[INDEX["neck"]] == pytest.approx(0.3 * shoulders)
    ears = min(score[ROW["left_ear"]], score[ROW["right_ear"]])
    assert points.score[INDEX["head"]] == pytest.approx(0.3 * ears)
    assert points.score[INDEX["spine_03"]] == pytest.approx(
        0.3 * min(shoulders, score[ROW["left_hip"]], score[ROW["right_hip"]])
    )


def test_a_point_that_is_there_never_scores_zero(standing, make_body):
    points = prior.complete(make_body(standing, score=0.0))
    assert np.isfinite(points.xy_px).all()
    assert (points.score > 0).all()
    assert points.score.max() < 0.01


def test_a_body_without_extent_stays_finite(make_body):
    points = prior.complete(make_body(np.zeros((33, 3)), xy_px=np.full((33, 2), 7.0)))
    assert np.isfinite(points.relative_m).all()
    np.testing.assert_allclose(points.xy_px, 7.0)
