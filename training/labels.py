# SPDX-License-Identifier: GPL-3.0-or-later
"""Labels of real pictures: COCO key-point JSON with the 37 points, written here and by people.

Visibility: 2 a label to be trusted, 1 a weaker one, 0 unknown. Beyond COCO's own fields, a person
may have `crop` [x, y, side, angle], how the base saw them; a picture may have a `camera` (`matrix`,
`rotation`, `translation`: world to camera, metres) and a `moment`, which pictures taken at the same
time share.
"""

import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ..inference.crop import Crop
from ..inference.keypoints import INDEX, LIMBS, NAMES, SPINE
from .errors import TrainingError

Floats = NDArray[np.float64]

UNKNOWN: Final = 0
WEAK: Final = 1
TRUSTED: Final = 2

BOX_MARGIN: Final = 0.08
"""Added to the extent of the points on each side, as `inference.photos` does."""


@dataclass(frozen=True)
class Person:
    """A labelled person.

    Attributes:
        id: Number of the annotation.
        image_id: Number of the picture.
        xy_px: (37, 2) pixels; (0, 0) where unknown.
        known: (37,) UNKNOWN, WEAK or TRUSTED.
        crop: The body crop, where it is told.
    """

    id: int
    image_id: int
    xy_px: Floats
    known: NDArray[np.int64]
    crop: Crop | None


@dataclass(frozen=True)
class Picture:
    """A picture with labelled people.

    Attributes:
        id: Number of the picture.
        path: The file.
        camera: `matrix` (3, 3), `rotation` (3, 3) and `translation` (3,), or None.
        moment: Name shared by pictures taken at once, or empty.
    """

    id: int
    path: Path
    camera: Mapping[str, Floats] | None
    moment: str


def read_labels(path: Path) -> tuple[list[Picture], list[Person]]:
    """Read a file of labels.

    Args:
        path: The JSON; pictures are named relative to it.

    Returns:
        Its pictures and people.

    Raises:
        TrainingError: If it cannot be read, has other points, or people without a picture.
    """
    content = read_json(path)
    try:
        named = content["categories"][0]["keypoints"] if content.get("categories") else NAMES
        if tuple(named) != NAMES:
            raise ValueError(f"its points are not the {len(NAMES)} of inference/keypoints.py")
        pictures = [_picture(image, path.parent) for image in content["images"]]
        people = [_person(person) for person in content["annotations"]]
        if strangers := {one.image_id for one in people} - {one.id for one in pictures}:
            raise ValueError(f"picture {min(strangers)} is not among its images")
    except (KeyError, TypeError, ValueError, IndexError) as error:
        raise TrainingError(
            f"labels {path} are not COCO key points of {len(NAMES)} points: "
            f"{type(error).__name__} {error}"
        ) from error
    return pictures, people


def read_json(path: Path) -> Any:
    """Read a JSON file.

    Args:
        path: The file.

    Returns:
        Its content.

    Raises:
        TrainingError: If it cannot be read.
    """
    try:
        return json.loads(path.read_text())
    except (OSError, ValueError) as error:
        raise TrainingError(f"{path} cannot be read: {error}") from error


def write_labels(
    path: Path, images: Iterable[Mapping[str, Any]], people: Iterable[Mapping[str, Any]]
) -> None:
    """Write a file of labels whole or not at all.

    Args:
        path: The JSON.
        images: COCO's `images`.
        people: COCO's `annotations`.
    """
    edges = [*pairwise(SPINE), *LIMBS]
    category = {
        "id": 1,
        "name": "person",
        "keypoints": list(NAMES),
        "skeleton": [[INDEX[a] + 1, INDEX[b] + 1] for a, b in edges],
    }
    content = {"images": list(images), "annotations": list(people), "categories": [category]}
    write_json(path, content)


def write_json(path: Path, content: Any) -> None:
    """Write a JSON file whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.{os.getpid()}.part")
    partial.write_text(json.dumps(content))
    partial.replace(path)


def person_entry(
    number: int, image_id: int, xy_px: Floats, known: NDArray[np.int64], crop: Crop
) -> dict[str, Any]:
    """Make one of COCO's `annotations`.

    Args:
        number: Number of the annotation.
        image_id: Number of the picture.
        xy_px: (37, 2) pixels.
        known: (37,) UNKNOWN, WEAK or TRUSTED.
        crop: The body crop.

    Returns:
        The entry; the box holds the known points and a margin.
    """
    points = np.where(known[:, None] > 0, xy_px, 0.0)
    inside = points[known > 0] if (known > 0).any() else xy_px
    low, size = inside.min(axis=0), np.ptp(inside, axis=0)
    box = np.concatenate([low - BOX_MARGIN * size, (1.0 + 2.0 * BOX_MARGIN) * size])
    return {
        "id": number,
        "image_id": image_id,
        "category_id": 1,
        "iscrowd": 0,
        "num_keypoints": int((known > 0).sum()),
        "keypoints": flat(points, known),
        "bbox": np.round(box, 2).tolist(),
        "area": round(float(box[2] * box[3]), 2),
        "crop": [*np.round(crop.centre_px, 3).tolist(), round(crop.side_px, 3), crop.angle],
    }


def flat(xy_px: Floats, third: NDArray[Any]) -> list[float]:
    """Points as COCO lists them: x, y and visibility or score, 111 numbers."""
    rows: list[float] = np.round(np.column_stack([xy_px, third]), 3).ravel().tolist()
    return rows


def _picture(image: Mapping[str, Any], folder: Path) -> Picture:
    camera = image.get("camera")
    if camera is not None:
        camera = {name: np.array(camera[name], float) for name in _CAMERA}
        if any(camera[name].shape != shape for name, shape in _CAMERA.items()):
            raise ValueError(f"the camera of picture {image['id']} has wrong shapes")
    moment = str(image.get("moment", ""))
    return Picture(int(image["id"]), folder / image["file_name"], camera, moment)


_CAMERA: Final = {"matrix": (3, 3), "rotation": (3, 3), "translation": (3,)}


def _person(entry: Mapping[str, Any]) -> Person:
    points = np.array(entry["keypoints"], float).reshape(len(NAMES), 3)
    if not np.isfinite(points).all():
        raise ValueError(f"annotation {entry['id']} holds numbers that are not finite")
    crop = None
    if entry.get("crop") is not None:
        x, y, side, angle = (float(value) for value in entry["crop"])
        crop = Crop(np.array([x, y]), side, angle)
    known = points[:, 2].astype(np.int64)
    return Person(int(entry["id"]), int(entry["image_id"]), points[:, :2], known, crop)
