# SPDX-License-Identifier: GPL-3.0-or-later
"""Judges on real pictures: spines placed by eye, and the body against the base's.

Pictures come from the shared data folder and are used for judging only.
"""

import json
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ..inference.crop import Crop
from ..inference.keypoints import INDEX, SPINE
from ..inference.models import POSE, ModelCard
from ..inference.photos import read_photo
from ..inference.pose2d import INPUT_PX, decode
from ..inference.prior import complete
from ..inference.session import Session
from .coco import PARTS, SIGMAS, Guess, Truth, precision_recall
from .errors import TrainingError
from .judge_cost import BODY, differs
from .judge_look import Looker
from .judge_sources import SOURCES
from .judging_figures import figures
from .judging_photos import read_people
from .places import CACHE
from .spine_score import AREA_OF_BOX

Floats = NDArray[np.float64]
Picture = NDArray[np.uint8]

SPLIT: Final = "judge"
"""People that no setting was chosen on."""

PHOTOS: Final = "photos/mmpose_annotated_TEST_ONLY.zip"
BODY_FILES: Final = {
    "mmpose/tests/data/coco/test_coco.json": "mmpose/tests/data/coco/",
    "mmpose/tests/data/ochuman/test_ochuman.json": "mmpose/tests/data/ochuman/",
    "mmpose/tests/data/humanart/test_humanart.json": "mmpose/tests/data/",
}
"""Annotations that begin with COCO's 17 points, and the folder that their pictures lie in."""

COCO_POINTS: Final = len(PARTS["body"])
"""The first of the 37 points are COCO's 17, in its order."""

_ROWS: Final = [INDEX[name] for name in SPINE]


def spines_by_eye(looker: Looker, data: Path) -> dict[str, dict[str, Any]]:
    """Judge on the people whose spines were placed by eye, as the product finds them.

    Args:
        looker: The product's networks.
        data: The shared data folder.

    Returns:
        For each source the figures of `judging_figures.figures`.

    Raises:
        TrainingError: If the labels or their pictures cannot be read.
    """
    people = list(read_people(data, SPLIT))
    bodies = [looker.see_in_boxes(person.rgb, [person.box])[0].body for person in people]
    return {
        name: figures(people, np.stack([np.column_stack(find(body)) for body in bodies]))
        for name, find in SOURCES.items()
    }


def _truth(label: dict[str, Any], points: Floats) -> Truth:
    visible = points[:, 2].astype(np.int64)
    return Truth(points[:, :2], visible, float(label["area"]), np.array(label["bbox"], float))


def body_against_base(looker: Looker, base: ModelCard, data: Path) -> dict[str, float]:
    """Compare the body of the shipped network with the base's on annotated photos.

    Args:
        looker: The product's networks.
        base: Card of the base alone, in CACHE.
        data: The shared data folder.

    Returns:
        Body AP with COCO's sigmas and labelled boxes; `lost`, what the base alone has more; how
        many people; `different`, how many numbers of the base's outputs differ in any bit.
    """
    alone, joined = Session(base, CACHE), Session(POSE)
    rows: list[tuple[tuple[str, int], Truth]] = []
    crops, pictures = [], []
    for image, frame, labels in annotated(data / PHOTOS):
        boxes = [np.array(label["bbox"], float) for label in labels]
        for label, seen in zip(labels, looker.see_in_boxes(frame, boxes), strict=True):
            crops.append(seen.body.crop)
            picture = crops[-1].cut(frame, INPUT_PX, black_outside=False)
            pictures.append(picture.astype(np.float32) * np.float32(1 / 255))
            labelled = np.array(label["keypoints"], float).reshape(-1, 3)[:COCO_POINTS]
            rows.append((image, _truth(label, labelled)))
    batch = np.stack(pictures)
    first, second = (_body_ap(session, batch, crops, rows) for session in (alone, joined))
    return {
        "body AP": second,
        "lost": first - second,
        "people": float(len(rows)),
        "different": float(differs(alone, joined, batch)),
    }


def _body_ap(
    session: Session,
    batch: NDArray[np.float32],
    crops: list[Crop],
    rows: list[tuple[tuple[str, int], Truth]],
) -> float:
    images: dict[tuple[str, int], tuple[list[Guess], list[Truth]]] = {}
    outputs = session.run(batch, BODY)
    for crop, (image, truth), *values in zip(crops, rows, *outputs, strict=True):
        points = complete(decode(crop, *values))
        found, truths = images.setdefault(image, ([], []))
        found.append(Guess(points.xy_px[:COCO_POINTS], float(points.score[:COCO_POINTS].mean())))
        truths.append(truth)
    return precision_recall(list(images.values()), SIGMAS[:COCO_POINTS])[0]


def annotated(
    archive: Path,
) -> Iterator[tuple[tuple[str, int], Picture, list[dict[str, Any]]]]:
    """Read pictures with people of whom points are labelled.

    Args:
        archive: PHOTOS of the shared data folder.

    Yields:
        Name of the picture, (H, W, 3) RGB, and COCO's annotations of the people in it.

    Raises:
        TrainingError: If it cannot be read.
    """
    for file, folder in BODY_FILES.items():
        labels = json.loads(_read(archive, file))
        for image in labels["images"]:
            here = [
                {"area": AREA_OF_BOX * one["bbox"][2] * one["bbox"][3], **one}
                for one in labels["annotations"]
                if one["image_id"] == image["id"]
                and not one.get("iscrowd")
                and any(one["keypoints"][2 : 3 * COCO_POINTS : 3])
            ]
            name = image["file_name"].replace("HumanArt/images", "humanart")
            yield (file, image["id"]), _picture(archive, folder + name), here


def _read(archive: Path, member: str) -> bytes:
    try:
        with zipfile.ZipFile(archive) as file:
            return file.read(member)
    except (OSError, KeyError, zipfile.BadZipFile) as error:
        raise TrainingError(f"cannot read {member} of {archive}: {error}") from error


def _picture(archive: Path, member: str) -> Picture:
    """Read a photo out of an archive."""
    with tempfile.TemporaryDirectory(prefix="track_spine_") as folder:
        path = Path(folder) / Path(member).name
        path.write_bytes(_read(archive, member))
        return read_photo(path)
