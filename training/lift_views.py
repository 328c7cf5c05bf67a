# SPDX-License-Identifier: GPL-3.0-or-later
"""Windows as a camera and the 2D network would give them: motions seen, with real errors on."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from ..inference.keypoints import INDEX, NAMES
from ..inference.temporal_lifter import STEP_S, features_of, normalised
from .anatomy import Floats
from .lift_config import LiftConfig
from .lift_errors import Errors
from .motions import FRAME_STEP_S

DISTANCE_M: Final = (1.7, 9.0)
TEMPO: Final = (0.7, 1.4)
"""How much faster or slower a motion is seen than it was."""

STEP_RANGE_S: Final = (STEP_S / 1.2, 0.1)
"""Times between frames: 36 to 10 Hz."""

MISSED: Final = 0.03
"""Share of frames that are damaged or in which nobody is seen."""

TREMBLE_SHARE: Final = 1.5
"""How much more a point shakes that scores nothing than one that scores 1, less one."""

LOST_M: Final = 0.15
"""How far off a lost point is guessed."""

SEARCHED: Final = 2000
"""Bodies among which those alike are looked for."""

SINGLE_STILL: Final = 0.5
"""Share of single frames that are the network's own bodies."""

NEAREST_M: Final = 0.4
"""Nearest that a point comes to the camera."""

KEY_S: Final = 0.35
"""Time in which a person has moved enough for other errors."""

TURN_SD_DEG: Final = 6.0
APPROACH_SD_M: Final = 0.4
"""How fast the camera turns about the person, and how fast the person comes, a second."""

DESCRIBED: Final = [
    INDEX[name]
    for name in (
        *("nose", "neck", "hip", "spine_03", "head"),
        *(f"{s}_{p}" for s in ("left", "right") for p in ("shoulder", "elbow", "wrist")),
        *(f"{s}_{p}" for s in ("left", "right") for p in ("hip", "knee", "ankle")),
    )
]
"""Points by which bodies alike are found."""

MIRROR: Final = [
    INDEX[name.replace("left", "RIGHT").replace("right", "left").replace("RIGHT", "right")]
    for name in NAMES
]

LIMBS: Final = [
    [INDEX[f"{s}_{part}"] for s in ("left", "right") for part in parts]
    for parts in (
        ("elbow", "wrist"),
        ("knee", "ankle", "heel", "big_toe", "small_toe"),
    )
]
"""Limbs whose sides a network takes for each other: left points first."""

_LEVEL: Final = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, -1.0], [0.0, 1.0, 0.0]])
"""From the world (+Z up) to a level camera that looks along +Y."""


@dataclass(frozen=True)
class Windows:
    """A batch.

    Attributes:
        told: (N, T, FEATURES) what the network is told.
        truth: (N, T, 37, 3) metres from the middle of the hips, axes of the ray, at STATURE_M.
        distance: (N, T) metres from the camera to the middle of the hips.
    """

    told: NDArray[np.float32]
    truth: Floats
    distance: Floats


class Theatre:
    """Motions and errors, ready to draw windows from."""

    def __init__(self, motions: list[Floats], errors: Errors, config: LiftConfig) -> None:
        """Scale and mirror everything.

        Args:
            motions: (T, 37, 3) metres each, see lift_motion.Moving.
            errors: Of the 2D network.
            config: Settings.
        """
        ones = [np.ones(motion.shape[:2]) for motion in motions]
        sized = [normalised(m.astype(float), one)[0] for m, one in zip(motions, ones, strict=True)]
        self._motions = [motion for motion in sized if len(motion) > 1]
        self._weight = np.array([len(motion) for motion in self._motions], float)
        self._weight /= self._weight.sum()
        self._config = config
        truth, relative = (
            np.concatenate([part, _mirrored(part)]) for part in (errors.truth, errors.relative)
        )
        flat = np.concatenate([errors.flat, _mirrored(errors.flat)])
        score = np.concatenate([errors.score, errors.score[:, MIRROR]])
        self._truth, self._errors = truth, (relative - truth, flat, score)
        self._alike = truth[:, DESCRIBED].reshape(len(truth), -1).astype(np.float32)
        self._alike_square = (self._alike**2).sum(axis=1)

    def draw(self, count: int, length: int, rng: Generator) -> Windows:
        """Draw windows.

        Args:
            count: N.
            length: T.
            rng: Source of chance.

        Returns:
            The windows.
        """
        step = _drawn(STEP_RANGE_S, (count, 1), rng)
        missed = rng.random((count, length)) < MISSED
        time_s = np.cumsum(np.where(missed, 2.0, 1.0) * step, axis=1)
        truth, distance = self._seen(time_s, rng)
        still = self._config.still if length > 1 else SINGLE_STILL
        own = np.flatnonzero(rng.random(count) < still)
        bodies = rng.integers(0, len(self._truth), len(own))
        truth[own] = self._truth[bodies][:, None]
        distance = np.maximum(distance, NEAREST_M - truth[..., 2].min(axis=-1))
        rows, share = self._alike_at(truth, time_s, rng)
        rows[own] = bodies[:, None]
        off, flat_m, score = (_followed(one, rows, share) for one in self._errors)
        flat_m = flat_m + self._shake(score, 2, rng)
        off = off + self._shake(score, 3, rng)
        self._lose(flat_m, off, score, rng)
        slopes = truth[..., :2] / (distance[..., None, None] + truth[..., 2:])
        slopes = slopes + flat_m / distance[..., None, None]
        relative = (truth + off) * np.exp(rng.normal(0.0, 0.02, (count, 1, 1, 1)))
        self._swap(slopes, relative, score, rng)
        return Windows(features_of(slopes, relative, score, time_s), truth, distance)

    def _seen(self, time_s: Floats, rng: Generator) -> tuple[Floats, Floats]:
        """True points (N, T, 37, 3) by a random camera, and distances (N, T)."""
        count, _ = time_s.shape
        chosen = rng.choice(len(self._motions), count, p=self._weight)
        tempo = _drawn(TEMPO, (count,), rng)
        points = np.stack(
            [
                self._played(self._motions[row], (at - at[0]) * fast, rng)
                for row, at, fast in zip(chosen, time_s, tempo, strict=True)
            ]
        )
        turn = _cameras(count, rng)
        pace = rng.normal(0.0, np.radians(TURN_SD_DEG), (count, 1, 3))
        since = (time_s - time_s.mean(axis=1, keepdims=True))[..., None]
        drift = Rotation.from_rotvec((since * pace).reshape(-1, 3)).as_matrix()
        turned = drift.reshape(*time_s.shape, 3, 3) @ turn[:, None]
        seen = points @ turned.transpose(0, 1, 3, 2)
        distance = _drawn(DISTANCE_M, (count, 1), rng)
        speed = np.clip(rng.normal(0.0, APPROACH_SD_M, (count, 1)), -1.2, 1.2)
        away = distance + speed * (time_s - time_s.mean(axis=1, keepdims=True))
        return seen, away

    @staticmethod
    def _played(motion: Floats, at_s: Floats, rng: Generator) -> Floats:
        """A motion at some times from a random start, forwards or backwards, mirrored or not."""
        last = len(motion) - 1
        room = max(last - at_s[-1] / FRAME_STEP_S, 0.0)
        at = np.minimum(rng.uniform(0.0, room) + at_s / FRAME_STEP_S, last - 1e-6)
        if rng.random() < 0.2:
            at = at[::-1]
        row = at.astype(int)
        share = (at - row)[:, None, None]
        a, b, c, d = (motion[np.clip(row + by, 0, last)] for by in (-1, 0, 1, 2))
        # Catmull and Rom's spline.
        points = b + 0.5 * share * (
            c - a + share * (2 * a - 5 * b + 4 * c - d + share * (3 * (b - c) + d - a))
        )
        return _mirrored(points) if rng.random() < 0.5 else points

    def _alike_at(
        self, truth: Floats, time_s: Floats, rng: Generator
    ) -> tuple[NDArray[np.intp], Floats]:
        """Bodies (N, M) much like those at M moments, and how near each frame is to them (T, M)."""
        count, length = truth.shape[:2]
        keys = int(np.clip(np.ceil(np.median(time_s[:, -1]) / KEY_S), 1, self._config.keys))
        at = np.linspace(0, length - 1, keys) if keys > 1 else np.array([(length - 1) / 2])
        moments = truth[:, at.round().astype(int)]
        wanted = moments[:, :, DESCRIBED].reshape(count * keys, -1).astype(np.float32)
        # Some of the bodies each time: it is faster, and makes for more mixtures.
        some = rng.choice(len(self._alike), min(SEARCHED, len(self._alike)), replace=False)
        apart = self._alike_square[some] - 2.0 * wanted @ self._alike[some].T
        near = some[np.argpartition(apart, self._config.neighbours, axis=1)]
        pick = rng.integers(0, self._config.neighbours, len(near))
        rows = near[np.arange(len(near)), pick].reshape(count, keys)
        far = np.abs(np.arange(length)[:, None] - at) * (keys - 1) / max(length - 1, 1)
        share = np.maximum(1.0 - far, 0.0)
        return rows, share / share.sum(axis=1, keepdims=True)

    def _shake(self, score: Floats, axes: int, rng: Generator) -> Floats:
        """What changes with each frame: Laplace, half of it kept from the frame before."""
        count, length = score.shape[:2]
        size = self._config.shake_m * np.exp(rng.normal(0.0, 0.5, (count, 1, 1)))
        size = size * (1.0 + TREMBLE_SHARE * (1.0 - score))
        shaken = rng.laplace(0.0, 0.7, (*score.shape, axes)) * size[..., None]
        for row in range(1, length):
            shaken[:, row] = 0.5 * shaken[:, row - 1] + 0.87 * shaken[:, row]
        return np.asarray(shaken)

    def _lose(self, flat_m: Floats, off: Floats, score: Floats, rng: Generator) -> None:
        """Lose a limb for a moment, or all that the picture's edge cuts off."""
        count, length = score.shape[:2]

        def lose(row: int, when: slice, points: list[int], off_m: float, left: float) -> None:
            flat_m[row, when][:, points] += rng.normal(0.0, off_m, (len(points), 2))
            off[row, when][:, points] += rng.normal(0.0, off_m, (len(points), 3))
            score[row, when][:, points] *= left

        for row in np.flatnonzero(rng.random(count) < self._config.drop):
            limb = LIMBS[rng.integers(2)]
            half = slice(len(limb) // 2) if rng.random() < 0.5 else slice(len(limb) // 2, None)
            lose(row, _moment(length, rng), limb[half], LOST_M, rng.uniform(0.05, 0.4))
        for row in np.flatnonzero(rng.random(count) < self._config.cut):
            below = LIMBS[1] if rng.random() < 0.7 else LIMBS[0] + LIMBS[1]
            lose(row, slice(None), below, LOST_M, rng.uniform(0.02, 0.3))

    def _swap(self, slopes: Floats, relative: Floats, score: Floats, rng: Generator) -> None:
        """Take left limbs for right ones for a moment."""
        count, length = score.shape[:2]
        for row in np.flatnonzero(rng.random(count) < self._config.swap):
            limb = LIMBS[rng.integers(2)]
            other = limb[len(limb) // 2 :] + limb[: len(limb) // 2]
            when = np.arange(length)[_moment(length, rng)]
            for values in (slopes, relative, score):
                values[row, when[:, None], limb] = values[row, when[:, None], other]
            score[row, when[:, None], limb] *= rng.uniform(0.4, 1.0)


def _followed(values: Floats, rows: NDArray[np.intp], share: Floats) -> Floats:
    """Values (N, T, ...) that go from body to body of the rows (N, M)."""
    flat = values[rows].reshape(*rows.shape, -1)
    return np.asarray(share @ flat).reshape(len(rows), len(share), *values.shape[1:])


def _drawn(range_: tuple[float, float], shape: tuple[int, ...], rng: Generator) -> Floats:
    """Positive numbers, their logarithms as often everywhere in a range."""
    low, high = np.log(range_)
    return np.asarray(np.exp(rng.uniform(float(low), float(high), shape)))


def _moment(length: int, rng: Generator) -> slice:
    start = int(rng.integers(0, length))
    return slice(start, start + int(rng.integers(1, 8)))


def _cameras(count: int, rng: Generator) -> Floats:
    """(N, 3, 3) from the world to cameras round about, at heights as camera.draw_camera's."""
    kind = rng.random(count)
    tilt = np.where(kind < 0.8, rng.normal(4.0, 8.0, count), rng.uniform(8.0, 50.0, count))
    tilt = np.where(kind > 0.92, rng.uniform(-25.0, -5.0, count), tilt)
    wild = rng.random(count) < 0.16
    roll = np.where(wild, rng.normal(0.0, 60.0, count), rng.normal(0.0, 9.0, count))
    yaw = rng.uniform(0.0, 360.0, count)
    # About the camera's own x a positive turn looks up: a camera above looks down.
    looks = Rotation.from_euler("zxy", np.column_stack([roll, tilt, np.zeros(count)]), degrees=True)
    turned = Rotation.from_euler("z", yaw[:, None], degrees=True)
    return np.asarray(looks.as_matrix() @ _LEVEL @ turned.as_matrix())


def _mirrored(values: Floats) -> Floats:
    """Change left and right of (..., 37, 2 or 3)."""
    flip = np.ones(values.shape[-1])
    flip[0] = -1.0
    return np.asarray(values[..., MIRROR, :] * flip)
