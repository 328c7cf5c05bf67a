# SPDX-License-Identifier: GPL-3.0-or-later
"""Stands in for the inference worker: `fake_worker.py BEHAVIOUR [LIFTED]`, one behaviour a name."""

import json
import mmap
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


def read_shared(described):
    """Ask for frames from the third on, and tell the sum of each in the log."""
    width, height, slots = (described[name] for name in ("width", "height", "slots"))
    memory = mmap.mmap(int(described["handle"]), slots * height * width * 3)
    say(type="frames_wanted", first=2)
    for index in range(2, described["count"]):
        message = json.loads(sys.stdin.readline())
        assert (message["type"], message["index"]) == ("frame", index)
        begin = message["slot"] * height * width * 3
        total = sum(memory[begin : begin + height * width * 3])
        print(f"frame {index} {message['time_s']:.4f} {total}", file=sys.stderr, flush=True)
        say(type="free", slot=message["slot"])


def main():
    behaviour = sys.argv[1]
    described = None
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
    if request["type"] == "shared_frames":
        described, request = request, json.loads(sys.stdin.readline())
    ready()
    if behaviour == "fetches":
        say(type="progress", stage="fetch", done=1536, total=6144, people=0, fps=0.0)
        say(type="fetched", model=request["model"], file="net.onnx")
        return 0
    progress(10)
    if behaviour == "deaf":
        until_stdin_closes()
    elif behaviour == "overlong":
        print("x" * (1 << 21), flush=True)
        until_stdin_closes()
    elif behaviour == "future":
        say(type="ready", python="3", provider="Fake", protocol=99)
        until_stdin_closes()
    elif behaviour == "gives_back_too_much":
        say(type="frames_wanted", first=0)
        say(type="free", slot=99)
        until_stdin_closes()
    elif behaviour == "wants_frames_only":
        say(type="frames_wanted", first=0)
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
        if described:
            read_shared(described)
        lifted = Path(request["take"], "lifted.npz")
        shutil.copy(sys.argv[2], lifted)
        counts = {"frames": 40, "tracked": 30, "seconds": {"track": 1.3}}
        if behaviour == "damaged":
            counts["note"] = "2 damaged frames were left out (4, 9)"
        say(type="result", take=request["take"], lifted=str(lifted), **counts)
    return 0


sys.exit(main())
