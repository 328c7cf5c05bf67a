# SPDX-License-Identifier: GPL-3.0-or-later
"""The 2D part on single photos: everybody in the picture, 37 points each."""

from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray

from .bend import complete
from .crop import Crop
from .detect import detect
from .errors import VideoError
from .models import DETECTOR, POSE
from .pose2d import Body, estimate
from .session import Session

SEARCH_LEVELS: Final = 3
"""Photos are searched one level finer than frames of a video, which come again."""

MIN_SCORE: Final = 0.25
MIN_PRESENCE: Final = 0.9
"""A photo has no next frame: weak detections are tried too, and the landmark network, which has the
last word, must be surer than while following. Chosen by eye on the photos of MMPose's tests: 0.5
for both misses people there, and 0.25 with 0.5 sees some in shadows and wheels."""

SAME_PERSON: Final = 0.25
"""Two bodies whose points lie closer than this share of their size on average are one person."""

SAME_HIPS: Final = 0.2
"""So are two whose hips lie closer than this share of their reach: one of them is posed wrongly."""

BOX_MARGIN: Final = 0.08
"""Added to the points' extent on each side, as a share of it: points lie inside the outline."""

BOX_SCORE: Final = 0.3
"""Points less visible than this do not widen the box."""


class PhotoDetector:
    """The networks, loaded once; `detect` looks at one photo."""

    def __init__(self) -> None:
        """Load the networks.

        Raises:
            ModelError: A model file is missing, wrong, or cannot be run.
        """
        self._detector = Session(DETECTOR)
        self._pose = Session(POSE)

    def detect(self, path: Path) -> list[dict[str, Any]]:
        """Find everybody in a photo.

        Args:
            path: The photo; its EXIF orientation is applied.

        Returns:
            One dictionary a person: `bbox` [x, y, w, h] and `keypoints`, 37 times [x, y, score],
            pixels of the upright photo; best first, empty where nobody is seen.

        Raises:
            VideoError: The photo cannot be read.
        """
        rgb = read_photo(path)
        people = []
        for body in self._bodies(rgb):
            points = complete(body)
            keypoints = np.column_stack([points.xy_px, points.score])
            people.append(
                {
                    "bbox": [round(float(value), 2) for value in box(keypoints, rgb.shape)],
                    "keypoints": np.round(keypoints, 3).tolist(),
                }
            )
        return people

    def _bodies(self, rgb: NDArray[np.uint8]) -> list[Body]:
        found = [one.crop() for one in detect(self._detector, rgb, SEARCH_LEVELS, MIN_SCORE)]
        rough = self._look(rgb, found, found)
        # The second look is through crops made from the first one's landmarks.
        seen = self._look(rgb, [body.next_crop() for body in rough], [body.crop for body in rough])
        best_first = sorted(seen, key=lambda body: -body.presence * body.score.mean())
        people: list[Body] = []
        for body in best_first:
            if not any(same_person(body, other) for other in people):
                people.append(body)
        return people

    def _look(self, rgb: NDArray[np.uint8], crops: list[Crop], expected: list[Crop]) -> list[Body]:
        if not crops:
            return []
        return [
            body
            for body, like in zip(estimate(self._pose, rgb, crops), expected, strict=True)
            if body.is_in(rgb, MIN_PRESENCE) and like.agrees(body.next_crop())
        ]


def read_photo(path: Path) -> NDArray[np.uint8]:
    """Read a photo upright.

    Args:
        path: The file.

    Returns:
        (H, W, 3) RGB.

    Raises:
        VideoError: It is missing, empty, or not a picture.
    """
    try:
        content = np.fromfile(path, np.uint8)
    except OSError as error:
        raise VideoError(f"Photo {path} cannot be read: {error.strerror}") from error
    try:
        picture = cv2.imdecode(content, cv2.IMREAD_COLOR) if content.size else None
    except cv2.error:  # a header that claims more pixels than OpenCV reads
        picture = None
    if picture is None:
        raise VideoError(f"{path} is not a photo that can be decoded ({content.size} bytes)")
    return np.asarray(cv2.cvtColor(picture, cv2.COLOR_BGR2RGB), np.uint8)


def same_person(a: Body, b: Body) -> bool:
    """Tell whether two bodies are one person.

    Args:
        a: One body.
        b: The other.

    Returns:
        Whether their landmarks or their hips lie together.
    """
    reach = max(float(np.linalg.norm(body.reach_px - body.hip_px)) for body in (a, b))
    hips = float(np.linalg.norm(a.hip_px - b.hip_px))
    return distance(a, b) <= SAME_PERSON or hips <= SAME_HIPS * reach


def distance(a: Body, b: Body) -> float:
    """Mean distance between the landmarks of two bodies.

    Args:
        a: One body.
        b: The other.

    Returns:
        The distance over the size (root of the area) of the larger one's extent.
    """
    extents = [np.ptp(body.xy_px, axis=0) for body in (a, b)]
    size = max(float(np.sqrt(extent.prod())) for extent in extents)
    return float(np.linalg.norm(a.xy_px - b.xy_px, axis=1).mean()) / size


def box(keypoints: NDArray[np.float64], shape: tuple[int, ...]) -> NDArray[np.float64]:
    """Bounding box of a person.

    Args:
        keypoints: (K, 3) x, y, score.
        shape: Height and width of the picture first.

    Returns:
        (4,) x, y, width, height in pixels, within the picture.
    """
    sure = keypoints[keypoints[:, 2] >= BOX_SCORE, :2]
    points = sure if len(sure) > 1 else keypoints[:, :2]
    low, high = points.min(axis=0), points.max(axis=0)
    margin = BOX_MARGIN * (high - low)
    limit = np.array([shape[1], shape[0]], float)
    low, high = np.clip(low - margin, 0.0, limit), np.clip(high + margin, 0.0, limit)
    return np.concatenate([low, high - low])
