# SPDX-License-Identifier: GPL-3.0-or-later
"""Poses of rendered shards or drawn anew, gathered by body, in the axes of each pelvis."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from ..inference.keypoints import INDEX
from .anatomy import Floats
from .bodies import BodyModel
from .errors import TrainingError
from .motions import Motion
from .posing import LATISSIMUS_OUT, Figure, make_figure
from .shards import read_shard
from .strike import strike
from .trunk_draw import personal_curve

LABELS: Final = (
    "xyz_m",
    "world_from_camera",
    "pelvis",
    "spine_deg",
    "body_id",
    "source",
    "subject",
)

Labels = Mapping[str, NDArray[Any]]


@dataclass(frozen=True)
class BodyPoses:
    """Some poses of one body.

    Attributes:
        body_id: Row of the bank.
        points: (M, 37, 3) key points, metres, in axes in which the pelvis stands upright.
        spine_deg: (M, 25, 3) angles of the generator's joints.
        family: (M,) family of a drawn pose, or source of a captured one.
    """

    body_id: int
    points: Floats
    spine_deg: Floats
    family: NDArray[np.str_]


def read_labels(folder: Path, shards: int, rng: Generator) -> dict[str, NDArray[Any]]:
    """Read the labels of some shards.

    Args:
        folder: Folder of shards.
        shards: How many at most, drawn by chance.
        rng: Source of chance.

    Returns:
        Arrays by the names of LABELS, (N, ...).

    Raises:
        TrainingError: If there are no shards, or one is damaged.
    """
    paths = sorted(folder.glob("shard-*.npz"))
    if not paths:
        raise TrainingError(f"no shards in {folder}: render some first")
    chosen = rng.permutation(len(paths))[:shards]
    read = [read_shard(paths[row]) for row in sorted(chosen)]
    return {name: np.concatenate([shard[name] for shard in read]) for name in LABELS}


def draw_labels(
    model: BodyModel, motions: list[Motion], bodies: int, poses: int, rng: Generator
) -> dict[str, NDArray[Any]]:
    """Draw poses as the renderer does, without pictures.

    Args:
        model: The body model and bank.
        motions: Clips of motion capture.
        bodies: How many bodies of the bank, from its first on.
        poses: Poses of each.
        rng: Source of chance.

    Returns:
        As `read_labels`; the camera's axes are the world's.
    """
    rows: list[tuple[Any, ...]] = []
    for number in range(bodies):
        figure, curve = make_figure(model, number), personal_curve(rng)
        for _ in range(poses):
            drawn, posed = strike(figure, curve, model, motions, rng)
            pose = drawn.pose
            known = (pose.root, pose.spine_deg, number, drawn.source, drawn.subject)
            rows.append((posed.points, np.eye(4), *known))
    columns = (np.array(column) for column in zip(*rows, strict=True))
    return dict(zip(LABELS, columns, strict=True))


def poses_of_bodies(labels: Labels, bodies: int, poses: int, rng: Generator) -> list[BodyPoses]:
    """Draw bodies, and poses of each.

    Args:
        labels: What `read_labels` gives.
        bodies: How many bodies; those with enough poses are drawn first.
        poses: Poses of a body at most.
        rng: Source of chance.

    Returns:
        The poses by body.
    """
    numbers, count = np.unique(labels["body_id"], return_counts=True)
    order = rng.permutation(len(numbers))
    order = order[np.argsort(-np.minimum(count[order], poses), kind="stable")]
    points = upright(labels["xyz_m"], labels["world_from_camera"], labels["pelvis"])
    family = np.where(labels["source"] == "random", labels["subject"], labels["source"])
    result = []
    for number in numbers[order[:bodies]]:
        rows = rng.permutation(np.flatnonzero(labels["body_id"] == number))[:poses]
        angles = labels["spine_deg"][rows].astype(np.float64)
        result.append(BodyPoses(int(number), points[rows], angles, family[rows]))
    return result


def upright(xyz_m: NDArray[Any], world_from_camera: NDArray[Any], pelvis: NDArray[Any]) -> Floats:
    """Turn key points so that the pelvis stands as it does at rest.

    Args:
        xyz_m: (N, K, 3) in camera axes.
        world_from_camera: (N, 4, 4).
        pelvis: (N, 3, 3) rotation of the pelvis from standing, world.

    Returns:
        (N, K, 3) metres, z up, the person facing -y; a rotation and a shift of the given.
    """
    turn = np.einsum("nji,njk->nik", pelvis, world_from_camera[:, :3, :3])
    return np.asarray(xyz_m.astype(np.float64) @ np.swapaxes(turn.astype(np.float64), 1, 2))


def rest_points(figure: Figure) -> Floats:
    """Key points of a body at rest, (37, 3) metres, z up, facing -y."""
    points = figure.carried.copy()
    t8, t3 = points[INDEX["spine_04"]], points[INDEX["spine_05"]]
    for side in ("left", "right"):
        out = LATISSIMUS_OUT * (points[INDEX[f"{side}_shoulder"]] - t3)
        points[INDEX[f"{side}_latissimus"]] = (t8 + t3) / 2 + out
    return points


def rotation_chain(joints_deg: Floats) -> Floats:
    """Chain the rotations of joints.

    Args:
        joints_deg: (N, J, 3) rotation vectors, bottom to top, degrees.

    Returns:
        (N, 3) rotation vector of the top piece against the bottom one, degrees.
    """
    whole = Rotation.identity(len(joints_deg))
    for joint in range(joints_deg.shape[1]):
        whole = whole * Rotation.from_rotvec(joints_deg[:, joint], degrees=True)
    return np.asarray(whole.as_rotvec(degrees=True))
