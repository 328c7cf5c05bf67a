# SPDX-License-Identifier: GPL-3.0-or-later
"""Renders short clips of people who move: those to judge lifting by, and those to choose it on.

Run as a module it fills .cache/training/held_out_motion with people, clothes, motions and places
that nothing was trained on; with --choosing .cache/training/choosing_motion with such as may be
trained on, so that settings are chosen without a look at the first. What is there already is kept.
"""

import argparse
import os
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from ..inference.keypoints import INDEX
from .anatomy import Floats
from .backgrounds import draw_background
from .bodies import GROUPS
from .camera import FILL, PICTURE_PX, Camera, draw_camera
from .errors import TrainingError
from .lift_bandai import read_bandai
from .lift_motion import captured_poses, sway
from .motions import FRAME_STEP_S, Motion
from .people import draw_person, stand_up
from .picture import compose, spoil, to_jpeg
from .places import CACHE, DATA
from .poses import with_curve
from .posing import Posed, put_on
from .sample import Studio, open_studio
from .scene import draw_light
from .splits import bodies_aside

FOLDER: Final = CACHE / "held_out_motion"
CHOOSING_FOLDER: Final = CACHE / "choosing_motion"

Clip = tuple[str, str, int]
"""Source, clip and first frame."""

CLIPS: Final[tuple[Clip, ...]] = (
    ("bandai", "bow_giant_001", 0),
    ("cmu", "02_05", 60),
    ("bandai", "dance-short_normal_001", 300),
    ("cmu", "02_06", 60),
    ("bandai", "slash_normal_001", 20),
    ("bandai", "bow_childish_001", 0),
    ("bandai", "walk_old_002", 20),
    ("deepmimic", "jump", 0),
)
"""What is judged on. The clips of CMU and DeepMimic are aside in splits.py, so that the spine head
has not seen them either; Bandai's may only test."""

CHOOSING: Final[tuple[Clip, ...]] = (
    ("deepmimic", "cartwheel", 6),
    ("cmu", "01_02", 547),
    ("cmu", "03_02", 7),
    ("cmu", "12_01_walk", 11),
    ("deepmimic", "stealthy_walk", 2),
    ("cmu", "01_11", 279),
    ("cmu", "03_04", 302),
    ("cmu", "01_07", 34),
    ("cmu", "01_02", 33),
    ("cmu", "01_07", 759),
    ("cmu", "01_08", 253),
    ("deepmimic", "dance_b", 0),
    ("cmu", "01_11", 317),
    ("cmu", "01_10", 485),
)
"""What settings are chosen on: drawn by chance among the captures that may be trained on."""

CLIP_FRAMES: Final = 48
SEED: Final = 404
CHOOSING_SEED: Final = 777
WANDER_M: Final = np.array([0.15, 0.15])
"""How far somebody moves about who was captured in place: a step to each side, assumed."""


@dataclass(frozen=True)
class HeldOut:
    """A rendered clip.

    Attributes:
        name: Source and clip.
        pictures: (T, PICTURE_PX, PICTURE_PX, 3) RGB.
        time_s: (T,).
        xyz_m: (T, 37, 3) camera axes, metres.
        xy_px: (T, 37, 2).
        focal_px: Focal length.
        centre_px: (2,) principal point.
    """

    name: str
    pictures: NDArray[np.uint8]
    time_s: Floats
    xyz_m: Floats
    xy_px: Floats
    focal_px: float
    centre_px: Floats


def render_clips(folder: Path, data: Path, choosing: bool = False) -> None:
    """Render the clips that a folder lacks.

    Args:
        folder: Where to.
        data: The shared data folder.
        choosing: Render CHOOSING, not CLIPS.

    Raises:
        TrainingError: If something is missing.
    """
    clips, seed = (CHOOSING, CHOOSING_SEED) if choosing else (CLIPS, SEED)
    todo = [number for number in range(len(clips)) if not _path(folder, number).exists()]
    if not todo:
        return
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="track_spine_") as scratch:
        studio = _studio(data, Path(scratch), choosing)
        for number in todo:
            source, clip, start = clips[number]
            motion = _motion(studio, data, source, clip)
            arrays = _render(studio, motion, start, np.random.default_rng([seed, number]))
            path = _path(folder, number)
            partial = path.with_name(f".{path.stem}.{os.getpid()}.part.npz")
            np.savez(partial, name=f"{source} {clip}", **arrays)
            partial.replace(path)
            print(f"{path.name}: {source} {clip}, {len(arrays['time_s'])} frames", flush=True)


def read_clips(folder: Path, count: int = len(CLIPS)) -> list[HeldOut]:
    """Read the rendered clips.

    Args:
        folder: What `render_clips` filled.
        count: How many clips there are.

    Returns:
        The clips.

    Raises:
        TrainingError: If one is missing or damaged.
    """
    return [_read(_path(folder, number)) for number in range(count)]


def _read(path: Path) -> HeldOut:
    try:
        with np.load(path, allow_pickle=False) as file:
            stored = np.split(file["jpeg"], file["jpeg_end"][:-1])
            frames = [cv2.imdecode(jpeg, cv2.IMREAD_COLOR)[..., ::-1] for jpeg in stored]
            return HeldOut(
                str(file["name"]),
                np.stack(frames),
                file["time_s"],
                file["xyz_m"],
                file["xy_px"],
                float(file["focal_px"]),
                file["centre_px"],
            )
    except Exception as error:
        raise TrainingError(
            f"{path} cannot be read ({error}): delete it and run lift_held_out.py"
        ) from error


def _path(folder: Path, number: int) -> Path:
    return folder / f"clip-{number:02d}.npz"


def _studio(data: Path, scratch: Path, choosing: bool) -> Studio:
    bank, mocap, video = CACHE / "bodies.npz", data / "mocap", data / "video"
    studio = open_studio(bank, mocap, video, scratch, aside=not choosing)
    if not choosing:
        return studio
    return replace(studio, bodies=studio.bodies[~bodies_aside(studio.bodies)])


def _motion(studio: Studio, data: Path, source: str, clip: str) -> Motion:
    if source == "bandai":
        return read_bandai(data / "mocap", clip)
    return next(one for one in studio.motions if (one.source, one.clip) == (source, clip))


def _render(studio: Studio, motion: Motion, start: int, rng: Generator) -> dict[str, Any]:
    body = int(studio.bodies[rng.integers(len(studio.bodies))])
    person = draw_person(studio.model, studio.pattern, body, rng)
    rows = np.arange(start, min(start + CLIP_FRAMES, len(motion.pelvis)))
    poses = [with_curve(pose, person.curve) for pose in captured_poses(motion, rows, rng)]
    posed = _walked([put_on(person.figure, studio.model, pose) for pose in poses], rng)
    points = np.stack([one.points for one in posed])
    camera = _camera(points, person.figure.body.stature_m, rng)
    light = replace(draw_light(len(studio.lights), rng), world=int(rng.choice(studio.lights)))
    look, taken = rng.integers(2**62, size=2)
    jpegs = []
    for one in posed:
        front = studio.stage.draw(stand_up(person, studio.model, one), camera, light)
        # The same chance in each frame: place and camera stay as they are.
        place, faults = np.random.default_rng(look), np.random.default_rng(taken)
        skin = one.vertices[slice(*GROUPS["body"])][::4]
        back, _ = draw_background(studio.backgrounds, camera, light, skin, place)
        jpegs.append(to_jpeg(spoil(compose(front, back, faults), faults), faults))
    return {
        "jpeg": np.frombuffer(b"".join(jpegs), np.uint8),
        "jpeg_end": np.cumsum([len(jpeg) for jpeg in jpegs]),
        "time_s": FRAME_STEP_S * np.arange(len(points)),
        "xyz_m": camera.see(points),
        "xy_px": camera.project(points),
        "focal_px": camera.focal_px,
        "centre_px": camera.centre_px,
    }


def _walked(posed: list[Posed], rng: Generator) -> list[Posed]:
    """Move a posed body about a little, its lowest point on the floor."""
    path = np.column_stack([sway(len(posed), WANDER_M, rng), np.zeros(len(posed))])
    moved = []
    for one, place in zip(posed, path, strict=True):
        shift = place - [0.0, 0.0, one.vertices[slice(*GROUPS["body"]), 2].min()]
        transforms = one.transforms.copy()
        transforms[..., 3] += shift
        moved.append(Posed(transforms, one.vertices + shift, one.points + shift))
    return moved


def _camera(points: Floats, stature: float, rng: Generator) -> Camera:
    """A camera at rest in whose picture the whole motion is."""
    camera = draw_camera(points[len(points) // 2], 0.0, stature, rng)
    seen = camera.see(points)
    flat = seen[..., :2] / seen[..., 2:]
    middle = flat[:, [INDEX["left_hip"], INDEX["right_hip"]]].mean(axis=(0, 1))
    reach = float(np.linalg.norm(flat - middle, axis=-1).max())
    focal = PICTURE_PX / 2 * FILL[1] / reach
    return replace(camera, focal_px=focal, centre_px=PICTURE_PX / 2 - focal * middle)


def main() -> None:
    """Render what is missing."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--choosing", action="store_true", help="the clips to choose settings on")
    parser.add_argument("--data", type=Path, default=DATA)
    options = parser.parse_args()
    folder = CHOOSING_FOLDER if options.choosing else FOLDER
    render_clips(folder, options.data, options.choosing)


if __name__ == "__main__":
    main()
