# SPDX-License-Identifier: GPL-3.0-or-later
"""Hair and headwear: caps made from the scalp, long hair that covers the neck, pony tails."""

import numpy as np
from numpy.random import Generator
from scipy.sparse import csr_matrix

from ..inference.keypoints import INDEX
from .anatomy import VERTEBRAE, Floats
from .bodies import BodyModel
from .clothes import folds
from .looks import Look, draw_cloth, draw_hair
from .mesh import Indices, Part, compact, normals, subdivide
from .posing import CHEST, SKULL, Figure

STYLES = ("bald", "short", "full", "bob", "long", "tail", "bun", "hat")
_SHARE = (0.06, 0.34, 0.14, 0.12, 0.12, 0.10, 0.05, 0.07)


def draw_style(rng: Generator) -> str:
    """Draw one of STYLES."""
    return STYLES[rng.choice(len(STYLES), p=_SHARE)]


def make_hair(
    figure: Figure, model: BodyModel, style: str, rng: Generator
) -> list[tuple[Part, csr_matrix]]:
    """Make the hair of a body at rest.

    Args:
        figure: The body.
        model: The body model.
        style: One of STYLES.
        rng: Source of chance.

    Returns:
        Parts at rest with their skin weights.
    """
    if style == "bald":
        return []
    look = draw_hair(rng, bool(figure.body.phenotype[1] > 0.8))
    thick = {"short": 0.010, "hat": 0.016, "full": 0.030}.get(style, 0.016)
    thick *= float(rng.uniform(0.6, 1.5))
    parts = [_cap(figure, model, thick, draw_cloth(rng, True) if style == "hat" else look, rng)]
    if style in ("bob", "long") or (style == "hat" and rng.random() < 0.3):
        parts.append(_mane(figure, model, style, look, rng))
    if style in ("tail", "bun"):
        parts.append(_tail(figure, model, style, look, rng))
    return parts


def _head_frame(figure: Figure) -> tuple[Floats, float]:
    ears = (figure.carried[INDEX["left_ear"]] + figure.carried[INDEX["right_ear"]]) / 2
    top = figure.carried[INDEX["head"]]
    return ears, float((top[2] - ears[2]) / 0.135)


def _cap(
    figure: Figure, model: BodyModel, thick: float, look: Look, rng: Generator
) -> tuple[Part, csr_matrix]:
    ears, size = _head_frame(figure)
    vertices = figure.body.vertices
    local = (vertices - ears) / size
    ahead, up = -local[:, 1], local[:, 2]
    line = np.where(ahead < 0.0, -0.05, -0.03 + 1.12 * ahead) + 0.01 * rng.normal()
    scalp = (up > line) & (np.abs(local[:, 0]) < 0.088) & (up > -0.09)
    head = np.asarray(figure.weights[:, [model.bone("head")]].sum(axis=1)).ravel()
    quads = model.quads["body"]
    outward = normals(vertices, quads)
    faces = quads[np.all((scalp & (head > 0.3))[quads], axis=1)]
    faces = faces[np.linalg.norm(vertices[faces].mean(axis=1) - ears, axis=1) > 0.05 * size]
    edge = np.clip((up - line) / 0.03, 0.05, 1.0)
    height = thick * size * edge * (1.0 + 0.35 * folds(vertices * 1.5, rng))
    shaped = vertices + np.maximum(height, 0.002)[:, None] * outward
    kept, faces, rows = compact(shaped, faces, vertices, np.arange(len(vertices), dtype=float))
    part = Part("hair", kept, faces, rows[0], look, np.zeros(len(kept)))
    return part, csr_matrix(figure.weights[rows[1].astype(int)])


def _mane(
    figure: Figure, model: BodyModel, style: str, look: Look, rng: Generator
) -> tuple[Part, csr_matrix]:
    used, quads = np.unique(model.quads["hair"], return_inverse=True)
    fine, split = subdivide(quads.reshape(-1, 4), len(used))
    finer, again = subdivide(fine, split.shape[0])
    matrix = csr_matrix(again @ split)
    rest = matrix @ figure.body.vertices[used]
    weights = csr_matrix(matrix @ figure.weights[used])
    ears, size = _head_frame(figure)
    up = (rest[:, 2] - ears[2]) / size
    end = -0.12 if style == "bob" else float(rng.uniform(-0.42, -0.18))
    faces: Indices = finer[np.all(up[finer] > end, axis=1)]
    outward = normals(rest, finer)
    shaped = rest + (0.006 + 0.006 * folds(rest * 2.0, rng))[:, None] * outward
    kept, faces, rows = compact(shaped, faces, rest, np.arange(len(rest), dtype=float))
    part = Part("hair", kept, faces, rows[0], look, np.zeros(len(kept)))
    return part, csr_matrix(weights[rows[1].astype(int)])


def _tail(
    figure: Figure, model: BodyModel, style: str, look: Look, rng: Generator
) -> tuple[Part, csr_matrix]:
    ears, size = _head_frame(figure)
    start = ears + size * np.array([0.0, rng.uniform(0.085, 0.10), rng.uniform(-0.02, 0.09)])
    length = 0.06 if style == "bun" else float(rng.uniform(0.16, 0.42))
    rings, around = 14, 10
    t = np.linspace(0.0, 1.0, rings)
    path = start + size * np.column_stack(
        [0.02 * rng.normal() * t, 0.05 * np.sin(np.pi * np.minimum(t * 1.6, 1.0)), -length * t]
    )
    width = size * (0.035 if style == "bun" else 0.024) * (np.sin(np.pi * (0.08 + 0.88 * t)) ** 0.7)
    angle = np.linspace(0.0, 2 * np.pi, around, endpoint=False)
    ring = np.stack([np.cos(angle), np.sin(angle), np.zeros(around)], axis=1)
    vertices = (path[:, None] + width[:, None, None] * ring[None]).reshape(-1, 3)
    r, a = np.meshgrid(np.arange(rings - 1), np.arange(around), indexing="ij")
    nxt = (a + 1) % around
    quads = np.stack(
        [r * around + a, r * around + nxt, (r + 1) * around + nxt, (r + 1) * around + a], -1
    )
    chest = np.repeat(np.clip((t - 0.25) * 1.1, 0.0, 0.9), around) * (style == "tail")
    bones = len(model.bones)
    rows = np.arange(len(vertices))
    shape = (len(vertices), bones + len(VERTEBRAE))
    weights = csr_matrix((1.0 - chest, (rows, np.full(len(rows), bones + SKULL))), shape=shape)
    weights += csr_matrix((chest, (rows, np.full(len(rows), bones + CHEST))), shape=shape)
    part = Part("hair", vertices, quads.reshape(-1, 4), vertices, look, np.zeros(len(vertices)))
    return part, csr_matrix(weights)
