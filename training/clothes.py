# SPDX-License-Identifier: GPL-3.0-or-later
"""Clothes as shells made from the body: inflated, hanging, wrinkled; loose ones hide the back."""

from dataclasses import dataclass

import numpy as np
from numpy.random import Generator
from scipy.ndimage import gaussian_filter, maximum_filter1d
from scipy.sparse import csr_matrix

from .anatomy import Floats
from .bodies import BodyModel
from .looks import Look, draw_cloth
from .mesh import Indices, Part, compact, normals, smooth_matrix, subdivide
from .posing import Figure
from .regions import Region, regions_of

FALL_M = 0.09
"""Cloth hangs this far off the trunk at most, for a stature of 1.7 m."""


@dataclass(frozen=True)
class Garment:
    """One piece of clothing.

    Attributes:
        kind: "top", "jacket", "bottom", "dress", "skirt" or "shoes".
        sleeve: How far along the arm it goes; see regions.Region.
        leg: How far along the leg.
        low: Arc of the spine where it begins.
        high: Arc of the spine where it ends.
        ease_m: Distance from the skin.
        hang: 0 follows every hollow of the trunk, 1 falls straight from the widest place above.
        wrinkle_m: Height of folds.
        look: Its cloth.
    """

    kind: str
    sleeve: float
    leg: float
    low: float
    high: float
    ease_m: float
    hang: float
    wrinkle_m: float
    look: Look


@dataclass(frozen=True)
class Pattern:
    """What all bodies share: the helper meshes of clothes, split once.

    Attributes:
        quads: Mesh name ("tights", "skirt") to its faces.
        matrix: Mesh name to the matrix that makes its vertices from the body model's.
        soften: Mesh name to the matrix of one smoothing step.
    """

    quads: dict[str, Indices]
    matrix: dict[str, csr_matrix]
    soften: dict[str, csr_matrix]


def make_pattern(model: BodyModel) -> Pattern:
    """Split the helper meshes of the body model.

    Args:
        model: The body model.

    Returns:
        The pattern.
    """
    quads, matrix, soften = {}, {}, {}
    for name in ("tights", "skirt"):
        used, renamed = np.unique(model.quads[name], return_inverse=True)
        pick = csr_matrix(
            (np.ones(len(used)), (np.arange(len(used)), used)),
            shape=(len(used), len(model.template)),
        )
        fine, split = subdivide(renamed.reshape(-1, 4), len(used))
        quads[name], matrix[name] = fine, csr_matrix(split @ pick)
        soften[name] = smooth_matrix(fine, split.shape[0])
    return Pattern(quads, matrix, soften)


def draw_outfit(rng: Generator, covered: bool = False) -> list[Garment]:
    """Draw what a person wears.

    Args:
        rng: Source of chance.
        covered: Never a bare trunk, as for children.

    Returns:
        Garments, inner ones first; two in five have a loose back, one in eight a bare one.
    """
    kind = rng.random()
    outfit: list[Garment] = []
    if kind < 0.12:
        outfit.append(_garment("dress", rng, sleeve=float(rng.choice([0.15, 0.5, 1.9]))))
    else:
        outfit.append(_garment("bottom", rng))
        bare = rng.random() < 0.10 and not covered
        if bare and rng.random() < 0.5:
            outfit.append(_garment("band", rng))
        elif not bare:
            outfit.append(_garment("top", rng))
            if rng.random() < 0.28:
                outfit.append(_garment("jacket", rng))
        if not bare and rng.random() < 0.06:
            outfit.append(_garment("skirt", rng))
    if rng.random() < 0.72:
        outfit.append(_garment("shoes", rng))
    return outfit


def _garment(kind: str, rng: Generator, sleeve: float = -1.0) -> Garment:
    loose = float(rng.beta(1.1, 1.3))
    look = draw_cloth(rng, calm=kind in ("bottom", "shoes"))
    if kind == "top":
        sleeve = float(rng.choice([0.12, 0.55, 0.7, 1.0, 1.92], p=[0.14, 0.28, 0.2, 0.08, 0.30]))
        low = float(rng.choice([0.22, 0.05, -0.12, -0.35], p=[0.1, 0.45, 0.35, 0.1]))
        high = float(rng.normal(0.97, 0.03))
        return Garment(
            kind, sleeve, 0.9, low, high, 0.004 + 0.022 * loose, loose, 0.012 * loose + 0.002, look
        )
    if kind == "jacket":
        low = float(rng.choice([0.1, -0.1, -0.5]))
        high = float(rng.normal(1.06, 0.05))
        return Garment(
            kind, 1.95, 0.9, low, high, 0.016 + 0.018 * loose, 0.4 + 0.6 * loose, 0.016, look
        )
    if kind == "band":
        return Garment("top", -0.5, -0.5, 0.55, 0.78, 0.004, 0.0, 0.001, look)
    if kind == "bottom":
        leg = float(rng.choice([0.12, 0.55, 0.85, 1.3, 1.95], p=[0.1, 0.2, 0.1, 0.1, 0.5]))
        high = float(rng.uniform(0.12, 0.28))
        return Garment(
            kind, -0.5, leg, -9.0, high, 0.005 + 0.02 * loose, 0.0, 0.002 + 0.010 * loose, look
        )
    if kind in ("dress", "skirt"):
        leg = float(rng.uniform(0.5, 1.9))
        ease = 0.006 + 0.02 * loose
        return Garment(kind, sleeve, leg, 0.18, 0.96, ease, loose, 0.002 + 0.008 * loose, look)
    return Garment(kind, -0.5, 9.0, -9.0, -9.0, 0.006 + 0.006 * loose, 0.0, 0.0, look)


def dress(
    figure: Figure, model: BodyModel, pattern: Pattern, outfit: list[Garment], rng: Generator
) -> tuple[list[tuple[Part, csr_matrix]], Floats]:
    """Make an outfit for a body at rest.

    Args:
        figure: The body.
        model: The body model.
        pattern: The pattern of all clothes.
        outfit: Garments, inner ones first.
        rng: Source of chance for folds.

    Returns:
        Parts at rest with their skin weights, and (V,) 1 for each vertex of the body model that
        clothes hide.
    """
    skin = regions_of(figure, model, figure.body.vertices, figure.weights)
    scale = figure.body.stature_m / 1.7
    hidden = np.zeros(len(figure.body.vertices))
    parts: list[tuple[Part, csr_matrix]] = []
    below = 0.0
    for garment in outfit:
        meshes = ["tights"] if garment.kind != "skirt" else []
        meshes += ["skirt"] if garment.kind in ("dress", "skirt") else []
        for mesh in meshes:
            part = _sew(figure, model, pattern, garment, mesh, below * scale, rng)
            if part is not None:
                parts.append(part)
        if garment.kind in ("top", "dress", "jacket"):
            below = max(below, garment.ease_m)
        hidden = np.maximum(hidden, _inside(garment, skin, "tights", 0.05) > 0)
    return parts, hidden


def _sew(
    figure: Figure,
    model: BodyModel,
    pattern: Pattern,
    garment: Garment,
    mesh: str,
    below: float,
    rng: Generator,
) -> tuple[Part, csr_matrix] | None:
    matrix, quads = pattern.matrix[mesh], pattern.quads[mesh]
    rest = matrix @ figure.body.vertices
    weights = csr_matrix(matrix @ figure.weights)
    region = regions_of(figure, model, rest, weights)
    inside = _inside(garment, region, mesh, 0.0)
    faces = quads[np.all(inside[quads] > 0, axis=1)]
    if len(faces) < 8:
        return None
    scale = figure.body.stature_m / 1.7
    outward = normals(rest, quads)
    least = garment.ease_m * scale + (below if garment.kind == "jacket" else 0.0)
    ease = np.full(len(rest), least)
    if mesh == "skirt":
        ease += 0.06 * scale * garment.hang * np.clip(0.2 - region.trunk, 0.0, 1.0)
    shaped = rest + ease[:, None] * outward
    if garment.hang > 0.05 and mesh == "tights":
        shaped = _hang(shaped, region, figure, garment.hang)
    shaped = 0.4 * shaped + 0.6 * (pattern.soften[mesh] @ shaped)
    shaped += (garment.wrinkle_m * scale * folds(rest, rng))[:, None] * outward
    vertices, faces, kept = compact(shaped, faces, rest, np.arange(len(rest), dtype=float))
    rows = kept[1].astype(int)
    part = Part(garment.kind, vertices, faces, kept[0], garment.look, np.zeros(len(vertices)))
    return part, weights[rows]


def _inside(garment: Garment, region: Region, mesh: str, margin: float) -> Floats:
    """Positive where the garment is, for a garment shorter by a margin all round."""
    on_arm, on_leg = region.arm >= 0, region.leg >= 0
    if garment.kind == "shoes":
        return np.where(on_leg, region.leg - 1.93 - 3 * margin, -1.0)
    if mesh == "skirt":
        return garment.leg + np.minimum(region.trunk, 0.0) / 0.45 + 0.2
    low = garment.low + margin
    high = garment.high - margin
    trunk = np.minimum(region.trunk - low, high - region.trunk)
    trunk = np.where(region.head > 0.6, -1.0, trunk)
    if garment.kind == "bottom":
        hips = np.where(on_leg, garment.leg - margin - region.leg, high - region.trunk)
        return np.where(on_arm, -1.0, hips)
    leg = np.where(region.leg < garment.leg, region.trunk - low, -1.0)
    arm = np.where(on_arm, garment.sleeve - 1.5 * margin - region.arm, trunk)
    return np.where(on_leg, leg, np.where(on_arm, arm, trunk))


def _hang(vertices: Floats, region: Region, figure: Figure, amount: float) -> Floats:
    """Let cloth fall from the widest place above instead of following hollows."""
    on = (region.arm < 0) & (region.trunk < 1.0) & (region.trunk > -0.6) & (region.head < 0.5)
    centre_y = np.interp(vertices[:, 2], figure.spine.curve[:, 2], figure.spine.curve[:, 1])
    centre_y = centre_y - 0.05 * figure.body.stature_m / 1.7
    dx, dy = vertices[:, 0], vertices[:, 1] - centre_y
    radius, angle = np.hypot(dx, dy), np.arctan2(dy, dx)
    turns, rows = 40, 48
    top, low = vertices[on, 2].max(), vertices[on, 2].min()
    column = ((angle / (2 * np.pi) + 0.5) * turns).astype(int) % turns
    row = np.clip(((top - vertices[:, 2]) / (top - low) * rows).astype(int), 0, rows - 1)
    grid = np.zeros((rows, turns))
    np.maximum.at(grid, (row[on], column[on]), radius[on])
    for _ in range(4):
        grid = np.where(grid > 0, grid, gaussian_filter(grid, 1.0, mode=("nearest", "wrap")))
    bridge = maximum_filter1d(grid, 5, axis=1, mode="wrap")
    grid = np.maximum(grid, amount * gaussian_filter(bridge, (1.0, 1.0), mode=("nearest", "wrap")))
    drop = (1.0 - amount) * 0.02 + 0.0015
    for r in range(1, rows):
        grid[r] = np.maximum(grid[r], grid[r - 1] - drop)
    grid = gaussian_filter(grid, (1.5, 1.0), mode=("nearest", "wrap"))
    # Sleeves and shoulders begin above the chest: cloth falls freely only below it.
    share = amount * np.clip((0.82 - region.trunk) / 0.15, 0.0, 1.0) * on
    farthest = radius + FALL_M * figure.body.stature_m / 1.7
    wanted = np.clip(grid[row, column], radius, farthest)
    factor = 1.0 + share * (wanted / np.maximum(radius, 1e-3) - 1.0)
    moved = vertices.copy()
    moved[:, 0], moved[:, 1] = dx * factor, centre_y + dy * factor
    return moved


def folds(rest: Floats, rng: Generator) -> Floats:
    """Folds about -1..1: warped waves, finer across than along the cloth."""
    warp = rng.normal(0.0, 6.0, (3, 3))
    bent = rest + 0.03 * np.sin(rest @ warp.T + rng.uniform(0, 6.28, 3))
    total = np.zeros(len(rest))
    for _ in range(7):
        size = np.exp(rng.uniform(np.log(18.0), np.log(95.0)))
        direction = rng.normal(0.0, [1.0, 1.0, 0.9])
        direction /= np.linalg.norm(direction)
        total += np.sin(bent @ (direction * size) + rng.uniform(0, 6.28)) * (30.0 / size) ** 0.5
    return np.asarray(total / 3.0)
