# SPDX-License-Identifier: GPL-3.0-or-later
"""The worker: a child process that reads one request from stdin and answers on stdout by lines.

It ends when its parent closes stdin, which is also what happens when the parent dies.
"""

import os
import sys
import threading
import traceback
from typing import TextIO

from .errors import InferenceError
from .protocol import (
    CancelRequest,
    Failure,
    Message,
    Progress,
    ProtocolError,
    Ready,
    TrackRequest,
    decode,
    encode,
)

EXIT_PARENT_GONE = 3


def main() -> int:
    """Serve one request.

    Returns:
        Exit status: 0 after a result or a cancelled run, 1 after an error that was reported.
    """
    # Nothing but messages may reach stdout: whatever a library prints there goes to the log.
    out = os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8", newline="\n")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    try:
        _serve(sys.stdin, out)
    except (InferenceError, ProtocolError) as error:
        _send(out, Failure(type(error).__name__, str(error), ""))
        return 1
    except Exception as error:  # the border of the process: told to the parent with its traceback
        _send(out, Failure(type(error).__name__, str(error), traceback.format_exc()))
        return 1
    return 0


def _serve(lines: TextIO, out: TextIO) -> None:
    from .pipeline import Tracker  # a broken dependency is then reported, not a silent death

    tracker = Tracker()
    _send(out, Ready(sys.version.split()[0], tracker.provider))
    request = decode(lines.readline())
    if not isinstance(request, TrackRequest):
        raise ProtocolError(f"The first message must be a track request, not {request.type!r}")
    cancelled = threading.Event()
    threading.Thread(target=_listen, args=(lines, cancelled), daemon=True).start()

    def report(progress: Progress) -> None:
        _send(out, progress)

    _send(out, tracker.track(request, report, cancelled.is_set))


def _listen(lines: TextIO, cancelled: threading.Event) -> None:
    try:
        for line in lines:
            if isinstance(decode(line), CancelRequest):
                cancelled.set()
    finally:  # stdin is closed or broken: the parent is gone, the take keeps its chunks
        os._exit(EXIT_PARENT_GONE)


def _send(out: TextIO, message: Message) -> None:
    out.write(encode(message))
    out.flush()


if __name__ == "__main__":
    sys.exit(main())
