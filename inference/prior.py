# SPDX-License-Identifier: GPL-3.0-or-later
"""A geometric guess at the points that are not among a body's 33 landmarks.

Spine, clavicles, latissimus and head top are placed about the neutral curve of the spine, bent
between hips, shoulders and head, small toes beside the feet; all of them score low. The spine head
sees all but the toes better in the image (`bend.py`): what is left of the guess is their depth.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from .keypoints import INDEX, NAMES, SPINE
from .pose2d import LANDMARKS, Body

PRIOR_SCORE: Final = 0.3
"""Score of a guessed point, as a share of the score of the landmarks it was guessed from."""

LEAST_SCORE: Final = 1e-3
"""Score of a point that the network places but does not believe in: 0 is kept for missing ones."""

SEGMENT_MM: Final = (71.6, 46.8, 60.8, 141.0, 123.0, 81.2, 54.5, 41.3)
"""Lengths of the segments between the nine spine points, bottom to top, for a trunk of 545 mm.

Source: marker chain of the SIMSPINE OpenSim model on the Pose2Sim flexible-spine model, standing.
"""

TURN_DEG: Final = (-27.5, -12.4, 0.0, 16.5, 20.7, 7.4, -16.3)
"""Sagittal turn at each inner spine point, standing; positive leans the next segment forward.

Source: as SEGMENT_MM.
"""

CONTRACT_ARC: Final = (0.0, 0.13, 0.225, 0.34, 0.61, 0.845, 1.0, 1.10, 1.18)
"""Where the nine points lie, as shares of the arc from hip to C7: read off SpinePose's pictures."""

HIP_BACK: Final = 0.09
"""Lowest spine point behind the axis of the hip joints, in trunk lengths: 50 mm, the depth of the
lumbosacral joint behind that axis in the OpenSim full-body model of Rajagopal."""

C7_UP: Final = 0.06
C7_BACK: Final = 0.04
"""C7 from the middle of the shoulder joints, in trunk lengths: 30 mm above, 20 mm behind."""

C1_DOWN: Final = 0.05
C1_BACK: Final = 0.02
HEAD_UP: Final = 0.30
"""C1 from the middle of the ears and head top from C1, in trunk lengths: 25 mm, 10 mm and 0.16 m of
an adult of 0.53 m trunk (the ear canals lie 0.13 m below the vertex)."""

CLAVICLE: Final = np.array([0.05, 0.10, 0.04])
"""Inner end of a clavicle from T3: outward, forward, up, in trunk lengths."""

LATISSIMUS_OUT: Final = 0.6
"""Latissimus: the middle of T8 and T3 plus this share of T3 to shoulder.

Source: dfki-av/simspine, data_generation/5_merge_simulation.py.
"""

SMALL_TOE_BACK: Final = 0.2
SMALL_TOE_OUT: Final = 0.35
"""Small toe from the big toe, in lengths of heel to big toe."""

_ROW: Final = {name: row for row, name in enumerate(LANDMARKS)}

SEEN: Final = {name: _ROW[name] for name in NAMES if name in _ROW} | {
    "left_big_toe": _ROW["left_foot_index"],
    "right_big_toe": _ROW["right_foot_index"],
}
"""Row among the landmarks of each of the 37 points that is one of them."""

_ANCHORS: Final = {
    "pelvis": ("left_hip", "right_hip"),
    "chest": ("left_shoulder", "right_shoulder"),
    "head": ("left_ear", "right_ear"),
    "left_foot": ("left_big_toe", "left_heel"),
    "right_foot": ("right_big_toe", "right_heel"),
}
"""Groups of seen points that tie guessed points to the image."""


@dataclass(frozen=True)
class Points:
    """The 37 points of a body, or of many bodies where there are axes in front.

    Attributes:
        xy_px: (..., 37, 2) pixels of the upright frame.
        score: (..., 37) 0..1.
        relative_m: (..., 37, 3) metres from the middle of the hips, axes as `Body.world_m`.
        px_per_m: (...) pixels a metre across the image, by all landmarks; 0 for a body without
            extent.
    """

    xy_px: NDArray[np.float64]
    score: NDArray[np.float64]
    relative_m: NDArray[np.float64]
    px_per_m: NDArray[np.float64]


def neutral_curve() -> NDArray[np.float64]:
    """Nine spine points of a standing person, in the sagittal plane.

    Returns:
        (9, 2) forward and upward coordinates in units of the chord from hip to C7, which points
        straight up from the origin; placed by arc at CONTRACT_ARC.
    """
    lean = np.radians(np.concatenate([[0.0], np.cumsum(TURN_DEG)]))
    steps = np.array(SEGMENT_MM)[:, None] * np.column_stack([np.sin(lean), np.cos(lean)])
    chain = np.concatenate([np.zeros((1, 2)), np.cumsum(steps, axis=0)])
    arc = np.concatenate([[0.0], np.cumsum(SEGMENT_MM)])
    neck = SPINE.index("neck")
    at = np.array(CONTRACT_ARC) * arc[neck]
    points = np.column_stack([np.interp(at, arc, chain[:, axis]) for axis in (0, 1)])
    forward, up = points[neck] / np.hypot(*points[neck])
    to_chord = np.array([[up, -forward], [forward, up]])
    return np.asarray(points @ to_chord.T / np.hypot(*points[neck]))


_CURVE: Final = neutral_curve()


def complete(body: Body) -> Points:
    """Make the 37 points of a body from its landmarks alone.

    Args:
        body: Landmarks in the image and in metres.

    Returns:
        Landmarks as the network gave them, the others guessed, in the order of `keypoints.NAMES`.
    """
    return guess(body.xy_px, body.score, body.world_m)


def guess(
    xy_px: NDArray[np.float64], score: NDArray[np.float64], world_m: NDArray[np.float64]
) -> Points:
    """Make the 37 points of bodies from their landmarks, for all bodies at once.

    Args:
        xy_px: (..., 33, 2) landmarks as `Body` has them,
        score: (..., 33) and
        world_m: (..., 33, 3).

    Returns:
        The points, with the same leading axes.
    """
    rows = np.array(list(SEEN.values()))
    hips = [SEEN[name] for name in ("left_hip", "right_hip")]
    place = world_m[..., rows, :] - world_m[..., hips, :].mean(axis=-2, keepdims=True)
    seen = {name: place[..., i, :] for i, name in enumerate(SEEN)}
    scale, residual = _image_fit(xy_px[..., rows, :], place)

    leading = score.shape[:-1]
    points = Points(
        np.empty((*leading, len(NAMES), 2)),
        np.empty((*leading, len(NAMES))),
        np.empty((*leading, len(NAMES), 3)),
        scale,
    )
    known = [INDEX[name] for name in SEEN]
    points.relative_m[..., known, :], points.xy_px[..., known, :] = place, xy_px[..., rows, :]
    points.score[..., known] = np.maximum(score[..., rows], LEAST_SCORE)
    for name, one in (_guess_trunk(seen) | _guess_small_toes(seen)).items():
        at = INDEX[name]
        points.relative_m[..., at, :] = one.place
        shift = sum(weight * residual[anchor] for anchor, weight in one.anchors.items())
        points.xy_px[..., at, :] = scale[..., None] * one.place[..., :2] + shift
        sources = [INDEX[part] for anchor in one.anchors for part in _ANCHORS[anchor]]
        points.score[..., at] = PRIOR_SCORE * points.score[..., sources].min(axis=-1)
    return points


@dataclass(frozen=True)
class _Guess:
    place: NDArray[np.float64]
    anchors: dict[str, float]


@dataclass(frozen=True)
class _Axes:
    left: NDArray[np.float64]
    up: NDArray[np.float64]

    @property
    def forward(self) -> NDArray[np.float64]:
        return np.asarray(np.cross(self.left, self.up))


def _length(vector: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(np.linalg.norm(vector, axis=-1, keepdims=True))


def _unit(vector: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(vector / np.maximum(_length(vector), 1e-9))


def _axes(left: NDArray[np.float64], up: NDArray[np.float64]) -> _Axes:
    left = _unit(left)
    return _Axes(left, _unit(up - (up * left).sum(axis=-1, keepdims=True) * left))


def _hermite(
    start: NDArray[np.float64],
    end: NDArray[np.float64],
    start_tangent: NDArray[np.float64],
    end_tangent: NDArray[np.float64],
    at: float,
) -> NDArray[np.float64]:
    a, b = at * at * (3.0 - 2.0 * at), at * (1.0 - at)
    return np.asarray(
        (1.0 - a) * start + a * end + b * ((1.0 - at) * start_tangent - at * end_tangent)
    )


def _guess_trunk(seen: dict[str, NDArray[np.float64]]) -> dict[str, _Guess]:
    pelvis, chest, ears = (
        np.mean([seen[part] for part in _ANCHORS[anchor]], axis=0)
        for anchor in ("pelvis", "chest", "head")
    )
    trunk = chest - pelvis
    size = _length(trunk)
    low = _axes(seen["left_hip"] - seen["right_hip"], trunk)
    high = _axes(seen["left_shoulder"] - seen["right_shoulder"], trunk)
    face = (seen["nose"] + (seen["left_eye"] + seen["right_eye"]) / 2) / 2 - ears
    across = seen["left_ear"] - seen["right_ear"]
    skull = _axes(across, np.cross(face, across))

    c7 = chest + size * (C7_UP * high.up - C7_BACK * high.forward)
    base = pelvis - HIP_BACK * size * low.forward
    c1 = ears - size * (C1_DOWN * skull.up + C1_BACK * skull.forward)
    chord, neck_arc = _length(c7 - base), _length(c1 - c7)
    guesses: dict[str, _Guess] = {}
    for name, arc, (forward, up) in zip(SPINE, CONTRACT_ARC, _CURVE, strict=True):
        if arc <= 1.0:
            ahead = _unit((1.0 - up) * low.forward + up * high.forward)
            place = _hermite(base, c7, chord * low.up, chord * high.up, up)
            guesses[name] = _Guess(
                place + chord * forward * ahead, {"pelvis": 1.0 - up, "chest": up}
            )
        else:
            at = (arc - 1.0) / (CONTRACT_ARC[-1] - 1.0)
            place = _hermite(c7, c1, neck_arc * high.up, neck_arc * skull.up, at)
            guesses[name] = _Guess(place, {"chest": 1.0 - at, "head": at})
    guesses["head"] = _Guess(c1 + HEAD_UP * size * skull.up, {"head": 1.0})
    t8, t3 = guesses["spine_04"].place, guesses["spine_05"].place
    for side, sign in (("left", 1.0), ("right", -1.0)):
        shoulder = seen[f"{side}_shoulder"]
        out, ahead, upward = CLAVICLE
        clavicle = t3 + size * (sign * out * high.left + ahead * high.forward + upward * high.up)
        guesses[f"{side}_clavicle"] = _Guess(clavicle, {"chest": 1.0})
        back = (t8 + t3) / 2 + LATISSIMUS_OUT * (shoulder - t3)
        guesses[f"{side}_latissimus"] = _Guess(back, {"chest": 1.0})
    return guesses


def _guess_small_toes(seen: dict[str, NDArray[np.float64]]) -> dict[str, _Guess]:
    guesses = {}
    for side, sign in (("left", 1.0), ("right", -1.0)):
        heel, toe = seen[f"{side}_heel"], seen[f"{side}_big_toe"]
        foot = toe - heel
        left = _unit(np.cross(seen[f"{side}_ankle"] - heel, foot))
        length = _length(foot)
        place = toe - SMALL_TOE_BACK * foot + sign * SMALL_TOE_OUT * length * left
        guesses[f"{side}_small_toe"] = _Guess(place, {f"{side}_foot": 1.0})
    return guesses


def _image_fit(
    xy: NDArray[np.float64], place: NDArray[np.float64]
) -> tuple[NDArray[np.float64], dict[str, NDArray[np.float64]]]:
    """Scaled orthographic projection: pixels a metre, and what each anchor adds.

    Takes the points of SEEN, (..., N, 2) in pixels and (..., N, 3) in metres.
    """
    flat = place[..., :2]
    spread = flat - flat.mean(axis=-2, keepdims=True)
    about = xy - xy.mean(axis=-2, keepdims=True)
    extent = np.maximum((spread**2).sum(axis=(-2, -1)), 1e-9)
    scale = np.asarray((spread * about).sum(axis=(-2, -1)) / extent)
    off = xy - scale[..., None, None] * flat
    names = list(SEEN)
    residual = {
        anchor: off[..., [names.index(part) for part in parts], :].mean(axis=-2)
        for anchor, parts in _ANCHORS.items()
    }
    return scale, residual
