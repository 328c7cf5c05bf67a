# SPDX-License-Identifier: GPL-3.0-or-later
"""Things about a person: bags on the back, boxes in the hands, seats, and things in the way."""

import numpy as np
from numpy.random import Generator

from ..inference.keypoints import INDEX
from .anatomy import Floats
from .bodies import BodyModel
from .camera import Camera
from .looks import draw_plain
from .mesh import Indices, Part, box
from .posing import CHEST, Figure, Posed
from .rotations import unit

SITTING = ("sit",)
LIFTING = ("lift", "forward", "squat")


def draw_props(
    figure: Figure, model: BodyModel, posed: Posed, family: str, camera: Camera, rng: Generator
) -> list[Part]:
    """Draw the things of a scene.

    Args:
        figure: The body.
        model: The body model.
        posed: Its pose.
        family: Family of the pose, or subject of the capture.
        camera: The camera.
        rng: Source of chance.

    Returns:
        Parts in the world.
    """
    scale = figure.body.stature_m / 1.7
    parts: list[Part] = []
    if rng.random() < 0.07:
        parts.append(_backpack(figure, model, posed, scale, rng))
    if family in SITTING and rng.random() < 0.85:
        parts += _chair(figure, posed, scale, rng)
    if family in LIFTING and rng.random() < 0.6:
        parts.append(_load(posed, scale, rng))
    if rng.random() < 0.08:
        parts.append(_in_the_way(posed, camera, scale, rng))
    return parts


def _part(name: str, shape: tuple[Floats, Indices], rng: Generator) -> Part:
    vertices, quads = shape
    rest = vertices - vertices.mean(axis=0)
    return Part(name, vertices, quads, rest, draw_plain(rng), np.zeros(len(vertices)))


def _backpack(figure: Figure, model: BodyModel, posed: Posed, scale: float, rng: Generator) -> Part:
    transform = posed.transforms[len(model.bones) + CHEST - 5]
    spine = figure.spine
    at = spine.points[4] + [0.0, spine.depth[4] + 0.09 * scale, -0.02 * scale]
    size = scale * np.array([0.30, 0.17, 0.44]) * rng.uniform(0.75, 1.25, 3)
    centre = transform[:, :3] @ at + transform[:, 3]
    return _part("bag", box(centre, transform[:, :3], size, float(rng.uniform(0.3, 0.6))), rng)


def _chair(figure: Figure, posed: Posed, scale: float, rng: Generator) -> list[Part]:
    hip, knee = posed.points[INDEX["hip"]], posed.points[[INDEX["left_knee"], INDEX["right_knee"]]]
    ahead = unit((knee.mean(axis=0) - hip) * [1.0, 1.0, 0.0])
    side = np.cross([0.0, 0.0, 1.0], ahead)
    axes = np.column_stack([side, ahead, [0.0, 0.0, 1.0]])
    bottom = posed.vertices[:13380, 2]
    near = np.linalg.norm((posed.vertices[:13380] - hip)[:, :2], axis=1) < 0.16 * scale
    top = float(bottom[near].min())
    depth = rng.uniform(0.36, 0.5) * scale
    seat = hip * [1, 1, 0] + ahead * (0.38 * depth) + [0.0, 0.0, top - 0.03]
    parts = [_part("seat", box(seat, axes, np.array([0.45 * scale, depth, 0.06])), rng)]
    look = parts[0].look
    if rng.random() < 0.6:
        tall = rng.uniform(0.25, 0.75) * scale
        back = hip * [1, 1, 0] - ahead * (0.19 * scale) + [0.0, 0.0, top + 0.12 + tall / 2]
        vertices, quads = box(back, axes, np.array([0.42 * scale, 0.04, tall]))
        parts.append(Part("back", vertices, quads, vertices - back, look, np.zeros(len(vertices))))
    return parts


def _load(posed: Posed, scale: float, rng: Generator) -> Part:
    wrists = posed.points[[INDEX["left_wrist"], INDEX["right_wrist"]]]
    elbows = posed.points[[INDEX["left_elbow"], INDEX["right_elbow"]]]
    side = unit(wrists[0] - wrists[1] + [1e-3, 0, 0])
    reach = unit((wrists - elbows).mean(axis=0))
    axes = np.column_stack([side, unit(np.cross(reach, side)), reach])
    width = max(float(np.linalg.norm(wrists[0] - wrists[1])) - 0.05 * scale, 0.12)
    size = np.array([width, rng.uniform(0.1, 0.4) * scale, rng.uniform(0.1, 0.4) * scale])
    centre = wrists.mean(axis=0) + reach * (0.09 * scale + size[2] / 2)
    return _part("load", box(centre, axes, size, float(rng.choice([0.0, 0.0, 1.0]))), rng)


def _in_the_way(posed: Posed, camera: Camera, scale: float, rng: Generator) -> Part:
    """A thing between camera and body that hides a part of it."""
    target = posed.points[rng.integers(0, len(posed.points))]
    way = camera.place - target
    centre = target + unit(way) * rng.uniform(0.45, 0.8) * min(1.2, float(np.linalg.norm(way)) / 2)
    centre += rng.normal(0.0, 0.12, 3)
    turn = rng.uniform(0, np.pi)
    axes = np.array([[np.cos(turn), -np.sin(turn), 0], [np.sin(turn), np.cos(turn), 0], [0, 0, 1]])
    size = scale * np.exp(rng.uniform(np.log(0.06), np.log(0.55), 3))
    return _part("obstacle", box(centre, axes, size, float(rng.uniform(0, 1))), rng)
