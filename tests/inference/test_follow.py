# SPDX-License-Identifier: GPL-3.0-or-later
"""Following people, with fakes for the networks: who is looked at, when, where, and who is who."""

import dataclasses

import numpy as np
import pytest
from track_spine.inference.crop import Crop
from track_spine.inference.detect import Detection
from track_spine.inference.follow import SIGHTINGS_ASKED, Follower, Wanted
from track_spine.inference.search import Search
from track_spine.inference.tracks import from_arrays, to_arrays

WIDTH, HEIGHT = 1000, 400
REACH = np.array([0.0, -80.0])  # crops of 200 px
OFF = np.array([30.0, 0.0])
RED, BLUE, GREEN = (200, 30, 30), (30, 30, 200), (30, 160, 30)
COVERS_PX = 40.0
"""Who is in front hides who is so near behind."""


@dataclasses.dataclass
class Person:
    """Somebody who stands at `x`; those later in a list stand in front."""

    x: float
    colour: tuple = RED
    score: float = 0.9


class Scene(Search):
    """A detector and a pose network that know where everybody is."""

    def __init__(self, standing, make_body):
        """Begin with nobody there."""
        self.people, self.looks, self.squares_searched = [], [], []
        self.presence, self.landmarks_off, self.rough = 1.0, 0.0, 0.0
        self.ghosts = []
        self._standing, self._make_body = standing, make_body

    def picture(self):
        rgb = np.full((HEIGHT, WIDTH, 3), 128, np.uint8)
        for person in self.people:
            rgb[150:320, max(int(person.x) - 25, 0) : int(person.x) + 25] = person.colour
        return rgb

    def visible(self):
        return [
            person
            for place, person in enumerate(self.people)
            if all(abs(person.x - front.x) >= COVERS_PX for front in self.people[place + 1 :])
        ]

    def __call__(self, rgb, squares):
        self.squares_searched.append(len(squares))
        off = np.array([self.rough, 0.0])
        found = [
            Detection(person.score, np.array([person.x, 200.0]) + off, at(person.x) + REACH + off)
            for person in self.visible()
            if any(abs(person.x - one.centre_px[0]) < one.side_px / 2 for one in squares)
        ]
        return sorted([*found, *self.ghosts], key=lambda one: -one.score)

    def look(self, wanted):
        return [self._body(crop) for _, crop in wanted]

    def close(self):
        pass

    def _body(self, crop):
        x = crop.centre_px[0]
        self.looks.append(x)
        near = min(self.visible(), key=lambda person: abs(person.x - x), default=None)
        there = near is not None and abs(near.x - x) < crop.side_px / 4
        hip = at(near.x if there else x)
        landmarks = 90.0 * self._standing[:, :2] + hip + np.array([self.landmarks_off, 0.0])
        presence = self.presence if there else 0.1
        body = self._make_body(self._standing, landmarks, presence=presence, hip_px=hip)
        return dataclasses.replace(body, crop=crop, reach_px=hip + REACH)


def at(x):
    return np.array([x, 200.0])


@pytest.fixture
def scene(standing, make_body):
    return Scene(standing, make_body)


def begin(scene, **wanted):
    return Follower(scene, scene.look, Wanted(**wanted))


def step(follower, scene, *people, after_s=0.01):
    """Show the next frame, by default so soon after the last one that no radius has grown much."""
    scene.people = [one if isinstance(one, Person) else Person(one) for one in people]
    scene.looks = []
    time_s = max(follower.previous_s, 0.0) + after_s
    (seen,) = follower.follow([(scene.picture(), time_s)])
    return {person: round(float(body.hip_px[0])) for person, body in seen.items()}


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


def crossing(count=60, colours=(RED, BLUE), speed_px=5.0):
    """Two people who walk past each other, the first behind the second."""
    for index in range(count):
        shift = speed_px * index
        yield Person(350.0 + shift, colours[0]), Person(650.0 - shift, colours[1])


def followed(follower, scene, frames, together=1, rate_hz=30.0):
    """Show frames in groups; returns where each person was seen in each frame, by id."""
    frames, seen = list(frames), []
    for first in range(0, len(frames), together):
        group = frames[first : first + together]
        if together == 1:
            seen.append(step(follower, scene, *group[0], after_s=1 / rate_hz))
            continue
        pictures, scenes = [], iter(group)
        for index, people in enumerate(group):
            scene.people = list(people)
            pictures.append((scene.picture(), (first + index + 1) / rate_hz))
        looks = scene.look

        def look(wanted, looks=looks, pictures=pictures, group=group):
            bodies = []
            for rgb, crop in wanted:
                scene.people = list(
                    next(p for (one, _), p in zip(pictures, group, strict=True) if one is rgb)
                )
                bodies += looks([(rgb, crop)])
            return bodies

        del scenes
        follower._looks = look
        found = follower.follow(pictures)
        seen += [{who: round(float(b.hip_px[0])) for who, b in one.items()} for one in found]
    return seen


@pytest.mark.parametrize("colours", [(RED, BLUE), (RED, RED)], ids=["unlike", "alike"])
@pytest.mark.parametrize("together", [1, 2, 4])
def test_people_who_cross_keep_their_ids(scene, colours, together):
    frames = list(crossing(colours=colours))
    seen = followed(begin(scene, most=4), scene, frames, together)
    assert set().union(*seen) == {0, 1}
    first = {who: x for who, x in seen[10].items()}
    left = min(first, key=first.get)
    for index, one in enumerate(seen[SIGHTINGS_ASKED:], SIGHTINGS_ASKED):
        behind, front = (person.x for person in frames[index])
        assert one.get(1 - left) == front  # who is in front is never lost
        assert one.get(left, behind) == behind
    hidden = [index for index, one in enumerate(seen[SIGHTINGS_ASKED:]) if left not in one]
    assert len(hidden) <= 12  # 8 frames covered, and a tenth of a second to be found again


def test_people_who_meet_and_turn_back_keep_their_ids_by_their_clothes(scene):
    there = [(Person(350.0 + 5 * i, RED), Person(650.0 - 5 * i, BLUE)) for i in range(28)]
    frames = [*there, *reversed(there)]
    seen = followed(begin(scene, most=4), scene, frames)
    left = min(seen[10], key=seen[10].get)
    assert seen[-1] == {left: 350, 1 - left: 650}


def test_two_crops_that_converged_on_one_body_part_again(scene):
    follower = begin(scene, most=4)
    people = Person(300, RED), Person(600, BLUE)
    for _ in range(5):
        seen = step(follower, scene, *people)
    ids = {round(x): who for who, x in seen.items()}
    red, blue = (follower.people()[ids[x]] for x in (300, 600))
    red.crop, red.earlier = Crop(at(598.0), 200.0, 0.0), None
    assert step(follower, scene, *people) == {blue.person: 600}
    assert blue.followed and not red.followed
    for _ in range(12):  # searched within a tenth of a second, about the place where it is believed
        seen = step(follower, scene, Person(500, RED), Person(600, BLUE), after_s=0.05)
    assert seen == {red.person: 500, blue.person: 600}


def test_who_is_new_becomes_a_person_when_seen_in_three_frames(scene):
    follower = begin(scene, most=4)
    one = Person(200, RED)
    for _ in range(5):
        step(follower, scene, one)
    seen = [step(follower, scene, one, Person(700, BLUE), after_s=0.2) for _ in range(10)]
    first = next(index for index, found in enumerate(seen) if 1 in found)
    assert first <= 5 + SIGHTINGS_ASKED  # all are searched for each second
    assert all(found == {0: 200, 1: 700} for found in seen[first:])


def test_who_is_there_for_two_frames_only_is_no_person(scene):
    follower = begin(scene, most=4)
    one = Person(200, RED)
    for _ in range(5):
        step(follower, scene, one)
    for _ in range(2):
        step(follower, scene, one, Person(700, BLUE), after_s=1.0)
    for _ in range(5):
        assert step(follower, scene, one) == {0: 200}
    assert len(follower.tracks) == 1


def test_no_more_people_than_wanted_are_followed(scene):
    follower = begin(scene, most=2)
    people = [Person(x, RED) for x in (150, 400, 650, 900)]
    for _ in range(6):
        seen = step(follower, scene, *people, after_s=0.5)
    assert set(seen) == {0, 1}


def test_who_comes_later_in_other_clothes_is_somebody_else(scene):
    follower = begin(scene, most=4)
    for _ in range(5):
        step(follower, scene, Person(300, RED))
    step(follower, scene, after_s=2.0)
    for _ in range(5):
        seen = step(follower, scene, Person(320, BLUE))
    assert seen == {1: 320}
    for _ in range(5):
        seen = step(follower, scene, Person(320, BLUE), Person(500, RED), after_s=0.5)
    assert seen == {0: 500, 1: 320}


@pytest.mark.parametrize("subject_x", [350.0, 650.0], ids=["behind", "in front"])
def test_the_only_person_wanted_is_not_changed_for_who_crosses_it(scene, subject_x):
    follower = begin(scene, subject_px=(subject_x, 200.0))
    frames = list(crossing(140, speed_px=3.6))  # together 1.1 crop sides a second
    seen = followed(follower, scene, frames)
    place = 0 if subject_x == 350.0 else 1
    for people, one in zip(frames, seen, strict=True):
        assert abs(one.get(0, people[place].x) - people[place].x) <= 0.5
    assert sum(0 not in one for one in seen) <= 15
    assert len(follower.tracks) == 1  # the other one is far away by now, and forgotten


def test_state_put_back_goes_on_as_if_never_stopped(scene):
    frames = list(crossing())
    whole = followed(begin(scene, most=4), scene, frames)
    for at_frame in (5, 27, 33, 41):
        follower = begin(scene, most=4)
        first = followed(follower, scene, frames[:at_frame])
        other = begin(scene, most=4)
        other.tracks = from_arrays(to_arrays(follower.tracks))
        other.previous_s = follower.previous_s
        assert [*first, *followed(other, scene, frames[at_frame:])] == whole
