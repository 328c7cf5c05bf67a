# SPDX-License-Identifier: GPL-3.0-or-later
"""A live camera as footage: every picture is recorded, the newest one is tracked.

Where tracking is slower than the camera, pictures are left out of the take and never queue up; each
keeps the time at which it was taken. The recording has all of them and can be tracked again.
"""

import contextlib
import secrets
import sys
import threading
import time
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Final

import av

from .errors import VideoError
from .picture import orientation, upright
from .video import Frame, VideoInfo

SYSTEMS: Final = {"linux": "v4l2", "darwin": "avfoundation", "win32": "dshow"}
"""FFmpeg's way to cameras on each system; tried on none of them with a real camera."""

RECORDING: Final = {"preset": "ultrafast", "crf": "18", "tune": "zerolatency"}
"""H.264 that is quick to write, hardly to be told from the original, and holds nothing back."""

TIME_BASE: Final = Fraction(1, 1000)
"""Matroska's: it can be played even when recording was cut off, as MP4 cannot."""

PATIENCE_S: Final = 10.0
"""A camera that gives no picture for longer counts as gone."""


def camera_address(name: str, platform: str = sys.platform) -> tuple[str, str]:
    """Find out how FFmpeg calls a camera.

    Args:
        name: Number of the camera from 0, or its name or path.
        platform: As in `sys.platform`.

    Returns:
        FFmpeg's input format and its address there.

    Raises:
        VideoError: Cameras of this system cannot be read, or not by number.
    """
    form = SYSTEMS.get(platform)
    if form is None or (form == "dshow" and name.isdigit()):
        reason = "give its name: Windows numbers none" if form else "no way is known here"
        raise VideoError(f"Camera {name!r} cannot be opened: {reason}")
    if form == "v4l2":
        return form, f"/dev/video{name}" if name.isdigit() else name
    return form, f"{name}:none" if form == "avfoundation" else f"video={name}"


@contextlib.contextmanager
def camera_pictures(name: str) -> Iterator[Iterator[av.VideoFrame]]:
    """Open a camera.

    Args:
        name: As in `camera_address`.

    Yields:
        Its pictures as they come.

    Raises:
        VideoError: It cannot be opened, or stops.
    """
    form, address = camera_address(name)
    try:
        with av.open(address, format=form) as container:
            yield container.decode(container.streams.video[0])
    except (av.FFmpegError, OSError, IndexError) as error:
        raise VideoError(
            f"Camera {name!r} cannot be read at {address}: {error}. Is it plugged in, and not in "
            "use by another program?"
        ) from error


@dataclass(frozen=True)
class _Picture:
    index: int
    time_s: float
    stored: av.VideoFrame


class LiveFootage:
    """Pictures that come whether or not somebody takes them.

    Attributes:
        info: What is known of them from the first.
        recorded: Number of pictures in the recording so far.
    """

    def __init__(
        self,
        name: str,
        pictures: Iterator[av.VideoFrame],
        recording: Path,
        seconds: float | None = None,
        stopping: Callable[[], bool] = lambda: False,
        rate: float = 30.0,
    ) -> None:
        """Take the first picture.

        Args:
            name: What to call the camera.
            pictures: From `camera_pictures`.
            recording: Matroska file to write.
            seconds: How long to record; None until it is stopped.
            stopping: Asked at every picture whether to stop.
            rate: Nominal rate of the camera, Hz.

        Raises:
            VideoError: The camera gives no picture.
        """
        self._pictures, self._recording = pictures, recording
        self._seconds, self._stopping = seconds, stopping
        self._first = next(pictures, None)
        if self._first is None:
            raise VideoError(f"Camera {name!r} gives no picture")
        turn, mirrored = orientation(self._first)
        size = self._first.width, self._first.height
        self.recorded = 0
        self._newest: _Picture | None = None
        self._ended = False
        self._failure: Exception | None = None
        self._news = threading.Condition()
        self.info = VideoInfo(
            path=recording,
            sha256=secrets.token_hex(32),  # what was live once never comes again
            size_bytes=0,
            width=size[turn % 180 != 0],
            height=size[turn % 180 == 0],
            rotation_deg=turn,
            rate_hz=rate,
            frame_count=None,
            mirrored=mirrored,
        )

    def frames(self, start: int = 0) -> Generator[Frame, None, None]:
        """Record in a thread of its own, and give the newest picture whenever one is asked for.

        Args:
            start: Number of frames that the take has: none, since every live take is a new one.

        Yields:
            Frames; `source_index` counts the pictures of the recording.

        Raises:
            VideoError: The camera or the recording fails.
        """
        recorder = threading.Thread(target=self._record, name="camera", daemon=True)
        recorder.start()
        index = start
        try:
            while picture := self._take_newest():
                size = self.info.width, self.info.height
                rgb = upright(picture.stored, size, self.info.rotation_deg, self.info.mirrored)
                yield Frame(index, picture.time_s, rgb, True, picture.index, picture.time_s)
                index += 1
        finally:
            with self._news:
                self._ended = True
            recorder.join(PATIENCE_S)
        if self._failure is not None:
            raise VideoError(
                f"Recording broke off after {self.recorded} pictures: {self._failure}. What was "
                f"recorded is in {self._recording}"
            ) from self._failure

    def _take_newest(self) -> _Picture | None:
        with self._news:
            if not self._news.wait_for(lambda: self._newest or self._ended, PATIENCE_S):
                self._failure = VideoError(f"no picture came for {PATIENCE_S:g} s")
            newest, self._newest = self._newest, None
            return newest

    def _record(self) -> None:
        try:
            with av.open(str(self._recording), "w", format="matroska") as container:
                self._record_into(container)
        except (av.FFmpegError, OSError, VideoError) as error:
            self._failure = error
        finally:
            with self._news:
                self._ended = True
                self._news.notify_all()

    def _record_into(self, container: av.container.OutputContainer) -> None:
        assert self._first is not None
        stream = container.add_stream("libx264", rate=round(self.info.rate_hz), options=RECORDING)
        stream.width, stream.height = self._first.width // 2 * 2, self._first.height // 2 * 2
        stream.pix_fmt, stream.time_base = "yuv420p", TIME_BASE
        stream.codec_context.time_base = TIME_BASE
        last_ms = -1
        for picture, time_s in self._timed():
            stamp = max(round(time_s / TIME_BASE), last_ms + 1)
            last_ms = stamp
            copy = picture.reformat(stream.width, stream.height, "yuv420p")
            copy.pts, copy.time_base = stamp, TIME_BASE
            container.mux(stream.encode(copy))
            with self._news:
                self._newest = _Picture(self.recorded, stamp * float(TIME_BASE), picture)
                self.recorded += 1
                self._news.notify_all()
                if self._ended or self._stopping():
                    break
        container.mux(stream.encode(None))

    def _timed(self) -> Iterator[tuple[av.VideoFrame, float]]:
        """Pictures with the time since the first: the camera's clock, else that of their coming."""
        assert self._first is not None
        came, origin_s = time.monotonic(), self._first.time
        yield self._first, 0.0
        for picture in self._pictures:
            known = picture.time is not None and origin_s is not None
            elapsed = picture.time - origin_s if known else time.monotonic() - came
            if self._seconds is not None and elapsed >= self._seconds:
                return
            yield picture, elapsed
