# SPDX-License-Identifier: GPL-3.0-or-later
"""The focal length of a clip: as given, from its file, from the person in it, or assumed.

A near body shows perspective: the hand held out to the camera is larger than the other. How near
the body is, in its own lengths, follows from that, and with its size in the picture the focal
length. One frame hardly tells; a clip does.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import CubicSpline

from . import movie, sequence
from .camera import ASSUMED_FOCAL, ASSUMED_SPREAD, Camera, ray_rotation
from .errors import VideoError
from .lifter import Lifter, Track
from .root_path import ALIKE, SEEN_M, root_path
from .stature import stature
from .video import VideoInfo

Floats = NDArray[np.float64]

FULL_FRAME_MM: Final = float(np.hypot(36.0, 24.0))
"""Diagonal that an equivalent focal length refers to (CIPA DCG-001)."""

APPLE_TAG: Final = "com.apple.quicktime.camera.focal_length.35mm_equivalent"
EXIF_TAG: Final = "FocalLengthIn35mmFilm"
"""As FFmpeg names them, the second behind the name of its directory."""

FILE_SPREAD: Final = 0.05
"""Makers refer to the diagonal or to the width, which are 5 % apart on 16:9; whole millimetres."""

MOVIE_SPREAD: Final = 0.1
"""Of a movie the lens is told as for photos; stabilised pictures are cut by about a tenth."""

CANDIDATES: Final = np.geomspace(0.35, 2.8, 5)
"""Focal lengths that are tried, over the long side of the frame: 110 to 20 degrees. The misses in
between are smooth: thirteen give the same estimate within a hundredth."""

STRETCH: Final = 27
STRETCHES: Final = 5
"""Frames of a stretch that is looked at, a window of the lifter's, and most stretches of a clip:
more only narrow what LEANING leaves wide."""

INDEPENDENT_S: Final = 1.0
"""Time after which a person's errors count as others. By reason, not by a measurement: whoever bows
is seen wrong in the same way for about as long."""

LEANING: Final = 0.5
"""Deviation, of the logarithm, of what a lifter makes of one person in one place, however long the
clip: depths that are flattened look like a longer lens. Likelihood and error on the fourteen clips
that settings are chosen on hardly change from 0.4 to 0.6 (`judge_focal --choosing`)."""

TELLS: Final = 0.9
"""A clip tells its focal length where the deviation falls below so much of the assumption's."""


@dataclass(frozen=True)
class Body:
    """What the focal length is read from: the frames in which one person is seen.

    Attributes:
        xy_px: (T, K, 2) pixels of the upright frame, without distortion.
        score: (T, K) 0..1.
        relative_m: (T, K, 3) metres about the hips; x right, y down, z away along the ray.
        ray_px: (T, 2) centre of the crop.
        time_s: (T,) strictly increasing seconds.
    """

    xy_px: Floats
    score: Floats
    relative_m: Floats
    ray_px: Floats
    time_s: Floats

    def track(self, camera: Camera, rows: slice) -> Track:
        """Frames of it as a lifter takes them."""
        return Track(
            camera.slopes(self.xy_px[rows]),
            camera.slopes(self.ray_px[rows]),
            self.relative_m[rows],
            self.score[rows],
            self.time_s[rows],
        )


def find_camera(info: VideoInfo, body: Body, lifter: Lifter) -> Camera:
    """Find the camera of a clip whose focal length nobody has given.

    Args:
        info: The footage.
        body: The person seen in most frames.
        lifter: What makes points in space of points in the image.

    Returns:
        The camera: as the file tells it, else as the person does, else of a usual lens.
    """
    told = focal_in_file(info)
    return told or estimated_camera(info.width, info.height, body, lifter)


def focal_in_file(info: VideoInfo) -> Camera | None:
    """Read the focal length that a camera wrote into its file.

    Args:
        info: The footage.

    Returns:
        The camera; None where the file tells none, or is none.
    """
    tags = _tags(info)
    told = [
        value for name, value in tags.items() if name.rpartition("/")[2] in (APPLE_TAG, EXIF_TAG)
    ]
    try:
        equivalent_mm = float(told[0]) if told else 0.0
    except ValueError:
        return None
    # EXIF has 0 for not known; no lens for people is outside.
    if not 4.0 <= equivalent_mm <= 2000.0:
        return None
    focal_px = equivalent_mm / FULL_FRAME_MM * float(np.hypot(info.width, info.height))
    spread = FILE_SPREAD if info.images else MOVIE_SPREAD
    return Camera(info.width, info.height, focal_px, "file", spread)


def estimated_camera(width: int, height: int, body: Body, lifter: Lifter) -> Camera:
    """Estimate the focal length from the perspective of a person.

    Args:
        width: Width of the upright frame, pixels.
        height: Height of the upright frame, pixels.
        body: The frames in which the person is seen.
        lifter: What makes points in space of points in the image.

    Returns:
        The camera; an assumed one where the clip does not tell.

    Source: posterior of the logarithm; normal errors of unknown size, widened by LEANING, normal
    prior about the assumption.
    """
    stretches = _stretches(len(body.time_s))
    seconds = sum(float(np.ptp(body.time_s[rows])) for rows in stretches)
    sightings = body.score.shape[1] / ALIKE * max(seconds / INDEPENDENT_S, 1.0)
    assumed = Camera.assumed(width, height)
    cameras = [Camera(width, height, float(one) * max(width, height)) for one in CANDIDATES]
    missed = np.mean([_missed(body, rows, assumed, cameras, lifter) for rows in stretches], axis=0)
    mean, spread = _posterior(missed, sightings)
    if spread > TELLS * ASSUMED_SPREAD:
        return assumed
    return Camera(width, height, assumed.focal_px * float(np.exp(mean)), "estimated", spread)


def _posterior(missed: Floats, sightings: float) -> tuple[float, float]:
    """Mean and deviation of the logarithm over the assumed focal length, of CANDIDATES' misses."""
    tried = np.log(CANDIDATES / ASSUMED_FOCAL)
    fine = ASSUMED_SPREAD * np.linspace(-4.0, 4.0, 129)
    curve = CubicSpline(tried, np.log(np.maximum(missed, 1e-9)))
    evidence = -sightings * curve(np.clip(fine, tried[0], tried[-1]))
    likely = np.exp(evidence - evidence.max())
    likely = np.exp(-0.5 * ((fine[:, None] - fine) / LEANING) ** 2) @ likely
    weight = likely * np.exp(-0.5 * (fine / ASSUMED_SPREAD) ** 2)
    weight /= weight.sum()
    mean = float(weight @ fine)
    return mean, float(np.sqrt(weight @ (fine - mean) ** 2))


def _missed(
    body: Body, rows: slice, assumed: Camera, cameras: list[Camera], lifter: Lifter
) -> list[float]:
    """How far the body is off its rays for each camera, see `_off`.

    It is lifted once: what a lifter is told along the person's ray hardly depends on the lens.
    """
    track = body.track(assumed, rows)
    relative = lifter.lift(track).relative_m
    # Only the distance in lengths of the body counts: any stature serves.
    relative = relative / stature(relative[:, None], track.score[:, None])
    along = np.einsum("tji,tkj->tki", ray_rotation(track.ray), relative)
    return [_off(body.track(camera, rows), along) for camera in cameras]


def _off(track: Track, along: Floats) -> float:
    """Squared distance of points (T, K, 3) along the ray, once placed, from those seen.

    It is measured across the image over 3 SEEN_M; those far off count little more.
    """
    relative = np.einsum("tij,tkj->tki", ray_rotation(track.ray), along)
    path = root_path(track.slopes, track.score, relative, track.time_s)
    points = relative + path[:, None]
    away = (points[..., :2] / points[..., 2:] - track.slopes) * path[:, None, 2:]
    share = np.log1p((away**2).sum(axis=-1) / (3.0 * SEEN_M) ** 2)
    return float((track.score * share).sum() / max(float(track.score.sum()), 1e-9))


def _stretches(count: int) -> list[slice]:
    """Frames in stretches, spread over the clip where not all are looked at."""
    whole = max(1, round(count / STRETCH))
    chosen = np.unique(np.linspace(0, whole - 1, min(whole, STRETCHES)).round().astype(int))
    ends = np.linspace(0, count, whole + 1).round().astype(int)
    return [slice(int(ends[one]), int(ends[one + 1])) for one in chosen]


def _tags(info: VideoInfo) -> Mapping[str, Any]:
    try:
        if info.images:
            picture = sequence.decoded(next(filter(None, info.images)))
            return picture.metadata if picture else {}
        with movie.opened(info.path) as (container, stream):
            return {**stream.metadata, **container.metadata}
    except VideoError:  # frames that Blender rendered, or a camera: there is no such file
        return {}
