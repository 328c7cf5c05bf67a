# SPDX-License-Identifier: GPL-3.0-or-later
"""Fits the generator's skeleton to what is seen of a person: 25 joints within their ranges."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Final

import numpy as np
from scipy.optimize import least_squares
from scipy.spatial.transform import Rotation

from ..inference.camera import ASSUMED_FOCAL
from ..inference.keypoints import INDEX, SPINE
from ..inference.pose2d import LANDMARKS, Body
from ..inference.spine import POINTS
from .anatomy import (
    AXIAL_DEG,
    EXTENSION_DEG,
    FLEXION_DEG,
    LATERAL_DEG,
    LUMBAR,
    NECK,
    RANGE_SLACK,
    THORACIC,
    Floats,
)
from .bodies import load_bank
from .errors import TrainingError
from .posing import CHEST, LATISSIMUS_OUT, SKULL, make_figure
from .trunk_draw import KYPHOSIS_SD_DEG, LORDOSIS_SD_DEG, NECK_SD_DEG

CARRIED: Final[Mapping[str, int]] = {
    **dict.fromkeys(("left_hip", "right_hip"), 0),
    **dict.fromkeys(("left_shoulder", "right_shoulder", "left_clavicle", "right_clavicle"), CHEST),
    **dict.fromkeys(("nose", "left_eye", "right_eye", "left_ear", "right_ear", "head"), SKULL),
}
"""Points beside the spine and the vertebra that carries each."""

SEEN_SD: Final[Mapping[str, float]] = {
    **dict.fromkeys(("left_hip", "right_hip"), 0.07),
    **dict.fromkeys(("left_shoulder", "right_shoulder"), 0.06),
    **dict.fromkeys(("nose", "left_eye", "right_eye", "left_ear", "right_ear"), 0.05),
}
"""How far the base's landmarks lie from the generator's points, in trunk lengths. BlazePose's own
reprojection error over four cameras is 5-9 % (the project's trial)."""

DEPTH_SD: Final = 0.2
"""How far the base's depths are off, in trunk lengths: 10 cm."""

LEAST_SPINE_SD: Final = 0.02
"""No answer of the head is taken for surer than that, in trunk lengths."""

SHRUG_SD: Final = 0.05
"""How far shoulders move on the chest up and forward, in trunk lengths: 25 mm."""

BEND_SD: Final = 0.5
"""Spread of bends as shares of the range; people seldom use all of it. Beyond the range a share
costs as BEYOND_SD."""

BEYOND_SD: Final = 0.01

REGIONS: Final = (LUMBAR, THORACIC, NECK)
NEUTRAL_SD_DEG: Final = (LORDOSIS_SD_DEG, KYPHOSIS_SD_DEG, NECK_SD_DEG)

BODIES: Final = 60
SHAPES: Final = 5
SHAPE_SEED: Final = 7
"""Bodies that the mean skeleton is made of, and how many of their principal components it may use:
they hold 90 % of the variance."""

_ROWS: Final = [LANDMARKS.index(name) for name in SEEN_SD]
_DEEP: Final = [
    LANDMARKS.index(f"{side}_{part}")
    for part in ("hip", "shoulder", "ear")
    for side in ("left", "right")
]
_NAMES: Final = (*SPINE, *CARRIED)


@dataclass(frozen=True)
class Template:
    """The mean skeleton at rest and how people differ from it; the unit is the trunk's length.

    Attributes:
        mean: (25 + 9 + 12, 3) joints, spine points, CARRIED; the middle of the hips at the origin.
        shapes: (S, 46, 3) principal components, one standard deviation each.
        piece: (9,) the vertebra that carries each spine point.
    """

    mean: Floats
    shapes: Floats
    piece: Floats

    @cached_property
    def pieces(self) -> list[int]:
        """The vertebra that carries each of the nine and the twelve."""
        return [*self.piece.astype(int).tolist(), *CARRIED.values()]

    def pose(self, spine_deg: Floats, shape: Floats, shrug: Floats) -> Floats:
        """Forward kinematics.

        Args:
            spine_deg: (25, 3) as posing.Pose.
            shape: (S,) in standard deviations.
            shrug: (2, 2) how far each shoulder is forward and up, trunk lengths.

        Returns:
            (21, 3) the nine spine points and CARRIED, axes of the pelvis (+Z up, facing -Y).
        """
        rest = self.mean + np.tensordot(shape, self.shapes, 1)
        joints, points = rest[:25], rest[25:].copy()
        shoulders = [9 + list(CARRIED).index(f"{side}_shoulder") for side in ("left", "right")]
        points[shoulders, 1] -= shrug[:, 0]
        points[shoulders, 2] += shrug[:, 1]
        local = Rotation.from_rotvec(np.radians(spine_deg)).as_matrix()
        turn, shift = np.empty((26, 3, 3)), np.empty((26, 3))
        turn[0], shift[0] = np.eye(3), 0.0
        for joint, centre in enumerate(joints):
            turn[joint + 1] = turn[joint] @ local[joint]
            shift[joint + 1] = turn[joint] @ centre + shift[joint] - turn[joint + 1] @ centre
        carried = (turn[self.pieces] @ points[..., None])[..., 0]
        return np.asarray(carried + shift[self.pieces])


@dataclass(frozen=True)
class Fit:
    """A fitted skeleton.

    Attributes:
        xy_px: (14, 2) the points of codec.POINTS in the frame, pixels.
        off: Root mean square of what is left of the data, in their standard deviations.
        spine_deg: (25, 3) angles from rest.
    """

    xy_px: Floats
    off: float
    spine_deg: Floats


def template(cache: Path, bank: Path) -> Template:
    """Read the mean skeleton; the first time it is made from the bank of bodies.

    Args:
        cache: File to keep it in.
        bank: The bank, see bodies.load_bank.

    Returns:
        The skeleton.

    Raises:
        TrainingError: If a file is missing or damaged.
    """
    if not cache.exists():
        made = _make_template(bank)
        partial = cache.with_name(f".{cache.stem}.{os.getpid()}.part.npz")
        np.savez(partial, mean=made.mean, shapes=made.shapes, piece=made.piece)
        partial.replace(cache)
    try:
        with np.load(cache, allow_pickle=False) as file:
            return Template(file["mean"], file["shapes"], file["piece"])
    except Exception as error:
        raise TrainingError(f"{cache} is damaged ({error}): delete it and go on") from error


def fit_body(
    skeleton: Template,
    body: Body,
    spine_px: Floats,
    error_px: Floats,
    size_px: tuple[int, int],
) -> Fit:
    """Fit the skeleton to a person seen by one camera.

    Args:
        skeleton: The mean skeleton.
        body: What the base says.
        spine_px: (14, 2) where the head puts its points, pixels of the frame.
        error_px: (14,) how far off each is expected to be.
        size_px: Width and height of the frame; the focal length is assumed from it.

    Returns:
        The fit. It knows what a spine can do, so that points which contradict each other or the
        landmarks are drawn towards what can be.
    """
    problem = _Problem(skeleton, body, spine_px, error_px, size_px)
    result = least_squares(
        problem.residuals, problem.start(), loss="soft_l1", f_scale=2.0, max_nfev=30
    )
    projected, _, spine_deg = problem.place(result.x)
    data = problem.data(result.x)
    return Fit(_answers(projected), float(np.sqrt(np.mean(data**2))), spine_deg)


class _Problem:
    """What is to be made small.

    Parameters: turn of the pelvis (3), place (2) and logarithm of the distance, bends (3 x 3),
    neutral curve (3), shape (S), shoulders (2 x 2).
    """

    def __init__(
        self,
        skeleton: Template,
        body: Body,
        spine_px: Floats,
        error_px: Floats,
        size_px: tuple[int, int],
    ) -> None:
        self.skeleton = skeleton
        self.trunk_px = body.trunk_px()
        self.focal = ASSUMED_FOCAL * max(size_px)
        self.centre = np.array(size_px) / 2.0
        self.facing = _facing(body)
        self.hips = body.xy_px[_DEEP[:2]].mean(axis=0)
        metres = body.world_m
        trunk_m = np.linalg.norm(metres[_DEEP[2:4]].mean(axis=0) - metres[_DEEP[:2]].mean(axis=0))
        self.depth = metres[_DEEP, 2] / max(float(trunk_m), 0.1)
        self.seen_px = body.xy_px[_ROWS]
        # A landmark that is not seen counts a third of one that is.
        trust = 0.3 + 0.7 * body.score[_ROWS]
        self.seen_sd = np.array(list(SEEN_SD.values())) * self.trunk_px / trust
        self.spine_px = spine_px
        self.spine_sd = np.maximum(error_px, LEAST_SPINE_SD * self.trunk_px)

    def start(self) -> Floats:
        first = np.zeros(6 + 9 + 3 + len(self.skeleton.shapes) + 4)
        first[3:5] = (self.hips - self.centre) / self.focal
        first[5] = np.log(self.focal / self.trunk_px)
        return first

    def place(self, values: Floats) -> tuple[Floats, Floats, Floats]:
        """(21, 2) pixels and (21,) depths in trunk lengths from the hips, (25, 3) angles."""
        root, (x, y, away), bends, neutral, rest = np.split(values, [3, 6, 15, 18])
        spine_deg = _angles(bends.reshape(3, 3), neutral)
        shape, shrug = rest[:-4], rest[-4:].reshape(2, 2)
        points = self.skeleton.pose(spine_deg, shape, shrug)
        turned = points @ (Rotation.from_rotvec(root).as_matrix() @ self.facing).T
        distance = np.exp(away)
        camera = turned + distance * np.array([x, y, 1.0])
        projected = self.focal * camera[:, :2] / np.maximum(camera[:, 2:], 0.1) + self.centre
        return projected, turned[:, 2], spine_deg

    def data(self, values: Floats) -> Floats:
        """What is left of landmarks, spine and depths, in standard deviations."""
        projected, depth, _ = self.place(values)
        named = dict(zip(_NAMES, projected, strict=True))
        landmarks = np.array([named[name] for name in SEEN_SD]) - self.seen_px
        spine = _answers(projected) - self.spine_px
        deep = dict(zip(_NAMES, depth, strict=True))
        behind = np.array([deep[LANDMARKS[row]] for row in _DEEP]) - self.depth
        return np.concatenate(
            [
                (landmarks / self.seen_sd[:, None]).ravel(),
                (spine / self.spine_sd[:, None]).ravel(),
                behind / DEPTH_SD,
            ]
        )

    def residuals(self, values: Floats) -> Floats:
        _, _, bends, neutral, rest = np.split(values, [3, 6, 15, 18])
        beyond = np.maximum(np.abs(bends) - RANGE_SLACK, 0.0) / BEYOND_SD
        priors = [bends / BEND_SD, beyond, neutral, rest[:-4], rest[-4:] / SHRUG_SD]
        return np.concatenate([self.data(values), *priors])


def _angles(bends: Floats, neutral: Floats) -> Floats:
    """(25, 3) degrees of shares of each region's range (3, 3) and its neutral curve (3,)."""
    result = np.zeros((25, 3))
    for region, bend, curve, spread in zip(REGIONS, bends, neutral, NEUTRAL_SD_DEG, strict=True):
        reach = FLEXION_DEG if bend[0] > 0 else EXTENSION_DEG
        result[region, 0] = bend[0] * reach[region]
        result[region, 0] += curve * spread * FLEXION_DEG[region] / FLEXION_DEG[region].sum()
        result[region, 1] = bend[1] * LATERAL_DEG[region]
        result[region, 2] = bend[2] * AXIAL_DEG[region]
    return result


def _answers(projected: Floats) -> Floats:
    """(14, 2) codec.POINTS of the (21, 2) points; latissimus as posing makes it."""
    named = dict(zip(_NAMES, projected, strict=True))
    middle = (named["spine_04"] + named["spine_05"]) / 2
    for side in ("left", "right"):
        out = named[f"{side}_shoulder"] - named["spine_05"]
        named[f"{side}_latissimus"] = middle + LATISSIMUS_OUT * out
    return np.stack([named[name] for name in POINTS])


def _facing(body: Body) -> Floats:
    """(3, 3) from the pelvis's axes to the camera's, by the base's hips and shoulders in metres."""
    hip_left, hip_right, left, right = body.world_m[_DEEP[:4]]
    up = (left + right - hip_left - hip_right) / 2
    up /= max(float(np.linalg.norm(up)), 1e-6)
    across = hip_left - hip_right + left - right
    across -= (across @ up) * up
    across /= max(float(np.linalg.norm(across)), 1e-6)
    return np.column_stack([across, -np.cross(across, up), up])


def _make_template(bank: Path) -> Template:
    model = load_bank(bank)
    rng = np.random.default_rng(SHAPE_SEED)
    chosen = rng.choice(len(model.phenotypes), BODIES, replace=False)
    figures = [make_figure(model, int(body)) for body in chosen]
    rows = []
    for figure in figures:
        carried = [figure.carried[INDEX[name]] for name in CARRIED]
        rest = np.concatenate([figure.spine.joints, figure.spine.points, carried])
        hips, shoulders = (
            rest[[34 + list(CARRIED).index(f"{side}_{part}") for side in ("left", "right")]]
            for part in ("hip", "shoulder")
        )
        middle = hips.mean(axis=0)
        trunk = float(np.linalg.norm(shoulders.mean(axis=0) - middle))
        rows.append((rest - middle) / trunk)
    stack = np.stack(rows)
    mean = stack.mean(axis=0)
    flat = (stack - mean).reshape(len(stack), -1)
    _, spread, axes = np.linalg.svd(flat, full_matrices=False)
    shapes = (spread[:, None] * axes)[:SHAPES].reshape(SHAPES, *mean.shape)
    return Template(mean, shapes / np.sqrt(len(stack) - 1), figures[0].spine.point_piece)
