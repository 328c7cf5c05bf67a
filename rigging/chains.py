# SPDX-License-Identifier: GPL-3.0-or-later
"""A rig's bones as chains in space: how far each reaches, and which two make a pair of limbs."""

from dataclasses import dataclass
from functools import cached_property
from itertools import combinations
from typing import Final

import numpy as np

from .rotation import Floats, unit
from .tree import Tree

_ALIKE: Final = 0.15
"""How much the reach of two limbs of a pair may differ, as a share of the larger."""
_LEVEL: Final = 0.3
"""How far apart in height the ends of two limbs of a pair may be, as a share of their reach."""
_DOWN: Final = 0.7
"""Least cosine between the way from a hip to the foot's end and straight down."""
_LONGEST: Final = 24
"""Joints of a limb, from the trunk, that are looked at."""
_MOST: Final = 8
"""Chains of one bone, the farthest-reaching, of which pairs are made: one with more is no body."""
_SKIRT: Final = 3
"""Fewest chains beside one of the same start, end and reach that make a skirt of it."""
_RING: Final = 0.05
"""How much those may differ, as a share of the reach."""
_ASIDE: Final = 0.05
"""How far from the line of a bone another begins that is no twist bone, as a share of its length.

`_SKIRT` to `_ASIDE` are choices, tried on generated bodies with skirts and twist bones
(`tests/rigging/test_structure.py` has one of each).
"""


@dataclass(frozen=True)
class Pair:
    """Two limbs of one bone.

    Attributes:
        node: The bone that carries both.
        first: The first bone of each.
        reach: How far they reach, mean of both, metres.
    """

    node: int
    first: tuple[int, int]
    reach: float


class Chains:
    """Bones by index, with the places where they begin.

    Attributes:
        tree: B bones.
        heads_m: (B, 3) where they begin, world, +Z up, metres.
    """

    def __init__(self, tree: Tree, heads_m: Floats) -> None:
        """Take the bones of a rig."""
        self.tree = tree
        self.heads_m = heads_m
        self._deepest = self._find_deepest()

    @cached_property
    def pairs(self) -> list[Pair]:
        """All pairs of limbs: two chains that hang from one bone and reach as far."""
        pairs = []
        for node, children in enumerate(self.tree.children):
            long = [c for c in children if self._deepest[c] != c]
            reach = {c: self.far(c, self._deepest[c]) for c in long}
            for a, b in combinations(sorted(long, key=lambda c: -reach[c])[:_MOST], 2):
                most = max(reach[a], reach[b])
                level = max(self._rise(a, b), self._rise(self._deepest[a], self._deepest[b]))
                if abs(reach[a] - reach[b]) <= _ALIKE * most and level <= _LEVEL * most > 0.0:
                    pairs.append(Pair(node, (a, b), 0.5 * (reach[a] + reach[b])))
        return pairs

    def way(self, first: int) -> tuple[int, ...]:
        """Give the bones from a limb's first to its deepest.

        Args:
            first: The limb's first bone.

        Returns:
            Those nearest the trunk, at most 24.
        """
        way = self.tree.path(self._deepest[first])
        return tuple(way[: way.index(first) + 1][::-1][:_LONGEST])

    def below(self, bone: int) -> list[int]:
        """Give a bone and all that hang from it."""
        found = [bone]
        for b in found:
            found.extend(self.tree.children[b])
        return found

    def far(self, a: int, b: int) -> float:
        """Give the distance between the heads of two bones, metres."""
        return float(np.linalg.norm(self.heads_m[a] - self.heads_m[b]))

    def lowest_m(self, pair: Pair) -> float:
        """Give the height of the higher end of a pair, metres."""
        return float(max(self.heads_m[self._deepest[first], 2] for first in pair.first))

    def goes_down(self, pair: Pair) -> bool:
        """Tell whether both chains of a pair have three joints and hang down."""
        for first in pair.first:
            path = self.way(first)
            down = self.heads_m[path[0]] - self.heads_m[path[-1]]
            if len(path) < 3 or unit(down)[2] < _DOWN:
                return False
        return True

    def in_ring(self, chain: int, pair: Pair) -> bool:
        """Tell whether a chain is one of many that begin and end as high and reach as far."""
        alike, most = 0, _RING * pair.reach
        end = self._deepest[chain]
        for other in self.tree.children[pair.node]:
            tip = self._deepest[other]
            reach = abs(self.far(chain, end) - self.far(other, tip))
            level = max(self._rise(chain, other), self._rise(end, tip))
            alike += other != chain and max(reach, level) <= most
        return alike >= _SKIRT

    def branches(self, bone: int, following: int) -> bool:
        """Tell whether other bones than twist bones, which lie on its line, hang from a bone.

        Args:
            bone: A bone of a limb.
            following: The next bone of that limb.

        Returns:
            Whether the limb branches there.
        """
        line = self.heads_m[following] - self.heads_m[bone]
        length = float(np.linalg.norm(line))
        others = [c for c in self.tree.children[bone] if c != following]
        if length < 1e-9:
            return bool(others)
        away = self.heads_m[others] - self.heads_m[bone]
        along = away @ line / length**2
        aside = np.linalg.norm(away - along[:, None] * line, axis=-1) / length
        return bool(np.any((aside > _ASIDE) | (along > 1.0 + _ASIDE) | (along < -_ASIDE)))

    def _find_deepest(self) -> list[int]:
        """Find the bone below each that is the most steps away, the farthest of those."""
        deepest = list(range(len(self.tree.names)))
        depth = [0] * len(deepest)
        for bone in reversed(self.tree.order):
            for child in self.tree.children[bone]:
                key = (depth[child] + 1, self.far(bone, deepest[child]))
                if key > (depth[bone], self.far(bone, deepest[bone])):
                    depth[bone], deepest[bone] = depth[child] + 1, deepest[child]
        return deepest

    def _rise(self, a: int, b: int) -> float:
        return float(abs(self.heads_m[a, 2] - self.heads_m[b, 2]))
