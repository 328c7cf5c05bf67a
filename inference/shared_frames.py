# SPDX-License-Identifier: GPL-3.0-or-later
"""Footage that only the parent has: its frames come one after the other through shared memory.

The parent fills a slot, says so, and waits until the slot is given back: memory is bounded.
"""

import math
import queue
from collections.abc import Callable, Generator
from pathlib import Path

from .frame_ring import FrameRing
from .protocol import FrameReady, FramesWanted, Message, ProtocolError, SharedFrames, SlotFree
from .video import Frame, VideoInfo


class SharedFootage:
    """The child's end: footage that arrives frame by frame.

    Attributes:
        info: Its description.
    """

    def __init__(self, described: SharedFrames, name: str, send: Callable[[Message], None]) -> None:
        """Open the memory.

        Args:
            described: What the parent says of the frames.
            name: What the parent calls the footage.
            send: Sends a message to the parent, from any thread.

        Raises:
            ProtocolError: The memory cannot be opened.
        """
        self._ring = FrameRing(described.slots, described.width, described.height, described.handle)
        self._send = send
        self._arrived: queue.SimpleQueue[FrameReady] = queue.SimpleQueue()
        self.info = VideoInfo(
            path=Path(name),
            sha256=described.identity,
            size_bytes=3 * described.width * described.height * described.count,
            width=described.width,
            height=described.height,
            rotation_deg=0,
            rate_hz=described.rate_hz,
            frame_count=described.count,
        )

    def arrived(self, ready: FrameReady) -> None:
        """Take note of a frame; called by the thread that listens to the parent.

        Args:
            ready: Which slot holds it.
        """
        self._arrived.put(ready)

    def frames(self, start: int = 0) -> Generator[Frame, None, None]:
        """Ask the parent for the frames and give them on, each as a copy of its slot.

        Args:
            start: Index of the first one wanted.

        Yields:
            Frames in order.

        Raises:
            ProtocolError: The parent sends another frame than the next one, or a slot that is none.
        """
        self._send(FramesWanted(start))
        last_s = -math.inf
        for index in range(start, self.info.frame_count or 0):
            ready = self._arrived.get()
            if ready.index != index or not last_s < ready.time_s < math.inf:
                raise ProtocolError(
                    f"Frame {ready.index} at {ready.time_s} s came where frame {index} was to "
                    f"follow on {last_s} s"
                )
            if not 0 <= ready.slot < len(self._ring.frames):
                raise ProtocolError(f"Slot {ready.slot} is none of {len(self._ring.frames)}")
            rgb = self._ring.frames[ready.slot].copy()
            self._send(SlotFree(ready.slot))
            last_s = ready.time_s
            yield Frame(index, ready.time_s, rgb, True, index, ready.time_s)
