# SPDX-License-Identifier: GPL-3.0-or-later
"""The 2D part on single photos: everybody in the picture, 37 points each."""

from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray

from .bend import complete
from .boxes import box
from .calibration import calibrated
from .crop import Crop
from .detect import tiles
from .errors import VideoError
from .identities import each_once
from .models import DETECTOR, POSE
from .networks import SHIPPED_ONLY, Networks, open_networks
from .pose2d import Body, estimate
from .session import Session

SEARCH_LEVELS: Final = 3
"""Photos are searched one level finer than frames of a video, which come again."""

MIN_SCORE: Final = 0.25
MIN_PRESENCE: Final = 0.9
"""A photo has no next frame: weak detections are tried too, and the landmark network, which has the
last word, must be surer than while following. Chosen by eye on the photos of MMPose's tests: 0.5
for both misses people there, and 0.25 with 0.5 sees some in shadows and wheels."""


class PhotoDetector:
    """The networks, loaded once; `detect` looks at one photo."""

    def __init__(self, wanted: Networks = SHIPPED_ONLY) -> None:
        """Load the networks.

        Args:
            wanted: Networks of others in place of those that ship; a lifter is not needed here.

        Raises:
            ModelError: A model file is missing, wrong, or cannot be run.
        """
        detector = Session(DETECTOR, provider=wanted.provider)
        self._networks = open_networks(wanted, detector, MIN_SCORE)
        self._pose = Session(POSE, provider=wanted.provider)

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
            about = box(np.column_stack([points.xy_px, points.score]), rgb.shape)
            score = points.score if body.seen else calibrated(points.score)
            keypoints = np.column_stack([points.xy_px, score])
            people.append(
                {
                    "bbox": [round(float(value), 2) for value in about],
                    "keypoints": np.round(keypoints, 3).tolist(),
                }
            )
        return people

    def _bodies(self, rgb: NDArray[np.uint8]) -> list[Body]:
        squares = tiles(rgb.shape[1], rgb.shape[0], SEARCH_LEVELS)
        found = [one.crop() for one in self._networks.finder(rgb, squares)]
        rough = self._look(rgb, found, found)
        # The second look is through crops made from the first one's landmarks.
        seen = self._look(rgb, [body.next_crop() for body in rough], [body.crop for body in rough])
        people = each_once(seen)
        if self._networks.second_look:
            (again,) = self._networks.second_look([rgb], [dict(enumerate(people))])
            people = list(again.values())
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
