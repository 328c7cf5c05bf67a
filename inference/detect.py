# SPDX-License-Identifier: GPL-3.0-or-later
"""Finds people in a frame: BlazePose's detector on the whole frame and on overlapping tiles of it.

Source: mediapipe/modules/pose_detection/pose_detection_cpu.pbtxt (anchors, scales, thresholds).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from .crop import Crop
from .session import Session

INPUT_PX: Final = 224
MIN_SCORE: Final = 0.5
SAME_PERSON: Final = 0.35
"""Hips closer than this share of the larger person's reach belong to one person."""
SURE_SHARE: Final = 0.75
"""Detections of less than this share of the best one's score do not move or outweigh it."""

LAYERS: Final = ((8, 2), (16, 2), (32, 6))
"""(stride, anchors a cell) of the three groups of output layers."""


@dataclass(frozen=True)
class Detection:
    """One person found.

    Attributes:
        score: 0..1.
        hip_px: (2,) middle of the hips, pixels of the upright frame.
        reach_px: (2,) point above the hips on the circle that holds the body, pixels.
    """

    score: float
    hip_px: NDArray[np.float64]
    reach_px: NDArray[np.float64]

    def crop(self) -> Crop:
        """Crop for the landmark network."""
        return Crop.around(self.hip_px, self.reach_px)

    def is_at(self, hip_px: NDArray[np.float64], reach_px: NDArray[np.float64]) -> bool:
        """Tell whether this is a person whose hips and reach point are known.

        Args:
            hip_px: (2,) middle of that person's hips, pixels.
            reach_px: (2,) point above them, pixels.

        Returns:
            Whether the hips lie together.
        """
        reach = max(np.linalg.norm(self.reach_px - self.hip_px), np.linalg.norm(reach_px - hip_px))
        return bool(np.linalg.norm(self.hip_px - hip_px) < SAME_PERSON * reach)


def _anchors() -> NDArray[np.float64]:
    centres = []
    for stride, count in LAYERS:
        cells = (np.arange(INPUT_PX // stride) + 0.5) * stride / INPUT_PX
        y, x = np.meshgrid(cells, cells, indexing="ij")
        centres.append(np.repeat(np.column_stack([x.ravel(), y.ravel()]), count, axis=0))
    return np.concatenate(centres)


ANCHORS: Final = _anchors()


def tiles(width: int, height: int, levels: int) -> list[Crop]:
    """Squares to search: the whole frame, then ever smaller squares that overlap by half.

    Args:
        width: Width of the frame, pixels.
        height: Height of the frame, pixels.
        levels: 1 for the whole frame only; each further level halves the square, beginning with
            the frame's short side.

    Returns:
        Upright crops.
    """
    squares = [Crop(np.array([width / 2, height / 2]), float(max(width, height)), 0.0)]
    for level in range(levels - 1):
        side = min(width, height) / 2**level
        if side < INPUT_PX:
            break
        columns, rows = (
            np.linspace(side / 2, extent - side / 2, int(np.ceil(2 * extent / side)) - 1)
            for extent in (width, height)
        )
        squares += [Crop(np.array([x, y]), side, 0.0) for y in rows for x in columns]
    return squares


def detect(
    session: Session, frame: NDArray[np.uint8], levels: int, min_score: float = MIN_SCORE
) -> list[Detection]:
    """Find the people of a frame.

    Args:
        session: The detector.
        frame: (H, W, 3) RGB.
        levels: How finely the frame is searched, see `tiles`.
        min_score: What scores less is nobody.

    Returns:
        People, best score first; empty when there is nobody.
    """
    return detect_in(session, frame, tiles(frame.shape[1], frame.shape[0], levels), min_score)


def detect_in(
    session: Session,
    frame: NDArray[np.uint8],
    squares: Sequence[Crop],
    min_score: float = MIN_SCORE,
) -> list[Detection]:
    """Find the people in parts of a frame.

    Args:
        session: The detector.
        frame: (H, W, 3) RGB.
        squares: The parts, at least one.
        min_score: What scores less is nobody.

    Returns:
        People, best score first; empty when there is nobody.
    """
    pictures = np.stack([square.cut(frame, INPUT_PX, black_outside=True) for square in squares])
    boxes, scores = session.run(pictures.astype(np.float32) / 127.5 - 1.0, ("boxes", "scores"))
    found: list[Detection] = []
    for square, box, logit in zip(squares, boxes, scores[..., 0], strict=True):
        score = expit(logit)
        keep = score > min_score
        points = box[keep, 4:8].reshape(-1, 2, 2).astype(float) + ANCHORS[keep, None] * INPUT_PX
        points = square.to_frame(points, INPUT_PX)
        found += [
            Detection(float(value), hip, reach)
            for value, (hip, reach) in zip(score[keep], points, strict=True)
        ]
    return merge(found)


def merge(found: list[Detection]) -> list[Detection]:
    """Make one detection of those that show the same person, by score-weighted mean.

    Args:
        found: Detections of all tiles.

    Returns:
        One detection a person, best score first.
    """
    rest = sorted(found, key=lambda detection: -detection.score)
    people = []
    while rest:
        best = rest[0]
        near = [other for other in rest if best.is_at(other.hip_px, other.reach_px)]
        same = [other for other in near if other.score >= SURE_SHARE * best.score]
        weights = [other.score for other in same]
        hip = np.average([other.hip_px for other in same], axis=0, weights=weights)
        reach = np.average([other.reach_px for other in same], axis=0, weights=weights)
        people.append(Detection(best.score, hip, reach))
        rest = [other for other in rest if not best.is_at(other.hip_px, other.reach_px)]
    return people
