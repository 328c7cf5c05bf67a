# SPDX-License-Identifier: GPL-3.0-or-later
"""How the joints of the canonical skeleton can move, as columns of a system of equations."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from . import spine_curve
from .rotation import Floats, from_axis_angle, multiply, rotate
from .skeleton import Skeleton

Ints = npt.NDArray[np.intp]

ROOT: Final = 3
"""Columns before those of the joints: the root joint's place along X, Y and Z of the world."""

_AXES: Final[Mapping[str, str]] = {
    "pelvis": "XYZ",
    "clavicle": "XZ",
    "upper_arm": "XYZ",
    "forearm": "X",
    "thigh": "XYZ",
    "shin": "X",
    "foot": "XYZ",
}
"""Axes of the bone at rest about which a joint turns: X bends it, Y twists it, Z bends it sideways.

Elbow and knee are hinges. Hands and toes follow, no key point shows them; nor does one show how a
forearm is twisted.
"""


@dataclass(frozen=True, eq=False)
class Freedoms:
    """Columns of the root and of R ways to turn, made of E turns of single bones.

    Spinal twist is one column for the trunk and one for the neck, shared among the bones.

    Attributes:
        skeleton: The skeleton.
        bone: (E,) bone that turns.
        axis: (E,) axis of that bone, 0 to 2.
        share: (E,) how much it turns when its column does by 1.
        first: (R,) where the turns that make up each column begin.
        columns: Bone or bones of each column with the axis, such as `shin.L X`.
        above: (E, E) whether the first turn's bone is an ancestor of the second's.
        same: (E, E) whether both turn one bone.
    """

    skeleton: Skeleton
    bone: Ints
    axis: Ints
    share: Floats
    first: Ints
    columns: tuple[str, ...]
    above: Floats
    same: Floats

    @property
    def count(self) -> int:
        """Columns in all, those of the root among them."""
        return ROOT + len(self.columns)

    @property
    def direction(self) -> Floats:
        """(E, 3) axis of each turn in the world at rest."""
        return rotate(self.skeleton.rest[self.bone], np.eye(3)[self.axis])

    def of_bone(self, bone: int) -> tuple[Ints, Ints]:
        """Give the columns, those of the root counted, that turn one bone only, and their axes."""
        names = [f"{self.skeleton.bones[bone]} {axis}" for axis in "XYZ"]
        axes = [axis for axis, name in enumerate(names) if name in self.columns]
        columns = [ROOT + self.columns.index(names[axis]) for axis in axes]
        return np.array(columns, dtype=np.intp), np.array(axes, dtype=np.intp)

    def collect(self, turns: Floats) -> Floats:
        """Sum up (..., E) slopes over the turns of each column: (..., R)."""
        return np.asarray(np.add.reduceat(turns * self.share, self.first, axis=-1))

    def collect_squares(self, turns: Floats) -> Floats:
        """Sum up (..., E) curvatures over the turns of each column: (..., R)."""
        return np.asarray(np.add.reduceat(turns * self.share**2, self.first, axis=-1))

    def collect_halves(self, forms: Floats) -> Floats:
        """Sum up (T, E, E) forms of turns with turns beyond them over the columns: (T, R, R).

        That is half of the quadratic form; the other half is its transpose.
        """
        # Few columns, the last, are made of several turns: only those are added up.
        plain = int(np.argmax(np.append(np.diff(self.first) > 1, True)))
        scaled = forms * (self.share[:, None] * self.share * (self.above + 0.5 * self.same))
        several = self.first[plain:] - plain
        rows = np.add.reduceat(scaled[:, plain:], several, axis=1)
        both = np.concatenate([scaled[:, :plain], rows], axis=1)
        across = np.add.reduceat(both[:, :, plain:], several, axis=2)
        return np.concatenate([both[:, :, :plain], across], axis=2)

    def spread(self, step: Floats) -> Floats:
        """Give the turns (..., E) that a step (..., R) of the columns makes."""
        sizes = np.diff(np.append(self.first, len(self.bone)))
        return np.repeat(step, sizes, axis=-1) * self.share

    def moved(self, local: Floats, step: Floats) -> Floats:
        """Turn the joints on by a step.

        Args:
            local: (T, B, 4) turn of each bone from rest, seen from its parent.
            step: (T, R) radians by column.

        Returns:
            (T, B, 4) turns; each bone's step is a rotation vector in its own axes.
        """
        vector = np.zeros((*local.shape[:-1], 3))
        turns = self.spread(step)[..., None] * self.direction
        for e, bone in enumerate(self.bone):
            vector[:, bone] += turns[:, e]
        angle = np.linalg.norm(vector, axis=-1)
        axis = vector / np.maximum(angle, 1e-12)[..., None]
        return multiply(local, from_axis_angle(axis, angle))


def freedoms(skeleton: Skeleton) -> Freedoms:
    """List the ways in which a skeleton moves.

    Args:
        skeleton: The canonical skeleton.

    Returns:
        Its freedoms.
    """
    columns = list(_columns(skeleton))
    turns = [turn for _, parts in columns for turn in parts]
    bone = np.array([skeleton.index(name) for name, _, _ in turns])
    sizes = [len(parts) for _, parts in columns]
    ancestor = _ancestors(skeleton)
    return Freedoms(
        skeleton=skeleton,
        bone=bone,
        axis=np.array(["XYZ".index(axis) for _, axis, _ in turns]),
        share=np.array([share for _, _, share in turns]),
        first=np.cumsum([0, *sizes[:-1]]),
        columns=tuple(name for name, _ in columns),
        above=ancestor[bone][:, bone].astype(np.float64),
        same=(bone[:, None] == bone).astype(np.float64),
    )


def _columns(skeleton: Skeleton) -> Iterator[tuple[str, list[tuple[str, str, float]]]]:
    """Yield each column's name and the turns (bone, axis, share) that make it up."""
    for bone in skeleton.bones:
        part = bone.partition(".")[0]
        if bone in spine_curve.BONES:
            # The lowest segment tips the pelvis, so it leans sideways only against it.
            axes = "Z" if bone == spine_curve.BONES[0] else "XZ"
        else:
            axes = _AXES.get(part, "")
        for axis in axes:
            yield f"{bone} {axis}", [(bone, axis, 1.0)]
    trunk, neck = (np.diff(reached, prepend=0.0) for reached in spine_curve.twist_shares())
    parts = spine_curve.BONES[: len(trunk)], spine_curve.BONES[len(trunk) :]
    for name, bones, shares in (("trunk Y", parts[0], trunk), ("neck Y", parts[1], neck)):
        yield name, [(b, "Y", float(s)) for b, s in zip(bones, shares, strict=True) if s > 0.0]


def _ancestors(skeleton: Skeleton) -> npt.NDArray[np.bool_]:
    """Tell (B, B) whether the first bone is an ancestor of the second."""
    count = len(skeleton.bones)
    ancestor = np.zeros((count, count), dtype=bool)
    for bone, parent in enumerate(skeleton.parents.tolist()):
        if parent >= 0:
            ancestor[:, bone] = ancestor[:, parent]
            ancestor[parent, bone] = True
    return ancestor
