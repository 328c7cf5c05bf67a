# SPDX-License-Identifier: GPL-3.0-or-later
"""The stages in order: decode, follow, complete, write chunks; then lift the whole clip."""

import contextlib
import dataclasses
import time
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from .bend import complete
from .crop import Crop
from .errors import VideoError
from .follow import Follower
from .keypoints import NAMES
from .lifting import lift_take
from .models import CARDS, DETECTOR, POINTS_VERSION, POSE
from .pose2d import Body
from .protocol import Cancelled, Progress, ProtocolError, Result, TrackRequest
from .session import Session
from .take import CROP_STATE, Arrays, Take
from .video import Frame, VideoInfo, frames, probe

CHUNK_FRAMES: Final = 120
"""Frames a chunk: two to four seconds of work, the most that a killed run loses."""

PROGRESS_PERIOD_S: Final = 0.1


class Tracker:
    """The networks, loaded once; `track` runs one clip."""

    def __init__(self) -> None:
        """Load the networks.

        Raises:
            ModelError: A model file is missing, wrong, or cannot be run.
        """
        self._detector = Session(DETECTOR)
        self._pose = Session(POSE)
        self.provider = self._pose.provider

    def track(
        self,
        request: TrackRequest,
        report: Callable[[Progress], None],
        stopping: Callable[[], bool],
    ) -> Result | Cancelled:
        """Track a clip into a take, going on where an earlier run of the same stopped.

        Args:
            request: What to track and where to.
            report: Called some ten times a second.
            stopping: Asked at every frame; once true, the frames so far are kept and it returns.

        Returns:
            What was made, or how many frames a stopped run keeps.

        Raises:
            VideoError: The clip cannot be read.
            TakeError: The take cannot be written or belongs to another clip.
            NobodyFoundError: No frame shows a person.
            ProtocolError: The subject point lies outside the frame, or a movie is given a rate.
        """
        info = footage(request)
        _require_inside(request.subject_px, info)
        take = Take(Path(request.take))
        take.begin(_head(info, request))
        watch = _Stopwatch()
        if not _is_tracked(take):
            kept = self._track_frames(info, take, request, report, stopping, watch)
            if kept is not None:
                return Cancelled(str(take.folder), kept)
        with watch.timing("lift"):
            lifted, seen, note = lift_take(info, take, request)
        counts = len(seen), int(seen.sum())
        return Result(str(take.folder), str(lifted), *counts, watch.seconds, note)

    def _track_frames(
        self,
        info: VideoInfo,
        take: Take,
        request: TrackRequest,
        report: Callable[[Progress], None],
        stopping: Callable[[], bool],
        watch: "_Stopwatch",
    ) -> int | None:
        earlier, crops = take.read_chunks()
        start = done = len(earlier["row"])
        follower = Follower(self._detector, self._pose, request.subject_px)
        follower.crop, follower.last_seen = _crop(crops[0]), _crop(crops[1])
        if earlier["whole"].any():
            follower.previous_s = float(earlier["time_s"][earlier["whole"]][-1])
            seen = np.isfinite(earlier["ray_px"]).all(axis=(1, 2))
            follower.last_seen_s = float(max(earlier["time_s"][seen], default=-np.inf))
        rows: list[Arrays] = []
        began = reported = time.monotonic()
        source = frames(info, start)
        try:
            while frame := watch.next("decode", source):
                with watch.timing("follow"):
                    body = follower.step(frame.rgb, frame.source_s) if frame.whole else None
                with watch.timing("complete"):
                    rows.append(_row(frame, body))
                done += 1
                now = time.monotonic()
                if now - reported >= PROGRESS_PERIOD_S or done == info.frame_count:
                    reported = now
                    rate = (done - start) / max(now - began, 1e-6)
                    report(Progress("track", done, info.frame_count, int(body is not None), rate))
                stopped = stopping()
                if stopped or len(rows) == CHUNK_FRAMES:
                    with watch.timing("write"):
                        _write(take, rows, follower)
                    rows = []
                if stopped:
                    return done
        except VideoError:
            _write(take, rows, follower)
            raise
        finally:
            source.close()
        _write(take, rows, follower)
        return None


def footage(request: TrackRequest) -> VideoInfo:
    """Open the part of the footage that a request means.

    Args:
        request: What to track.

    Returns:
        Its description, from `probe`.

    Raises:
        VideoError: The footage cannot be read.
        ProtocolError: A frame rate is given for a movie.
    """
    info = probe(Path(request.video), request.rate_hz, request.part())
    if request.rate_hz is not None and not info.images:
        raise ProtocolError(
            f"{info.path} is a movie and has times of its own: leave out the frame rate "
            f"({request.rate_hz:g} Hz), which is for image sequences"
        )
    return info


class _Stopwatch:
    """Seconds spent in each stage; decoding counts only while the other stages wait for it."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    @contextlib.contextmanager
    def timing(self, stage: str) -> Generator[None, None, None]:
        began = time.perf_counter()
        try:
            yield
        finally:
            spent = time.perf_counter() - began
            self.seconds[stage] = self.seconds.get(stage, 0.0) + spent

    def next(self, stage: str, source: Generator[Frame, None, None]) -> Frame | None:
        with self.timing(stage):
            return next(source, None)


def _write(take: Take, rows: list[Arrays], follower: Follower) -> None:
    if rows:
        arrays = {name: np.stack([row[name] for row in rows]) for name in rows[0]}
        take.write_chunk(arrays, np.stack([_numbers(follower.crop), _numbers(follower.last_seen)]))


def _row(frame: Frame, body: Body | None) -> Arrays:
    count = len(NAMES)
    row: Arrays = {
        "row": np.array(frame.index, np.int64),
        "frame": np.array(frame.source_index, np.int64),
        "time_s": np.array(frame.source_s, np.float64),
        "whole": np.array(frame.whole, np.bool_),
        "xy_px": np.full((1, count, 2), np.nan, np.float32),
        "score": np.zeros((1, count), np.float32),
        "relative_m": np.full((1, count, 3), np.nan, np.float32),
        "ray_px": np.full((1, 2), np.nan, np.float32),
    }
    if body:
        points = complete(body)
        row["xy_px"][0] = points.xy_px
        row["score"][0] = points.score
        row["relative_m"][0] = points.relative_m
        row["ray_px"][0] = body.crop.centre_px
    return row


def _numbers(crop: Crop | None) -> NDArray[np.float64]:
    if crop is None:
        return np.full(CROP_STATE, np.nan)
    return np.array([*crop.centre_px, crop.side_px, crop.angle])


def _crop(numbers: NDArray[np.float64]) -> Crop | None:
    if not np.isfinite(numbers).all():
        return None
    return Crop(numbers[:2], float(numbers[2]), float(numbers[3]))


def _require_inside(point: tuple[float, float] | None, info: VideoInfo) -> None:
    if point and not (0 <= point[0] <= info.width and 0 <= point[1] <= info.height):
        raise ProtocolError(
            f"Subject point {point} lies outside the frame of {info.width} x {info.height} pixels"
        )


def _head(info: VideoInfo, request: TrackRequest) -> dict[str, Any]:
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
            {"name": card.name, "sha256": card.sha256, "licence": card.licence} for card in CARDS
        ],
        "settings": {
            "subject_px": request.subject_px,
            "trim": dataclasses.asdict(info.trim),
            "rate_hz": request.rate_hz,
            "points_version": POINTS_VERSION,
        },
    }


def _is_tracked(take: Take) -> bool:
    """Whether every frame is there: a chunk may have been deleted since the take was lifted."""
    count: int | None = take.read_json().get("timestamps", {}).get("count")
    return count == len(take.read_chunks()[0]["row"])
