# SPDX-License-Identifier: GPL-3.0-or-later
"""Real people with the nine spine points placed by eye: labels from here, pictures from the zips.

The labels are `judging/spine_by_eye.json`, COCO's format with the 37 names; its `info` says how
they were placed and how well that repeats. The pictures stay in the shared data folder.
"""

import json
import tempfile
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray

from ..inference import video
from ..inference.crop import Crop
from ..inference.errors import InferenceError
from ..inference.keypoints import INDEX, NAMES, SPINE
from ..inference.pose2d import Body, estimate
from ..inference.session import Session
from .errors import TrainingError

LABELS: Final = Path(__file__).parent / "judging" / "spine_by_eye.json"
SPLITS: Final = ("choose", "judge")
"""`choose` may choose settings, `judge` gives figures only; neither is trained on."""

VIEWS: Final = ("front", "three-quarter", "side", "back")

Floats = NDArray[np.float64]
_ROWS: Final = [INDEX[name] for name in SPINE]


@dataclass(frozen=True)
class Person:
    """A labelled person in a picture.

    Attributes:
        name: Short name, for messages.
        rgb: (H, W, 3) the upright picture.
        points: (37, 3) x, y in pixels and visibility, 0 where not labelled; the spine always is.
        box: (4,) x, y, width, height, pixels.
        area: Area of the person, pixels squared.
        view: Side of the trunk that is seen, one of VIEWS.
        bent: Whether the back is bent or leans far.
    """

    name: str
    rgb: NDArray[np.uint8]
    points: Floats
    box: Floats
    area: float
    view: str
    bent: bool

    @property
    def spine(self) -> Floats:
        """(9, 2) spine points, bottom to top, pixels."""
        return self.points[_ROWS, :2]

    @property
    def torso_px(self) -> float:
        """Way from hip to C7 along the spine, pixels: what errors are shares of."""
        trunk = self.spine[: SPINE.index("neck") + 1]
        return float(np.linalg.norm(np.diff(trunk, axis=0), axis=1).sum())


def read_people(data: Path, split: str | None = None, labels: Path = LABELS) -> Iterator[Person]:
    """Read labelled people with their pictures.

    Args:
        data: The shared data folder, in which the archives lie.
        split: One of SPLITS; None is both.
        labels: The file of labels.

    Yields:
        People, in the order of the file's pictures.

    Raises:
        TrainingError: If labels are damaged, or an archive or a picture in it is missing.
    """
    images, people = _read_labels(labels)
    wanted = [image for image in images if split in (None, image["split"])]
    if not wanted:
        raise TrainingError(f"{labels} has no picture of the split {split}: take one of {SPLITS}")
    for image in wanted:
        rgb = _read_picture(data, image)
        for person in people:
            if person["image_id"] == image["id"]:
                yield _person(person, rgb, labels)


def first_crop(person: Person) -> Crop:
    """Crop about a person from the labels alone.

    Args:
        person: The person.

    Returns:
        The square about the hip that holds all labelled points and the middles of the box's sides,
        turned so that C7 lies straight above the hip.
    """
    hip, c7 = person.spine[0], person.spine[SPINE.index("neck")]
    centre, half = person.box[:2] + person.box[2:] / 2, person.box[2:] / 2
    sides = centre + half * [[-1, 0], [1, 0], [0, -1], [0, 1]]
    around = np.concatenate([person.points[person.points[:, 2] > 0, :2], sides])
    radius = float(np.linalg.norm(around - hip, axis=1).max())
    return Crop.around(hip, hip + radius * (c7 - hip) / np.linalg.norm(c7 - hip))


def body_crop(session: Session, person: Person) -> Crop:
    """Crop that a spine is asked for in: as the product makes it from a first look.

    Args:
        session: The product's pose network.
        person: The person.

    Returns:
        The crop of the landmarks seen through the first crop, or that one where nobody is seen in
        it, or somebody else: hips further than half a torso from the labelled ones.
    """
    crop = first_crop(person)
    body = look(session, person, crop)
    away = float(np.linalg.norm(body.hip_px - person.spine[0]))
    found = body.is_in(person.rgb) and away < person.torso_px / 2
    return body.next_crop() if found else crop


def look(session: Session, person: Person, crop: Crop) -> Body:
    """What the product's pose network sees in a crop of a person's picture."""
    return estimate(session, person.rgb, [crop])[0]


def _read_labels(path: Path) -> tuple[Sequence[Any], Sequence[Any]]:
    try:
        content = json.loads(path.read_text())
        return content["images"], content["annotations"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise TrainingError(f"{path} holds no labels: {type(error).__name__} {error}") from error


def _person(label: Mapping[str, Any], rgb: NDArray[np.uint8], path: Path) -> Person:
    try:
        points = np.array(label["keypoints"], float).reshape(len(NAMES), 3)
        box, area = np.array(label["bbox"], float).reshape(4), float(label["area"])
        name, view, bent = str(label["name"]), str(label["view"]), bool(label["bent"])
    except (KeyError, TypeError, ValueError) as error:
        raise TrainingError(f"{path}: person {label.get('id')} is damaged: {error}") from error
    if view not in VIEWS or not (points[_ROWS, 2] > 0).all() or not np.isfinite(points).all():
        raise TrainingError(f"{path}: person {name} lacks spine points, or view {view} is unknown")
    return Person(name, rgb, points, box, area, view, bent)


def _read_picture(data: Path, image: Mapping[str, Any]) -> NDArray[np.uint8]:
    """Take a photo, or a frame of a clip, out of its archive."""
    archive, member = data / image["archive"], str(image["file_name"])
    try:
        with zipfile.ZipFile(archive) as opened:
            content = opened.read(member)
    except (OSError, KeyError, zipfile.BadZipFile) as error:
        raise TrainingError(
            f"{member} cannot be read from {archive}: {error}; give the shared data folder (--data)"
        ) from error
    if "frame" in image:
        return _frame(content, Path(member), int(image["frame"]))
    picture = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR)
    if picture is None:
        raise TrainingError(f"{member} in {archive} is not a photo that can be decoded")
    return np.asarray(cv2.cvtColor(picture, cv2.COLOR_BGR2RGB), np.uint8)


def _frame(content: bytes, member: Path, index: int) -> NDArray[np.uint8]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / member.name
        path.write_bytes(content)
        try:
            frames = video.frames(video.probe(path), start=index)
            frame = next(frames)
            frames.close()
        except (InferenceError, StopIteration) as error:
            raise TrainingError(f"{member} has no frame {index}: {error}") from error
    return frame.rgb
