# SPDX-License-Identifier: GPL-3.0-or-later
"""Meshes of four-cornered faces: normals, subdivision as a matrix, and parts ready to be drawn."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from .anatomy import Floats
from .looks import Look

Indices = NDArray[np.int64]


@dataclass(frozen=True)
class Part:
    """A piece of the scene.

    Attributes:
        name: What it is.
        vertices: (V, 3) metres, world.
        quads: (F, 4) vertex indices; a triangle repeats its last corner.
        rest: (V, 3) place at rest, so that patterns stick to the piece.
        look: Its surface.
        tint: (V,) 0..1 for surfaces that vary over the piece.
    """

    name: str
    vertices: Floats
    quads: Indices
    rest: Floats
    look: Look
    tint: Floats


def normals(vertices: Floats, quads: Indices) -> Floats:
    """Unit normals of vertices, weighted by the area of their faces.

    Args:
        vertices: (V, 3).
        quads: (F, 4).

    Returns:
        (V, 3); zero for a vertex without faces.
    """
    a, b, c, d = (vertices[quads[:, k]] for k in range(4))
    face = np.cross(c - a, d - b)
    result = np.zeros_like(vertices)
    for k in range(4):
        np.add.at(result, quads[:, k], face)
    length = np.linalg.norm(result, axis=1, keepdims=True)
    return np.asarray(result / np.maximum(length, 1e-12))


def subdivide(quads: Indices, vertices: int) -> tuple[Indices, csr_matrix]:
    """Split every face into four.

    Args:
        quads: (F, 4) faces.
        vertices: How many vertices the mesh has.

    Returns:
        (4F, 4) faces, and the matrix (V + E + F, V) that makes the new vertices from the old: the
        old ones, middles of edges, middles of faces.
    """
    edges = np.sort(np.stack([quads, np.roll(quads, -1, axis=1)], axis=-1).reshape(-1, 2), axis=1)
    unique, edge_of = np.unique(edges, axis=0, return_inverse=True)
    edge_of = edge_of.reshape(-1, 4) + vertices
    middle = np.arange(len(quads)) + vertices + len(unique)
    corners = [
        np.stack([quads[:, k], edge_of[:, k], middle, edge_of[:, k - 1]], axis=1) for k in range(4)
    ]
    row = np.concatenate(
        [
            np.arange(vertices),
            np.repeat(np.arange(len(unique)) + vertices, 2),
            np.repeat(middle, 4),
        ]
    )
    column = np.concatenate([np.arange(vertices), unique.ravel(), quads.ravel()])
    value = np.concatenate(
        [np.ones(vertices), np.full(2 * len(unique), 0.5), np.full(4 * len(quads), 0.25)]
    )
    count = vertices + len(unique) + len(quads)
    return np.concatenate(corners), csr_matrix((value, (row, column)), shape=(count, vertices))


def smooth_matrix(quads: Indices, vertices: int) -> csr_matrix:
    """Matrix (V, V) that moves each vertex to the mean of its neighbours and itself."""
    start = np.concatenate([quads[:, k] for k in range(4)])
    end = np.concatenate([quads[:, (k + 1) % 4] for k in range(4)])
    ones = np.ones(len(start))
    link = csr_matrix((ones, (start, end)), shape=(vertices, vertices))
    link = ((link + link.T) > 0).astype(np.float64) + csr_matrix(
        (np.ones(vertices), (np.arange(vertices), np.arange(vertices))), shape=(vertices, vertices)
    )
    degree = np.asarray(link.sum(axis=1)).ravel()
    return csr_matrix(link.multiply(1.0 / degree[:, None]))


def compact(
    vertices: Floats, quads: Indices, *along: Floats
) -> tuple[Floats, Indices, list[Floats]]:
    """Drop vertices without faces.

    Args:
        vertices: (V, 3).
        quads: (F, 4).
        along: Arrays with V rows to be cut likewise.

    Returns:
        The vertices, faces and arrays that remain.
    """
    used, renamed = np.unique(quads, return_inverse=True)
    return vertices[used], renamed.reshape(-1, 4), [values[used] for values in along]


def box(centre: Floats, axes: Floats, size: Floats, bulge: float = 0.0) -> tuple[Floats, Indices]:
    """A box, bulged towards a ball where wanted.

    Args:
        centre: (3,) metres.
        axes: (3, 3) axes in columns.
        size: (3,) lengths of the sides, metres.
        bulge: 0 for a box, 1 for an ellipsoid.

    Returns:
        (V, 3) vertices and (F, 4) faces.
    """
    corners = np.array([[x, y, z] for z in (-1, 1) for y in (-1, 1) for x in (-1, 1)], float)
    quads = np.array(
        [[0, 2, 3, 1], [4, 5, 7, 6], [0, 1, 5, 4], [2, 6, 7, 3], [0, 4, 6, 2], [1, 3, 7, 5]]
    )
    for _ in range(3):
        quads, matrix = subdivide(quads, len(corners))
        corners = matrix @ corners
    ball = corners / np.linalg.norm(corners, axis=1, keepdims=True)
    shape = (1.0 - bulge) * corners + bulge * ball
    return centre + (shape * size / 2) @ axes.T, quads
