# SPDX-License-Identifier: GPL-3.0-or-later
"""One writer a take: a lock of the operating system, which ends with the process that holds it."""

import contextlib
import os
import sys
from collections.abc import Generator
from pathlib import Path
from typing import IO, Final

from .errors import TakeError

NAME: Final = "writer.lock"
"""The file that is locked; it stays, since deleting it would let two processes lock two files."""

BYTE: Final = 1 << 30
"""The byte that Windows locks: past the process id, which others are to read."""


@contextlib.contextmanager
def take_lock(folder: Path) -> Generator[None, None, None]:
    """Keep other processes from writing a take.

    Args:
        folder: The take folder; made where it is missing.

    Yields:
        Nothing; the take is this process's own inside. A file system that knows no locks gives
        none.

    Raises:
        TakeError: Another process writes the take, or the folder cannot be written.
    """
    path = folder / NAME
    try:
        folder.mkdir(parents=True, exist_ok=True)
        file = path.open("r+b" if path.exists() else "x+b")
    except OSError as error:
        raise TakeError(
            f"Take folder {folder} cannot be written: {error.strerror or error}. Choose another"
        ) from error
    with file:
        try:
            _lock(file)
        except (BlockingIOError, PermissionError) as error:
            raise TakeError(
                f"{folder} is being written by another run (process {_holder(file)}): wait until "
                "it has ended, or choose another take folder"
            ) from error
        except OSError:  # ENOLCK, ENOTSUP: some network folders
            yield
            return
        _name_holder(file)
        yield


def _lock(file: IO[bytes]) -> None:
    if sys.platform == "win32":
        import msvcrt

        file.seek(BYTE)
        msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
    else:
        import fcntl

        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)


def _name_holder(file: IO[bytes]) -> None:
    with contextlib.suppress(OSError):  # a full disk: the lock holds all the same
        file.seek(0)
        file.truncate()
        file.write(f"{os.getpid()}\n".encode())
        file.flush()


def _holder(file: IO[bytes]) -> str:
    try:
        file.seek(0)
        return file.read(20).decode("ascii", "replace").strip() or "unknown"
    except OSError:
        return "unknown"
