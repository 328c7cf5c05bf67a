# SPDX-License-Identifier: GPL-3.0-or-later
"""Bodies of people whose crops are known: the pose network, BlazePose's with a spine head, decoded.

Source: mediapipe/modules/pose_landmark/tensors_to_pose_landmarks_and_segmentation.pbtxt and
mediapipe/calculators/util/refine_landmarks_from_heatmap_calculator.cc.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from .crop import Crop
from .seen import Seen
from .session import Session
from .spine import Spine, read_spine

Look = tuple[NDArray[np.uint8], Crop]
"""A frame, (H, W, 3) RGB, and what of it is to be looked at."""

INPUT_PX: Final = 256
OUTPUTS: Final = ("landmarks", "presence", "heatmap", "world_landmarks", "points", "scale")
MIN_PRESENCE: Final = 0.5
MIN_TRUNK: Final = 2
MIN_TRUNK_SCORE: Final = 0.3
"""Shoulders and hips that must be seen in the frame: who has left it is lost, though the network
goes on to place a body there or beyond the edge."""

REFINE_CELLS: Final = 7
REFINE_MIN: Final = 0.5

LANDMARKS: Final = (
    "nose",
    "left_eye_inner",
    "left_eye",
    "left_eye_outer",
    "right_eye_inner",
    "right_eye",
    "right_eye_outer",
    "left_ear",
    "right_ear",
    "mouth_left",
    "mouth_right",
    "left_shoulder",
    "right_shoulder",
    "left_elbow",
    "right_elbow",
    "left_wrist",
    "right_wrist",
    "left_pinky",
    "right_pinky",
    "left_index",
    "right_index",
    "left_thumb",
    "right_thumb",
    "left_hip",
    "right_hip",
    "left_knee",
    "right_knee",
    "left_ankle",
    "right_ankle",
    "left_heel",
    "right_heel",
    "left_foot_index",
    "right_foot_index",
)
"""The network's 33 landmarks; two more follow them, the hip centre and the reach point."""


_SHOULDERS, _HIPS = (
    [LANDMARKS.index(f"{side}_{joint}") for side in ("left", "right")]
    for joint in ("shoulder", "hip")
)
_TRUNK: Final = [*_SHOULDERS, *_HIPS]

SHOULDERS_AS_TRUNK: Final = 1.2
"""A trunk that points at the camera counts as long as 1.2 times the shoulders are wide: 0.85 of a
trunk seen at full length."""


@dataclass(frozen=True)
class Body:
    """What the landmark network says of one person in one frame.

    Attributes:
        xy_px: (33, 2) landmarks, pixels of the upright frame.
        score: (33,) visibility, 0..1.
        world_m: (33, 3) metres from the middle of the hips; x right, y down, z away from the
            camera, along the ray through the crop's centre.
        presence: 0..1, whether the crop shows a person at all.
        crop: The crop that the person was seen in.
        hip_px: (2,) hip centre and
        reach_px: (2,) point above it, from which the next frame's crop is made.
        spine: What the spine head says; None from the landmark network alone.
        seen: What a network of others says; None where none was asked.
    """

    xy_px: NDArray[np.float64]
    score: NDArray[np.float64]
    world_m: NDArray[np.float64]
    presence: float
    crop: Crop
    hip_px: NDArray[np.float64]
    reach_px: NDArray[np.float64]
    spine: Spine | None = None
    seen: Seen | None = None

    def next_crop(self) -> Crop:
        """Crop in which to look for the person in the next frame."""
        return Crop.around(self.hip_px, self.reach_px)

    def corners(self) -> NDArray[np.float64]:
        """Corners (4, 2) of the trunk in the frame: left and right shoulder, left and right hip."""
        return self.xy_px[_TRUNK]

    def trunk_px(self) -> float:
        """Length of the trunk in the frame, pixels, or what stands in for it seen end on."""
        hips, (left, right) = self.xy_px[_HIPS], self.xy_px[_SHOULDERS]
        length = float(np.linalg.norm((left + right) / 2 - hips.mean(axis=0)))
        return max(length, SHOULDERS_AS_TRUNK * float(np.linalg.norm(left - right)))

    def is_in(self, frame: NDArray[np.uint8], min_presence: float = MIN_PRESENCE) -> bool:
        """Tell whether the frame shows this body.

        Args:
            frame: (H, W, 3) picture.
            min_presence: Least presence asked for.

        Returns:
            True with enough presence and at least MIN_TRUNK shoulders and hips seen in it.
        """
        height, width = frame.shape[:2]
        trunk = self.xy_px[_TRUNK]
        seen = ((trunk >= 0.0) & (trunk <= (width, height))).all(axis=1)
        seen &= self.score[_TRUNK] >= MIN_TRUNK_SCORE
        return bool(self.presence >= min_presence and seen.sum() >= MIN_TRUNK)


def estimate(session: Session, frame: NDArray[np.uint8], crops: Sequence[Crop]) -> list[Body]:
    """Find bodies with their spines in one frame.

    Args:
        session: The pose network.
        frame: (H, W, 3) RGB.
        crops: One crop a person.

    Returns:
        One body a crop, in the same order.
    """
    return estimate_each(session, [(frame, crop) for crop in crops])


def estimate_each(session: Session, looks: Sequence[Look]) -> list[Body]:
    """Find bodies with their spines in crops of several frames.

    Args:
        session: The pose network.
        looks: Frames and crops.

    Returns:
        One body a look, in the same order.
    """
    # Black borders would press the limbs of people who leave the frame back into it.
    pictures = [crop.cut(frame, INPUT_PX, black_outside=False) for frame, crop in looks]
    batch = np.empty((len(pictures), INPUT_PX, INPUT_PX, 3), np.float32)
    for row, picture in zip(batch, pictures, strict=True):
        np.multiply(picture, np.float32(1 / 255), out=row)
    outputs = session.run(batch, OUTPUTS)
    bodies = []
    for (frame, crop), *values, points, scale in zip(looks, *outputs, strict=True):
        body = decode(crop, *values)
        size_px = (frame.shape[1], frame.shape[0])
        spine = read_spine(points, scale, crop, INPUT_PX, body.trunk_px(), body.presence, size_px)
        bodies.append(replace(body, spine=spine))
    return bodies


def decode(
    crop: Crop,
    landmarks: NDArray[np.float32],
    presence: NDArray[np.float32],
    heatmap: NDArray[np.float32],
    world: NDArray[np.float32],
) -> Body:
    """Read a body off the landmark network's outputs for one crop.

    Args:
        crop: What the network was shown.
        landmarks: (195,) five values of 39 points: x, y and z in crop pixels, two logits.
        presence: (1,) 0..1.
        heatmap: (64, 64, 39) logits over the crop.
        world: (117,) x, y and z of 39 points, metres, crop axes.

    Returns:
        The body in the frame.
    """
    count = len(LANDMARKS)
    values = landmarks.reshape(-1, 5).astype(float)
    in_crop = refine(values[: count + 2, :2], heatmap[..., : count + 2])
    in_frame = crop.to_frame(in_crop, INPUT_PX)
    world_m = world.reshape(-1, 3)[:count].astype(float)
    world_m[:, :2] = world_m[:, :2] @ crop.rotation().T
    return Body(
        xy_px=in_frame[:count],
        score=expit(values[:count, 3]),
        world_m=world_m,
        presence=float(presence[0]),
        crop=crop,
        hip_px=in_frame[count],
        reach_px=in_frame[count + 1],
    )


def refine(xy: NDArray[np.float64], heatmap: NDArray[np.float32]) -> NDArray[np.float64]:
    """Move landmarks to the centre of mass of the heatmap about them, where it is sure enough.

    Args:
        xy: (K, 2) landmarks, crop pixels.
        heatmap: (h, w, K) logits over the crop; cell i stands for the coordinate i / w.

    Returns:
        (K, 2) landmarks, crop pixels.
    """
    height, width, _ = heatmap.shape
    scale = np.array([width, height]) / INPUT_PX
    reach = np.arange(REFINE_CELLS) - REFINE_CELLS // 2
    cells = np.floor(xy * scale).astype(int)
    columns = cells[:, 0, None, None] + reach[None, None, :]
    rows = cells[:, 1, None, None] + reach[None, :, None]
    inside = (columns >= 0) & (columns < width) & (rows >= 0) & (rows < height)
    logits = heatmap[
        rows.clip(0, height - 1), columns.clip(0, width - 1), np.arange(len(xy))[:, None, None]
    ]
    weights = np.where(inside, expit(logits.astype(float)), 0.0)
    sums = weights.sum(axis=(1, 2))
    means = (
        np.column_stack([(weights * axis).sum(axis=(1, 2)) for axis in (columns, rows)])
        / np.maximum(sums, 1e-9)[:, None]
    )
    sure = weights.max(axis=(1, 2)) >= REFINE_MIN
    return np.where(sure[:, None], means / scale, xy)
