# SPDX-License-Identifier: GPL-3.0-or-later
"""Windows as a camera and the 2D network would give them: motions seen, with real errors on."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from ..inference.bend import bend
from ..inference.keypoints import INDEX
from ..inference.pose2d import LANDMARKS
from ..inference.prior import SEEN, guess
from ..inference.spine import ROWS, Spine
from ..inference.temporal_lifter import STEP_S, features_of, normalised
from .anatomy import Floats
from .lift_config import LiftConfig
from .lift_errors import Errors
from .lift_mistakes import Mistakes, mirrored
from .motions import FRAME_STEP_S

DISTANCE_M: Final = (1.7, 9.0)
"""From the camera to the hips, as camera.draw_camera has it for somebody of 1.7 m."""

TEMPO: Final = (0.7, 1.4)
"""How much faster or slower a motion is seen than it was: half an octave each way, assumed."""

STEP_RANGE_S: Final = (STEP_S / 1.2, 0.1)
"""Times between frames: 36 to 10 Hz. Footage of 50 Hz and more is thinned to that by
temporal_lifter."""

MISSED: Final = 0.03
"""Share of frames that are damaged or in which nobody is seen; assumed."""

SINGLE_STILL: Final = 0.5
"""Share of single frames that are the network's own bodies. With all of them, single frames of the
clips of `lift_held_out.CHOOSING` came out within 1 %."""

SIZE_SD: Final = 0.02
"""Spread of the size that a person is taken for, logarithm; assumed."""

NEAREST_M: Final = 0.4
"""Nearest that a point comes to the camera: nearer ones would have slopes without bound."""

TURN_SD_DEG: Final = 6.0
APPROACH_SD_M: Final = 0.4
"""How fast the camera turns about the person, and how fast the person comes, a second: a camera on
a tripod or in a hand, and people who mostly stay where they are; assumed."""

FASTEST_M: Final = 1.2
"""Fastest that a person comes, metres a second: an easy walk."""

BACKWARDS: Final = 0.2
"""Share of the motions that are seen backwards; assumed."""

_POINT_OF: Final = {row: INDEX[name] for name, row in SEEN.items()}
_LANDMARK: Final = [_POINT_OF.get(row, 0) for row in range(len(LANDMARKS))]
"""Which of the 37 points each landmark is; of those that are none, any: they are not looked at."""

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
        self._mistakes = Mistakes(errors, config)
        self._still = config.still

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
        still = self._still if length > 1 else SINGLE_STILL
        own = np.flatnonzero(rng.random(count) < still)
        bodies = rng.integers(0, len(self._mistakes.truth), len(own))
        truth[own] = self._mistakes.truth[bodies][:, None]
        distance = np.maximum(distance, NEAREST_M - truth[..., 2].min(axis=-1))
        off, flat_m, score = self._mistakes.made(truth, time_s, (own, bodies), rng)
        slopes = truth[..., :2] / (distance[..., None, None] + truth[..., 2:])
        slopes = slopes + flat_m / distance[..., None, None]
        relative = (truth + off) * np.exp(rng.normal(0.0, SIZE_SD, (count, 1, 1, 1)))
        relative = guessed(slopes, relative, score)
        self._mistakes.swap(slopes, relative, score, rng)
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
        speed = np.clip(rng.normal(0.0, APPROACH_SD_M, (count, 1)), -FASTEST_M, FASTEST_M)
        away = distance + speed * (time_s - time_s.mean(axis=1, keepdims=True))
        return seen, away

    @staticmethod
    def _played(motion: Floats, at_s: Floats, rng: Generator) -> Floats:
        """A motion at some times from a random start, forwards or backwards, mirrored or not."""
        last = len(motion) - 1
        room = max(last - at_s[-1] / FRAME_STEP_S, 0.0)
        at = np.minimum(rng.uniform(0.0, room) + at_s / FRAME_STEP_S, last - 1e-6)
        if rng.random() < BACKWARDS:
            at = at[::-1]
        row = at.astype(int)
        share = (at - row)[:, None, None]
        a, b, c, d = (motion[np.clip(row + by, 0, last)] for by in (-1, 0, 1, 2))
        # Catmull and Rom's spline.
        points = b + 0.5 * share * (
            c - a + share * (2 * a - 5 * b + 4 * c - d + share * (3 * (b - c) + d - a))
        )
        return mirrored(points) if rng.random() < 0.5 else points


def guessed(slopes: Floats, relative: Floats, score: Floats) -> Floats:
    """Points as the product makes them: landmarks as they are, the rest from them and the image.

    An error of another body put on a spine would tell of that body's back: what the product knows
    of a spine's depth are the landmarks and where the spine lies in the image.

    Args:
        slopes: (..., 37, 2) of the points' rays, axes of each frame's ray.
        relative: (..., 37, 3) metres; of the landmarks among them.
        score: (..., 37) 0..1.

    Returns:
        (..., 37, 3) metres.
    """
    landmarks = guess(slopes[..., _LANDMARK, :], score[..., _LANDMARK], relative[..., _LANDMARK, :])
    return bend(landmarks, Spine(slopes[..., ROWS, :], score[..., ROWS])).relative_m


def _drawn(range_: tuple[float, float], shape: tuple[int, ...], rng: Generator) -> Floats:
    """Positive numbers, their logarithms as often everywhere in a range."""
    low, high = np.log(range_)
    return np.asarray(np.exp(rng.uniform(float(low), float(high), shape)))


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
