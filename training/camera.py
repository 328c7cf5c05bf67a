# SPDX-License-Identifier: GPL-3.0-or-later
"""Cameras as people hold them, and the square picture cut round the body."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.random import Generator

from ..inference.keypoints import INDEX
from .anatomy import Floats
from .rotations import UP, about, unit

PICTURE_PX: Final = 288
"""Side of a picture: the body's circle then spans 200-260 px, as many as the base looks at."""

FILL: Final = (0.70, 0.90)
"""The circle about the mid-hip that holds the body fills this share of the picture's side."""

SIDES_TRIED: Final = 8
"""Azimuths tried for a side of the trunk drawn beforehand: a lying trunk is seen from its flank by
most cameras, front and back would be rare."""


@dataclass(frozen=True)
class Camera:
    """A pinhole camera of a square picture.

    Attributes:
        place: (3,) metres, world.
        rotation: (3, 3) world to camera axes: x right, y down, z forward.
        focal_px: Focal length in pixels of the picture.
        centre_px: (2,) principal point; it lies outside for a body at the edge of a wide frame.
    """

    place: Floats
    rotation: Floats
    focal_px: float
    centre_px: Floats

    def see(self, points: Floats) -> Floats:
        """Carry (..., 3) world points into camera axes."""
        return np.asarray((points - self.place) @ self.rotation.T)

    def project(self, points: Floats) -> Floats:
        """Give pixels (..., 2) of (..., 3) world points."""
        seen = self.see(points)
        return np.asarray(self.focal_px * seen[..., :2] / seen[..., 2:] + self.centre_px)


def draw_camera(points: Floats, ground: float, stature: float, rng: Generator) -> Camera:
    """Draw a camera that looks at a body.

    Args:
        points: (37, 3) key points, world, metres.
        ground: Height of the lowest place of the body, metres.
        stature: Height of the person, metres.
        rng: Source of chance.

    Returns:
        The camera: all sides of the trunk as often, mostly at the height of a hand or tripod,
        sometimes from a drone or the floor, roll mostly within 20 degrees.
    """
    middle = points.mean(axis=0)
    distance = float(np.exp(rng.uniform(np.log(1.7), np.log(9.0)))) * max(stature, 1.1) / 1.7
    kind = rng.random()
    if kind < 0.80:
        height = float(np.clip(rng.normal(1.25, 0.35), 0.3, 2.2))
    elif kind < 0.92:
        height = float(rng.uniform(2.0, 0.9 * distance + 2.2))
    else:
        height = float(rng.uniform(0.05, 0.5))
    azimuth = rng.uniform(0.0, 2 * np.pi, SIDES_TRIED)
    around = distance * np.column_stack([np.cos(azimuth), np.sin(azimuth), np.zeros(SIDES_TRIED)])
    places = around + np.array([middle[0], middle[1], ground + height])
    wanted = rng.uniform(-180.0, 180.0)
    views = np.array([view_angle(points, place) for place in places])
    place = places[np.argmin(np.abs((views - wanted + 180.0) % 360.0 - 180.0))]
    rotation = _look(place, middle, rng)
    roll = rng.normal(0.0, 9.0)
    if rng.random() < 0.16:
        roll = rng.uniform(-180.0, 180.0) if rng.random() < 0.5 else rng.normal(0.0, 40.0)
    rotation = about(np.array([0.0, 0.0, 1.0]), roll) @ rotation
    seen = (points - place) @ rotation.T
    flat = seen[:, :2] / seen[:, 2:]
    hip = (flat[INDEX["left_hip"]] + flat[INDEX["right_hip"]]) / 2
    reach = float(np.max(np.linalg.norm(flat - hip, axis=1))) * 1.04
    focal = PICTURE_PX / 2 * rng.uniform(*FILL) / reach
    jitter = rng.normal(0.0, 0.02 * PICTURE_PX, 2)
    return Camera(place, rotation, float(focal), PICTURE_PX / 2 + jitter - focal * hip)


def view_angle(points: Floats, eye: Floats) -> float:
    """Side of the trunk that an eye sees.

    Args:
        points: (37, 3) key points.
        eye: (3,) where the eye is, same axes.

    Returns:
        Degrees about the trunk's axis: 0 from the front, 90 from the person's left.
    """
    row = INDEX
    left = points[row["left_shoulder"]] - points[row["right_shoulder"]]
    left = unit(left + points[row["left_hip"]] - points[row["right_hip"]])
    front = unit(np.cross(left, points[row["neck"]] - points[row["hip"]]))
    way = eye - points[row["hip"]]
    return float(np.degrees(np.arctan2(way @ left, way @ front)))


def _look(place: Floats, target: Floats, rng: Generator) -> Floats:
    """Aim near the body: a person is seldom in the middle of a frame."""
    ahead = unit(target - place)
    right = unit(np.cross(ahead, UP))
    ahead = about(UP, rng.normal(0.0, 9.0)) @ about(right, rng.normal(0.0, 5.0)) @ ahead
    right = unit(np.cross(ahead, UP))
    return np.stack([right, np.cross(ahead, right), ahead])
