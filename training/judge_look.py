# SPDX-License-Identifier: GPL-3.0-or-later
"""Looks at people through the product's own code, and keeps what the network tells beside it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ..inference.boxes import box
from ..inference.crop import Crop
from ..inference.detect import detect
from ..inference.keypoints import SPINE
from ..inference.models import DETECTOR, POSE
from ..inference.photos import SEARCH_LEVELS
from ..inference.pose2d import INPUT_PX, Body, estimate
from ..inference.session import Session

Floats = NDArray[np.float64]
Picture = NDArray[np.uint8]

MARGIN: Final = 1.25
"""Side of the crop about a labelled box, over the longer side of the box."""


@dataclass(frozen=True)
class Seen:
    """A person as the product sees it.

    Attributes:
        body: The body with its spine.
        scale_px: (9,) Laplace scale told for each spine point, pixels of the frame.
    """

    body: Body
    scale_px: Floats


class RecordingSession(Session):
    """The pose network, whose last outputs can be asked for by name."""

    def run(
        self, batch: NDArray[np.float32], outputs: tuple[str, ...]
    ) -> list[NDArray[np.float32]]:
        """Run the network as Session does, and keep what it gave in `latest`."""
        values = super().run(batch, outputs)
        self.latest = dict(zip(outputs, values, strict=True))
        return values


class Looker:
    """The product's networks."""

    def __init__(self) -> None:
        """Open them.

        Raises:
            ModelError: A model file is missing, wrong, or cannot be run.
        """
        self.pose = RecordingSession(POSE)
        self._detector = Session(DETECTOR)

    def see(self, frame: Picture, crop: Crop) -> Seen:
        """Look through a crop."""
        (body,) = estimate(self.pose, frame, [crop])
        scale = self.pose.latest["scale"][0, : len(SPINE)].astype(float)
        return Seen(body, scale * crop.side_px / INPUT_PX)

    def see_again(self, frame: Picture, crop: Crop) -> Seen:
        """Look through the crop that the first look's landmarks give, as in footage."""
        return self.see(frame, self.see(frame, crop).body.next_crop())

    def see_mirrored(self, frame: Picture, seen: Seen) -> Seen:
        """Look once more at the mirrored picture, and give the mean of both spines."""
        width = frame.shape[1]
        crop = seen.body.crop
        flipped = Crop(mirrored(crop.centre_px, width), crop.side_px, -crop.angle)
        other = self.see(np.ascontiguousarray(frame[:, ::-1]), flipped)
        mine, its = seen.body.spine, other.body.spine
        if mine is None or its is None:
            raise ValueError("the pose network has no spine head")
        count = len(SPINE)
        xy, score = mine.xy_px.copy(), mine.score.copy()
        xy[:count] = (xy[:count] + mirrored(its.xy_px[:count], width)) / 2
        score[:count] = (score[:count] + its.score[:count]) / 2
        spine = replace(mine, xy_px=xy, score=score)
        return Seen(replace(seen.body, spine=spine), (seen.scale_px + other.scale_px) / 2)

    def see_in_boxes(self, frame: Picture, boxes: Sequence[Floats]) -> list[Seen]:
        """Look at people in labelled boxes: as found by the detector, or in the box itself.

        Args:
            frame: (H, W, 3) RGB.
            boxes: (4,) x, y, width, height of each.

        Returns:
            For each box the person whose landmarks fill it best.
        """
        found = [one.crop() for one in detect(self._detector, frame, SEARCH_LEVELS)]
        people = []
        for labelled in boxes:
            middle = labelled[:2] + labelled[2:] / 2
            crops = [one for one in found if _inside(one.centre_px, labelled)]
            crops.append(Crop(middle, MARGIN * float(labelled[2:].max()), 0.0))
            seen = [self.see_again(frame, crop) for crop in crops]
            fills = [_overlap(_box_of(one.body, frame), labelled) for one in seen]
            people.append(seen[int(np.argmax(fills))])
        return people


def mirrored(xy_px: Floats, width: int) -> Floats:
    """Pixels (..., 2) in a picture of some width after left and right change places."""
    return np.asarray(xy_px * [-1.0, 1.0] + [width, 0.0])


def _box_of(body: Body, frame: Picture) -> Floats:
    return box(np.column_stack([body.xy_px, body.score]), frame.shape)


def _inside(point: Floats, labelled: Floats) -> bool:
    return bool(np.all((point >= labelled[:2]) & (point <= labelled[:2] + labelled[2:])))


def _overlap(one: Floats, other: Floats) -> float:
    """Intersection over union of two boxes."""
    low = np.maximum(one[:2], other[:2])
    high = np.minimum(one[:2] + one[2:], other[:2] + other[2:])
    both = float(np.prod(np.maximum(high - low, 0.0)))
    return both / max(float(np.prod(one[2:]) + np.prod(other[2:])) - both, 1e-9)


def crop_about(points: Sequence[Floats] | Floats, hip: Floats, shoulders: Floats) -> Crop:
    """Crop of labelled points as BlazePose's: about the hips, trunk upwards, holding all points.

    Args:
        points: (K, 2) pixels.
        hip: (2,) middle of the hips.
        shoulders: (2,) middle of the shoulders.

    Returns:
        The crop.
    """
    reach = float(np.linalg.norm(np.asarray(points) - hip, axis=1).max())
    trunk = shoulders - hip
    return Crop.around(hip, hip + reach * trunk / max(float(np.hypot(*trunk)), 1e-6))
