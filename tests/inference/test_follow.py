# SPDX-License-Identifier: GPL-3.0-or-later
"""Following one person, with fakes for the networks: who is looked at, when and where."""

import numpy as np
import pytest
from track_spine.inference.detect import Detection

from .scene import REACH, Person, Scene, at, begin, step


@pytest.fixture
def scene(standing, make_body):
    return Scene(standing, make_body)


def test_nobody_is_none_and_looked_for_again(scene):
    follower = begin(scene)
    for count in (1, 2, 3):
        assert step(follower, scene) == {}
        assert len(scene.squares_searched) == count
    assert follower.tracks == []


def test_the_detector_runs_only_when_the_person_is_lost(scene):
    follower = begin(scene)
    assert [step(follower, scene, 300 + 10 * i) for i in range(5)] == [
        {0: 300 + 10 * i} for i in range(5)
    ]
    assert len(scene.squares_searched) == 1
    assert step(follower, scene) == {}
    assert len(scene.squares_searched) == 2
    assert step(follower, scene, 345) == {0: 345}
    assert len(scene.squares_searched) == 3


def test_a_person_who_jumps_is_found_again_in_the_same_frame(scene):
    follower = begin(scene)
    step(follower, scene, 300)
    assert step(follower, scene, 390) == {0: 390}
    assert len(scene.squares_searched) == 2


def test_following_looks_once_where_the_person_is_expected(scene):
    follower = begin(scene)
    step(follower, scene, 300)
    assert scene.looks == [300, 300]  # through the detector's crop, then through a better one
    step(follower, scene, 310)
    assert scene.looks == [300]
    step(follower, scene, 320)
    assert scene.looks == [315]  # at half the speed
    step(follower, scene, 330)
    assert scene.looks == [325]


def test_a_person_far_off_the_middle_is_looked_at_again(scene):
    follower = begin(scene)
    step(follower, scene, 300)
    assert step(follower, scene, 319) == {0: 319}
    assert scene.looks == [300]
    assert step(follower, scene, 349) == {0: 349}
    np.testing.assert_allclose(scene.looks, [328.5, 349])


def test_the_detector_s_crop_is_bettered_by_a_second_look(scene):
    scene.rough = 30.0
    follower = begin(scene)
    assert step(follower, scene, 300) == {0: 300}
    assert scene.looks == [330, 300]


def test_a_crop_without_presence_is_nobody(scene):
    follower = begin(scene)
    scene.presence = 0.4
    assert step(follower, scene, 300) == {}
    scene.presence = 0.6
    assert step(follower, scene, 300) == {0: 300}


def test_who_has_left_the_frame_is_lost_though_the_network_sees_a_body(scene):
    follower = begin(scene)
    assert step(follower, scene, 975) == {0: 975}
    scene.landmarks_off = 42.0  # all corners of the trunk lie beyond 1000 px
    assert step(follower, scene, 975) == {}
    assert not follower.tracks[0].followed
    assert follower.tracks[0].crop.centre_px[0] == 975


def test_the_most_prominent_person_is_followed_unless_told(scene):
    follower = begin(scene)
    two = Person(200, score=0.6), Person(800, score=0.95)
    assert step(follower, scene, *two) == {0: 800}
    assert step(follower, scene, Person(210, score=0.99), Person(790, score=0.6)) == {0: 790}


@pytest.mark.parametrize(("score", "chosen"), [(0.8, 500), (0.6, 200)])
def test_the_larger_one_is_more_prominent_if_it_is_as_sure(scene, score, chosen):
    scene.ghosts = [Detection(score, at(500.0), at(500.0) + 1.5 * REACH)]
    follower = begin(scene)
    step(follower, scene, Person(200, score=0.95), Person(500, score=0.1))
    assert scene.looks[0] == chosen


@pytest.mark.parametrize(
    ("reach", "found"),
    [
        ((0.0, -1.0), True),
        ((np.sin(np.radians(55.0)), -np.cos(np.radians(55.0))), True),
        ((np.sin(np.radians(65.0)), -np.cos(np.radians(65.0))), False),
        ((0.0, 1.0), False),
        ((0.0, -1.7), True),
        ((0.0, -1.9), False),
    ],
)
def test_a_body_that_contradicts_its_detection_is_not_taken(scene, reach, found, monkeypatch):
    # The body stands upright, 80 px tall.
    odd = Detection(0.9, at(300.0), at(300.0) + 80.0 * np.array(reach))
    monkeypatch.setattr(Scene, "__call__", lambda *_: [odd])
    assert (step(begin(scene), scene, 300) != {}) == found


def test_small_people_are_searched_for_once_a_second_and_others_more_often(scene):
    follower, picture = begin(scene), scene.picture()
    for index in range(60):  # 2.4 s at 25 frames a second
        follower.follow([(picture, index / 25.0)])
    tiles = scene.squares_searched  # 1000 x 400 px: the whole, and 4 squares of 400 px
    large = [index for index, count in enumerate(tiles[:25]) if count > 1]
    assert large == [0, 3, 5, 8, 10, 13, 15, 18, 20, 23]  # first frames past each tenth
    assert set(tiles) == {1, 5}


def test_the_circle_in_which_a_lost_person_is_found_again_grows(scene):
    follower = begin(scene)
    assert step(follower, scene, 200) == {0: 200}  # found within half the crop's 200 px
    assert step(follower, scene, after_s=1.0) == {}
    assert step(follower, scene, 510, after_s=0.01) == {}  # 302 px after 1.01 s
    assert step(follower, scene, 510, after_s=0.1) == {0: 510}  # 322 px after 1.11 s


def test_the_subject_point_chooses_the_person(scene):
    follower = begin(scene, subject_px=(230.0, 200.0))
    assert step(follower, scene, Person(200, score=0.6), Person(800, score=0.95)) == {0: 200}


def test_before_its_time_nobody_passes_the_subject_point(scene):
    follower = begin(scene, subject_px=(230.0, 200.0), from_s=0.5)
    assert step(follower, scene, 230) == {}
    assert scene.squares_searched == []
    (seen,) = follower.follow([(scene.picture(), 0.5)])
    assert set(seen) == {0}


def test_nobody_far_from_the_subject_point_is_taken(scene):
    follower = begin(scene, subject_px=(400.0, 200.0))
    assert step(follower, scene, 800) == {}
    assert step(follower, scene, 600, 800) == {}
    assert step(follower, scene, 450, 800) == {0: 450}


@pytest.mark.parametrize("subject", [None, (200.0, 200.0)])
def test_after_a_loss_no_far_person_is_taken_in_place_of_the_one_followed(scene, subject):
    follower = begin(scene, subject_px=subject)
    far = Person(800, score=0.6)
    assert step(follower, scene, 200, far) == {0: 200}
    for x in (220, 240, 260, 280):
        assert step(follower, scene, x, far) == {0: x}
    assert [step(follower, scene, far) for _ in range(3)] == [{}] * 3
    # She comes back near where she was last seen, which is no longer where she was at first.
    assert step(follower, scene, 350, far) == {0: 350}


def test_a_candidate_in_whom_the_network_sees_nobody_gives_way_to_the_next(scene):
    scene.ghosts = [Detection(0.8, at(50.0), at(50.0) + 2 * REACH)]
    assert step(begin(scene), scene, 700) == {0: 700}
    assert scene.looks[0] == 50
