# SPDX-License-Identifier: GPL-3.0-or-later
"""Follows people through a clip: looks where each is expected, detects when it is needed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from .colours import trunk_colours
from .crop import Crop
from .detect import SURE_SHARE, Detection
from .identities import Sighting, apart, assign, each_once, same_person
from .looks import Looks
from .pose2d import MIN_PRESENCE, Body
from .search import Search
from .tracks import NOT_YET, Track

Picture = tuple[NDArray[np.uint8], float]
"""A frame, (H, W, 3) RGB and upright, and its time in seconds."""

SIGHTINGS_ASKED: Final = 3
"""Frames in a row that somebody must be seen in to become a person of the take, where all are
wanted: what a detector takes for a person by mistake rarely holds so long."""

SURE_PRESENCE: Final = 0.9
"""Presence asked of who is taken or found again where all are wanted: with MIN_PRESENCE, a heap of
cables and two joined hands became people in the clips of the shared data. Photos ask as much."""

NEAR: Final = 0.9
"""Where one person is wanted, others are followed too within this many crop sides of its hips, so
that none of them is taken for it where they cross."""

MERGED: Final = 0.35
"""People whose hips are closer, in crop sides, show each other's clothes."""

FIRST_REACH: Final = 0.5
RADIUS_GROWTH_HZ: Final = 2.0
"""Radius of the circle in which a lost person may be found again, in crop sides, and how fast it
grows, in first radii a second: who comes back elsewhere is found, and another person is not taken
at once."""

STRANGER: Final = 0.5
"""Whose clothes differ by more from those of somebody lost is somebody else, where all are wanted;
where one is, the others nearby are followed anyway."""


@dataclass(frozen=True)
class Wanted:
    """Whom to follow.

    Attributes:
        most: How many people at most.
        subject_px: A pixel (x, y) that the only person wanted passes; None for the most prominent.
        from_s: Time from which on this person is looked for, seconds.
    """

    most: int = 1
    subject_px: tuple[float, float] | None = None
    from_s: float = 0.0


class Follower:
    """The people of a clip, carried from frame to frame."""

    def __init__(self, search: Search, looks: Looks, wanted: Wanted) -> None:
        """Begin with nobody found.

        Args:
            search: The person detector.
            looks: The pose network.
            wanted: Whom to follow.
        """
        self._search = search
        self._looks = looks
        self._wanted = wanted
        self._least_presence = SURE_PRESENCE if wanted.most > 1 else MIN_PRESENCE
        self.tracks: list[Track] = []
        """Everybody known: people of the take by id, and others that are not yet."""
        self.previous_s = -1.0
        """Time of the frame before; any time below zero before the first."""

    def follow(self, pictures: Sequence[Picture]) -> list[dict[int, Body]]:
        """Look at the next frames.

        Args:
            pictures: Frames that follow each other. What is found depends on how many come at once:
                people are first looked for where they are expected from before the first of them.

        Returns:
            For each frame, the bodies seen by id of the person.
        """
        followed = [track for track in self.tracks if track.followed]
        looks = [(rgb, track.expected(time_s)) for rgb, time_s in pictures for track in followed]
        bodies = self._looks(looks)
        return [
            self._step(rgb, time_s, dict(zip(followed, bodies, strict=False)))
            for rgb, time_s in pictures
        ]

    def _step(
        self, rgb: NDArray[np.uint8], time_s: float, ahead: Mapping[Track, Body]
    ) -> dict[int, Body]:
        found: dict[Track, Sighting] = {}
        if time_s >= self._wanted.from_s:
            found = self._followed(rgb, time_s, ahead)
            self._update(found, time_s)
            found |= self._searched(rgb, time_s, found)
            self.previous_s = time_s
        return {track.person: one.body for track, one in found.items() if track.person != NOT_YET}

    def _followed(
        self, rgb: NDArray[np.uint8], time_s: float, ahead: Mapping[Track, Body]
    ) -> dict[Track, Sighting]:
        """Who of those followed is seen, each where expected or near."""
        followed = [track for track in self.tracks if track.followed]
        expected = {track: track.expected(time_s) for track in followed}
        bodies = {
            track: ahead[track]
            for track, crop in expected.items()
            if track in ahead and ahead[track].crop.fits(crop)
        }
        bodies |= self._look(rgb, {one: expected[one] for one in followed if one not in bodies})
        again = {
            track: body.next_crop() if body.is_in(rgb) else track.crop
            for track, body in bodies.items()
            if not (body.is_in(rgb) and body.crop.fits(body.next_crop()))
        }
        better = self._look(rgb, again)
        bodies |= {track: body for track, body in better.items() if body.is_in(rgb)}
        in_order = [bodies[track] for track in followed if bodies[track].is_in(rgb)]
        seen = [_sighting(rgb, body) for body in each_once(in_order)]
        if len(followed) == 1:
            return dict(zip(followed, seen, strict=False))
        return assign(followed, seen, time_s)

    def _look(self, rgb: NDArray[np.uint8], crops: Mapping[Track, Crop]) -> dict[Track, Body]:
        bodies = self._looks([(rgb, crop) for crop in crops.values()])
        return dict(zip(crops, bodies, strict=True))

    def _update(self, found: Mapping[Track, Sighting], time_s: float) -> None:
        for track, one in found.items():
            others = [other.crop for other in found.values() if other is not one]
            alone = all(apart(one.crop, other) > MERGED for other in others)
            track.see(one.crop, time_s, one.colours, alone=alone)
        for track in self.tracks:
            track.followed = track in found
        for track in self.tracks:
            new = track.person == NOT_YET and track.sightings >= SIGHTINGS_ASKED
            if new and 1 < self._wanted.most > len(self.people()):
                track.person = len(self.people())
        self.tracks = [track for track in self.tracks if self._is_kept(track)]

    def _is_kept(self, track: Track) -> bool:
        if track.person != NOT_YET or self._wanted.most > 1:
            return track.person != NOT_YET or track.followed
        (subject,) = self.people()
        return track.followed and apart(track.crop, subject.crop) <= NEAR

    def _searched(
        self, rgb: NDArray[np.uint8], time_s: float, found: Mapping[Track, Sighting]
    ) -> dict[Track, Sighting]:
        """Who is found by the detector besides."""
        squares = self._squares((rgb.shape[1], rgb.shape[0]), time_s)
        if not squares:
            return {}
        seen = [one.body for one in found.values()]
        detections = [
            one
            for one in self._search(rgb, squares)
            if not any(one.is_at(body.hip_px, body.reach_px) for body in seen)
        ]
        new = self._sightings(rgb, self._candidates(detections, time_s), seen)
        lost = [track for track in self.people() if not track.followed]
        reach = [_reach(track, time_s) for track in lost]
        known = assign(lost, new, time_s, reach, STRANGER if self._wanted.most > 1 else 1.0)
        for track, one in known.items():
            track.see(one.crop, time_s, one.colours, alone=False)
        taken = {id(one) for one in known.values()}
        return known | self._begun([one for one in new if id(one) not in taken], time_s)

    def _squares(self, size: tuple[int, int], time_s: float) -> list[Crop]:
        span_s, people = (self.previous_s, time_s), self.people()
        if self._wanted.most > 1:
            return self._search.many(size, span_s, people, self._wanted.most)
        return self._search.one(size, span_s, people[0] if people else None)

    def _sightings(
        self, rgb: NDArray[np.uint8], candidates: Sequence[Detection], seen: Sequence[Body]
    ) -> list[Sighting]:
        """Bodies that hold what a detection promised, without those seen before."""
        rough = self._looks([(rgb, one.crop()) for one in candidates])
        held = [
            (body.next_crop(), one.crop())
            for body, one in zip(rough, candidates, strict=True)
            if body.is_in(rgb)
        ]
        # The detector's crop is rough: the landmarks found in it give a better one.
        better = self._looks([(rgb, crop) for crop, _ in held])
        new: list[Body] = []
        for body, (_, like) in zip(better, held, strict=True):
            known = any(same_person(body, other) for other in (*seen, *new))
            there = body.is_in(rgb, self._least_presence)
            if there and like.agrees(body.next_crop()) and not known:
                new.append(body)
        return [_sighting(rgb, body) for body in new]

    def _candidates(self, found: list[Detection], time_s: float) -> list[Detection]:
        """Detections worth a look, the likeliest first."""
        if self._wanted.most > 1:
            return found[: self._wanted.most]
        people, point = self.people(), self._wanted.subject_px
        if not people and point is None:
            least = SURE_SHARE * max((one.score for one in found), default=0.0)
            sure = [one for one in found if one.score >= least]
            return sorted(sure, key=lambda one: -one.crop().side_px)
        away = {}
        for one in found:
            crop = one.crop()
            about = people[0].expected(time_s) if people else Crop(np.array(point), 0.0, 0.0)
            reach = _reach(people[0], time_s) if people else FIRST_REACH
            if (share := apart(crop, about)) <= reach:
                away[share] = one
        return [away[share] for share in sorted(away)]

    def _begun(self, new: Sequence[Sighting], time_s: float) -> dict[Track, Sighting]:
        """Begin to follow somebody."""
        one_is_wanted = self._wanted.most == 1
        chosen = new[:1] if one_is_wanted and not self.people() else new
        begun = {Track(one.crop, time_s, one.colours): one for one in chosen}
        if one_is_wanted and not self.people():
            for track in begun:
                track.person = 0
        self.tracks += begun
        return begun

    def people(self) -> list[Track]:
        """Those who have an id, in its order."""
        known = [track for track in self.tracks if track.person != NOT_YET]
        return sorted(known, key=lambda track: track.person)


def _sighting(rgb: NDArray[np.uint8], body: Body) -> Sighting:
    return Sighting(body, body.next_crop(), trunk_colours(rgb, body))


def _reach(track: Track, time_s: float) -> float:
    """How far from where it was somebody may be found again, crop sides."""
    if track.followed:
        return NEAR
    return FIRST_REACH * (1.0 + RADIUS_GROWTH_HZ * (time_s - track.seen_s))
