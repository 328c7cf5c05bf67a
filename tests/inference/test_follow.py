# SPDX-License-Identifier: GPL-3.0-or-later
"""Following one person, with fakes for the networks: who is looked at, when, and where."""

import dataclasses

import numpy as np
import pytest
from track_spine.inference import follow
from track_spine.inference.crop import Crop
from track_spine.inference.detect import Detection
from track_spine.inference.pose2d import LANDMARKS

FRAME = np.zeros((400, 1000, 3), np.uint8)
OFF = np.array([30.0, 0.0])
REACH = np.array([0.0, -80.0])  # crops of 200 px


class Scene:
    """People at places along a line, seen by the detector and by crops that are about them."""

    def __init__(self, make_body):
        """Begin with nobody there."""
        self.people = {}
        self.detected = 0
        self.levels = []
        self.looks = []
        self.presence = 1.0
        self.landmarks_off = 0.0
        self.make_body = make_body

    def detect(self, session, frame, levels):
        assert frame is FRAME
        self.detected += 1
        self.levels.append(levels)
        return [
            Detection(score, np.array([x, 200.0]), np.array([x, 200.0]) + REACH)
            for x, score in sorted(self.people.items(), key=lambda item: -item[1])
        ]

    def estimate(self, session, frame, crops):
        return [self._body(crop) for crop in crops]

    def _body(self, crop):
        self.looks.append(crop.centre_px[0])
        x = min(self.people, key=lambda x: abs(x - crop.centre_px[0]), default=np.inf)
        there = abs(x - crop.centre_px[0]) < crop.side_px / 4
        hip = np.array([x if there else crop.centre_px[0], 200.0])
        presence = self.presence if there else 0.1
        landmarks = np.tile(hip + np.array([self.landmarks_off, 0.0]), (len(LANDMARKS), 1))
        body = self.make_body(np.zeros((33, 3)), landmarks, presence=presence, hip_px=hip)
        return dataclasses.replace(body, crop=crop, reach_px=hip + REACH)


@pytest.fixture
def scene(make_body, monkeypatch):
    scene = Scene(make_body)
    monkeypatch.setattr(follow, "detect", scene.detect)
    monkeypatch.setattr(follow, "estimate", scene.estimate)
    return scene


def step(follower, scene, people, after_s=0.01):
    """Show the next frame, by default so soon after the last one that no radius has grown much."""
    scene.people, scene.looks = people, []
    body = follower.step(FRAME, max(follower.previous_s, 0.0) + after_s)
    return body.hip_px[0] if body else None


def test_nobody_is_none_and_looked_for_again(scene):
    follower = follow.Follower(None, None)
    for count in (1, 2, 3):
        assert step(follower, scene, {}) is None
        assert scene.detected == count
    assert follower.crop is None
    assert follower.last_seen is None


def test_the_detector_runs_only_when_the_person_is_lost(scene):
    follower = follow.Follower(None, None)
    assert [step(follower, scene, {300 + 10 * i: 0.9}) for i in range(5)] == [
        300,
        310,
        320,
        330,
        340,
    ]
    assert scene.detected == 1
    assert step(follower, scene, {}) is None
    assert scene.detected == 2
    assert step(follower, scene, {345: 0.9}) == 345
    assert scene.detected == 3


def test_a_person_who_jumps_is_found_again_in_the_same_frame(scene):
    follower = follow.Follower(None, None)
    step(follower, scene, {300: 0.9})
    assert step(follower, scene, {390: 0.9}) == 390
    assert scene.detected == 2


def test_following_looks_once_where_the_last_frame_said(scene):
    follower = follow.Follower(None, None)
    step(follower, scene, {300: 0.9})
    assert len(scene.looks) == 2  # through the detector's crop, then through a better one
    step(follower, scene, {310: 0.9})
    assert scene.looks == [300]
    step(follower, scene, {320: 0.9})
    assert scene.looks == [310]


def test_the_detector_s_crop_is_bettered_by_a_second_look(scene, monkeypatch):
    def rough(session, frame, levels):
        return [
            Detection(one.score, one.hip_px + OFF, one.reach_px + OFF)
            for one in scene.detect(session, frame, levels)
        ]

    monkeypatch.setattr(follow, "detect", rough)
    follower = follow.Follower(None, None)
    assert step(follower, scene, {300: 0.9}) == 300
    assert scene.looks == [330, 300]


def test_a_crop_without_presence_is_nobody(scene):
    follower = follow.Follower(None, None)
    scene.presence = 0.4
    assert step(follower, scene, {300: 0.9}) is None
    scene.presence = 0.6
    assert step(follower, scene, {300: 0.9}) == 300


def test_who_has_left_the_frame_is_lost_though_the_network_sees_a_body(scene):
    follower = follow.Follower(None, None)
    assert step(follower, scene, {980: 0.9}) == 980
    scene.landmarks_off = 19.0
    assert step(follower, scene, {980: 0.9}) == 980
    scene.landmarks_off = 21.0  # trunk at 1001 of 1000 px
    assert step(follower, scene, {980: 0.9}) is None
    assert follower.crop is None
    assert follower.last_seen.centre_px[0] == 980


def test_the_most_prominent_person_is_followed_unless_told(scene):
    follower = follow.Follower(None, None)
    assert step(follower, scene, {200: 0.6, 800: 0.95}) == 800
    assert step(follower, scene, {210: 0.99, 790: 0.6}) == 790


@pytest.mark.parametrize(("score", "chosen"), [(0.8, 500), (0.6, 200)])
def test_the_larger_one_is_more_prominent_if_it_is_as_sure(scene, monkeypatch, score, chosen):
    real = scene.detect

    def with_large(session, frame, levels):
        large = Detection(score, np.array([500.0, 200.0]), np.array([500.0, 200.0]) + 1.5 * REACH)
        return [*real(session, frame, levels), large]

    monkeypatch.setattr(follow, "detect", with_large)
    scene.people = {200: 0.95, 500: score}
    follower = follow.Follower(None, None)
    follower.step(FRAME, 0.0)
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
def test_a_body_that_contradicts_its_detection_is_not_taken(scene, monkeypatch, reach, found):
    hip = np.array([300.0, 200.0])
    odd = Detection(0.9, hip, hip + 80.0 * np.array(reach))  # the body stands upright, 80 px tall
    monkeypatch.setattr(follow, "detect", lambda *_: [odd])
    scene.people = {300: 0.9}
    assert (follow.Follower(None, None).step(FRAME, 0.0) is not None) == found


def test_small_people_are_searched_for_once_a_second_and_others_more_often(scene):
    follower = follow.Follower(None, None)
    for index in range(60):  # 2.4 s at 25 frames a second
        follower.step(FRAME, index / 25.0)
    assert [index for index, levels in enumerate(scene.levels) if levels == 3] == [0, 25, 50]
    large = [index for index, levels in enumerate(scene.levels[:25]) if levels == 2]
    assert large == [3, 5, 8, 10, 13, 15, 18, 20, 23]  # first frames past each tenth of a second
    assert scene.levels.count(1) == 60 - 3 - len([0 for each in scene.levels if each == 2])


def test_the_circle_in_which_a_lost_person_is_found_again_grows(scene):
    follower = follow.Follower(None, None)
    assert step(follower, scene, {200: 0.9}) == 200  # found within half the crop's 200 px
    assert step(follower, scene, {}, after_s=1.0) is None
    assert step(follower, scene, {510: 0.9}, after_s=0.01) is None  # 302 px after 1.01 s
    assert step(follower, scene, {510: 0.9}, after_s=0.1) == 510  # 322 px after 1.11 s


def test_the_subject_point_chooses_the_person(scene):
    follower = follow.Follower(None, None, (230.0, 200.0))
    assert step(follower, scene, {200: 0.6, 800: 0.95}) == 200


def test_nobody_far_from_the_subject_point_is_taken(scene):
    follower = follow.Follower(None, None, (400.0, 200.0))
    assert step(follower, scene, {800: 0.95}) is None
    assert step(follower, scene, {600: 0.9, 800: 0.95}) is None
    assert step(follower, scene, {450: 0.6, 800: 0.95}) == 450


@pytest.mark.parametrize("subject", [None, (200.0, 200.0)])
def test_after_a_loss_no_far_person_is_taken_in_place_of_the_one_followed(scene, subject):
    follower = follow.Follower(None, None, subject)
    assert step(follower, scene, {200: 0.95, 800: 0.6}) == 200
    for x in (220, 240, 260, 280):
        assert step(follower, scene, {x: 0.6, 800: 0.95}) == x
    assert [step(follower, scene, {800: 0.95}) for _ in range(3)] == [None] * 3
    # She comes back near where she was last seen, which is no longer where she was at first.
    assert step(follower, scene, {350: 0.6, 800: 0.95}) == 350


def test_a_candidate_in_whom_the_network_sees_nobody_gives_way_to_the_next(scene, monkeypatch):
    follower = follow.Follower(None, None)
    real = scene.detect

    def with_ghost(session, frame, levels):
        ghost = Detection(0.8, np.array([50.0, 200.0]), np.array([50.0, 200.0]) + 2 * REACH)
        return [ghost, *real(session, frame, levels)]

    monkeypatch.setattr(follow, "detect", with_ghost)
    assert step(follower, scene, {700: 0.9}) == 700
    assert scene.looks[0] == 50


def test_state_put_back_goes_on_as_if_never_stopped(scene):
    follower = follow.Follower(None, None, (200.0, 200.0))
    step(follower, scene, {200: 0.9})
    other = follow.Follower(None, None, (200.0, 200.0))
    other.crop, other.last_seen = follower.crop, follower.last_seen
    other.previous_s, other.last_seen_s = follower.previous_s, follower.last_seen_s
    assert isinstance(other.crop, Crop)
    before = scene.detected
    assert step(other, scene, {215: 0.9}) == 215
    assert scene.detected == before
