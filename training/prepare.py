# SPDX-License-Identifier: GPL-3.0-or-later
"""From renders to what the head is trained on: crops through the frozen base, kept in shards."""

import json
import os
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from ..inference import prior
from ..inference.crop import Crop
from ..inference.keypoints import INDEX
from ..inference.pose2d import INPUT_PX, MIN_PRESENCE
from .base import FrozenBase, Look
from .camera import view_angle
from .codec import ROWS, encode, mirror_names, torso_crop, unit_px
from .config import Config
from .errors import TrainingError
from .shards import picture_of, read_shard
from .splits import TRAIN, split_of

BATCH: Final = 16
LEAST_TORSO_PX: Final = 20.0
"""A trunk shorter than this in the body's picture is not scored, as in the project's trial: a
percentage of it would mean nothing."""

_CACHED: Final = (
    "passes",
    "roll_sd_deg",
    "scale_sd",
    "shift_sd",
    "torso_jitter",
    "damage",
    "tight",
)
"""Settings that the features depend on, with the seed."""


def prepare(
    renders: Path, out: Path, config: Config, threads: int, say: Callable[[str], None]
) -> int:
    """Make features of the rendered shards that have none yet.

    Args:
        renders: Folder of rendered shards.
        out: Folder of features; keeps its settings in config.json.
        config: Settings.
        threads: Threads of the base; 0 is one a core.
        say: Receives a line of progress.

    Returns:
        How many shards were made.

    Raises:
        TrainingError: If a shard is damaged, there is none, or `out` has other settings.
    """
    paths = sorted(renders.glob("shard-*.npz"))
    if not paths:
        raise TrainingError(f"no shards in {renders}: run track-spine-train render first")
    _keep_settings(out, config)
    todo = [path for path in paths if not features_path(out, path).exists()]
    base = FrozenBase(config.tight, threads)
    for path in todo:
        arrays = read_shard(path)
        features = look_at(base, arrays, config)
        _write(features_path(out, path), features)
        say(f"{path.name}: {len(features['split'])} of {len(arrays['split'])} crops are usable")
    return len(todo)


def features_path(folder: Path, shard: Path) -> Path:
    """Where the features of a rendered shard are kept."""
    return folder / shard.name.replace("shard", "features")


def look_at(
    base: FrozenBase, arrays: dict[str, NDArray[Any]], config: Config
) -> dict[str, NDArray[Any]]:
    """Make the features of a shard.

    Args:
        base: The frozen base.
        arrays: The rendered shard; its row `split` is added.
        config: Settings.

    Returns:
        Arrays by name, a row for each crop in which the base sees a person.
    """
    arrays["split"] = split_of(arrays)
    count = len(arrays["split"])
    rows: list[dict[str, Any]] = []
    for turn in range(config.passes):
        for start in range(0, count, BATCH):
            numbers = range(start, min(start + BATCH, count))
            rows += _batch(base, arrays, numbers, turn, config)
    return {name: np.stack([row[name] for row in rows]) for name in rows[0]}


def _batch(
    base: FrozenBase,
    arrays: Mapping[str, NDArray[Any]],
    numbers: range,
    turn: int,
    config: Config,
) -> list[dict[str, Any]]:
    frames, points, crops, chances = [], [], [], []
    for number in numbers:
        rng = np.random.default_rng([config.seed, int(arrays["number"]), number, turn])
        frame = picture_of(dict(arrays), number)
        xy = arrays["xy_px"][number].astype(float)
        if turn % 2:
            frame, xy = mirrored(frame, xy)
        crops.append(_body_crop(xy, config, rng))
        if arrays["split"][number] == TRAIN and rng.random() < config.damage:
            frame = damage(frame, rng)
        frames.append(frame)
        points.append(xy)
        chances.append(rng)
    pictures = [
        crop.cut(frame, INPUT_PX, black_outside=False)
        for frame, crop in zip(frames, crops, strict=True)
    ]
    bodies = base.bodies(np.stack(pictures), crops)
    squares = [torso_crop(body.xy_px, body.crop) for body, _ in bodies]
    for row, number in enumerate(numbers):
        if arrays["split"][number] == TRAIN:
            squares[row] = _shake(squares[row], config.torso_jitter, chances[row])
    looks = base.looks(frames, bodies, squares)
    made = zip(looks, points, numbers, strict=True)
    return [_row(look, xy, arrays, number, turn) for look, xy, number in made if usable(look, xy)]


def usable(look: Look, xy: NDArray[np.float64]) -> bool:
    """Whether the base sees a person with a trunk of some length."""
    torso = _torso_px(xy) * INPUT_PX / look.body.crop.side_px
    return look.body.presence > MIN_PRESENCE and torso > LEAST_TORSO_PX


def _row(
    look: Look,
    xy: NDArray[np.float64],
    arrays: Mapping[str, NDArray[Any]],
    number: int,
    turn: int,
) -> dict[str, Any]:
    own = mirror_names() if turn % 2 else np.arange(len(xy))
    bend = arrays["spine_deg"][number][:18].sum(axis=0)
    camera_points = arrays["xyz_m"][number].astype(float)
    return {
        "early": look.early.astype(np.float16),
        "decoder": look.decoder.astype(np.float16),
        "context": look.context.astype(np.float16),
        "target": encode(xy[ROWS], look.square).astype(np.float32),
        "visible": arrays["visible"][number][own][ROWS],
        "guess": encode(prior.complete(look.body).xy_px[ROWS], look.square).astype(np.float32),
        "torso": np.float32(_torso_px(xy) / look.square.side_px),
        "box": np.float32(np.prod(np.ptp(xy, axis=0)) / look.square.side_px**2),
        "unit_px": np.float32(unit_px(look.body.crop, look.square)),
        "presence": np.float32(look.body.presence),
        "axes": _axes(camera_points, mirror=bool(turn % 2)),
        "view_deg": np.float32(view_angle(camera_points, np.zeros(3)) * (-1) ** turn),
        "flexion_deg": np.float32(bend[0]),
        "side_bend_deg": np.float32(bend[1]),
        "split": arrays["split"][number],
        "body_id": arrays["body_id"][number],
        "image": np.int64(int(arrays["number"]) * 1000 + number),
        "turn": np.int8(turn),
    }


def _axes(points: NDArray[np.float64], mirror: bool) -> NDArray[np.float32]:
    """How the trunk stands to the camera.

    Returns:
        (2,): share of the person's forward axis that lies across the picture, positive where
        leaning forward turns the spine clockwise; share of the trunk's length in the picture.
    """
    at = {part: points[[INDEX[f"left_{part}"], INDEX[f"right_{part}"]]] for part in _ENDS}
    up = at["shoulder"].mean(axis=0) - at["hip"].mean(axis=0)
    left = at["shoulder"][0] - at["shoulder"][1] + at["hip"][0] - at["hip"][1]
    up /= np.linalg.norm(up)
    forward = np.cross(left, up)
    forward /= np.linalg.norm(forward)
    along = float(np.hypot(*up[:2]))
    across = (-up[1] * forward[0] + up[0] * forward[1]) / max(along, 1e-6)
    return np.array([-across if mirror else across, along], np.float32)


_ENDS: Final = ("shoulder", "hip")


def _torso_px(xy: NDArray[np.float64]) -> float:
    ends = [xy[[INDEX[f"left_{part}"], INDEX[f"right_{part}"]]].mean(axis=0) for part in _ENDS]
    return float(np.hypot(*(ends[0] - ends[1])))


def mirrored(
    frame: NDArray[np.uint8], xy: NDArray[np.float64]
) -> tuple[NDArray[np.uint8], NDArray[np.float64]]:
    """Mirror a picture and its 37 points; the base must see it anew, its maps are not symmetric."""
    flipped = xy[mirror_names()] * [-1.0, 1.0] + [frame.shape[1], 0.0]
    return np.ascontiguousarray(frame[:, ::-1]), flipped


def _body_crop(xy: NDArray[np.float64], config: Config, rng: Generator) -> Crop:
    hip, shoulder = (
        xy[[INDEX[f"left_{part}"], INDEX[f"right_{part}"]]].mean(axis=0)
        for part in ("hip", "shoulder")
    )
    radius = float(np.linalg.norm(xy - hip, axis=1).max())
    up = (shoulder - hip) / max(float(np.hypot(*(shoulder - hip))), 1e-6)
    crop = Crop.around(hip, hip + radius * up)
    return Crop(
        crop.centre_px + rng.normal(0.0, config.shift_sd, 2) * crop.side_px / 2,
        crop.side_px * float(np.exp(rng.normal(0.0, config.scale_sd))),
        crop.angle + float(np.radians(rng.normal(0.0, config.roll_sd_deg))),
    )


def _shake(square: Crop, spread: float, rng: Generator) -> Crop:
    shift = rng.normal(0.0, spread, 2) * square.side_px / 2
    side = square.side_px * float(np.exp(rng.normal(0.0, spread)))
    return replace(
        square,
        centre_px=square.centre_px + shift,
        side_px=side,
        angle=square.angle + float(rng.normal(0.0, spread)),
    )


def damage(frame: NDArray[np.uint8], rng: Generator) -> NDArray[np.uint8]:
    """Spoil a picture once more: brightness, tint, contrast, blur, grain.

    Args:
        frame: (H, W, 3) RGB.
        rng: Source of chance.

    Returns:
        (H, W, 3) RGB.
    """
    image = frame.astype(np.float32)
    image *= np.exp(rng.normal(0.0, 0.2) + rng.normal(0.0, 0.06, 3)).astype(np.float32)
    image = (image - 110.0) * np.float32(np.exp(rng.normal(0.0, 0.15))) + 110.0
    if rng.random() < 0.3:
        image = np.asarray(cv2.GaussianBlur(image, (0, 0), rng.uniform(0.4, 1.6)), np.float32)
    if rng.random() < 0.1:
        image = np.repeat(image.mean(axis=2, keepdims=True), 3, axis=2)
    if rng.random() < 0.4:
        image = image + rng.normal(0.0, rng.uniform(1.0, 9.0), image.shape)
    return np.clip(image, 0, 255).astype(np.uint8)


def _keep_settings(out: Path, config: Config) -> None:
    """Write the settings of a folder, or refuse to mix two kinds in it."""
    out.mkdir(parents=True, exist_ok=True)
    mine = {name: config.as_dict()[name] for name in ("seed", *_CACHED)}
    path = out / "config.json"
    if not path.exists():
        path.write_text(json.dumps(mine, indent=2))
    elif json.loads(path.read_text()) != mine:
        raise TrainingError(f"{out} holds features made with other settings: use another folder")


def _write(path: Path, arrays: dict[str, NDArray[Any]]) -> None:
    partial = path.with_name(f".{path.stem}.{os.getpid()}.part.npz")
    np.savez(partial, **arrays)
    partial.replace(path)
