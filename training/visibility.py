# SPDX-License-Identifier: GPL-3.0-or-later
"""Which key points a camera sees; decided by casting rays at the bare body and at other things."""

from typing import Final

import numpy as np
from mathutils import Vector
from mathutils.bvhtree import BVHTree
from numpy.typing import NDArray

from ..inference.keypoints import NAMES
from .anatomy import Floats
from .camera import PICTURE_PX, Camera
from .mesh import Part

VISIBLE: Final = 0
OWN_BODY: Final = 1
OTHER: Final = 2
OUTSIDE: Final = 3

_SURFACE_M: Final = {"nose": 0.03, "left_eye": 0.04, "right_eye": 0.04} | {
    "left_ear": 0.07,
    "right_ear": 0.07,
}
"""Points on the surface: hidden when the ray enters the body this far before them."""


def visibility(
    points: Floats,
    camera: Camera,
    skin: Floats,
    faces: list[list[int]],
    others: list[Part],
    scale: float,
) -> NDArray[np.int8]:
    """Say what hides each key point.

    A joint inside the body counts as visible when the ray enters the body once on its way, as
    people label it; clothes and hair of the person do not hide it.

    Args:
        points: (37, 3) metres, world.
        camera: The camera.
        skin: (V, 3) posed skin.
        faces: Its faces.
        others: Things and other people.
        scale: Size of the person against 1.7 m.

    Returns:
        (37,) VISIBLE, OWN_BODY, OTHER or OUTSIDE.
    """
    tree = BVHTree.FromPolygons(skin.tolist(), faces)
    blocker = _merged(others)
    pixels = camera.project(points)
    result = np.zeros(len(points), np.int8)
    start = Vector(camera.place.tolist())
    for row, point in enumerate(points):
        way = point - camera.place
        length = float(np.linalg.norm(way))
        ahead = Vector((way / length).tolist())
        surface = _SURFACE_M.get(NAMES[row], 0.0) * scale
        if np.any(pixels[row] < 0.0) or np.any(pixels[row] >= PICTURE_PX):
            result[row] = OUTSIDE
        elif blocker is not None and blocker.ray_cast(start, ahead, length)[0] is not None:
            result[row] = OTHER
        elif _hidden(tree, start, ahead, length, surface, scale):
            result[row] = OWN_BODY
    return result


def _hidden(
    tree: BVHTree, start: Vector, ahead: Vector, length: float, surface: float, scale: float
) -> bool:
    done = 0.0
    entered = -1.0
    for _ in range(12):
        _, normal, _, distance = tree.ray_cast(start + ahead * done, ahead, length - done - 0.004)
        if distance is None:
            break
        done += distance + 1e-4
        if normal.dot(ahead) > 0.0:
            if length - done > 0.015 * scale and entered >= 0.0 and done - entered > 0.012 * scale:
                return surface == 0.0 or length - done > surface
        elif entered < 0.0:
            entered = done
    return surface > 0.0 and 0.0 <= entered < length - surface


def _merged(parts: list[Part]) -> BVHTree | None:
    if not parts:
        return None
    first = np.cumsum([0] + [len(part.vertices) for part in parts[:-1]])
    faces = np.concatenate([part.quads + at for part, at in zip(parts, first, strict=True)])
    vertices = np.concatenate([part.vertices for part in parts])
    return BVHTree.FromPolygons(vertices.tolist(), faces.tolist())
