# SPDX-License-Identifier: GPL-3.0-or-later
"""A skeleton being posed bone by bone, from the root outwards."""

import numpy as np

from .rotation import Floats, multiply, rotate
from .skeleton import Skeleton


class Posing:
    """Turns of bones over time and the joints that follow from them.

    A bone's turn is the rotation, in the world, from its rest orientation to its orientation now; a
    bone that only follows its parent has its parent's turn.
    """

    def __init__(self, skeleton: Skeleton, root_m: Floats) -> None:
        """Begin with no bone turned.

        Args:
            skeleton: Rest pose.
            root_m: (T, 3) positions of the root joint.
        """
        self._skeleton = skeleton
        self._root_m = root_m
        self.turn = np.full((len(root_m), len(skeleton.bones), 4), np.nan)

    def set(self, bone: str, turn: Floats) -> None:
        """Turn a bone: (T, 4) unit quaternions."""
        self.turn[:, self._skeleton.index(bone)] = turn

    def of(self, bone: str) -> Floats:
        """Give the turn (T, 4) of a bone that has been set."""
        return np.asarray(self.turn[:, self._skeleton.index(bone)])

    def parent_turn(self, bone: str) -> Floats:
        """Give the turn (T, 4) of a bone's parent."""
        return np.asarray(self.turn[:, self._skeleton.parents[self._skeleton.index(bone)]])

    def rest_axis(self, bone: str, axis: int) -> Floats:
        """Give the direction (3,) of a bone's X, Y or Z axis (0, 1, 2) at rest."""
        return rotate(self._skeleton.rest[self._skeleton.index(bone)], np.eye(3)[axis])

    def head(self, bone: str) -> Floats:
        """Place (T, 3) where a bone begins; its ancestors must have been set."""
        index = self._skeleton.index(bone)
        parent = int(self._skeleton.parents[index])
        if parent < 0:
            return self._root_m
        offset = self._skeleton.head_m[index] - self._skeleton.head_m[parent]
        return self.head(self._skeleton.bones[parent]) + rotate(self.turn[:, parent], offset)

    def tail(self, bone: str) -> Floats:
        """Place (T, 3) where a bone ends; it and its ancestors must have been set."""
        index = self._skeleton.index(bone)
        along = self._skeleton.tail_m[index] - self._skeleton.head_m[index]
        return self.head(bone) + rotate(self.turn[:, index], along)

    def rotation(self) -> Floats:
        """Give the orientation (T, B, 4) of every bone in the world; all must have been set."""
        return multiply(self.turn, self._skeleton.rest)
