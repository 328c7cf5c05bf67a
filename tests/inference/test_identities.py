# SPDX-License-Identifier: GPL-3.0-or-later
"""Who is who, on crops and colours given; and what people wear, on painted pictures."""

import numpy as np
import pytest
from track_spine.inference.colours import BINS, colour_distance, trunk_colours
from track_spine.inference.crop import Crop
from track_spine.inference.identities import Sighting, assign, each_once
from track_spine.inference.tracks import LONGEST_S, SPEED_KEPT, Track, from_arrays, to_arrays

RED, BLUE = np.eye(3 * BINS)[0] * 3, np.eye(3 * BINS)[5] * 3


def crop(x, side=200.0):
    return Crop(np.array([x, 300.0]), side, 0.0)


def track(x, colours=RED, side=200.0):
    return Track(crop(x, side), 0.0, colours)


def sighting(x, colours=RED, side=200.0):
    return Sighting(None, crop(x, side), colours)


def places(found):
    return {one.crop.centre_px[0]: seen.crop.centre_px[0] for one, seen in found.items()}


def test_everybody_gets_the_nearest_as_far_as_all_together_do():
    tracks, seen = [track(100), track(160)], [sighting(150), sighting(200)]
    assert places(assign(tracks, seen, 0.1)) == {100: 150, 160: 200}


def test_clothes_outweigh_a_crop_side_of_distance_and_size_counts_too():
    tracks = [track(100, RED), track(160, BLUE)]
    assert places(assign(tracks, [sighting(105, BLUE), sighting(155, RED)], 0.1)) == {
        100: 155,
        160: 105,
    }
    tracks = [track(100, side=200.0), track(120, side=100.0)]
    seen = [sighting(110, side=100.0), sighting(111, side=200.0)]
    assert places(assign(tracks, seen, 0.1)) == {100: 111, 120: 110}


def test_nobody_is_given_what_is_too_far_or_too_unlike():
    assert places(assign([track(100)], [sighting(301)], 0.1)) == {}
    assert places(assign([track(100)], [sighting(299)], 0.1)) == {100: 299}
    assert places(assign([track(100), track(900)], [sighting(190)], 0.1, [0.4, 9.0])) == {900: 190}
    assert places(assign([track(100)], [sighting(110, BLUE)], 0.1, stranger=0.9)) == {}
    assert assign([], [sighting(1)], 0.1) == assign([track(1)], [], 0.1) == {}


def test_as_many_as_possible_are_given_something():
    # The cheapest pair alone would leave the other without any: it may only have the first one.
    tracks, seen = [track(100), track(-90)], [sighting(100), sighting(290)]
    assert places(assign(tracks, seen, 0.1)) == {-90: 100, 100: 290}


def test_one_body_seen_twice_is_the_surer_one(standing, make_body):
    sure = make_body(standing, presence=0.99)
    unsure = make_body(standing, presence=0.7)
    far = make_body(standing, xy_px=sure.xy_px + 400.0, hip_px=(400, 0), reach_px=(400, -1))
    assert each_once([unsure, far, sure]) == [far, sure] or each_once([unsure, far, sure]) == [
        sure,
        far,
    ]


def test_a_person_is_expected_to_go_on_at_half_the_speed_and_then_to_stand():
    one = track(100)
    np.testing.assert_allclose(one.expected(5.0).centre_px, [100, 300])
    one.see(crop(110), 0.1, RED, alone=True)
    np.testing.assert_allclose(one.expected(0.2).centre_px, [110 + SPEED_KEPT * 10, 300])
    np.testing.assert_allclose(
        one.expected(9.0).centre_px, [110 + SPEED_KEPT * 100 * LONGEST_S, 300]
    )
    one.followed = False
    one.see(crop(500), 3.0, RED, alone=True)  # found again: no speed is known
    np.testing.assert_allclose(one.expected(3.1).centre_px, [500, 300])


def test_colours_are_learnt_only_from_who_is_alone():
    one = track(100)
    one.see(crop(100), 0.1, BLUE, alone=False)
    np.testing.assert_array_equal(one.colours, RED)
    one.see(crop(100), 0.2, BLUE, alone=True)
    assert 0 < colour_distance(one.colours, RED) < colour_distance(one.colours, BLUE)


def test_tracks_come_back_from_their_arrays():
    first, second = track(100), track(200, BLUE)
    first.see(crop(130), 0.1, RED, alone=True)
    first.person, second.followed = 3, False
    for one, back in zip([first, second], from_arrays(to_arrays([first, second])), strict=True):
        for name in ("seen_s", "person", "followed", "sightings"):
            assert getattr(back, name) == getattr(one, name)
        np.testing.assert_array_equal(back.colours, one.colours)
        np.testing.assert_array_equal(back.expected(0.2).centre_px, one.expected(0.2).centre_px)


@pytest.fixture
def dressed(standing, make_body):
    """The colours of a body of 300 pixels a metre whose trunk is painted."""

    def make(colour, brightness=1.0):
        rgb = np.full((1000, 800, 3), 90, np.uint8)
        rgb[330:760, 330:470] = colour
        shown = np.clip(rgb * brightness, 0, 255).astype(np.uint8)
        return trunk_colours(shown, make_body(standing))

    return make


def test_people_in_other_clothes_are_told_apart_and_a_little_light_does_not_matter(dressed):
    red, blue = dressed((180, 40, 40)), dressed((40, 40, 180))
    np.testing.assert_allclose(red.reshape(3, BINS).sum(axis=1), 1.0)
    assert colour_distance(red, red) == pytest.approx(0.0, abs=1e-6)
    assert colour_distance(red, blue) > 0.6
    assert colour_distance(red, dressed((180, 40, 40), 0.9)) < 0.45


def test_a_body_outside_the_picture_has_colours_all_the_same(standing, make_body):
    body = make_body(standing, xy_px=300.0 * standing[:, :2] - 5000.0)
    colours = trunk_colours(np.zeros((40, 60, 3), np.uint8), body)
    np.testing.assert_allclose(colours.reshape(3, BINS).sum(axis=1), 1.0)
