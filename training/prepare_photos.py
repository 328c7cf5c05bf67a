# SPDX-License-Identifier: GPL-3.0-or-later
"""From labelled pictures to what the head is trained on: the same arrays as renders give.

Files of labels, by machine or by hand, give `features-photos-NAME-NUMBER.npz`. Pictures with
cameras also give `views-NAME-NUMBER.npz`: the same maps with rays, for the multi-view loss, which
needs no labels.
"""

import hashlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from numpy.random import Generator
from numpy.typing import NDArray

from ..inference import prior
from ..inference.crop import Crop
from ..inference.errors import VideoError
from ..inference.keypoints import INDEX, NAMES
from ..inference.photos import read_photo
from ..inference.pose2d import INPUT_PX, MIN_PRESENCE, Body
from ..inference.spine import ROWS
from ..inference.views.triangulation import triangulate
from .augment import damage, mirrored
from .base import FrozenBase, bodies_in_crop
from .calibrated import Pinhole
from .codec import Square, in_crop, mirror_names
from .config import Config
from .dataset import MAPS
from .errors import TrainingError
from .labels import TRUSTED, WEAK, Person, Picture, read_labels
from .late_stages import open_base
from .prepare import BATCH, keep_settings, look_again, write_features
from .spine_score import LEAST_TORSO_PX
from .splits import TRAIN
from .unfrozen import whole_maps

Floats = NDArray[np.float64]

WEIGHT: Final = {TRUSTED: 1.0, WEAK: 0.5}
"""Weight of a label in the losses, where one of a render has 1; an unknown point has 0."""

DOUBT: Final = 0.1
"""How much a view without a label draws a point at which other views have one."""

CHUNK: Final = 128
"""People a file of features, as pictures a shard of renders."""

NO_BODY: Final = -1
FIRST_IMAGE: Final = 10_000_000
"""Numbers of real pictures begin beyond those of renders."""

ADULT_TRUNK_M: Final = 0.5
"""Length of the trunk where the labels of a moment do not tell it: an adult's, 0.28 of 1.78 m."""

Say = Callable[[str], None]


@dataclass(frozen=True)
class _Cut:
    """A crop of a person, ready for the base."""

    picture: NDArray[np.uint8]
    crop: Crop
    xy: Floats
    person: Person
    source: Picture
    turn: int
    rng: Generator


def prepare_photos(files: list[Path], out: Path, config: Config, threads: int, say: Say) -> int:
    """Make features of labelled pictures; a file of labels whose features are there is left.

    Args:
        files: COCO key-point JSON with the 37 points, see `labels`.
        out: Folder of features; keeps its settings in config.json.
        config: Settings.
        threads: Threads of the base; 0 is one a core.
        say: Receives a line of progress.

    Returns:
        How many shards were made.

    Raises:
        TrainingError: If labels or a picture cannot be read, or `out` has other settings.
    """
    keep_settings(out, config)
    base = open_base(config, threads)
    made = 0
    for path in files:
        pictures, people = read_labels(path)
        sources = {picture.id: picture for picture in pictures}
        used = [one for one in people if _is_labelled(one) or sources[one.image_id].camera]
        name = f"{path.parent.name}-{path.stem}"
        for number, start in enumerate(range(0, len(used), CHUNK)):
            target = out / f"features-photos-{name}-{number:05d}.npz"
            if target.exists():
                continue
            rows, views = _look(base, used[start : start + CHUNK], people, sources, config)
            if views:
                write_features(out / f"views-{name}-{number:05d}.npz", _stacked(views))
            if rows:
                write_features(target, _stacked(rows))
                made += 1
            say(f"{path.name} {number}: {len(rows)} crops with labels, {len(views)} views")
    return made


def _look(
    base: FrozenBase,
    chunk: list[Person],
    people: list[Person],
    sources: Mapping[int, Picture],
    config: Config,
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Rows of features with labels, and rows with rays."""
    rows, views = [], []
    cuts = list(_cuts(chunk, sources, config))
    for start in range(0, len(cuts), BATCH):
        batch = cuts[start : start + BATCH]
        outputs = base.run(np.stack([cut.picture for cut in batch]))
        jitter = np.full(len(batch), config.torso_jitter)
        looks = look_again(outputs, jitter, [cut.rng for cut in batch])
        maps = [{name: look[name] for name in MAPS} for look in looks]
        if config.unfreeze:
            maps = whole_maps(looks, outputs)
        made = zip(batch, looks, maps, bodies_in_crop(outputs), strict=True)
        for cut, look, own, body in made:
            if body.presence < MIN_PRESENCE or body.trunk_px() < LEAST_TORSO_PX:
                continue
            if _is_labelled(cut.person):
                rows.append(own | _facts(cut, look["square"], body))
            if cut.source.camera is not None and cut.source.moment and cut.turn % 2 == 0:
                trunk_m = _trunk_m(cut.source.moment, people, sources)
                views.append(own | _rays(cut, look["square"], trunk_m))
    return rows, views


def _cuts(chunk: list[Person], sources: Mapping[int, Picture], config: Config) -> Iterator[_Cut]:
    for person in chunk:
        source = sources[person.image_id]
        try:
            photo = read_photo(source.path)
        except VideoError as error:
            raise TrainingError(str(error)) from error
        straight = person.crop or crop_about(person)
        if straight is None:
            continue
        for turn in range(config.passes):
            rng = np.random.default_rng([config.seed, FIRST_IMAGE, person.id, turn])
            frame, xy, crop = photo, person.xy_px, straight
            if turn % 2:
                frame, xy = mirrored(frame, xy)
                middle = np.array([frame.shape[1] - crop.centre_px[0], crop.centre_px[1]])
                crop = Crop(middle, crop.side_px, -crop.angle)
            crop = shaken(crop, config, rng)
            if rng.random() < config.damage:
                frame = damage(frame, rng)
            picture = crop.cut(frame, INPUT_PX, black_outside=False)
            yield _Cut(picture, crop, xy, person, source, turn, rng)


def crop_about(person: Person) -> Crop | None:
    """Body crop of a person whose labels tell none: from hips and shoulders, as for renders.

    Args:
        person: The person.

    Returns:
        The crop, or None where hips or shoulders are unknown.
    """
    ends = [[INDEX[f"{side}_{part}"] for side in ("left", "right")] for part in ("hip", "shoulder")]
    if not person.known[ends].all():
        return None
    hip, shoulder = (person.xy_px[rows].mean(axis=0) for rows in ends)
    reach = np.linalg.norm(person.xy_px[person.known > 0] - hip, axis=1).max()
    up = (shoulder - hip) / max(float(np.hypot(*(shoulder - hip))), 1e-6)
    return Crop.around(hip, hip + reach * up)


def shaken(crop: Crop, config: Config, rng: Generator) -> Crop:
    """Move a body crop by the faults that following has.

    Args:
        crop: The crop.
        config: Spread of turn, side and shift.
        rng: Source of chance.

    Returns:
        The moved crop.
    """
    return Crop(
        crop.centre_px + rng.normal(0.0, config.shift_sd, 2) * crop.side_px / 2,
        crop.side_px * float(np.exp(rng.normal(0.0, config.scale_sd))),
        crop.angle + float(np.radians(rng.normal(0.0, config.roll_sd_deg))),
    )


def _facts(cut: _Cut, square: Square, body: Body) -> dict[str, Any]:
    """Labels of a crop: names and shapes as `prepare` makes them."""
    own = mirror_names() if cut.turn % 2 else np.arange(len(NAMES))
    known = cut.person.known[own][ROWS]
    target = square.encode(torch.from_numpy(in_crop(cut.xy, cut.crop)[None]))[0, ROWS].numpy()
    side = float(square.side)
    guess = prior.complete(body).xy_px
    extent = np.ptp(cut.xy[cut.person.known[own] > 0], axis=0) * INPUT_PX / cut.crop.side_px
    return {
        "target": np.where(known[:, None] > 0, target, 0.5).astype(np.float32),
        "guess": square.encode(torch.from_numpy(guess[None]))[0, ROWS].numpy().astype(np.float32),
        "torso": np.float32(body.trunk_px() / side),
        "box": np.float32(np.prod(extent) / side**2),
        "unit_px": np.float32(side),
        "presence": np.float32(body.presence),
        "weight": np.array([WEIGHT.get(int(one), 0.0) for one in known], np.float32),
        "visible": np.where(known > 0, 0, 3).astype(np.int8),
        # How the trunk stands is not known: 0 of its length across the picture judges no turns.
        "axes": np.zeros(2, np.float32),
        "view_deg": np.float32(0.0),
        "flexion_deg": np.float32(0.0),
        "side_bend_deg": np.float32(0.0),
        "split": np.int8(TRAIN),
        "body_id": np.int64(NO_BODY),
        "image": np.int64(FIRST_IMAGE + cut.person.id),
        "turn": np.int8(cut.turn),
    }


def _rays(cut: _Cut, square: Square, trunk_m: float) -> dict[str, Any]:
    """Rays of a crop: `ray` takes (x, y, 1) in units of the square to the world."""
    camera = _pinhole(cut.source)
    digest = hashlib.sha256(cut.source.moment.encode()).digest()
    return {
        "ray": (camera.ray() @ to_frame(square, cut.crop)).astype(np.float32),
        "eye": camera.eye().astype(np.float32),
        "weight": np.where(cut.person.known[ROWS] > 0, 1.0, DOUBT).astype(np.float32),
        "trunk_m": np.float32(trunk_m),
        "moment": np.int64(int.from_bytes(digest[:7], "big")),
    }


def to_frame(square: Square, crop: Crop) -> Floats:
    """How units of a torso's square become pixels of the frame.

    Args:
        square: One square, in pixels of the crop's picture.
        crop: The crop.

    Returns:
        (3, 3) matrix for columns (x, y, 1).
    """
    corners = torch.tensor([[[0.0, 0.0], [1.0, 0.0], [0.0, 1.0]]], dtype=torch.float64)
    origin, right, down = crop.to_frame(square.decode(corners)[0].numpy(), INPUT_PX)
    rows = np.column_stack([right - origin, down - origin, origin])
    return np.concatenate([rows, [[0.0, 0.0, 1.0]]])


def _trunk_m(moment: str, people: list[Person], sources: Mapping[int, Picture]) -> float:
    """Distance of C7 from the hip point as triangulated from the labels of a moment."""
    ends = [INDEX["hip"], INDEX["neck"]]
    seen = [
        one
        for one in people
        if sources[one.image_id].moment == moment and (one.known[ends] > 0).all()
    ]
    if len(seen) < 2:
        return ADULT_TRUNK_M
    views = [_pinhole(sources[one.image_id]).view() for one in seen]
    said = np.stack([one.xy_px[ends] for one in seen])
    points = triangulate(views, said, np.ones((len(seen), 2))).xyz_m
    length = float(np.linalg.norm(points[1] - points[0]))
    return length if np.isfinite(length) else ADULT_TRUNK_M


def _pinhole(picture: Picture) -> Pinhole:
    assert picture.camera is not None
    return Pinhole(**picture.camera)


def _is_labelled(person: Person) -> bool:
    return bool((person.known[ROWS] > 0).any())


def _stacked(rows: list[dict[str, Any]]) -> dict[str, NDArray[Any]]:
    return {name: np.stack([row[name] for row in rows]) for name in rows[0]}
