# SPDX-License-Identifier: GPL-3.0-or-later
"""An empty Blender, workers that only pretend, and a person made of numbers."""

import sys
from pathlib import Path

import bpy
import numpy as np
import pytest
import track_spine
from track_spine.addon import run
from track_spine.addon.process import Worker, worker_environment
from track_spine.inference.keypoints import NAMES
from track_spine.rigging.motion import BoneMotion
from track_spine.rigging.rotation import multiply
from track_spine.rigging.skeleton import canonical_skeleton, fk
from track_spine.rigging.solve import Solved

FAKE_WORKER = Path(__file__).with_name("fake_worker.py")


@pytest.fixture(autouse=True)
def empty_file():
    bpy.ops.wm.read_factory_settings(use_empty=True)


@pytest.fixture
def extension():
    track_spine.register()
    yield
    track_spine.unregister()


@pytest.fixture
def start_fake(tmp_path):
    """Start a fake worker by the name of its behaviour; ended after the test."""
    workers = []

    def start(behaviour, *arguments, inherited=()):
        command = [sys.executable, str(FAKE_WORKER), behaviour, *map(str, arguments)]
        environment = worker_environment([])
        workers.append(Worker(command, tmp_path, tmp_path / "log.txt", environment, inherited))
        return workers[-1]

    yield start
    for worker in workers:
        worker.close()


@pytest.fixture
def use_fake(monkeypatch):
    """Let the operators start a fake worker."""

    def use(behaviour, *arguments):
        command = [sys.executable, str(FAKE_WORKER), behaviour, *map(str, arguments)]
        monkeypatch.setattr(run, "worker_command", lambda: (command, []))

    return use


@pytest.fixture
def requests(monkeypatch):
    """The requests of all runs of the test."""
    seen, job = [], run.TrackJob
    monkeypatch.setattr(
        run, "TrackJob", lambda worker, request, feed: seen.append(request) or job(worker, request)
    )
    return seen


@pytest.fixture
def clip_file(tmp_path):
    """A movie file of 40 grey frames at 25 fps that Blender can open."""
    import av

    path = tmp_path / "walk.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=25)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for number in range(40):
            picture = np.full((48, 64, 3), number * 6, np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode())
    return path


FRAME_COUNT = 40
RATE_HZ = 25.0


def turn(axis, angle):
    """(T, 4) rotations about a world axis, (w, x, y, z)."""
    half = np.asarray(angle)[:, None] / 2.0
    along = np.asarray(axis) / np.linalg.norm(axis)
    return np.concatenate([np.cos(half), np.sin(half) * along], axis=1)


def world_turns(time_s):
    """Turn of each bone against its parent, in world axes: a bow, a raised left arm, a step."""
    sway = np.sin(2.0 * np.pi * time_s / 1.6)
    turns = {f"spine_{number:02}": turn((1, 0, 0), 0.06 + 0.05 * sway) for number in range(1, 7)}
    turns["pelvis"] = turn((0, 0, 1), 0.3 * sway)
    turns["spine_06"] = multiply(turn((0, 0, 1), -0.5 * sway), turns["spine_06"])
    for bone in ("spine_07_neck", "spine_08_neck", "spine_09_head"):
        turns[bone] = turn((1, 0.3, 0.4), 0.1 + 0.1 * sway)
    turns["upper_arm.L"] = turn((0, 1, 0), -0.9 - 0.2 * sway)  # up from the T-pose, on +X
    turns["upper_arm.R"] = turn((0, 1, 0), -1.2 - 0.1 * sway)  # the same turn lowers it
    turns["forearm.L"] = turn((0, 1, 0), -0.5 - 0.3 * sway)
    turns["thigh.L"] = turn((1, 0, 0), -0.3 - 0.3 * sway)
    turns["shin.L"] = turn((1, 0, 0), 0.4 + 0.3 * sway)
    return turns


@pytest.fixture(scope="session")
def person():
    """Skeleton and motion of a person, known exactly: a `Solved` that no solver has touched."""
    skeleton = canonical_skeleton({})
    time_s = np.arange(FRAME_COUNT) / RATE_HZ
    turns = world_turns(time_s)
    against_rest = []
    for bone, parent in zip(skeleton.bones, skeleton.parents, strict=True):
        own = turns.get(bone, turn((1, 0, 0), np.zeros(FRAME_COUNT)))
        against_rest.append(own if parent < 0 else multiply(against_rest[parent], own))
    rotation = multiply(np.stack(against_rest, axis=1), skeleton.rest)
    root_m = skeleton.head_m[0] + time_s[:, None] * np.array([0.1, -0.5, 0.02])
    valid = np.ones(FRAME_COUNT, bool)
    motion = BoneMotion(skeleton.bones, time_s, rotation, root_m, valid)
    return Solved(skeleton, motion, *fk(skeleton, motion))


# Key points that are joints: the bone, and whether its head or its tail.
JOINTS = {
    "hip": ("spine_01", "head"),
    "neck": ("spine_06", "tail"),
    "neck_02": ("spine_07_neck", "tail"),
    "neck_03": ("spine_08_neck", "tail"),
    "head": ("spine_09_head", "tail"),
    **{f"spine_{number:02}": (f"spine_{number:02}", "tail") for number in range(1, 6)},
}
SIDE_JOINTS = {
    "shoulder": ("upper_arm", "head"),
    "elbow": ("forearm", "head"),
    "wrist": ("hand", "head"),
    "hip": ("thigh", "head"),
    "knee": ("shin", "head"),
    "ankle": ("foot", "head"),
    "clavicle": ("clavicle", "head"),
    "big_toe": ("toe", "tail"),
    "small_toe": ("toe", "head"),
}


@pytest.fixture(scope="session")
def lifted_file(person, tmp_path_factory):
    """The person as inference would write them, out of sight from frame 20 to 29."""
    places = dict(JOINTS)
    for side, letter in (("left", "L"), ("right", "R")):
        for point, (bone, end) in SIDE_JOINTS.items():
            places[f"{side}_{point}"] = (f"{bone}.{letter}", end)
    xyz_m = np.full((FRAME_COUNT, 1, len(NAMES), 3), np.nan, np.float32)
    for name, (bone, end) in places.items():
        ends = person.heads_m if end == "head" else person.tails_m
        xyz_m[:, 0, NAMES.index(name)] = ends[:, person.skeleton.index(bone)]
    xyz_m[20:30] = np.nan
    path = tmp_path_factory.mktemp("take") / "lifted.npz"
    np.savez(
        path,
        schema=np.array("track_spine.lifted"),
        version=np.array(1),
        names=np.array(NAMES),
        frame=np.arange(FRAME_COUNT),
        time_s=np.arange(FRAME_COUNT) / RATE_HZ,
        xyz_m=xyz_m,
        score=np.where(np.isnan(xyz_m).any(axis=-1), 0.0, 0.9).astype(np.float32),
        person=np.array([0]),
        world_from_camera=np.array(
            [[1, 0, 0, 0.0], [0, 0, 1, -4.0], [0, -1, 0, 1.0], [0, 0, 0, 1]], dtype=float
        ),
        focal_px=np.array(80.0),
        image_size_px=np.array([64, 48]),
    )
    return path
