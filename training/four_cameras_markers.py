# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the man's back is in the four-camera clip, from the skin markers on it.

Four markers are seen by both rear cameras: C7, two on the thoracic spine, the left posterior
superior iliac spine (PSIS). Their pixels were read off by eye in some frames and are followed
between these by optical flow, from both sides.
"""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from types import MappingProxyType
from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray

from .errors import TrainingError
from .four_cameras_geometry import Floats, View, triangulate

Pixel = tuple[float, float]

MARKERS: Final = ("PSIS", "T10", "T8", "C7")
"""Bottom to top; the two between are named by where they lie along the back."""

SEEDS: Final[Mapping[tuple[str, str], Mapping[int, Pixel]]] = MappingProxyType(
    {
        ("cam03", "C7"): {
            0: (679.7, 582.2),
            25: (472.9, 634.9),
            50: (387.8, 674.3),
            75: (361.3, 577.2),
            99: (351.0, 536.7),
        },
        ("cam03", "T8"): {
            0: (697.9, 693.3),
            25: (538.7, 721.3),
            50: (478.4, 717.5),
            75: (439.1, 645.3),
            99: (371.5, 617.5),
        },
        ("cam03", "T10"): {
            0: (690.7, 738.3),
            25: (555.5, 749.5),
            50: (503.9, 733.3),
            75: (458.5, 677.9),
            99: (369.2, 656.9),
        },
        ("cam03", "PSIS"): {
            0: (656.9, 866.3),
            25: (564.1, 839.9),
            50: (541.4, 808.8),
            75: (484.7, 779.9),
            99: (357.2, 774.3),
        },
        ("cam04", "C7"): {
            0: (257.5, 669.0),
            25: (218.0, 699.7),
            50: (247.5, 715.9),
            62: (273.5, 672.2),
            70: (300.8, 630.6),
            75: (325.6, 594.5),
            99: (460.9, 508.7),
        },
        ("cam04", "T8"): {
            0: (274.1, 789.1),
            25: (284.1, 781.5),
            50: (321.1, 757.1),
            75: (382.8, 661.7),
            99: (445.8, 601.7),
        },
        ("cam04", "T10"): {
            0: (292.5, 832.5),
            25: (324.0, 804.7),
            50: (362.5, 768.4),
            75: (414.1, 689.7),
            99: (448.1, 642.7),
        },
        # Half hidden by the waistband, then only the dent that it makes in it: read off where the
        # line of sight of the other camera crosses it.
        ("cam04", "PSIS"): {
            0: (322.5, 950.0),
            12: (368.5, 904.0),
            25: (408.5, 881.5),
            37: (440.5, 860.5),
            50: (454.0, 835.5),
            66: (462.0, 803.0),
            75: (470.0, 787.0),
            80: (465.5, 785.0),
            85: (454.0, 780.0),
            92: (443.5, 774.0),
            99: (441.0, 760.0),
        },
    }
)
"""Pixels of the middle of a marker by camera, marker and frame, origin at the corner of the
top-left pixel; exact to about one pixel (2 mm)."""

REAR: Final = ("cam03", "cam04")

DEPTH_M: Final = {"PSIS": 0.068, "T10": 0.061, "T8": 0.058, "C7": 0.055}
"""Vertebral body centres before the markers: assumed, from the depths of the training labels for a
man of this build and 1 cm of marker (README.md, Figures)."""

PSIS_OUT_M: Final = 0.045
"""The left PSIS beside the midline: assumed, half of 9 cm between the two."""

MOST_GAP_PX: Final = 6.0
"""Flow that misses the next place known by more has lost the marker."""

WINDOW_PX: Final = 17
"""Side of the patch that is followed; a marker measures about 10 px."""


def follow(grey: Sequence[NDArray[np.uint8]], seeds: Mapping[int, Pixel]) -> tuple[Floats, Floats]:
    """Follow a place between frames in which it is known, from both sides.

    Args:
        grey: T pictures, (H, W).
        seeds: Pixels by frame; the first and last frame are among them.

    Returns:
        (T, 2) pixels, the mean of both ways, each led to its end; (S - 1,) how far the better
        way from one seed to the other misses it.

    Raises:
        TrainingError: If both ways miss by more than MOST_GAP_PX.
    """
    path = np.empty((len(grey), 2))
    gaps = []
    for first, last in pairwise(sorted(seeds)):
        there = _walk(grey[first : last + 1], seeds[first])
        back = _walk(grey[first : last + 1][::-1], seeds[last])[::-1]
        ends = np.array([there[-1] - seeds[last], back[0] - seeds[first]])
        miss = np.linalg.norm(ends, axis=1)
        if miss.min() > MOST_GAP_PX:
            raise TrainingError(
                f"a marker is lost between frames {first} and {last}, by {miss.min():.0f} px: add "
                "a place known between them to SEEDS"
            )
        share = np.linspace(0.0, 1.0, last - first + 1)[:, None]
        there, back = there - share * ends[0], back - (1.0 - share) * ends[1]
        ways = np.stack([there, back])[miss <= MOST_GAP_PX]
        path[first : last + 1] = ways.mean(axis=0)
        gaps.append(miss.min())
    return path, np.array(gaps)


def _walk(grey: Sequence[NDArray[np.uint8]], start: Pixel) -> Floats:
    # OpenCV counts from pixel centres, this project from the corner of the first pixel.
    place: NDArray[Any] = np.array(start, np.float32).reshape(1, 1, 2) - np.float32(0.5)
    way = [place]
    for before, after in pairwise(grey):
        window = (WINDOW_PX, WINDOW_PX)
        guess = np.zeros_like(place)
        place, _, _ = cv2.calcOpticalFlowPyrLK(before, after, place, guess, winSize=window)
        way.append(place)
    return np.asarray(np.concatenate(way).reshape(-1, 2) + 0.5, float)


def marker_pixels(
    frames: Mapping[str, Sequence[NDArray[np.uint8]]],
) -> tuple[dict[str, Floats], float]:
    """Find the markers in the rear views.

    Args:
        frames: Frames of each rear camera, (H, W, 3) RGB.

    Returns:
        (4, T, 2) pixels of MARKERS by camera; median distance by which flow from one seed misses
        the next, pixels.
    """
    pixels, gaps = {}, []
    for camera in REAR:
        grey = [
            np.asarray(cv2.cvtColor(one, cv2.COLOR_RGB2GRAY), np.uint8) for one in frames[camera]
        ]
        found = [follow(grey, SEEDS[camera, marker]) for marker in MARKERS]
        pixels[camera] = np.stack([path for path, _ in found])
        gaps += [gap for _, gap in found]
    return pixels, float(np.median(np.concatenate(gaps)))


def back_points(views: Sequence[View], pixels: Sequence[Floats], left: Floats) -> Floats:
    """Centres of the spine at the markers.

    Args:
        views: The two rear cameras, offsets fitted.
        pixels: (4, T, 2) of each.
        left: (T, 3) the person's left, unit length.

    Returns:
        (T, 4, 3) metres, bottom to top: markers moved to the midline and into the body.
    """
    flat = np.stack([one.reshape(-1, 2) for one in pixels])
    skin, _ = triangulate(views, flat, np.ones(flat.shape[:2]))
    skin = skin.reshape(len(MARKERS), -1, 3).transpose(1, 0, 2)
    skin[:, MARKERS.index("PSIS")] -= PSIS_OUT_M * left
    forward = np.cross(left[:, None], np.gradient(skin, axis=1))
    forward /= np.linalg.norm(forward, axis=2, keepdims=True)
    depth = np.array([DEPTH_M[marker] for marker in MARKERS])
    return np.asarray(skin + depth[:, None] * forward)


def marker_arcs(points: Floats, hips: Floats, up: Floats) -> Floats:
    """Levels of the markers on the spine.

    Args:
        points: (T, 4, 3) from `back_points`.
        hips: (T, 3) middle of the hips, where the contract's arc begins.
        up: (T, 3) the trunk's up, unit length.

    Returns:
        (4,) shares of the arc from hip to C7, by the distances along the back.
    """
    below = np.sum((points[:, 0] - hips) * up, axis=1)
    steps = np.linalg.norm(np.diff(points, axis=1), axis=2)
    along = np.cumsum(np.median(np.column_stack([below, steps]), axis=0))
    return np.asarray(along / along[-1])
