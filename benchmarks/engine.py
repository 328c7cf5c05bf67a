# SPDX-License-Identifier: GPL-3.0-or-later
"""What the engine adds to the bare network, what memory long clips take, and how soon it starts.

Run: .venv-bench/bin/python benchmarks/engine.py
"""

import contextlib
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from clips import FRAMES, OUT, WALK, cut
from mediapipe_pose import COMMAND, track
from paired import paired
from record import record
from track_spine.inference.batches import CHUNK_FRAMES
from track_spine.inference.bend import complete_all
from track_spine.inference.cores import usable_cores
from track_spine.inference.detect import detect
from track_spine.inference.models import DETECTOR, POSE
from track_spine.inference.pipeline import Tracker
from track_spine.inference.pose2d import INPUT_PX, OUTPUTS, estimate
from track_spine.inference.protocol import TrackRequest, encode
from track_spine.inference.session import Session
from track_spine.inference.video import frames, probe

ROUNDS = 5
LONG, SHORT = 10_000, 1_000
SMALL_PX = (442, 248)
STARTS = 5
ROOT = Path(__file__).parent.parent


def share_of_bare_network(clip: Path) -> float:
    """Compare the whole way with the network's forward run alone, as many at a time.

    Args:
        clip: The clip.

    Returns:
        Frames a second of the whole over those of the network alone.
    """
    tracker, session = Tracker(), Session(POSE, threads=1)
    batch = np.random.default_rng(0).random((1, INPUT_PX, INPUT_PX, 3), np.float32)
    with ThreadPoolExecutor(usable_cores()) as threads:
        pair = paired(
            lambda: track(tracker, clip),
            lambda: list(threads.map(lambda _: session.run(batch, OUTPUTS), range(FRAMES))),
            ROUNDS,
        )
    print(pair.told(FRAMES, "Track Spine", "bare network"))
    return pair.ratio


def profile(clip: Path) -> None:
    """Print the processor time of each part of the way, each measured alone.

    Args:
        clip: The clip.
    """
    session = Session(POSE, threads=1)
    info, detector = probe(clip), Session(DETECTOR)
    with contextlib.closing(frames(info)) as shown:
        rgb = next(shown).rgb
    person = detect(detector, rgb, levels=2)[0]
    (body,) = estimate(session, rgb, [person.crop()])
    batch = np.zeros((1, INPUT_PX, INPUT_PX, 3), np.float32)
    parts: dict[str, tuple[Callable[[], object], int]] = {
        "decode to RGB": (lambda: sum(1 for _ in frames(info)), FRAMES),
        "crop, network and reading": (lambda: estimate(session, rgb, [body.crop]), 1),
        "of which the network": (lambda: session.run(batch, OUTPUTS), 1),
        "completion to 37 points": (lambda: complete_all([body] * CHUNK_FRAMES), CHUNK_FRAMES),
    }
    for name, (part, count) in parts.items():
        times = []
        for _ in range(ROUNDS):
            began = time.process_time()
            part()
            times.append((time.process_time() - began) / count)
        print(f"  {name}: {1e3 * float(np.median(times)):.2f} ms of processor time a frame")


def peaks_mb(clip: Path) -> tuple[float, float]:
    """Track a clip in a process of its own.

    Args:
        clip: The clip.

    Returns:
        Most memory that it held at a time until all frames were tracked, and until they were
        lifted too, millions of bytes.
    """
    command = [sys.executable, __file__, str(clip)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    tracked, lifted = (float(line) / 1e6 for line in done.stdout.split())
    return tracked, lifted


def _tell_peaks(clip: Path) -> None:
    """Print, in a process of its own, the bytes that `peaks_mb` reads."""
    peaks: list[int] = []
    with tempfile.TemporaryDirectory() as folder:
        request = TrackRequest(str(clip), str(Path(folder) / "take"))
        Tracker().track(request, lambda progress: peaks.append(_peak_bytes()), lambda: False)
    print(peaks[-1], _peak_bytes())


def _peak_bytes() -> int:
    # getrusage would tell of the parent's memory as well, which a child inherits as its own peak.
    status = Path("/proc/self/status").read_text()
    (peak,) = (line.split()[1] for line in status.splitlines() if line.startswith("VmHWM:"))
    return int(peak) * 1024


def first_result_s(clip: Path) -> float:
    """Start a worker as the extension does, and wait for the first frames to be done.

    Args:
        clip: The clip.

    Returns:
        Seconds from the start of the process.
    """
    began = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        worker = subprocess.Popen(
            [sys.executable, "-s", "-m", "inference"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            cwd=ROOT,
        )
        assert worker.stdin and worker.stdout
        worker.stdin.write(encode(TrackRequest(str(clip), str(Path(folder) / "take"))))
        worker.stdin.flush()
        while '"type": "progress"' not in (line := worker.stdout.readline()):
            assert line, "the worker died"
        seconds = time.perf_counter() - began
        worker.kill()
        worker.wait()
    return seconds


def main() -> int:
    """Measure, print and record.

    Returns:
        Exit status: 1 when a target is missed.
    """
    if sys.argv[1:]:
        _tell_peaks(Path(sys.argv[1]))
        return 0
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        clip = cut(folder / "walk.mp4")
        share = share_of_bare_network(clip)
        record(OUT, "share_of_bare_network", round(share, 3), "ratio", 0.95, COMMAND)
        profile(clip)
        start = float(np.median([first_result_s(clip) for _ in range(STARTS + 1)][1:]))
        print(f"Start to first result: {start:.2f} s")
        record(OUT, "start_to_first_result", round(start, 2), "s", 2.0, COMMAND)
        length = WALK.stop - WALK.start
        short, long = (
            peaks_mb(cut(folder / f"{count}.mp4", SMALL_PX, round(count / length)))
            for count in (SHORT, LONG)
        )
        told = "{:.0f} MB while tracking, {:.0f} MB in all".format
        print(f"Most memory: {SHORT} frames {told(*short)}; {LONG} frames {told(*long)}")
        for name, part in (("memory_tracking_10k_vs_1k", 0), ("memory_10k_vs_1k", 1)):
            record(OUT, name, round(long[part] / short[part], 3), "ratio", 1.1, COMMAND)
    return int(share < 0.95 or start > 2.0 or long[1] > 1.1 * short[1])


if __name__ == "__main__":
    sys.exit(main())
