# SPDX-License-Identifier: GPL-3.0-or-later
"""What the head is given and how its answers are read: the torso's square, its maps and its facts.

The head looks at a square about the torso, turned so that the trunk points up and as wide as the
trunk is long, times SIDE. It counts in units of the square: 0 at its left or top edge, 1 at its
right or bottom one.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from ..inference.crop import Crop
from ..inference.keypoints import INDEX, NAMES, SPINE
from ..inference.pose2d import INPUT_PX, LANDMARKS, Body

POINTS: Final = (
    *SPINE,
    "head",
    "left_clavicle",
    "right_clavicle",
    "left_latissimus",
    "right_latissimus",
)
"""What the head answers: the nine spine points, bottom to top, and five that the base lacks."""

ROWS: Final = np.array([INDEX[name] for name in POINTS])
"""Where these points are among the 37."""

TIGHT_PX: Final = 192
"""Side of the torso's picture: in a render of 384 px that is about one pixel of it a pixel."""

EARLY_CELLS: Final = 48
GRID_CELLS: Final = 24
EARLY_CHANNELS: Final = 24
DECODER_CHANNELS: Final = 48

SIDE: Final = 2.5
"""Side of the square in trunk lengths: 0.35 below the hips, 1.15 above the shoulders."""

CENTRE_UP: Final = 0.4
"""Centre of the square above the middle of the trunk, in trunk lengths."""

SHOULDERS_AS_TRUNK: Final = 1.2
LEAST_TRUNK: Final = 0.13
"""A trunk that points at the camera counts as long as 1.2 times the shoulders are wide (0.85 of a
trunk seen at full length), or as this share of the body crop's side, if that is longer."""

UPRIGHT_PULL: Final = 0.1
"""Share of the trunk's length by which the body crop's up steers a trunk seen end on."""

CONTEXT: Final = 2 * 2 * 288 + len(LANDMARKS) * 6 + 5
"""Facts: the global map; places, scores and metres of the landmarks; where the body crop lies."""

LANDMARK_PLACES: Final = slice(2 * 2 * 288, 2 * 2 * 288 + 2 * len(LANDMARKS))


def torso_crop(xy_px: NDArray[np.float64], body: Crop) -> Crop:
    """Place the torso's square.

    Args:
        xy_px: (33, 2) landmarks, pixels of the frame.
        body: The crop that they were seen in.

    Returns:
        The square.
    """
    left_hip, right_hip, left_shoulder, right_shoulder = (
        xy_px[LANDMARKS.index(f"{side}_{part}")]
        for part in ("hip", "shoulder")
        for side in ("left", "right")
    )
    hips = (left_hip + right_hip) / 2
    trunk = (left_shoulder + right_shoulder) / 2 - hips
    size = max(
        float(np.hypot(*trunk)),
        SHOULDERS_AS_TRUNK * float(np.hypot(*(left_shoulder - right_shoulder))),
        LEAST_TRUNK * body.side_px,
    )
    up = trunk + UPRIGHT_PULL * size * body.rotation() @ [0.0, -1.0]
    up /= max(float(np.hypot(*up)), 1e-9)
    centre = hips + trunk / 2 + CENTRE_UP * size * up
    return Crop(centre, SIDE * size, float(np.arctan2(up[0], -up[1])))


def encode(points_px: NDArray[np.float64], square: Crop) -> NDArray[np.float64]:
    """Carry points of the frame into a square; `decode` is the way back.

    Args:
        points_px: (..., 2) pixels of the frame.
        square: The square.

    Returns:
        (..., 2) in units of the square.
    """
    return np.asarray((points_px - square.centre_px) @ square.rotation() / square.side_px + 0.5)


def decode(units: NDArray[np.float64], square: Crop) -> NDArray[np.float64]:
    """Carry points of a square into the frame.

    Args:
        units: (..., 2) in units of the square.
        square: The square.

    Returns:
        (..., 2) pixels of the frame.
    """
    return square.to_frame(units, 1)


def resample(
    values: NDArray[np.float32], body: Crop, square: Crop, cells: int
) -> NDArray[np.float32]:
    """See a map over the body's crop through the torso's square.

    Args:
        values: (h, w, C) map; its edge goes on outside.
        body: The square that it covers.
        square: The square wanted.
        cells: Cells along a side wanted.

    Returns:
        (C, cells, cells), bilinear.
    """
    middle = (np.arange(cells) + 0.5) / cells
    grid = np.stack(np.meshgrid(middle, middle), axis=-1)
    height, width, _ = values.shape
    place = encode(decode(grid, square), body) * [width, height] - 0.5
    place = place.clip(0, [width - 1, height - 1])
    low = np.minimum(place.astype(int), [width - 2, height - 2])
    x, y = low[..., 0], low[..., 1]
    share = (place - low).astype(np.float32)
    right, down = share[..., :1], share[..., 1:]
    above = values[y, x] * (1 - right) + values[y, x + 1] * right
    below = values[y + 1, x] * (1 - right) + values[y + 1, x + 1] * right
    return np.asarray((above * (1 - down) + below * down).transpose(2, 0, 1), np.float32)


def context_of(body: Body, square: Crop, global_map: NDArray[np.float32]) -> NDArray[np.float32]:
    """Facts about the person that are no map.

    Args:
        body: What the base says.
        square: The torso's square.
        global_map: (2, 2, 288) the base's last map.

    Returns:
        (CONTEXT,) numbers of the order of one.
    """
    turn = body.crop.angle - square.angle
    world = body.world_m.copy()
    world[:, :2] = world[:, :2] @ square.rotation()
    relation = [
        *encode(body.crop.centre_px, square),
        np.cos(turn),
        np.sin(turn),
        np.log(body.crop.side_px / square.side_px),
    ]
    parts = [global_map, encode(body.xy_px, square), body.score, world, relation]
    flat = [np.asarray(part, np.float32).ravel() for part in parts]
    return np.asarray(np.concatenate(flat), np.float32)


def mirror_names() -> NDArray[np.int64]:
    """Rows of the 37 points after left and right change places."""
    swap = {"left": "right", "right": "left"}
    named = [name.split("_", 1) for name in NAMES]
    return np.array(
        [INDEX["_".join([swap.get(part[0], part[0]), *part[1:]])] for part in named], np.int64
    )


def unit_px(body: Crop, square: Crop) -> float:
    """Pixels of the body's picture that a unit of the torso's square spans."""
    return INPUT_PX * square.side_px / body.side_px
