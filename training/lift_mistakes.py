# SPDX-License-Identifier: GPL-3.0-or-later
"""What the 2D network gets wrong in footage: errors measured on pictures, joined in time."""

from typing import Final

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from scipy.special import softmax

from ..inference.keypoints import INDEX, NAMES
from .anatomy import Floats
from .lift_config import LiftConfig
from .lift_errors import Errors

TREMBLE_SHARE: Final = 1.5
"""How much more a point shakes that scores nothing than one that scores 1, less one.

Of the 16,018 bodies of `lift-errors`, limbs' points scored below 0.1 are off across the image by
3.8 times as much in the median as those above 0.9, and by 1.3 times in the root mean square.
"""

LOST_M: Final = 0.15
"""How far off a lost point is guessed along an axis; 0.17 in the root mean square of limbs' points
of these bodies that score below 0.1."""

SEARCHED: Final = 2000
"""Bodies among which those alike are looked for: a draw then takes half as long as the network."""

AWAY: Final = 4.0
"""How much less, in logarithms, a body counts a moment away from where it is alike."""

KEY_S: Final = 0.35
"""Time from one such moment to the next; chosen, as AWAY, with LiftConfig's `lasting` and `flicker`
on the clips of `lift_held_out.CHOOSING`: `lift_lasting.py` prints how the two compare."""

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
"""Row of the same point of the other side; points of the middle are their own."""

LIMBS: Final = [
    [INDEX[f"{s}_{part}"] for s in ("left", "right") for part in parts]
    for parts in (
        ("elbow", "wrist"),
        ("knee", "ankle", "heel", "big_toe", "small_toe"),
    )
]
"""Limbs whose sides a network takes for each other: left points first."""

_ONE_LIMB: Final = [
    half for limb in LIMBS for half in (limb[: len(limb) // 2], limb[len(limb) // 2 :])
]
GROUPS: Final = [*_ONE_LIMB, sorted(set(range(len(NAMES))) - set(LIMBS[0] + LIMBS[1]))]
"""Points that go wrong together: trunk with head, and each limb."""


class Mistakes:
    """Errors of the 2D network and of its mirror image, by the bodies that they were made with.

    Attributes:
        truth: (N, 37, 3) these bodies, see lift_errors.Errors.
    """

    def __init__(self, errors: Errors, config: LiftConfig) -> None:
        """Mirror everything."""
        self._config = config
        truth, relative = (
            np.concatenate([part, mirrored(part)]) for part in (errors.truth, errors.relative)
        )
        flat = np.concatenate([errors.flat, mirrored(errors.flat)])
        score = np.concatenate([errors.score, errors.score[:, MIRROR]])
        self.truth, self._errors = truth, (relative - truth, flat, score)
        self._alike = truth[:, DESCRIBED].reshape(len(truth), -1).astype(np.float32)
        self._alike_square = (self._alike**2).sum(axis=1)

    def made(
        self,
        truth: Floats,
        time_s: Floats,
        own: tuple[NDArray[np.intp], NDArray[np.intp]],
        rng: Generator,
    ) -> tuple[Floats, Floats, Floats]:
        """Draw what is wrong with bodies seen in windows.

        Args:
            truth: (N, T, 37, 3) metres from the hips, axes of the ray.
            time_s: (N, T).
            own: Windows that hold one of the network's bodies at rest, and which: these keep its
                errors.
            rng: Source of chance.

        Returns:
            How far off the points are in metres (N, T, 37, 3) and the pixels at the hips' depth
            (N, T, 37, 2), and the scores (N, T, 37).
        """
        rows, nearness = self._alike_at(truth, time_s, rng)
        rows[own[0]] = own[1][:, None]
        off, flat_m, score = self._followed(rows, nearness, rng)
        flat_m = flat_m + self._shake(score, 2, rng)
        off = off + self._shake(score, 3, rng)
        self._lose(flat_m, off, score, rng)
        return off, flat_m, score

    def _alike_at(
        self, truth: Floats, time_s: Floats, rng: Generator
    ) -> tuple[NDArray[np.intp], Floats]:
        """Bodies (N, M) most like those at some moments, and how near each frame is to them."""
        count, length = truth.shape[:2]
        alike = self._config.neighbours
        keys = int(np.clip(np.ceil(np.median(time_s[:, -1]) / KEY_S), 1, self._config.keys))
        at = np.linspace(0, length - 1, keys) if keys > 1 else np.array([(length - 1) / 2])
        moments = truth[:, at.round().astype(int)]
        wanted = moments[:, :, DESCRIBED].reshape(count * keys, -1).astype(np.float32)
        # Some of the bodies each time: it is faster, and makes for more mixtures.
        some = rng.choice(len(self._alike), min(SEARCHED, len(self._alike)), replace=False)
        apart = self._alike_square[some] - 2.0 * wanted @ self._alike[some].T
        near = some[np.argpartition(apart, alike, axis=1)[:, :alike]]
        far = np.abs(np.arange(length)[:, None] - at) * (keys - 1) / max(length - 1, 1)
        return near.reshape(count, keys * alike), np.repeat(-AWAY * far, alike, axis=1)

    def _followed(
        self, rows: NDArray[np.intp], nearness: Floats, rng: Generator
    ) -> tuple[Floats, Floats, Floats]:
        """Errors (N, T, 37, ...) of the rows (N, M): of each frame mostly those of one body.

        As with a network on footage, some errors last and some are those of a frame: each body has
        a liking that lasts for the window and one that changes with each frame, for each group of
        points by itself.
        """
        config = self._config
        count, length = len(rows), len(nearness)
        lasting = nearness + config.lasting * rng.normal(size=(count, 1, rows.shape[1]))
        size = config.flicker * np.exp(rng.normal(0.0, 0.7, (count, 1, 1)))
        whole = _wandering((count, length, rows.shape[1]), config.kept, rng)
        found = [np.empty((count, length, *one.shape[1:])) for one in self._errors]
        for group in GROUPS:
            own = _wandering(whole.shape, config.kept, rng)
            share = softmax(lasting + size * (whole + own), axis=-1)
            for values, one in zip(found, self._errors, strict=True):
                chosen = one[rows[..., None], group].reshape(*rows.shape, -1)
                values[:, :, group] = (share @ chosen).reshape(
                    count, length, len(group), *one.shape[2:]
                )
        off, flat_m, score = found
        return off, flat_m, score

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
        """Lose a limb for a moment, or all that the picture's edge cuts off.

        What is left of the scores, and how often it is the legs alone, is assumed.
        """
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

    def swap(self, slopes: Floats, relative: Floats, score: Floats, rng: Generator) -> None:
        """Take left limbs for right ones for a moment, in some windows.

        Args:
            slopes: (N, T, 37, 2) of the points' rays; changed in place, as the next two are.
            relative: (N, T, 37, 3) metres.
            score: (N, T, 37); falls where sides are taken for each other.
            rng: Source of chance.
        """
        count, length = score.shape[:2]
        for row in np.flatnonzero(rng.random(count) < self._config.swap):
            limb = LIMBS[rng.integers(2)]
            other = limb[len(limb) // 2 :] + limb[: len(limb) // 2]
            when = np.arange(length)[_moment(length, rng)]
            for values in (slopes, relative, score):
                values[row, when[:, None], limb] = values[row, when[:, None], other]
            score[row, when[:, None], limb] *= rng.uniform(0.4, 1.0)


def _wandering(shape: tuple[int, ...], kept: float, rng: Generator) -> Floats:
    """Normal noise (N, T, M), some of it kept from the frame before."""
    noise = rng.normal(size=shape)
    for row in range(1, shape[1]):
        noise[:, row] = kept * noise[:, row - 1] + np.sqrt(1.0 - kept**2) * noise[:, row]
    return noise


def _moment(length: int, rng: Generator) -> slice:
    start = int(rng.integers(0, length))
    return slice(start, start + int(rng.integers(1, 8)))


def mirrored(values: Floats) -> Floats:
    """Change left and right.

    Args:
        values: (..., 37, 2 or 3), x to the right.

    Returns:
        The mirror image, with the points of the sides under each other's names.
    """
    flip = np.ones(values.shape[-1])
    flip[0] = -1.0
    return np.asarray(values[..., MIRROR, :] * flip)
