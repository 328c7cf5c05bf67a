# SPDX-License-Identifier: GPL-3.0-or-later
"""The inference worker as a child process: lines in, lines out, and an end that is certain."""

import contextlib
import os
import queue
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Final

from ..inference.protocol import MAX_LINE_CHARS
from .errors import OutputError, WorkerError

LOG_TAIL_BYTES: Final = 4096


class Worker:
    """One running child. It has pipes only, and dies when its stdin is closed."""

    def __init__(
        self,
        command: Sequence[str],
        folder: Path,
        log: Path,
        environment: Mapping[str, str],
        inherited: Sequence[int] = (),
    ) -> None:
        """Start the child.

        Args:
            command: Program and arguments.
            folder: Working directory of the child.
            log: File that receives its stderr; overwritten.
            environment: Variables set for the child over those of this process.
            inherited: Descriptors that stay open in the child; none on Windows.

        Raises:
            WorkerError: The program cannot be started.
            OutputError: The log cannot be written.
        """
        self.log = log
        self._lines: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        self.ended = False
        stderr = _opened(log)
        try:
            with stderr:
                self._process = subprocess.Popen(
                    list(command),
                    cwd=folder,
                    env={**os.environ, **environment},
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=stderr,
                    encoding="utf-8",
                    errors="replace",
                    creationflags=_windows_flags(),
                    start_new_session=True,
                    pass_fds=inherited,
                )
        except OSError as error:
            raise WorkerError(
                f"Cannot start the worker with {command[0]!r}: {error.strerror or error}. "
                "Check the worker's Python in the preferences of Track Spine"
            ) from error
        assert self._process.stdin and self._process.stdout
        self._stdin = self._process.stdin
        self._reader = threading.Thread(
            target=_queue_lines, args=(self._process.stdout, self._lines), daemon=True
        )
        self._reader.start()

    def send(self, line: str) -> None:
        """Write one line to the child.

        Args:
            line: The text, newline included.
        """
        # A child that has gone is noticed by the end of its output, with its log to tell why.
        with contextlib.suppress(OSError, ValueError):
            self._stdin.write(line)
            self._stdin.flush()

    def poll(self, wait_s: float = 0.0) -> list[str]:
        """Take the lines that have come since the last call.

        Args:
            wait_s: How long to wait for the first one, seconds.

        Returns:
            The lines, oldest first. After the last one `ended` is True.
        """
        lines: list[str] = []
        while not self.ended:
            try:
                line = self._lines.get(block=not lines and wait_s > 0, timeout=wait_s)
            except queue.Empty:
                break
            if line is None:
                self.ended = True
            else:
                lines.append(line)
        return lines

    def close(self) -> int:
        """End the child now, whatever it is doing, and wait until it is gone.

        Returns:
            Its exit code; negative when a signal ended it.
        """
        self._process.kill()
        code = self._process.wait()
        with contextlib.suppress(OSError):  # what the child had not read yet
            self._stdin.close()
        self._reader.join(timeout=1.0)
        self.ended = True
        return code

    def wait(self) -> int:
        """Let a child that has said its last word end by itself, or end it after a second.

        Returns:
            Its exit code; negative when a signal ended it.
        """
        with contextlib.suppress(OSError):
            self._stdin.close()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(timeout=1.0)
        return self.close()

    def note(self, text: str) -> None:
        """Add to the child's log what it told on its output.

        Args:
            text: For example a traceback.
        """
        with contextlib.suppress(OSError), self.log.open("a", encoding="utf-8") as log:
            log.write(text)

    def log_tail(self) -> str:
        """Read the end of what the child wrote to its log.

        Returns:
            The last lines, at most 4 KB; empty when the log is gone with its folder.
        """
        try:
            return self.log.read_bytes()[-LOG_TAIL_BYTES:].decode("utf-8", "replace").strip()
        except OSError:
            return ""


def worker_environment(python_path: Sequence[str]) -> dict[str, str]:
    """Tell a Python child where to import from and to speak UTF-8.

    Args:
        python_path: Folders with packages, before the interpreter's own; empty for none.

    Returns:
        Environment variables.
    """
    # Blender's own variables must not reach another interpreter, so this one is always set.
    return {
        "PYTHONPATH": os.pathsep.join(python_path),
        "PYTHONUTF8": "1",
        "PYTHONDONTWRITEBYTECODE": "1",
    }


def _windows_flags() -> int:
    # With `start_new_session` elsewhere: Ctrl-C in the terminal belongs to Blender, which then asks
    # the child to stop in good order.
    if sys.platform == "win32":
        return subprocess.CREATE_NO_WINDOW | subprocess.CREATE_NEW_PROCESS_GROUP
    return 0


def _opened(log: Path) -> IO[bytes]:
    try:
        return log.open("wb")
    except OSError as error:
        raise OutputError(
            f"Cannot write the worker's log {log}: {error.strerror or error}. "
            "Name another take folder"
        ) from error


def _queue_lines(stdout: IO[str], lines: "queue.SimpleQueue[str | None]") -> None:
    with stdout:
        # A bounded read: a child that never ends its line must not fill the memory.
        for line in iter(lambda: stdout.readline(MAX_LINE_CHARS + 1), ""):
            lines.put(line)
    lines.put(None)
