# SPDX-License-Identifier: GPL-3.0-or-later
"""The worker: a child process that reads one request from stdin and answers on stdout by lines.

It ends when its parent closes stdin, which is also what happens when the parent dies.
"""

import os
import sys
import threading
import traceback
from typing import TYPE_CHECKING, Final, TextIO

from .errors import InferenceError
from .protocol import (
    MAX_LINE_CHARS,
    CancelRequest,
    Failure,
    FetchRequest,
    FrameReady,
    Message,
    ProtocolError,
    Ready,
    SharedFrames,
    TrackRequest,
    decode,
    encode,
)

if TYPE_CHECKING:
    from .shared_frames import SharedFootage

EXIT_PARENT_GONE: Final = 3

_SENDING: Final = threading.Lock()
"""Frames are given back by the thread that reads them, progress comes from another."""


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
    cancelled = threading.Event()
    request, described = _next_message(lines), None
    if isinstance(request, SharedFrames):
        described, request = request, _next_message(lines)
    if isinstance(request, FetchRequest):
        from .fetch_model import fetch_model

        threading.Thread(target=_listen, args=(lines, cancelled, None), daemon=True).start()
        _send(out, Ready(sys.version.split()[0], ""))
        _send(out, fetch_model(request, lambda told: _send(out, told), cancelled.is_set))
        return
    if not isinstance(request, TrackRequest):
        raise ProtocolError(f"The first message must be a track request, not {request.type!r}")
    # Imported here: a broken dependency is then reported, and is no silent death.
    from .pipeline import Tracker
    from .shared_frames import SharedFootage

    shared = None
    if described:
        if request.trim or request.rate_hz:
            raise ProtocolError("Shared frames have neither a trim nor a rate to be chosen")
        shared = SharedFootage(described, request.video, lambda message: _send(out, message))
    threading.Thread(target=_listen, args=(lines, cancelled, shared), daemon=True).start()
    tracker = Tracker()
    _send(out, Ready(sys.version.split()[0], tracker.provider))
    _send(out, tracker.track(request, lambda told: _send(out, told), cancelled.is_set, shared))


def _next_message(lines: TextIO) -> Message:
    # A bounded read: a parent that never ends its line must not fill the memory.
    return decode(lines.readline(MAX_LINE_CHARS + 1))


def _listen(lines: TextIO, cancelled: threading.Event, shared: "SharedFootage | None") -> None:
    try:
        while True:
            match _next_message(lines):
                case CancelRequest():
                    cancelled.set()
                case FrameReady() as ready if shared:
                    shared.arrived(ready)
    finally:  # stdin is closed or broken: the parent is gone, the take keeps its chunks
        os._exit(EXIT_PARENT_GONE)


def _send(out: TextIO, message: Message) -> None:
    with _SENDING:
        out.write(encode(message))
        out.flush()


if __name__ == "__main__":
    sys.exit(main())
