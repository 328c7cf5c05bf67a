# SPDX-License-Identifier: GPL-3.0-or-later
"""What the head is given and how its answers are read: the torso's square, its maps and its facts.

The head looks at a square about the torso, turned so that the trunk points up and as wide as the
trunk is long, times SIDE. It counts in units of the square: 0 at its left or top edge, 1 at its
right or bottom one. The square lies in the base's crop and is found from the landmarks alone, by
the same operations here and in the exported network.
"""

from typing import Final, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ..inference.crop import Crop
from ..inference.keypoints import INDEX, NAMES
from ..inference.pose2d import INPUT_PX, LANDMARKS, SHOULDERS_AS_TRUNK

LANDMARK_COUNT: Final = 39
"""The base answers more than the 33 landmarks that have names."""

MAP_CELLS: Final = 64
"""Cells along a side of the base's decoder's map."""

GRID_CELLS: Final = 24
DECODER_CHANNELS: Final = 48
GLOBAL_CHANNELS: Final = 288
GLOBAL_CELLS: Final = 2

SIDE: Final = 2.5
"""Side of the square in trunk lengths: 0.35 below the hips, 1.15 above the shoulders."""

CENTRE_UP: Final = 0.4
"""Centre of the square above the middle of the trunk, in trunk lengths."""

LEAST_TRUNK: Final = 0.13
"""A trunk that points at the camera counts as long as `pose2d` has it by the shoulders, or as this
share of the body crop's side, if that is longer."""

UPRIGHT_PULL: Final = 0.1
"""Share of the trunk's length by which the body crop's up steers a trunk seen end on."""

WHOLE_CROP: Final = Crop(np.full(2, INPUT_PX / 2), float(INPUT_PX), 0.0)
"""The body crop as a crop of its own picture: reading a body with it gives pixels of the crop."""

_GLOBAL: Final = GLOBAL_CHANNELS * GLOBAL_CELLS**2
CONTEXT: Final = _GLOBAL + 6 * len(LANDMARKS) + 5
"""Facts: the global map; places, scores and metres of the landmarks; where the body crop lies."""

LANDMARK_PLACES: Final = slice(_GLOBAL, _GLOBAL + 2 * len(LANDMARKS))


class Square(NamedTuple):
    """Squares about N torsos, in pixels of their body crops.

    Attributes:
        centre: (N, 2) their centres.
        side: (N,) their sides.
        up: (N, 2) unit vectors along the trunks.
    """

    centre: Tensor
    side: Tensor
    up: Tensor

    def encode(self, points: Tensor) -> Tensor:
        """Carry (N, P, 2) pixels of the crops into units of the squares."""
        return (points - self.centre[:, None]) @ self._axes() / self.side[:, None, None] + 0.5

    def decode(self, units: Tensor) -> Tensor:
        """Carry (N, P, 2) units of the squares into pixels of the crops."""
        offset = (units - 0.5) @ self._axes().transpose(1, 2)
        return self.centre[:, None] + self.side[:, None, None] * offset

    def turn(self, vectors: Tensor) -> Tensor:
        """Components of (N, P, 2) vectors of the crops along the squares' axes."""
        return vectors @ self._axes()

    def _axes(self) -> Tensor:
        """(N, 2, 2): columns are the squares' right and down."""
        turns = torch.tensor([[0.0, -1.0, 1.0, 0.0], [-1.0, 0.0, 0.0, -1.0]], dtype=self.up.dtype)
        return (self.up @ turns).reshape(-1, 2, 2)


def read_landmarks(landmarks: Tensor) -> tuple[Tensor, Tensor]:
    """Take the base's numbers apart.

    Args:
        landmarks: (N, 195) five values of 39 points.

    Returns:
        (N, 33, 2) pixels of the crop, not refined by heatmaps, and (N, 33) visibility, 0..1.
    """
    values = landmarks.reshape(-1, LANDMARK_COUNT, 5)[:, : len(LANDMARKS)]
    return values[..., :2], values[..., 3].sigmoid()


def square_about(landmarks: Tensor) -> Square:
    """Place the torsos' squares.

    Args:
        landmarks: (N, 33, 2) pixels of the body crops.

    Returns:
        The squares.
    """
    hips, trunk, across = (_TRUNK.to(landmarks.dtype) @ landmarks).unbind(dim=1)
    size = torch.maximum(_length(trunk), SHOULDERS_AS_TRUNK * _length(across))
    size = size.clamp(min=LEAST_TRUNK * INPUT_PX)
    upright = torch.tensor([[0.0, -UPRIGHT_PULL]], dtype=trunk.dtype)
    up = trunk + size * upright
    up = up / _length(up).clamp(min=1e-6)
    centre = hips + 0.5 * trunk + CENTRE_UP * size * up
    return Square(centre, SIDE * size.squeeze(1), up)


def _trunk_of() -> Tensor:
    """(3, 33): middle of the hips, the trunk up from there, from right shoulder to left."""
    left, right = (
        [LANDMARKS.index(f"{side}_{part}") for part in ("hip", "shoulder")]
        for side in ("left", "right")
    )
    weights = torch.zeros(3, len(LANDMARKS), dtype=torch.float64)
    for row, hip, shoulder in ((0, 0.5, 0.0), (1, -0.5, 0.5)):
        weights[row, [left[0], right[0]]] = hip
        weights[row, [left[1], right[1]]] = shoulder
    weights[2, left[1]], weights[2, right[1]] = 1.0, -1.0
    return weights


_TRUNK: Final = _trunk_of()


def look_through(square: Square, decoder: Tensor) -> Tensor:
    """See the base's map through the torsos' squares, bilinear; its edge goes on outside.

    Rows of numbers are gathered: ONNX Runtime 1.26 takes longer to sample a grid.

    Args:
        square: N squares.
        decoder: (N, 48, 64, 64) decoder's map over the whole crop.

    Returns:
        (N, 576, 48) it in the middles of the squares' cells, row by row.
    """
    place = square.decode(_middles().to(decoder.dtype)) * (MAP_CELLS / INPUT_PX) - 0.5
    place = place.clamp(0.0, MAP_CELLS - 1.0)
    low = place.floor().clamp(max=MAP_CELLS - 2.0)
    across, down = (place - low).reshape(-1, 2, 1).unbind(dim=1)
    first = torch.arange(decoder.shape[0])[:, None] * MAP_CELLS**2
    row = ((low * low.new_tensor([1.0, MAP_CELLS])).sum(dim=2).long() + first).reshape(-1)
    flat = decoder.permute(0, 2, 3, 1).reshape(-1, DECODER_CHANNELS)
    corners = [flat[row + step] for step in (0, 1, MAP_CELLS, MAP_CELLS + 1)]
    above = corners[0] + (corners[1] - corners[0]) * across
    below = corners[2] + (corners[3] - corners[2]) * across
    return (above + (below - above) * down).reshape(-1, GRID_CELLS**2, DECODER_CHANNELS)


def _middles() -> Tensor:
    """(1, 576, 2) middles of the square's cells, row by row."""
    cell = (torch.arange(GRID_CELLS, dtype=torch.float64) + 0.5) / GRID_CELLS
    y, x = torch.meshgrid(cell, cell, indexing="ij")
    return torch.stack([x.flatten(), y.flatten()], dim=1)[None]


def context_of(global_map: Tensor, landmarks: Tensor, world: Tensor, square: Square) -> Tensor:
    """Facts about people that are no map.

    Args:
        global_map: (N, 288, 2, 2) the base's last map.
        landmarks: (N, 195) the base's landmarks.
        world: (N, 117) metres of 39 points, axes of the crop.
        square: N squares.

    Returns:
        (N, CONTEXT) numbers of the order of one.
    """
    places, score = read_landmarks(landmarks)
    metres = world.reshape(-1, LANDMARK_COUNT, 3)[:, : len(LANDMARKS)]
    metres = torch.cat([square.turn(metres[..., :2]), metres[..., 2:]], dim=2)
    middle = torch.full((1, 1, 2), INPUT_PX / 2, dtype=landmarks.dtype)
    relation = [
        square.encode(middle)[:, 0],
        square.up,
        torch.log(INPUT_PX / square.side)[:, None],
    ]
    parts = [
        global_map.reshape(-1, _GLOBAL),
        square.encode(places).reshape(-1, 2 * len(LANDMARKS)),
        score,
        metres.reshape(-1, 3 * len(LANDMARKS)),
    ]
    return torch.cat([*parts, *relation], dim=1)


def in_crop(points_px: NDArray[np.float64], crop: Crop) -> NDArray[np.float64]:
    """Carry points of the frame into the base's picture of a crop; `Crop.to_frame` goes back.

    Args:
        points_px: (..., 2) pixels of the frame.
        crop: The body crop.

    Returns:
        (..., 2) pixels of the 256 px picture.
    """
    offset = (points_px - crop.centre_px) @ crop.rotation()
    return np.asarray((offset / crop.side_px + 0.5) * INPUT_PX)


def mirror_names() -> NDArray[np.int64]:
    """Rows of the 37 points after left and right change places."""
    swap = {"left": "right", "right": "left"}
    named = [name.split("_", 1) for name in NAMES]
    return np.array(
        [INDEX["_".join([swap.get(part[0], part[0]), *part[1:]])] for part in named], np.int64
    )


def _length(vectors: Tensor) -> Tensor:
    """Lengths of (..., 2) vectors, (..., 1)."""
    return vectors.square().sum(dim=-1, keepdim=True).sqrt()
