# SPDX-License-Identifier: GPL-3.0-or-later
"""Motions of the 37 points for the temporal lifter, on bodies whose whole spine moves.

Nothing is rendered. The spine's shares a level are drawn once a motion, so that it moves smoothly.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from scipy.interpolate import PchipInterpolator
from scipy.spatial.transform import Rotation, RotationSpline

from ..inference.keypoints import INDEX
from .anatomy import Floats
from .bodies import BodyModel
from .motions import FRAME_STEP_S, Motion
from .poses import clip_weights, family_pose, mirror, with_curve
from .posing import Figure, Pose, make_figure, points_of, transforms_of
from .rotations import unit
from .trunk_draw import bend_neck, bend_trunk, personal_curve, within_range

CAPTURED_SHARE: Final = 0.6
"""Share of the motions that come from capture; the others join poses of families.py."""

HOLD_S: Final = (0.4, 2.0)
"""Time between two poses that are joined."""

BEND_SD_DEG: Final = np.array([13.0, 8.0, 8.0])
NECK_SD_DEG: Final = np.array([9.0, 6.0, 12.0])
"""Spread of the movement of trunk and neck that is added to a capture, whose trunk moves in two or
three pieces: flexion, lateral bend, axial turn. A third of the range of anatomy.py."""

SWAY_HZ: Final = (0.08, 1.2)
"""Frequencies of added movement: a slow sway to a quick bend."""

_LIMBS: Final = ("upper_arm", "forearm", "hand", "thigh", "shin", "foot")


@dataclass(frozen=True)
class Moving:
    """A motion of one person.

    Attributes:
        points: (T, 37, 3) metres from the middle of the hip joints, world axes, one frame every
            motions.FRAME_STEP_S.
        source: "cmu", "deepmimic" or "random".
        clip: Clip of the capture, empty for joined poses.
        body_id: Row of the bank.
    """

    points: Floats
    source: str
    clip: str
    body_id: int


def draw_motion(
    model: BodyModel, motions: list[Motion], body_id: int, frames: int, rng: Generator
) -> Moving:
    """Draw a motion.

    Args:
        model: Bodies.
        motions: Captures to draw from.
        body_id: Row of the bank.
        frames: Most frames wanted; a short capture gives fewer.
        rng: Source of chance.

    Returns:
        The motion.
    """
    figure = make_figure(model, body_id)
    if rng.random() < CAPTURED_SHARE:
        motion = motions[rng.choice(len(motions), p=clip_weights(motions))]
        start = int(rng.integers(0, max(len(motion.pelvis) - frames, 0) + 1))
        rows = np.arange(start, min(start + frames, len(motion.pelvis)))
        poses, source, clip = captured_poses(motion, rows, rng), motion.source, motion.clip
    else:
        poses, source, clip = _joined_poses(frames, rng), "random", ""
    curve = personal_curve(rng)
    if rng.random() < 0.5:
        poses = [mirror(pose) for pose in poses]
    poses = [with_curve(pose, curve) for pose in poses]
    return Moving(moving_points(figure, model, poses), source, clip, body_id)


def moving_points(figure: Figure, model: BodyModel, poses: Sequence[Pose]) -> Floats:
    """Key points (T, 37, 3) of a body in T poses, metres from the middle of its hip joints."""
    points = np.stack(
        [points_of(figure, model, transforms_of(figure, model, pose)) for pose in poses]
    )
    hips = points[:, [INDEX["left_hip"], INDEX["right_hip"]]].mean(axis=1, keepdims=True)
    return np.asarray(points - hips)


def captured_poses(motion: Motion, rows: NDArray[np.intp], rng: Generator) -> list[Pose]:
    """Poses of consecutive frames of a capture, its trunk bent by all joints of the spine.

    Args:
        motion: The capture.
        rows: (T,) frames.
        rng: Source of chance: one draw of shares and of added movement for all frames.

    Returns:
        T poses that follow each other smoothly.
    """
    pelvis, chest, head = motion.pelvis[rows], motion.chest[rows], motion.head[rows]
    trunk = _turns(pelvis, chest) + sway(len(rows), BEND_SD_DEG * rng.choice([0.3, 1.0]), rng)
    neck = _turns(chest, head) + sway(len(rows), NECK_SD_DEG * rng.choice([0.3, 1.0]), rng)
    neck = np.clip(neck, -70.0, 70.0)
    shares = int(rng.integers(2**62))
    hands, curl = rng.uniform(-50.0, 60.0, 2), rng.uniform(0.0, 45.0, 2)
    poses = []
    for at, row in enumerate(rows):
        # The same chance for each frame: the shares a level are those of the person and movement.
        same = np.random.default_rng(shares)
        spine = bend_trunk(trunk[at], same) + bend_neck(neck[at], same)
        bend = within_range(spine)[:18].sum(axis=0)
        carried = pelvis[at] @ Rotation.from_rotvec(bend, degrees=True).as_matrix() @ chest[at].T
        limbs = {part: motion.limbs[part][row] for part in _LIMBS}
        for part in ("upper_arm", "forearm", "hand"):
            limbs[part] = limbs[part] @ carried.T
        limbs["hand"] = unit(limbs["forearm"] + 0.4 * limbs["hand"])
        poses.append(Pose(pelvis[at], spine, pronation_deg=hands, curl_deg=curl, **limbs))
    return poses


def sway(frames: int, sd: Floats, rng: Generator) -> Floats:
    """Smooth movement about nothing: three waves for each of the columns.

    Args:
        frames: T, one every motions.FRAME_STEP_S.
        sd: (C,) spread.
        rng: Source of chance.

    Returns:
        (T, C).
    """
    hertz = np.exp(rng.uniform(np.log(SWAY_HZ[0]), np.log(SWAY_HZ[1]), (3, len(sd))))
    size = rng.normal(0.0, 1.0, (3, len(sd))) * sd * np.sqrt(2.0 / 3.0)
    phase = rng.uniform(0.0, 2.0 * np.pi, (3, len(sd)))
    time_s = FRAME_STEP_S * np.arange(frames)[:, None, None]
    return np.asarray((size * np.sin(2.0 * np.pi * hertz * time_s + phase)).sum(axis=1))


def _turns(start: Floats, end: Floats) -> Floats:
    """(T, 3) rotation vectors, degrees, without jumps by a whole turn."""
    vectors = Rotation.from_matrix(start.transpose(0, 2, 1) @ end).as_rotvec()
    return np.asarray(np.degrees(vectors))


def _joined_poses(frames: int, rng: Generator) -> list[Pose]:
    """Poses of families, one after the other, joined without a stop of the curve in between."""
    total = frames * FRAME_STEP_S
    times, poses = [0.0], [family_pose(rng).pose]
    while times[-1] < total:
        times.append(times[-1] + float(rng.uniform(*HOLD_S)))
        # People come back to where they were: up from a lift, out of a bend.
        again = len(poses) > 1 and rng.random() < 0.4
        poses.append(poses[-2] if again else _pose_near(poses[-1], rng))
    at = FRAME_STEP_S * np.arange(frames)
    root = RotationSpline(times, Rotation.from_matrix(np.stack([pose.root for pose in poses])))
    turned = root(at).as_matrix()

    def follow(name: str) -> Floats:
        knots = np.stack([getattr(pose, name) for pose in poses])
        return np.asarray(PchipInterpolator(times, knots, axis=0)(at))

    spine = follow("spine_deg") + np.repeat(sway(frames, 0.15 * BEND_SD_DEG, rng)[:, None], 25, 1)
    other = {name: follow(name) for name in ("pronation_deg", "curl_deg")}
    limbs = {name: unit(follow(name)) for name in _LIMBS}
    return [
        Pose(
            turned[row],
            spine[row],
            **{name: values[row] for name, values in (other | limbs).items()},
        )
        for row in range(frames)
    ]


def _pose_near(before: Pose, rng: Generator) -> Pose:
    """A pose of a family whose pelvis is within a quarter turn of that of another."""
    while True:
        pose = family_pose(rng).pose
        if np.trace(before.root.T @ pose.root) > 1.0:
            return pose
