# SPDX-License-Identifier: GPL-3.0-or-later
"""Contact sheets and statistics of rendered sets: to look at, again and again."""

from collections import Counter
from itertools import pairwise
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from ..inference.keypoints import INDEX, LIMBS, NAMES, SPINE
from .camera import PICTURE_PX, view_angle
from .errors import TrainingError
from .shards import picture_of, read_shard

COLUMNS = 8
ROWS = 6
_COUNTED = ("xyz_m", "visible", "spine_deg", "body", "body_id", "source", "subject", "background")


def read_set(folder: Path) -> list[dict[str, NDArray[Any]]]:
    """Read all shards of a folder.

    Args:
        folder: The folder.

    Returns:
        Their arrays.

    Raises:
        TrainingError: If there is none, or one is damaged.
    """
    paths = sorted(folder.glob("shard-*.npz"))
    if not paths:
        raise TrainingError(f"no shards in {folder}: run track-spine-train render first")
    return [read_shard(path) for path in paths]


def contact_sheet(shards: list[dict[str, NDArray[Any]]], seed: int) -> NDArray[np.uint8]:
    """Draw pictures with their labels.

    Args:
        shards: Arrays of shards.
        seed: Which pictures.

    Returns:
        RGB picture of COLUMNS x ROWS tiles.
    """
    rng = np.random.default_rng(seed)
    tiles = []
    for _ in range(COLUMNS * ROWS):
        arrays = shards[rng.integers(len(shards))]
        row = int(rng.integers(len(arrays["jpeg_end"])))
        picture = picture_of(arrays, row)
        zoom = PICTURE_PX / len(picture)  # sets of other sizes may lie together
        tile = np.asarray(cv2.resize(picture, (PICTURE_PX, PICTURE_PX)), np.uint8)
        tiles.append(draw_labels(tile, zoom * arrays["xy_px"][row], arrays["visible"][row]))
    return np.vstack([np.hstack(tiles[r * COLUMNS : (r + 1) * COLUMNS]) for r in range(ROWS)])


def draw_labels(
    picture: NDArray[np.uint8], xy: NDArray[np.float32], visible: NDArray[np.int8]
) -> NDArray[np.uint8]:
    """Draw the 37 points: spine red, left green, right blue; hidden ones hollow."""
    image = np.ascontiguousarray(picture)
    place = [(round(float(x)), round(float(y))) for x, y in np.clip(xy, -2000, 2000)]
    for first, second in LIMBS:
        colour = (60, 200, 60) if "left" in first + second else (70, 120, 255)
        cv2.line(image, place[INDEX[first]], place[INDEX[second]], colour, 1, cv2.LINE_AA)
    for low, high in pairwise(SPINE):
        cv2.line(image, place[INDEX[low]], place[INDEX[high]], (255, 40, 40), 1, cv2.LINE_AA)
    for row, name in enumerate(NAMES):
        colour = (255, 40, 40) if name in SPINE else (255, 230, 0)
        if name.startswith("left"):
            colour = (0, 230, 0)
        elif name.startswith("right"):
            colour = (40, 90, 255)
        cv2.circle(image, place[row], 3, colour, -1 if visible[row] == 0 else 1, cv2.LINE_AA)
    return image


def statistics(shards: list[dict[str, NDArray[Any]]]) -> list[tuple[str, str]]:
    """Count what a set holds.

    Args:
        shards: Arrays of shards.

    Returns:
        Lines of name and value.
    """
    whole = {name: np.concatenate([arrays[name] for arrays in shards]) for name in _COUNTED}
    count = len(whole["body_id"])
    lines = [
        ("images", str(count)),
        ("bodies", str(len(np.unique(whole["body_id"])))),
        ("bytes a picture", f"{sum(len(s['jpeg']) for s in shards) / count:.0f}"),
    ]
    view = np.array([view_angle(points, np.zeros(3)) for points in whole["xyz_m"].astype(float)])
    octant = np.round(view / 45.0).astype(int) % 8
    names = (
        "front",
        "front left",
        "left",
        "back left",
        "back",
        "back right",
        "right",
        "front right",
    )
    lines += [(f"view {name}", f"{np.mean(octant == row):.1%}") for row, name in enumerate(names)]
    trunk = whole["spine_deg"][:, :18].sum(axis=1)
    for axis, name in enumerate(("flexion", "side bend", "twist")):
        spread = np.percentile(trunk[:, axis], [1, 10, 50, 90, 99])
        lines.append(
            (f"{name} deg, percentiles 1 10 50 90 99", " ".join(f"{v:.0f}" for v in spread))
        )
    bent = (trunk[:, 0] > 30) | (np.abs(trunk[:, 1]) > 18)
    lines.append(("bent (flexion > 30 or side bend > 18)", f"{bent.mean():.1%}"))
    for code, name in enumerate(("visible", "behind own body", "behind other things", "outside")):
        spine = whole["visible"][:, [INDEX[point] for point in SPINE]] == code
        lines.append(
            (f"points {name}", f"{(whole['visible'] == code).mean():.1%}, spine {spine.mean():.1%}")
        )
    stature = np.percentile(whole["body"][:, -1], [1, 10, 50, 90, 99])
    lines.append(("stature m, percentiles 1 10 50 90 99", " ".join(f"{v:.2f}" for v in stature)))
    for name in ("source", "subject"):
        common = Counter(whole[name].tolist()).most_common(30)
        lines.append((name, ", ".join(f"{k} {v / count:.1%}" for k, v in common)))
    kinds = Counter(str(b).split("/")[0] for b in whole["background"])
    lines.append(("background", ", ".join(f"{k} {v / count:.1%}" for k, v in kinds.most_common())))
    return lines
