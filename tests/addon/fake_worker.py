# SPDX-License-Identifier: GPL-3.0-or-later
"""Stands in for the inference worker: `fake_worker.py BEHAVIOUR [LIFTED]`, one behaviour a name."""

import json
import shutil
import sys
from pathlib import Path


def say(**message):
    print(json.dumps(message), flush=True)


def ready():
    say(type="ready", python="3", provider="Fake", protocol=1)


def progress(done, stage="track"):
    say(type="progress", stage=stage, done=done, total=40, people=1, fps=30.0)


def until_stdin_closes():
    for _ in sys.stdin:
        pass


def main():
    behaviour = sys.argv[1]
    if behaviour == "rubbish":
        print("Usage: not-a-worker FILE", flush=True)
        until_stdin_closes()
        return 0
    if behaviour == "dies":
        print("ImportError: no module named numpy", file=sys.stderr)
        return 7
    if behaviour == "echo":
        print(sys.stdin.readline(), end="", flush=True)
        until_stdin_closes()
        return 0
    if behaviour == "mute":
        until_stdin_closes()
        return 0
    request = json.loads(sys.stdin.readline())
    ready()
    progress(10)
    if behaviour == "deaf":
        until_stdin_closes()
    elif behaviour == "stops":
        assert json.loads(sys.stdin.readline()) == {"type": "cancel"}
        say(type="cancelled", take=request["take"], frames=12)
    elif behaviour == "dies_later":
        print("Killed by the test", file=sys.stderr)
        return 9
    elif behaviour == "fails":
        say(type="error", kind="VideoError", message="clip.mp4 holds no video stream", detail="")
        return 1
    elif behaviour == "crashes":
        say(type="error", kind="KeyError", message="'x'", detail="Traceback: line 12")
        return 1
    elif behaviour == "nobody":
        say(type="error", kind="NobodyFoundError", message="Nobody was found", detail="")
        return 1
    elif behaviour in ("tracks", "damaged"):
        progress(40)
        progress(40, stage="lift")
        lifted = Path(request["take"], "lifted.npz")
        shutil.copy(sys.argv[2], lifted)
        counts = {"frames": 40, "tracked": 30, "seconds": {"track": 1.3}}
        if behaviour == "damaged":
            counts["note"] = "2 damaged frames were left out (4, 9)"
        say(type="result", take=request["take"], lifted=str(lifted), **counts)
    return 0


sys.exit(main())
