# SPDX-License-Identifier: GPL-3.0-or-later
"""Follows everybody through a clip, and chooses frames that differ from those chosen before."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ..inference import video
from ..inference.crop import Crop
from ..inference.detect import detect
from ..inference.identities import distance, same_person
from ..inference.models import DETECTOR
from ..inference.pose2d import INPUT_PX, MIN_PRESENCE, Body
from ..inference.pose2d import decode as decode_body
from ..inference.session import Session
from .base import BODY, FrozenBase

LEVELS: Final = 2
SEARCH_S: Final = 0.5
"""How finely and how often the whole frame is searched for people who came in, seconds."""

SURE_PRESENCE: Final = 0.9
"""Presence asked of a body that is labelled: photos are asked the same."""

FEWEST_SEEN: Final = 4
"""Times a person must have been seen in a row: what flickers up in furniture is not labelled."""

DIFFERENT: Final = 0.12
"""Mean distance of the landmarks from those chosen last, as a share of the person's size, from
which a frame is worth another label."""

Frame = NDArray[np.uint8]


@dataclass
class Track:
    """A person who is followed.

    Attributes:
        crop: Where to look next.
        seen: Frames in a row in which they were found.
        chosen_s: When a frame of theirs was chosen last, and
        chosen: the body then.
    """

    crop: Crop
    seen: int = 0
    chosen_s: float = -np.inf
    chosen: Body | None = None


@dataclass
class Crowd:
    """Everybody in the frame, carried from frame to frame.

    Attributes:
        base: The frozen base.
        detector: The person detector.
        tracks: Who is followed.
    """

    base: FrozenBase
    detector: Session = field(default_factory=lambda: Session(DETECTOR))
    tracks: list[Track] = field(default_factory=list)
    searched_s: float = -np.inf

    def step(self, frame: Frame, time_s: float) -> list[tuple[Track, Body]]:
        """Look at the next frame.

        Args:
            frame: (H, W, 3) RGB, upright.
            time_s: Its time, seconds.

        Returns:
            People with their bodies, in pixels of the frame.
        """
        found: list[tuple[Track, Body]] = []
        bodies = look(self.base, frame, [track.crop for track in self.tracks])
        self._keep(found, list(zip(self.tracks, bodies, strict=True)), frame)
        if time_s - self.searched_s >= SEARCH_S:
            self.searched_s = time_s
            crops = [one.crop() for one in detect(self.detector, frame, LEVELS)]
            rough = look(self.base, frame, crops)
            rough = [body for body in rough if body.is_in(frame)]
            again = look(self.base, frame, [body.next_crop() for body in rough])
            sure = [body for body in again if body.crop.agrees(body.next_crop())]
            self._keep(found, [(Track(body.crop), body) for body in sure], frame)
        self.tracks = [track for track, _ in found]
        for track, body in found:
            track.crop = body.next_crop()
            track.seen += 1
        return found

    def _keep(
        self, found: list[tuple[Track, Body]], new: list[tuple[Track, Body]], frame: Frame
    ) -> None:
        for track, body in new:
            known = any(same_person(body, other) for _, other in found)
            if not known and body.is_in(frame, MIN_PRESENCE):
                found.append((track, body))


def look(base: FrozenBase, frame: Frame, crops: list[Crop]) -> list[Body]:
    """Run the base on people of a frame.

    Args:
        base: The frozen base.
        frame: (H, W, 3) RGB.
        crops: One a person.

    Returns:
        Bodies in pixels of the frame, in the same order.
    """
    if not crops:
        return []
    pictures = np.stack([crop.cut(frame, INPUT_PX, black_outside=False) for crop in crops])
    outputs = base.run(pictures)
    values = zip(*(outputs[name] for name in BODY), strict=True)
    return [decode_body(crop, *one) for crop, one in zip(crops, values, strict=True)]


def choose(base: FrozenBase, clip: Path, every_s: float) -> Iterator[tuple[int, Frame, list[Body]]]:
    """Choose frames of a clip that are worth labels.

    Args:
        base: The frozen base.
        clip: The video.
        every_s: Least time between two labels of one person.

    Yields:
        Number of the frame, its picture, and the bodies in it that are to be labelled.

    Raises:
        VideoError: The clip cannot be read.
    """
    crowd = Crowd(base)
    for frame in video.frames(video.probe(clip)):
        bodies = [
            body
            for track, body in crowd.step(frame.rgb, frame.time_s)
            if _is_worth(track, body, frame, every_s)
        ]
        if bodies:
            yield frame.index, frame.rgb, bodies


def _is_worth(track: Track, body: Body, frame: video.Frame, every_s: float) -> bool:
    """Whether to label a person now; remembers that they were."""
    if track.seen < FEWEST_SEEN or body.presence < SURE_PRESENCE:
        return False
    if frame.time_s - track.chosen_s < every_s:
        return False
    if track.chosen is not None and distance(body, track.chosen) < DIFFERENT:
        return False
    track.chosen_s, track.chosen = frame.time_s, body
    return True
