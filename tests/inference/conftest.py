# SPDX-License-Identifier: GPL-3.0-or-later
"""Clips written on the spot, and a body whose every coordinate is known."""

import contextlib
import queue
import subprocess
import sys
import threading
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from track_spine.inference import batches
from track_spine.inference.crop import Crop
from track_spine.inference.keypoints import INDEX
from track_spine.inference.pipeline import Tracker
from track_spine.inference.pose2d import LANDMARKS, Body
from track_spine.inference.protocol import decode

from .tracking import run

ROOT = Path(__file__).parents[2]
PATIENCE_S = 60.0
"""A hang fails the test after this long; nothing waits for it to pass."""

LEFT_HALF = {
    "eye_inner": (0.02, -0.74, -0.09),
    "eye": (0.03, -0.74, -0.09),
    "eye_outer": (0.04, -0.74, -0.08),
    "ear": (0.075, -0.72, 0.0),
    "shoulder": (0.18, -0.50, 0.0),
    "elbow": (0.25, -0.25, 0.0),
    "wrist": (0.25, 0.0, -0.05),
    "pinky": (0.25, 0.08, -0.04),
    "index": (0.24, 0.08, -0.08),
    "thumb": (0.23, 0.04, -0.08),
    "hip": (0.10, 0.0, 0.0),
    "knee": (0.10, 0.42, -0.02),
    "ankle": (0.10, 0.82, 0.0),
    "heel": (0.10, 0.86, 0.05),
    "foot_index": (0.12, 0.87, -0.15),
}
"""Left side of a body that faces a level camera, metres from mid-hip: x right, y down, z away."""


def write_clip(
    path,
    pictures,
    pts=None,
    time_base=Fraction(1, 30),
    codec="libx264",
    pix_fmt="yuv420p",
    options=None,
):
    """Write (H, W, 3) or (H, W) pictures as a video; `options` are the container's."""
    rate = round(1 / time_base) if pts is None else 30
    with av.open(str(path), "w", container_options=options or {}) as container:
        stream = container.add_stream(codec, rate=rate, options={"preset": "veryfast"})
        stream.height, stream.width = pictures[0].shape[:2]
        stream.pix_fmt = pix_fmt
        stream.codec_context.time_base = time_base
        for index, picture in enumerate(pictures):
            kind = "gray" if picture.ndim == 2 else "rgb24"
            frame = av.VideoFrame.from_ndarray(picture, kind)
            frame.pts, frame.time_base = index if pts is None else pts[index], time_base
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


@pytest.fixture(scope="session", name="write_clip")
def _write_clip():
    return write_clip


@pytest.fixture(scope="session")
def noise():
    """Pictures that do not compress: cutting their file cuts frames off, not only its index."""
    return list(np.random.default_rng(0).integers(0, 256, (60, 64, 96, 3), np.uint8))


@pytest.fixture(scope="session")
def tracker():
    """The real networks, loaded once."""
    return Tracker()


@pytest.fixture(scope="session")
def pictures(short_clip):
    """The short clip as (H, W, 3) RGB pictures."""
    with av.open(str(short_clip)) as container:
        return [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]


@pytest.fixture(scope="session")
def done(tracker, short_clip, tmp_path_factory):
    """Folder of an undisturbed run in chunks of 20 frames, its result and its progress."""
    folder = tmp_path_factory.mktemp("done") / "take"
    said = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(batches, "CHUNK_FRAMES", 20)
        patch.setattr(batches, "PROGRESS_PERIOD_S", 0.0)
        result = run(tracker, short_clip, folder, said.append)
    return folder, result, said


@pytest.fixture
def standing():
    """(33, 3) landmarks of the upright, symmetric body of LEFT_HALF, named by LANDMARKS."""
    places = {"nose": (0.0, -0.70, -0.11)}
    halves = LEFT_HALF | {"mouth": (0.03, -0.66, -0.10)}
    for part, (x, y, z) in halves.items():
        left, right = (
            ("mouth_left", "mouth_right") if part == "mouth" else (f"left_{part}", f"right_{part}")
        )
        places[left], places[right] = (x, y, z), (-x, y, z)
    return np.array([places[name] for name in LANDMARKS])


def make_body(
    world_m, xy_px=None, score=0.9, presence=1.0, hip_px=(0.0, 0.0), reach_px=(0, -1), spine=None
):
    """Body as the pose network would give it; seen 300 pixels a metre large unless told."""
    if xy_px is None:
        xy_px = 300.0 * world_m[:, :2] + np.array([400.0, 500.0])
    return Body(
        xy_px=xy_px,
        score=np.broadcast_to(np.asarray(score, float), len(LANDMARKS)),
        world_m=world_m,
        presence=presence,
        crop=Crop(np.array([400.0, 500.0]), 800.0, 0.0),
        hip_px=np.asarray(hip_px, float),
        reach_px=np.asarray(reach_px, float),
        spine=spine,
    )


@pytest.fixture(scope="session", name="make_body")
def _make_body():
    return make_body


@pytest.fixture
def upright():
    """(37, 3) body of 1.7 m, feet turned out so that their middle lies straight below the neck.

    Heel to knee 0.45, knee to hip 0.45, hip to neck 0.5, on to neck_03 0.1 and head 0.2.
    """
    points = np.random.default_rng(7).uniform([-0.3, -0.7, -0.2], [0.3, 0.7, 0.2], (37, 3))
    middle = {"hip": 0.0, "neck": -0.5, "neck_03": -0.6, "head": -0.8}
    for name, y in middle.items():
        points[INDEX[name]] = (0.0, y, 0.0)
    for side, x in (("left", 0.1), ("right", -0.1)):
        for part, place in {
            "hip": (x, 0.0, 0.0),
            "knee": (x, 0.45, 0.0),
            "ankle": (x, 0.85, 0.0),
            "heel": (x, 0.9, 0.0),
            "big_toe": (2 * x, 0.9, 0.0),
        }.items():
            points[INDEX[f"{side}_{part}"]] = place
    return points


class Worker:
    """A child with a thread that collects its lines, so that no read can hang the test."""

    def __init__(self, *arguments, inherited=()):
        """Start it as Blender does, but for what runs in it."""
        self.process = subprocess.Popen(
            [sys.executable, "-s", *arguments],
            cwd=ROOT,
            pass_fds=inherited,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        self.lines = queue.Queue()
        self.log = b""
        self.readers = [threading.Thread(target=f) for f in (self._read, self._read_log)]
        for reader in self.readers:
            reader.start()

    def _read(self):
        for line in self.process.stdout:
            self.lines.put(line.decode("utf-8"))
        self.lines.put(None)

    def _read_log(self):
        self.log = self.process.stderr.read()

    def say(self, text):
        with contextlib.suppress(BrokenPipeError):
            self.process.stdin.write(text if isinstance(text, bytes) else text.encode())
            self.process.stdin.flush()

    def hear(self):
        """The next message, or None at the end; anything else on stdout is an error."""
        line = self.lines.get(timeout=PATIENCE_S)
        return line if line is None else decode(line)

    def hear_all(self):
        return list(iter(self.hear, None))

    def close_stdin(self):
        with contextlib.suppress(BrokenPipeError):
            self.process.stdin.close()

    def end(self):
        status = self.process.wait(PATIENCE_S)
        for reader in self.readers:
            reader.join(PATIENCE_S)
        return status

    def kill(self):
        self.process.kill()
        self.end()
        for pipe in (self.process.stdin, self.process.stdout, self.process.stderr):
            with contextlib.suppress(BrokenPipeError):
                pipe.close()


@pytest.fixture
def start_worker():
    """Start the worker, or what stands for it; killed after the test."""
    workers = []

    def start(*arguments, inherited=()):
        workers.append(Worker(*arguments, inherited=inherited))
        return workers[-1]

    yield start
    for worker in workers:
        worker.kill()
