# SPDX-License-Identifier: GPL-3.0-or-later
"""Following several people, with fakes for the networks: who is who where they cross."""

import pytest
from track_spine.inference.crop import Crop
from track_spine.inference.follow import SIGHTINGS_ASKED
from track_spine.inference.tracks import from_arrays, to_arrays

from .scene import BLUE, RED, Person, Scene, at, begin, step


@pytest.fixture
def scene(standing, make_body):
    return Scene(standing, make_body)


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
            return iter(bodies)

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
