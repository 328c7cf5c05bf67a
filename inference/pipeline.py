# SPDX-License-Identifier: GPL-3.0-or-later
"""A run from footage to 3D points: tracks what the take lacks, then lifts the whole clip."""

import contextlib
import dataclasses
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

from .batches import Report, Stopwatch, track_frames
from .chunks import Row
from .cores import usable_cores
from .errors import VideoError
from .follow import Follower, Wanted
from .lens import known_lens
from .lifting import lift_take
from .looks import Looks
from .models import DETECTOR, POINTS_VERSION, POSE, ModelCard
from .networks import Networks, open_networks
from .protocol import Cancelled, Progress, ProtocolError, Result, TrackRequest
from .search import Search
from .session import Session
from .source import Footage, open_footage
from .take import Take
from .take_lock import take_lock
from .tracks import from_arrays
from .video import VideoInfo

MOST_TOGETHER: Final = 4
"""Frames looked at together at most, unless told: where people are eight frames on is not known
well enough, see `tracks.SPEED_KEPT`. Two a thread: they seldom end at the same time, and with four
on two cores the benchmarks' clip ran some 7 % faster than with two."""


class Tracker:
    """The networks, loaded once; `track` runs one clip."""

    def __init__(self, provider: str | None = None) -> None:
        """Load the networks.

        Args:
            provider: As in `Session`.

        Raises:
            ModelError: A model file is missing, wrong, or cannot be run.
        """
        self._asked = provider
        self._detector = Session(DETECTOR, provider=provider)
        self._pose = Session(POSE, threads=1, provider=provider)

    @property
    def provider(self) -> str:
        """Execution provider of the pose network, as ONNX Runtime names it."""
        return self._pose.provider

    def track(
        self,
        request: TrackRequest,
        report: Report,
        stopping: Callable[[], bool],
        source: Footage | None = None,
        shown: Callable[[Row], None] = lambda _: None,
    ) -> Result | Cancelled:
        """Track a clip into a take, going on where an earlier run of the same stopped.

        Args:
            request: What to track and where to.
            report: Called some ten times a second.
            stopping: Asked every few frames; once true, the frames so far are kept and it returns.
            source: Where frames come from; None for the file that the request names.
            shown: Given each frame's findings as soon as they are there, for live use.

        Returns:
            What was made, or how many frames a stopped run keeps.

        Raises:
            VideoError: The clip cannot be read.
            TakeError: The take cannot be written or belongs to another clip.
            NobodyFoundError: No frame shows a person.
            ProtocolError: The subject point lies outside the frame, or a movie is given a rate.
            CalibrationError: The lens cannot be read, or is of other footage.
        """
        source = source or open_footage(request)
        _require_inside(request.subject_px, source.info)
        known_lens(request, source.info)  # what is wrong with it is told before minutes of tracking
        take = Take(Path(request.take))
        networks = open_networks(self._wanted(request), self._detector)
        threads = request.threads or usable_cores()
        watch = Stopwatch()
        with take_lock(take.folder):
            together = _together(take, request, threads)
            take.begin(_head(source.info, request, together, networks.cards))
            again = take.set_aside_damage()
            if not _is_tracked(take):
                with contextlib.closing(Looks(self._pose, threads)) as looks:
                    follower = _follower(Search(networks.finder), looks, take, request)
                    try:
                        kept = track_frames(
                            source,
                            follower,
                            networks.second_look,
                            take,
                            together,
                            report,
                            stopping,
                            watch,
                            shown,
                        )
                    except VideoError:
                        take.discard_empty()
                        raise
                if kept is not None:
                    return Cancelled(str(take.folder), kept)
            count = source.info.frame_count
            report(Progress("lift", count or 0, count, 0, 0.0))
            with watch.timing("lift"):
                lifted, seen, note = lift_take(source.info, take, request, networks.lifter)
            people = len(take.read_json()["people"])
        return Result(
            take=str(take.folder),
            lifted=str(lifted),
            frames=len(seen),
            tracked=int(seen.sum()),
            seconds=watch.seconds,
            note=" ".join(filter(None, [_again_note(again), note])),
            people=people,
            engine=self._engine(threads, together),
        )

    def _wanted(self, request: TrackRequest) -> Networks:
        return Networks(
            request.model, request.detector, request.lifter, request.flip_test, self._asked
        )

    def _engine(self, threads: int, together: int) -> str:
        used = f"{self.provider}, {threads} threads, {together} frames together"
        return "; ".join([used, *self._pose.why_not])


def _follower(search: Search, looks: Looks, take: Take, request: TrackRequest) -> Follower:
    """A follower in the state that the take ends with."""
    most = request.most_people if request.people == "all" else 1
    follower = Follower(search, looks, Wanted(most, request.subject_px, request.subject_s))
    earlier, state = take.read_chunks()
    follower.tracks = from_arrays(state)
    if earlier["whole"].any():
        follower.previous_s = float(earlier["time_s"][earlier["whole"]][-1])
    return follower


def _together(take: Take, request: TrackRequest, threads: int) -> int:
    """Frames to look at together: as told, as the take was begun with, or as suits the machine."""
    if request.batch_frames is None and (take.folder / "take.json").exists():
        begun: int = take.read_json().get("settings", {}).get("batch_frames", 1)
        return begun
    return request.batch_frames or min(2 * threads, MOST_TOGETHER)


def _again_note(row: int | None) -> str:
    return "" if row is None else f"Damaged chunks were set aside and tracked again from row {row}."


def _require_inside(point: tuple[float, float] | None, info: VideoInfo) -> None:
    if point and not (0 <= point[0] <= info.width and 0 <= point[1] <= info.height):
        raise ProtocolError(
            f"Subject point {point} lies outside the frame of {info.width} x {info.height} pixels"
        )


def _head(
    info: VideoInfo, request: TrackRequest, together: int, cards: Sequence[ModelCard]
) -> dict[str, Any]:
    return {
        "source": {
            "path": str(info.path),
            "sha256": info.sha256,
            "size_bytes": info.size_bytes,
            "width": info.width,
            "height": info.height,
            "rotation_deg": info.rotation_deg,
            "rate_hz": info.rate_hz,
        },
        "models": [
            {"name": card.name, "sha256": card.sha256, "licence": card.licence} for card in cards
        ],
        "settings": {
            "people": request.people,
            "most_people": request.most_people if request.people == "all" else 1,
            "subject_px": request.subject_px,
            "subject_s": request.subject_s,
            "trim": dataclasses.asdict(info.trim),
            "rate_hz": request.rate_hz,
            "batch_frames": together,
            "flip_test": request.flip_test,
            "points_version": POINTS_VERSION,
        },
    }


def _is_tracked(take: Take) -> bool:
    """Whether every frame is there: a chunk may have been deleted since the take was lifted."""
    count: int | None = take.read_json().get("timestamps", {}).get("count")
    return count == len(take.read_chunks()[0]["row"])
