# SPDX-License-Identifier: GPL-3.0-or-later
"""Crops that show no person, half of one or the wrong one: finite spines, and none that is sure."""

import dataclasses

import av
import cv2
import numpy as np
import pytest
from track_spine.inference.bend import complete
from track_spine.inference.crop import Crop
from track_spine.inference.keypoints import SPINE
from track_spine.inference.models import POSE
from track_spine.inference.pose2d import estimate
from track_spine.inference.session import Session

UNSURE = 0.2
"""Scores below it hardly weigh on the motion: it is the share of a landmark's weight, squared."""


@pytest.fixture(scope="module")
def session():
    return Session(POSE, threads=1)


@pytest.fixture(scope="module")
def rgb(short_clip):
    with av.open(str(short_clip)) as container:
        return next(container.decode(video=0)).to_ndarray(format="rgb24")


@pytest.fixture(scope="module")
def seen(session, rgb):
    """The woman of the first frame, 215 px high, through the crop that her landmarks give."""
    rough = Crop.around(np.array([653.0, 367.0]), np.array([655.0, 260.0]))
    (body,) = estimate(session, rgb, [rough])
    (body,) = estimate(session, rgb, [body.next_crop()])
    return body


@pytest.fixture(scope="module")
def look(session):
    """Look at a picture through a crop: the body, after making sure that all of it is finite."""

    def at(picture, crop):
        (body,) = estimate(session, np.ascontiguousarray(picture), [crop])
        points = complete(body)
        assert body.spine.xy_px.shape == (14, 2)
        for values in (points.xy_px, points.relative_m, points.score):
            assert np.isfinite(values).all()
        assert ((points.score > 0.0) & (points.score <= 1.0)).all()
        return body

    return at


def moved(crop, **changes):
    return dataclasses.replace(crop, **changes)


def on_spine(body):
    return body.spine.score[: len(SPINE)]


def test_a_person_in_full_view_has_a_sure_spine_between_hips_and_head(seen):
    assert on_spine(seen).mean() > 0.4
    hips, nose = seen.xy_px[[23, 24]].mean(axis=0), seen.xy_px[0]
    hip, c1 = seen.spine.xy_px[[0, len(SPINE) - 1]]
    assert np.linalg.norm(hip - hips) < 0.3 * seen.trunk_px()
    assert np.linalg.norm(c1 - nose) < 0.4 * seen.trunk_px()
    up = (nose - hips) / np.linalg.norm(nose - hips)
    assert (np.diff(seen.spine.xy_px[: len(SPINE)] @ up) > 0).all()


@pytest.mark.parametrize(
    "picture",
    [
        np.zeros((498, 884, 3), np.uint8),
        np.full((498, 884, 3), 255, np.uint8),
        np.random.default_rng(0).integers(0, 256, (498, 884, 3), np.uint8),
        np.full((1, 1, 3), 90, np.uint8),
    ],
    ids=["black", "white", "noise", "one pixel"],
)
def test_a_picture_of_nothing_has_no_sure_spine(look, seen, picture):
    assert look(picture, seen.crop).spine.score.max() < UNSURE


@pytest.mark.parametrize("sides", [(0.5, 0.0), (-0.8, 0.0), (0.0, -0.9), (30.0, 30.0)])
def test_a_box_beside_the_person_has_no_sure_spine(look, seen, rgb, sides):
    crop = seen.crop
    beside = moved(crop, centre_px=crop.centre_px + crop.side_px * np.array(sides))
    assert look(rgb, beside).spine.score.max() < UNSURE


@pytest.mark.parametrize("factor", [0.1, 0.2, 20.0])
def test_a_box_of_a_wrong_size_has_no_sure_spine(look, seen, rgb, factor):
    wrong = moved(seen.crop, side_px=factor * seen.crop.side_px)
    assert look(rgb, wrong).spine.score.max() < UNSURE


def test_a_person_upside_down_in_its_crop_has_no_sure_spine(look, seen, rgb):
    turned = moved(seen.crop, angle=seen.crop.angle + np.pi)
    assert look(rgb, turned).spine.score.max() < UNSURE


def test_a_person_upside_down_in_the_picture_is_seen_as_well_through_its_own_crop(look, seen, rgb):
    size = np.array([rgb.shape[1], rgb.shape[0]])
    crop = Crop(size - seen.crop.centre_px, seen.crop.side_px, seen.crop.angle + np.pi)
    body = look(rgb[::-1, ::-1], crop)
    np.testing.assert_allclose(size - body.spine.xy_px, seen.spine.xy_px, atol=1.0)
    np.testing.assert_allclose(body.spine.score, seen.spine.score, atol=0.1)


def test_a_grey_picture_is_seen_nearly_as_well(look, seen, rgb):
    grey = cv2.cvtColor(cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)
    body = look(grey, seen.crop)
    apart = np.linalg.norm(body.spine.xy_px - seen.spine.xy_px, axis=1)[: len(SPINE)]
    assert apart.mean() < 0.1 * seen.trunk_px()
    assert on_spine(body).mean() > 0.5 * on_spine(seen).mean()


@pytest.mark.parametrize("edge", ["left", "right", "bottom"])
def test_points_beyond_the_edge_of_the_picture_are_unsure(look, seen, rgb, edge):
    x, y = seen.spine.xy_px[: len(SPINE)].mean(axis=0).astype(int)
    away = int(0.4 * seen.trunk_px())
    cut, first = {
        "left": (rgb[:, x + away :], x + away),
        "right": (rgb[:, : x - away], 0),
        "bottom": (rgb[: y - away], 0),
    }[edge]
    crop = moved(seen.crop, centre_px=seen.crop.centre_px - [first, 0])
    spine = look(cut, crop).spine
    height, width = cut.shape[:2]
    beyond = np.maximum(-spine.xy_px, spine.xy_px - [width, height]).max(axis=1)
    outside = beyond > 0.3 * seen.trunk_px()
    assert spine.score[outside].max(initial=0.0) < UNSURE
    assert on_spine(look(cut, crop)).mean() < on_spine(seen).mean()


def test_a_tiny_person_is_less_sure_and_not_surer_than_right(look, seen, rgb):
    factor = 30 / 215
    tiny = cv2.resize(rgb, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA)
    crop = Crop(factor * seen.crop.centre_px, factor * seen.crop.side_px, seen.crop.angle)
    body = look(tiny, crop)
    assert on_spine(body).mean() < on_spine(seen).mean()
    apart = np.linalg.norm(body.spine.xy_px / factor - seen.spine.xy_px, axis=1)
    sure = body.spine.score > 0.5
    assert (apart[sure] < 0.3 * seen.trunk_px()).all()


def test_two_people_in_a_crop_give_one_spine_of_one_of_them(look, seen, rgb):
    x, y = seen.crop.centre_px.astype(int)
    half, off = int(0.2 * seen.crop.side_px), int(0.35 * seen.crop.side_px)
    rows = slice(max(y - 2 * half, 0), y + 2 * half)
    pair = rgb.copy()
    pair[rows, x - half + off : x + half + off] = rgb[rows, x - half : x + half]
    middle = moved(seen.crop, centre_px=seen.crop.centre_px + np.array([off / 2, 0.0]))
    spine = look(pair, middle).spine
    apart = [
        np.linalg.norm(spine.xy_px - (seen.spine.xy_px + shift), axis=1)[: len(SPINE)].mean()
        for shift in ([0.0, 0.0], [off, 0.0])
    ]
    score = spine.score[: len(SPINE)].mean()
    assert min(apart) < 0.3 * seen.trunk_px() or score < 0.5
