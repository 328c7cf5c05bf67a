# SPDX-License-Identifier: GPL-3.0-or-later
"""Frames made in Blender on their way to the worker, as fast as it takes them and no faster."""

from collections import deque
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from ..inference.frame_ring import FrameRing
from ..inference.protocol import FrameReady, ProtocolError, SharedFrames
from .errors import SourceError


class FrameSource(Protocol):
    """What makes frames.

    Attributes:
        size_px: Width and height.
        rate_hz: Frame rate.
        count: Number of frames.
        identity: SHA-256, hexadecimal, of all that decides what they show.
        repeatable: Whether the same frames can be asked for again, by the same identity.
    """

    @property
    def size_px(self) -> tuple[int, int]: ...  # noqa: D102

    @property
    def rate_hz(self) -> float: ...  # noqa: D102

    @property
    def count(self) -> int: ...  # noqa: D102

    @property
    def identity(self) -> str: ...  # noqa: D102

    @property
    def repeatable(self) -> bool: ...  # noqa: D102

    def picture(self, index: int) -> NDArray[np.uint8]:
        """Make a frame.

        Args:
            index: Which, from 0.

        Returns:
            (H, W, 3) RGB.

        Raises:
            SourceError: It cannot be made.
        """


class FrameFeed:
    """The parent's end of the shared memory."""

    def __init__(self, source: FrameSource) -> None:
        """Make the memory.

        Args:
            source: What makes the frames.

        Raises:
            SourceError: There is no room for the memory.
        """
        self._source = source
        self.repeatable = source.repeatable
        width, height = source.size_px
        try:
            self._ring = FrameRing.fitting(width, height)
        except OSError as error:
            raise SourceError(
                f"No room for frames of {width} x {height} pixels: {error.strerror or error}"
            ) from error
        slots = len(self._ring.frames)
        self.inherited = self._ring.inherited
        self.description = SharedFrames(
            handle=self._ring.handle,
            slots=slots,
            width=width,
            height=height,
            rate_hz=source.rate_hz,
            count=source.count,
            identity=source.identity,
        )
        self._free = deque(range(slots))
        self._next: int | None = None

    @property
    def due(self) -> bool:
        """Whether the worker waits for a frame and there is room for it."""
        return self._next is not None and self._next < self._source.count and bool(self._free)

    def begin(self, first: int) -> None:
        """Note which frame the worker wants first.

        Args:
            first: Its index.

        Raises:
            ProtocolError: There is no such frame.
        """
        if not 0 <= first <= self._source.count:
            raise ProtocolError(f"Frame {first} is wanted, and there are {self._source.count}")
        self._next = first

    def take_back(self, slot: int) -> None:
        """Note that the worker has read a slot.

        Args:
            slot: Which.

        Raises:
            ProtocolError: It is none of the slots, or was not handed out.
        """
        if slot in self._free or not 0 <= slot < len(self._ring.frames):
            raise ProtocolError(f"Slot {slot} was given back and had not been handed out")
        self._free.append(slot)

    def next_frame(self) -> FrameReady:
        """Make the frame that is due.

        Returns:
            The message that tells of it.

        Raises:
            SourceError: It cannot be made.
        """
        assert self._next is not None
        index = self._next
        picture = self._source.picture(index)
        slot = self._free.popleft()
        self._ring.frames[slot] = picture
        self._next = index + 1
        return FrameReady(slot, index, index / self._source.rate_hz)

    def close(self) -> None:
        """Let go of the memory."""
        self._ring.close()
