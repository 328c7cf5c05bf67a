# SPDX-License-Identifier: GPL-3.0-or-later
"""From renders to what the head is trained on: crops through the frozen base, kept in shards."""

import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from numpy.random import Generator
from numpy.typing import NDArray

from ..inference import prior
from ..inference.crop import Crop
from ..inference.keypoints import INDEX
from ..inference.pose2d import INPUT_PX, MIN_PRESENCE, Body
from ..inference.spine import ROWS
from .augment import body_crop, cut_off, damage, mirrored
from .base import FrozenBase, bodies_in_crop
from .camera import view_angle
from .codec import (
    Square,
    context_of,
    in_crop,
    look_through,
    mirror_names,
    read_landmarks,
    square_about,
)
from .config import Config
from .dataset import MAPS
from .errors import TrainingError
from .late_stages import open_base
from .shards import picture_of, read_shard
from .spine_score import LEAST_TORSO_PX
from .splits import TRAIN, split_of
from .student import INPUTS
from .unfrozen import whole_maps

BATCH: Final = 16
_CACHED: Final = (
    "passes",
    "roll_sd_deg",
    "scale_sd",
    "shift_sd",
    "torso_jitter",
    "damage",
    "cut",
    "unfreeze",
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
    keep_settings(out, config)
    todo = [path for path in paths if not features_path(out, path).exists()]
    base = open_base(config, threads)
    for path in todo:
        arrays = read_shard(path)
        features = look_at(base, arrays, config)
        write_features(features_path(out, path), features)
        cut = config.passes * len(arrays["split"])
        say(f"{path.name}: {len(features['split'])} of {cut} crops are usable")
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
    chances = [_chance(arrays, number, turn, config) for number in numbers]
    cuts = [
        _cut(arrays, number, turn, config, rng)
        for number, rng in zip(numbers, chances, strict=True)
    ]
    outputs = base.run(np.stack([picture for picture, *_ in cuts]))
    shaken = np.array([arrays["split"][number] == TRAIN for number in numbers])
    seen = look_again(outputs, config.torso_jitter * shaken, chances)
    kept = [{name: look[name] for name in MAPS} for look in seen]
    if config.unfreeze:
        kept = whole_maps(seen, outputs)
    made = zip(seen, kept, bodies_in_crop(outputs), cuts, numbers, strict=True)
    rows = []
    for look, maps, body, (_, xy, crop), number in made:
        xy_crop = in_crop(xy, crop)
        if body.presence > MIN_PRESENCE and _torso_px(xy_crop) > LEAST_TORSO_PX:
            facts = _facts(look["square"], body, xy, xy_crop, INPUT_PX / crop.side_px)
            rows.append(maps | facts | _labels(arrays, number, turn))
    return rows


def _chance(
    arrays: Mapping[str, NDArray[Any]], number: int, turn: int, config: Config
) -> Generator:
    return np.random.default_rng([config.seed, int(arrays["number"]), number, turn])


def _cut(
    arrays: Mapping[str, NDArray[Any]], number: int, turn: int, config: Config, rng: Generator
) -> tuple[NDArray[np.uint8], NDArray[np.float64], Crop]:
    """The base's input, the points in the frame it was cut from, and the crop."""
    frame = picture_of(dict(arrays), number)
    xy = arrays["xy_px"][number].astype(float)
    if turn % 2:
        frame, xy = mirrored(frame, xy)
    crop = body_crop(xy, config, rng)
    if arrays["split"][number] == TRAIN:
        if rng.random() < config.cut:
            frame = cut_off(frame, xy, rng)
        if rng.random() < config.damage:
            frame = damage(frame, rng)
    return crop.cut(frame, INPUT_PX, black_outside=False), xy, crop


def _facts(
    square: Square, body: Body, xy: NDArray[np.float64], xy_crop: NDArray[np.float64], zoom: float
) -> dict[str, Any]:
    """Where the points should be and where geometry puts them, in the square's units; its sizes."""
    side = float(square.side)
    guess = square.encode(torch.from_numpy(prior.complete(body).xy_px[None]))
    target = square.encode(torch.from_numpy(xy_crop[None]))
    return {
        "target": target[0, ROWS].numpy().astype(np.float32),
        "guess": guess[0, ROWS].numpy().astype(np.float32),
        "torso": np.float32(_torso_px(xy_crop) / side),
        "box": np.float32(np.prod(np.ptp(xy, axis=0)) * (zoom / side) ** 2),
        "unit_px": np.float32(side),
        "presence": np.float32(body.presence),
    }


def look_again(
    outputs: Mapping[str, NDArray[np.float32]],
    jitter: NDArray[np.float64],
    chances: list[Generator],
) -> list[dict[str, Any]]:
    """See the base's maps through the torsos' squares.

    Args:
        outputs: What `FrozenBase.run` gave for N crops.
        jitter: (N,) spread of each square's shift, turn and logarithm of side; 0 for none.
        chances: N sources of chance.

    Returns:
        N dictionaries: `square`, and `cells` and `context` as half-precision arrays.
    """
    given = [torch.from_numpy(np.ascontiguousarray(outputs[name])) for name in INPUTS]
    square = square_about(read_landmarks(given[INPUTS.index("landmarks")])[0])
    shaken = [
        _shake(Square(*(part[row : row + 1] for part in square)), float(jitter[row]), rng)
        for row, rng in enumerate(chances)
    ]
    together = Square(*(torch.cat(parts) for parts in zip(*shaken, strict=True)))
    decoder, global_map, landmarks, world = given
    seen = (
        look_through(together, decoder),
        context_of(global_map, landmarks, world, together),
    )
    halves = [values.numpy().astype(np.float16) for values in seen]
    exact = [Square(*(part.double() for part in one)) for one in shaken]
    return [
        {"square": one, "cells": cells, "context": facts}
        for one, cells, facts in zip(exact, *halves, strict=True)
    ]


def _shake(square: Square, spread: float, rng: Generator) -> Square:
    shift, grow, turn = rng.normal(0.0, 1.0, 2), rng.normal(), rng.normal()
    angle = spread * turn
    rotation = torch.tensor(
        [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]], dtype=torch.float32
    )
    moved = square.centre + torch.tensor(spread * shift / 2, dtype=torch.float32) * square.side
    return Square(moved, square.side * float(np.exp(spread * grow)), square.up @ rotation.T)


def _labels(arrays: Mapping[str, NDArray[Any]], number: int, turn: int) -> dict[str, Any]:
    """What is known of a render, whatever crop it is seen in."""
    own = mirror_names() if turn % 2 else np.arange(len(arrays["visible"][number]))
    bend = arrays["spine_deg"][number][:18].sum(axis=0)
    camera_points = arrays["xyz_m"][number].astype(float)
    return {
        "weight": np.ones(len(ROWS), np.float32),
        "visible": arrays["visible"][number][own][ROWS],
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


def keep_settings(out: Path, config: Config) -> None:
    """Write the settings of a folder, or refuse to mix two kinds in it."""
    out.mkdir(parents=True, exist_ok=True)
    mine, usual = (
        {name: settings.as_dict()[name] for name in ("seed", *_CACHED)}
        for settings in (config, Config())
    )
    path = out / "config.json"
    if not path.exists():
        path.write_text(json.dumps(mine, indent=2))
    elif usual | json.loads(path.read_text()) != mine:  # a folder may be older than a setting
        raise TrainingError(f"{out} holds features made with other settings: use another folder")


def write_features(path: Path, arrays: dict[str, NDArray[Any]]) -> None:
    """Write a shard of features whole or not at all."""
    partial = path.with_name(f".{path.stem}.{os.getpid()}.part.npz")
    np.savez(partial, **arrays)
    partial.replace(path)
