# SPDX-License-Identifier: GPL-3.0-or-later
"""How well spine points of four views agree with each other and with the markers on the back.

Assumed, not measured: the depth of the spine under the markers, the distance of the PSIS from the
midline, and a constant offset of each picture from the calibration. Skin moves over bone. Offsets
are fitted to the markers and to bolts of the floor, not to anything that a network says.
"""

import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import PchipInterpolator
from scipy.signal import savgol_filter

from ..inference.finders import shipped_finder
from ..inference.follow import Follower, Wanted
from ..inference.keypoints import SPINE
from ..inference.looks import Looks
from ..inference.models import DETECTOR, POSE
from ..inference.pose2d import LANDMARKS, Body
from ..inference.search import Search
from ..inference.session import Session
from .anatomy import CONTRACT_ARC
from .errors import TrainingError
from .four_cameras import BOLTS_PX, CAMERAS, SUBJECT_PX, fetch, read_frames, read_views
from .four_cameras_geometry import View, agreement, bend, fit_offsets, triangulate
from .four_cameras_markers import MARKERS, REAR, back_points, marker_arcs, marker_pixels
from .judge_sources import Source

Floats = NDArray[np.float64]

RATE_HZ: Final = 60.0

TRUNK: Final = tuple(
    LANDMARKS.index(f"{side}_{part}") for part in ("shoulder", "hip") for side in ("left", "right")
)

MARKER_STEP: Final = 10
"""Frames between those whose markers count, so that they do not outweigh the bolts."""

SMOOTHED: Final = 31
"""Frames over which the trunk's axes are smoothed, half a second; they serve all spines alike."""


@dataclass(frozen=True)
class Scene:
    """The clip, looked at once.

    Attributes:
        views: C cameras, offsets fitted.
        bodies: Body by camera and frame.
        axes: (T, 3, 3) rows left, forward, up of the trunk.
        truth: (T, 4, 3) centres of the spine at the markers, bottom to top.
        arcs: (4,) their levels, shares of the arc from hip to C7.
        torso_px: (C, T) length of the trunk in each picture.
        flow_gap_px: How far the markers' tracks miss the next place known.
    """

    views: list[View]
    bodies: list[list[Body]]
    axes: Floats
    truth: Floats
    arcs: Floats
    torso_px: Floats
    flow_gap_px: float


def look() -> Scene:
    """Fetch the clip and follow the man in each view, through the product's own code.

    Raises:
        TrainingError: If the clip cannot be had, or the man is lost in it.
    """
    folder = fetch()
    sessions = Session(DETECTOR), Session(POSE)
    bodies, rear = [], {}
    for camera in CAMERAS:
        frames = read_frames(folder / f"{camera}.mp4")
        bodies.append(_follow(frames, camera, sessions))
        if camera in REAR:
            rear[camera] = frames
    markers, gap = marker_pixels(rear)
    views = _with_offsets(read_views(folder / "calibration.xml"), markers)
    trunk = _trunk_corners(views, bodies)
    axes = _axes(trunk)
    behind = [views[CAMERAS.index(camera)] for camera in REAR]
    truth = back_points(behind, [markers[camera] for camera in REAR], axes[:, 0])
    torso = np.linalg.norm(_trunk(_landmarks(bodies)), axis=-1)
    arcs = marker_arcs(truth, trunk[:, 2:].mean(axis=1), axes[:, 2])
    return Scene(views, bodies, axes, truth, arcs, torso, gap)


def judge(scene: Scene, source: Source) -> dict[str, float]:
    """Judge a source of spine points.

    Args:
        scene: The clip.
        source: Where the points of a body come from.

    Returns:
        Figures by name: % of the trunk, degrees, cm, mm as the name says.
    """
    answers = [[source(body) for body in row] for row in scene.bodies]
    xy = np.array([[points for points, _ in row] for row in answers])
    weight = np.array([[score for _, score in row] for row in answers])
    shape = xy.shape[1:3]
    flat = xy.reshape(len(xy), -1, 2)
    points, used = triangulate(scene.views, flat, weight.reshape(len(xy), -1))
    seen = np.stack([view.project(points) for view in scene.views])
    away = np.linalg.norm(seen - flat, axis=2).reshape(len(xy), *shape)
    percent = 100.0 * away / scene.torso_px[..., None]
    chain = points.reshape(*shape, 3)
    return {
        "reprojection, median %": float(np.nanmedian(percent)),
        "reprojection, mean %": float(np.nanmean(percent)),
        "views left out, %": 100.0 * float(1.0 - used.mean()),
        **_against_markers(scene, chain),
        **_steadiness(chain),
    }


def _against_markers(scene: Scene, chain: Floats) -> dict[str, float]:
    """Compare with the markers where they lie; the lower back also from the lowest point on."""
    neck = SPINE.index("neck") + 1
    curve = PchipInterpolator(np.array(CONTRACT_ARC[:neck]), chain[:, :neck], axis=1)(scene.arcs)
    whole = np.concatenate([chain[:, :1], curve[:, 1:]], axis=1)
    mine, lowest, true = (
        bend(points[:, 1] - points[:, 0], points[:, 3] - points[:, 2], scene.axes)
        for points in (curve, whole, scene.truth)
    )
    compared = {
        "side bend": agreement(mine[0], true[0]),
        "flexion": agreement(mine[1], true[1]),
        "side bend from the hip": agreement(lowest[0], true[0]),
    }
    figures = {f"{n}, {key}": value for n, row in compared.items() for key, value in row.items()}
    apart = 100.0 * np.linalg.norm(curve - scene.truth, axis=2).mean(axis=0)
    return figures | {f"{name} apart, cm": float(d) for name, d in zip(MARKERS, apart, strict=True)}


def _steadiness(chain: Floats) -> dict[str, float]:
    length = np.linalg.norm(np.diff(chain, axis=1), axis=2)
    second = np.linalg.norm(np.diff(chain, n=2, axis=0), axis=2)
    return {
        "segment length, CV %": 100.0 * float(np.mean(length.std(axis=0) / length.mean(axis=0))),
        "second difference, mm": 1000.0 * float(second.mean()),
    }


def _follow(
    frames: Sequence[NDArray[np.uint8]], camera: str, sessions: tuple[Session, Session]
) -> list[Body]:
    detector, pose = sessions
    with contextlib.closing(Looks(pose, threads=1)) as looks:
        follower = Follower(
            Search(shipped_finder(detector)), looks, Wanted(subject_px=SUBJECT_PX[camera])
        )
        timed = [(frame, index / RATE_HZ) for index, frame in enumerate(frames)]
        bodies = [follower.follow([picture])[0].get(0) for picture in timed]
    found = [body for body in bodies if body is not None]
    if len(found) < len(bodies):
        lost = len(bodies) - len(found)
        raise TrainingError(
            f"the man is lost in {lost} frames of {camera}: a change of the follower or of the "
            "networks makes the four-camera clip unfit for judging"
        )
    return found


def _landmarks(bodies: Sequence[Sequence[Body]]) -> Floats:
    """Pixels (C, T, 4, 2) of the landmarks TRUNK."""
    return np.array([[body.xy_px[list(TRUNK)] for body in row] for row in bodies])


def _trunk(points: Floats) -> Floats:
    """From the middle of the hips to that of the shoulders, for points (..., 4, D) as TRUNK."""
    return np.asarray(points[..., :2, :].mean(axis=-2) - points[..., 2:, :].mean(axis=-2))


def _with_offsets(views: list[View], markers: Mapping[str, Floats]) -> list[View]:
    sample = {name: pixels[:, ::MARKER_STEP].reshape(-1, 2) for name, pixels in markers.items()}
    none = np.full_like(sample[REAR[0]], np.nan)
    skin = np.stack([sample.get(name, none) for name in CAMERAS])
    return fit_offsets(views, np.concatenate([BOLTS_PX, skin], axis=1))


def _trunk_corners(views: list[View], bodies: Sequence[Sequence[Body]]) -> Floats:
    """Landmarks TRUNK in the world: (T, 4, 3) metres."""
    pixels = _landmarks(bodies)
    flat = pixels.reshape(len(views), -1, 2)
    points, _ = triangulate(views, flat, np.ones(flat.shape[:2]))
    return points.reshape(*pixels.shape[1:3], 3)


def _axes(points: Floats) -> Floats:
    """Left, forward and up (T, 3, 3) of the trunk with corners (T, 4, 3), smoothed."""
    left = points[:, 0] - points[:, 1] + points[:, 2] - points[:, 3]
    up, left = (savgol_filter(way, SMOOTHED, 2, axis=0) for way in (_trunk(points), left))
    up /= np.linalg.norm(up, axis=1, keepdims=True)
    left -= np.sum(left * up, axis=1, keepdims=True) * up
    left /= np.linalg.norm(left, axis=1, keepdims=True)
    return np.stack([left, np.cross(left, up), up], axis=1)
