# SPDX-License-Identifier: GPL-3.0-or-later
"""A ring of shared memory for a few frames, the same in Blender and in the worker.

The memory has no name in any folder, so it goes with the last process that holds it, however that
ends.
"""

import io
import math
import mmap
import os
import secrets
import sys
import tempfile
from typing import Final

import numpy as np
from numpy.typing import NDArray

from .protocol import ProtocolError

SLOTS: Final = 4
"""One that is written, one that is read, and two that even out a slow frame."""

MOST_BYTES: Final = 256 << 20
"""Room for the ring, as for frames decoded ahead; two slots are there whatever the size."""


class FrameRing:
    """Memory that two processes see.

    Attributes:
        frames: (slots, H, W, 3) RGB.
        handle: What the child opens it by.
        inherited: Descriptors that the child must inherit.
    """

    def __init__(self, slots: int, width: int, height: int, handle: str | None = None) -> None:
        """Make the memory, or open the parent's.

        Args:
            slots: Number of frames.
            width: Width of a frame, pixels.
            height: Height of a frame, pixels.
            handle: The parent's, in the child; None to make it.

        Raises:
            ProtocolError: The handle opens no memory of this size.
            OSError: There is no room for the memory.
        """
        shape = slots, height, width, 3
        size = math.prod(shape)
        self.inherited: tuple[int, ...] = ()
        self._file: io.IOBase | None = None
        if sys.platform == "win32":
            self.handle = handle or f"track_spine_{secrets.token_hex(8)}"
            self._memory = mmap.mmap(-1, size, tagname=self.handle)
        elif handle is None:
            self._file = _unnamed_file(size)
            self.handle = str(self._file.fileno())
            self.inherited = (self._file.fileno(),)
            self._memory = mmap.mmap(self._file.fileno(), size)
        else:
            self.handle = handle
            self._memory = _mapped(handle, size)
        self.frames: NDArray[np.uint8] = np.frombuffer(self._memory, np.uint8).reshape(shape)

    @classmethod
    def fitting(cls, width: int, height: int) -> "FrameRing":
        """Make the memory with as many slots as there is room for.

        Args:
            width: Width of a frame, pixels.
            height: Height of a frame, pixels.

        Returns:
            The ring, with 2 to SLOTS slots.

        Raises:
            OSError: There is no room for the memory.
        """
        return cls(min(max(MOST_BYTES // (3 * width * height), 2), SLOTS), width, height)

    def close(self) -> None:
        """Let go of the memory; it is gone once the other process has done so too."""
        del self.frames
        self._memory.close()
        if self._file is not None:
            self._file.close()


def _unnamed_file(size: int) -> io.IOBase:
    if sys.platform == "linux":
        file: io.IOBase = os.fdopen(os.memfd_create("track_spine_frames"), "w+b")
    else:
        file = tempfile.TemporaryFile()  # noqa: SIM115 - stays open as long as the ring
    try:
        # Written, not only lengthened: a full disk is then told here, and not by a crash later.
        for begin in range(0, size, 1 << 20):
            file.write(bytes(min(size - begin, 1 << 20)))
        file.flush()
    except OSError:
        file.close()
        raise
    return file


def _mapped(handle: str, size: int) -> mmap.mmap:
    try:
        descriptor = int(handle)
        memory = mmap.mmap(descriptor, size)
        os.close(descriptor)
    except (OSError, ValueError) as error:
        raise ProtocolError(
            f"Shared memory {handle!r} of {size} bytes cannot be opened ({error}): does a script "
            "in the preferences start the worker's Python without passing on its open files?"
        ) from error
    return memory
