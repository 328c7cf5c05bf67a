# SPDX-License-Identifier: GPL-3.0-or-later
"""A scene with fakes for the networks, which know where everybody is."""

import dataclasses

import numpy as np
from track_spine.inference.detect import Detection
from track_spine.inference.follow import Follower, Wanted
from track_spine.inference.search import Search

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
        return iter([self._body(crop) for _, crop in wanted])

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


def begin(scene, **wanted):
    return Follower(scene, scene.look, Wanted(**wanted))


def step(follower, scene, *people, after_s=0.01):
    """Show the next frame, by default so soon after the last one that no radius has grown much."""
    scene.people = [one if isinstance(one, Person) else Person(one) for one in people]
    scene.looks = []
    time_s = max(follower.previous_s, 0.0) + after_s
    (seen,) = follower.follow([(scene.picture(), time_s)])
    return {person: round(float(body.hip_px[0])) for person, body in seen.items()}
