# SPDX-License-Identifier: GPL-3.0-or-later
"""The spine of one body at rest: curve of vertebral body centres, its joints and key points.

The model's own spine bones lie 3-4 cm under the skin, where spinous processes are. The curve here
is measured inwards from the skin of the back instead.
"""

from dataclasses import dataclass

import numpy as np
from scipy.interpolate import CubicSpline, PchipInterpolator
from scipy.ndimage import gaussian_filter1d
from scipy.sparse import csr_matrix, hstack

from .anatomy import (
    CONTRACT_ARC,
    DEPTH_M,
    HIP_BEHIND_M,
    JOINT_ARC,
    STATURE_M,
    VERTEBRAE,
    Floats,
)
from .bodies import GROUPS, Body, BodyModel

SPINE_BONES = (
    "spine05",
    "spine04",
    "spine03",
    "spine02",
    "spine01",
    "breast.L",
    "breast.R",
    "neck01",
    "neck02",
    "neck03",
)
"""Bones whose skin goes over to the vertebrae; `root` and `head` are the two ends."""

RIB_SLOPE = 0.35
"""How far ribs fall from back to front, per metre: skin in front follows a higher vertebra."""


@dataclass(frozen=True)
class Backbone:
    """The spine at rest.

    Attributes:
        curve: (N, 3) vertebral body centres from the level of the hip joints to above C1, metres.
        arc: (N,) share of the arc from hip (0) to C7 (1).
        joints: (25, 3) centres of the joints, as anatomy.JOINTS.
        points: (9, 3) the key points, hip to C1.
        point_piece: (9,) the vertebra of anatomy.VERTEBRAE that carries each key point.
        depth: (9,) depth of the key points under the skin of the back, metres; NaN where the ray
            from behind meets nothing.
    """

    curve: Floats
    arc: Floats
    joints: Floats
    points: Floats
    point_piece: Floats
    depth: Floats


def back_profile(body: Body, model: BodyModel, heights: Floats) -> Floats:
    """Rearmost skin on the midline, by casting a ray forward from behind at each height.

    Args:
        body: Body at rest.
        model: The body model.
        heights: (N,) metres.

    Returns:
        (N,) y of the skin, metres; NaN where there is none.
    """
    triangles = np.concatenate(
        [model.quads["body"][:, [0, 1, 2]], model.quads["body"][:, [0, 2, 3]]]
    )
    corner = body.vertices[triangles]
    crossing = (corner[:, :, 0].min(axis=1) <= 1e-4) & (corner[:, :, 0].max(axis=1) >= 1e-4)
    corner = corner[crossing]
    result = np.full(len(heights), np.nan)
    x, z = corner[..., 0], corner[..., 2]
    area = (x[:, 1] - x[:, 0]) * (z[:, 2] - z[:, 0]) - (x[:, 2] - x[:, 0]) * (z[:, 1] - z[:, 0])
    area = np.where(np.abs(area) < 1e-14, np.nan, area)
    for row, height in enumerate(heights):
        px, pz = 1e-4, height
        second = (
            (px - x[:, 0]) * (z[:, 2] - z[:, 0]) - (x[:, 2] - x[:, 0]) * (pz - z[:, 0])
        ) / area
        third = ((x[:, 1] - x[:, 0]) * (pz - z[:, 0]) - (px - x[:, 0]) * (z[:, 1] - z[:, 0])) / area
        inside = (second >= 0) & (third >= 0) & (second + third <= 1)
        if inside.any():
            weight = np.stack([1 - second - third, second, third], axis=1)[inside]
            result[row] = np.max(np.sum(weight * corner[inside, :, 1], axis=1))
    return result


def build_backbone(body: Body, model: BodyModel) -> Backbone:
    """Find the spine of a body.

    Args:
        body: Body at rest.
        model: The body model.

    Returns:
        The backbone; the curve lies in the plane x = 0.
    """
    scale = body.stature_m / STATURE_M
    hip = _regressed(body, model, ("left_hip", "right_hip")).mean(axis=0)
    c7 = body.heads[model.bone("neck01"), 2]
    top = body.heads[model.bone("head"), 2] + 0.03 * scale
    heights = np.linspace(hip[2], top, 81)
    skin = back_profile(body, model, heights)
    skin = np.interp(heights, heights[np.isfinite(skin)], skin[np.isfinite(skin)])
    share = (heights - hip[2]) / (c7 - hip[2])
    depth = PchipInterpolator(CONTRACT_ARC, DEPTH_M)(np.clip(share, 0.0, CONTRACT_ARC[-1])) * scale
    depth = depth + 0.06 * np.maximum(_belly(body, model, hip[2], c7) - 0.11 * scale, 0.0)
    y = skin - depth
    lowest = min(hip[1] + HIP_BEHIND_M * scale, skin[0] - 0.035 * scale)
    y = _enter_pelvis(share, y, lowest)
    y = gaussian_filter1d(y, 2.0, mode="nearest")
    curve = np.column_stack([np.zeros_like(y), y, heights])
    arc = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(curve, axis=0), axis=1))])
    arc /= np.interp(c7, heights, arc)
    along = CubicSpline(arc, curve)
    points = along(CONTRACT_ARC)
    piece = np.searchsorted(JOINT_ARC, CONTRACT_ARC).astype(np.float64)
    under = back_profile(body, model, points[:, 2]) - points[:, 1]
    return Backbone(curve, arc, along(JOINT_ARC), points, piece, under)


def vertebra_weights(body: Body, model: BodyModel, spine: Backbone) -> csr_matrix:
    """Move the skin weights of the spine's bones to the vertebrae.

    Args:
        body: Body at rest.
        model: The body model.
        spine: Its spine.

    Returns:
        (V, B + 26) weights: columns of the model's bones (those of the spine emptied), then the
        vertebrae, bottom to top.
    """
    columns = [model.bone(name) for name in SPINE_BONES]
    column = np.isin(np.arange(len(model.bones)), columns)
    keep = model.weights.multiply(~column).tocsr()
    share = np.asarray(model.weights[:, columns].sum(axis=1)).ravel()
    level = vertebra_of(body.vertices, spine)
    lower = np.clip(np.floor(level).astype(int), 0, len(VERTEBRAE) - 2)
    upper_share = np.clip(level - lower, 0.0, 1.0)
    row = np.arange(len(share))
    shape = (len(share), len(VERTEBRAE))
    vertebra = csr_matrix((share * (1 - upper_share), (row, lower)), shape=shape)
    vertebra += csr_matrix((share * upper_share, (row, lower + 1)), shape=shape)
    return csr_matrix(hstack([keep, vertebra]))


def vertebra_of(points: Floats, spine: Backbone) -> Floats:
    """Which vertebra the flesh at a place follows.

    Args:
        points: (V, 3) metres, at rest.
        spine: The spine.

    Returns:
        (V,) position in anatomy.VERTEBRAE, fractional.
    """
    middle = np.concatenate(
        [[JOINT_ARC[0] - 0.05], (JOINT_ARC[:-1] + JOINT_ARC[1:]) / 2, [JOINT_ARC[-1] + 0.03]]
    )
    z = spine.curve[:, 2]
    centre_y = np.interp(points[:, 2], z, spine.curve[:, 1])
    forward = np.clip(centre_y - points[:, 1], 0.0, 0.25)
    arc = np.interp(points[:, 2], z, spine.arc)
    thorax = np.clip((arc - 0.40) / 0.15, 0.0, 1.0) * np.clip((1.02 - arc) / 0.1, 0.0, 1.0)
    height = points[:, 2] + RIB_SLOPE * forward * thorax
    arc = np.interp(height, z, spine.arc)
    return np.asarray(np.interp(arc, middle, np.arange(len(VERTEBRAE))))


def _enter_pelvis(share: Floats, y: Floats, hip_y: float) -> Floats:
    """Replace the part behind the buttocks by a smooth way from L4 to the lowest point."""
    edge = 0.24
    start = int(np.searchsorted(share, edge))
    slope = (y[start + 3] - y[start]) / (share[start + 3] - share[start])
    t = share[:start] / share[start]
    low = CubicSpline([0.0, 1.0], [hip_y, y[start]], bc_type=((2, 0.0), (1, slope * share[start])))
    return np.concatenate([low(t), y[start:]])


def _belly(body: Body, model: BodyModel, hip: float, c7: float) -> float:
    """Half the depth of the trunk at the navel, metres."""
    first, last = GROUPS["body"]
    trunk = body.vertices[first:last]
    band = np.abs(trunk[:, 2] - (hip + 0.30 * (c7 - hip))) < 0.03
    middle = trunk[band & (np.abs(trunk[:, 0]) < 0.06)]
    return float(np.ptp(middle[:, 1]) / 2)


def _regressed(body: Body, model: BodyModel, names: tuple[str, ...]) -> Floats:
    rows = [model.regressed.index(name) for name in names]
    return np.asarray(model.regressor[rows] @ body.vertices)
