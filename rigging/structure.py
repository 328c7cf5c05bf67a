# SPDX-License-Identifier: GPL-3.0-or-later
"""Tells a body by its structure where names say nothing: limbs in pairs, trunk, head, facing."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations, pairwise
from typing import Final

import numpy as np

from .errors import RigError
from .rotation import Floats, unit
from .tree import Tree

PARTS: Final = ("clavicle", "upper_arm", "forearm", "hand", "thigh", "shin", "foot", "toe")
"""Parts of the limbs of one side."""

_ALIKE: Final = 0.15
"""How much the reach of two limbs of a pair may differ, as a share of the larger."""
_DOWN: Final = 0.7
"""Least cosine between the way from a hip to the foot's end and straight down."""
_ARM: Final = 0.3
"""Least reach of arms as a share of that of legs."""
_UPRIGHT: Final = 0.6
"""Least cosine between the trunk and straight up; four-legged animals have less."""
_FACES: Final = 0.02
"""Least hint at the facing, as a share of the reach of a leg; below it names decide."""
_LONGEST: Final = 24
"""Joints of a limb, from the trunk, that are looked at."""
_EQUAL: Final = 0.6
_LONG: Final = 0.3
_STRAIGHT: Final = 2.0
_NEAR: Final = 0.5
"""What counts for the joints of a limb: both parts equally long, long and straight, and its root
near the trunk.

The rigs of the data folder that have names chose them: with these, structure finds the joints that
the names say (`tests/rigging/test_real_rigs.py`).
"""
_LEVEL: Final = 0.3
"""How far apart in height the ends of two limbs of a pair may be, as a share of their reach."""

_HEAD: Final = re.compile(
    r"head|kopf|tete|tête|cabeza|cabeça|testa|голов|頭|头|머리", re.IGNORECASE
)
_LEFT: Final = re.compile(r"left|links|gauche|izq|лев|左|왼|(?:^|[\W_])l(?:$|[\W_])|L$", re.I)
_RIGHT: Final = re.compile(
    r"right|rechts|droit|der(?:$|[\W_])|прав|右|오른|(?:^|[\W_])r(?:$|[\W_])|R$", re.I
)
_END: Final = re.compile(r"end|tip|nub|top", re.IGNORECASE)


@dataclass(frozen=True)
class Guess:
    """What structure says of a rig.

    Attributes:
        bones: Bone by role: pelvis, head and the limbs that were found.
        certainty: 0..1 by role.
        alternatives: Other bones that might play a role.
        notes: What the user should know.
    """

    bones: Mapping[str, str]
    certainty: Mapping[str, float]
    alternatives: Mapping[str, tuple[str, ...]]
    notes: tuple[str, ...]


@dataclass(frozen=True)
class _Pair:
    """Two limbs of one bone: that bone, the first bone of each, and how far they reach."""

    node: int
    first: tuple[int, int]
    reach: float


def guess(tree: Tree, heads_m: Floats) -> Guess:
    """Find pelvis, head and limbs.

    Args:
        tree: The bones.
        heads_m: (B, 3) where they begin, world, +Z up, metres.

    Returns:
        What was found.

    Raises:
        RigError: There are no two legs, arms above them and a head, or the trunk does not stand.
    """
    heads = np.asarray(heads_m, dtype=np.float64)
    if heads.shape != (len(tree.names), 3) or not np.isfinite(heads).all():
        raise RigError(f"The heads of {len(tree.names)} bones must be finite (B, 3).")
    body = _Body(tree, heads)
    legs = body.legs()
    arms = body.arms(legs)
    body.check_upright(legs, arms)
    head, sure = body.head(arms)
    limbs = [body.leg(first) for first in legs.first], [body.arm(first) for first in arms.first]
    left, notes = body.left_first(*limbs)
    bones, certainty, others = {"pelvis": body.pelvis(legs, arms), "head": head}, {}, {}
    for pair in limbs:
        for side, limb in zip("LR" if left else "RL", pair, strict=True):
            for part, joint in limb.joints.items():
                bones[f"{part}.{side}"] = tree.names[joint]
                certainty[f"{part}.{side}"] = limb.certainty
                others[f"{part}.{side}"] = tuple(tree.names[b] for b in limb.path if b != joint)
    certainty |= {"pelvis": 0.8, "spine": 0.8, "neck": sure, "head": sure}
    return Guess(bones, certainty, others, notes)


@dataclass(frozen=True)
class _Limb:
    """A limb: its joints by part, all bones on the way, and how sure the joints are."""

    joints: Mapping[str, int]
    path: tuple[int, ...]
    certainty: float


class _Body:
    """Reads a tree of bones as a body."""

    def __init__(self, tree: Tree, heads: Floats) -> None:
        self._tree = tree
        self._at = heads
        self._deepest = self._find_deepest()
        self._pairs = self._find_pairs()

    def legs(self) -> _Pair:
        """Give the pair of limbs that goes down furthest."""
        hanging = [pair for pair in self._pairs if self._goes_down(pair)]
        if not hanging:
            raise RigError(
                "No two legs were found: no bone carries two chains of hip, knee and ankle that "
                "reach down. Choose the bones by hand, or select another armature."
            )
        return min(hanging, key=lambda pair: (round(self._lowest(pair), 3), -pair.reach))

    def arms(self, legs: _Pair) -> _Pair:
        """Give the pair with the longest reach that is not part of the legs."""
        in_legs = set(legs.first)
        others = [
            pair
            for pair in self._pairs
            if pair.reach >= _ARM * legs.reach
            and pair != legs
            and not in_legs & {*self._tree.path(pair.first[0]), *self._tree.path(pair.first[1])}
            and set(self._tree.path(pair.node)) & set(self._tree.path(legs.node))
        ]
        if not others:
            raise RigError(
                f"No two arms were found that hang from the same body as the legs under "
                f"{self._tree.names[legs.node]}. Choose the bones by hand."
            )
        return max(others, key=lambda pair: pair.reach)

    def check_upright(self, legs: _Pair, arms: _Pair) -> None:
        """Refuse animals on four legs, and rigs that lie."""
        hip, shoulder = (self._at[list(pair.first)].mean(axis=0) for pair in (legs, arms))
        if unit(shoulder - hip)[2] < _UPRIGHT:
            raise RigError(
                f"The trunk from {self._tree.names[legs.node]} to {self._tree.names[arms.node]} "
                "does not stand upright: an animal on four legs, a bird or a rig that lies. Turn "
                "the rig upright, or choose the bones by hand."
            )

    def pelvis(self, legs: _Pair, arms: _Pair) -> str:
        """Give the lowest bone that carries both legs and arms."""
        above_arms = set(self._tree.path(arms.node))
        return self._tree.names[next(b for b in self._tree.path(legs.node) if b in above_arms)]

    def head(self, arms: _Pair) -> tuple[str, float]:
        """Give the head, and how sure it is."""
        above = [b for b in self._below(arms.node) if not set(self._tree.path(b)) & set(arms.first)]
        above = [b for b in above if b != arms.node]
        if not above:
            raise RigError(
                f"No head was found: nothing but arms hangs from {self._tree.names[arms.node]}. "
                "Choose the head by hand."
            )
        named = [b for b in above if _HEAD.search(self._tree.names[b])]
        if named:
            real = [b for b in named if not _END.search(self._tree.names[b])] or named
            return min((self._tree.names[b] for b in real), key=len), 0.9
        top = max(above, key=lambda b: (self._at[b][2], len(self._tree.path(b))))
        way = self._tree.path(top)[: -len(self._tree.path(arms.node))][::-1]
        forks = [b for b in way if len(self._tree.children[b]) > 1]
        return self._tree.names[forks[0] if forks else way[-1]], 0.5

    def leg(self, first: int) -> _Limb:
        """Tell thigh, shin, foot and toe on the way to the end of a leg."""
        path = self._to_end(first)
        (hip, knee, ankle), sure = self._joints(path)
        joints = {"thigh": hip, "shin": knee, "foot": ankle}
        after = path[path.index(ankle) + 1 :]
        if after:
            joints["toe"] = after[0]
        return _Limb(joints, path, sure)

    def arm(self, first: int) -> _Limb:
        """Tell clavicle, upper arm, forearm and hand on the way to the end of an arm."""
        path = self._to_end(first)
        if len(path) == 2:
            return _Limb({"upper_arm": path[0], "forearm": path[1]}, path, 0.5)
        # Fingers branch off at the wrist.
        forks = [b for b in path[2:] if len(self._tree.children[b]) > 1]
        (shoulder, elbow, wrist), sure = self._joints(path, forks[-1] if forks else None)
        joints = {"upper_arm": shoulder, "forearm": elbow, "hand": wrist}
        before = path[: path.index(shoulder)]
        if before:
            joints["clavicle"] = before[-1]
        return _Limb(joints, path, sure)

    def left_first(self, legs: list[_Limb], arms: list[_Limb]) -> tuple[bool, tuple[str, ...]]:
        """Tell whether the first of each pair is the left one, and what is odd about it.

        The order of the arms is made to agree with that of the legs.
        """
        across = self._at[legs[0].joints["thigh"]] - self._at[legs[1].joints["thigh"]]
        shoulders = [self._at[arm.joints["upper_arm"]] for arm in arms]
        if (shoulders[0] - shoulders[1]) @ across < 0.0:
            arms.reverse()
        ahead = self._ahead(legs, arms)
        hint = float(np.cross([0.0, 0.0, 1.0], ahead) @ unit(across))
        size = float(np.linalg.norm(self._at[legs[0].path[0]] - self._at[legs[0].path[-1]]))
        named = self._named_left(legs)
        if abs(hint) < _FACES * size:
            facing_front = bool(np.cross([0.0, 0.0, 1.0], [0.0, -1.0, 0.0]) @ across > 0.0)
            return (facing_front if named is None else named), ()
        left = hint > 0.0
        if named is not None and named != left:
            return left, (
                "By its feet, knees and elbows the figure faces the other way than its names for "
                "left and right say; sides were told by the figure.",
            )
        return left, ()

    def _ahead(self, legs: list[_Limb], arms: list[_Limb]) -> Floats:
        """Give the way the figure faces: that of its toes, its knees, and against its elbows."""
        ahead = np.zeros(3)
        for leg in legs:
            hip, knee, ankle = (self._at[leg.joints[p]] for p in ("thigh", "shin", "foot"))
            ahead += 2.0 * (knee - 0.5 * (hip + ankle))
            if "toe" in leg.joints:
                ahead += 3.0 * (self._at[leg.joints["toe"]] - ankle)
        for arm in arms:
            if "hand" in arm.joints:
                shoulder, elbow, wrist = (
                    self._at[arm.joints[p]] for p in ("upper_arm", "forearm", "hand")
                )
                ahead -= elbow - 0.5 * (shoulder + wrist)
        return np.asarray(ahead * [1.0, 1.0, 0.0])

    def _named_left(self, legs: list[_Limb]) -> bool | None:
        """Tell whether the first leg's name says left; None where names do not tell."""
        first, second = (self._tree.names[leg.joints["thigh"]] for leg in legs)
        if _LEFT.search(first) and _RIGHT.search(second):
            return True
        if _RIGHT.search(first) and _LEFT.search(second):
            return False
        return None

    def _joints(
        self, path: tuple[int, ...], end: int | None = None
    ) -> tuple[tuple[int, int, int], float]:
        """Choose root, middle and end of a limb: two long, straight parts of about one length."""
        at = self._at[list(path)]
        reach = max(float(np.linalg.norm(at - at[0], axis=-1).max()), 1e-9)
        best, chosen = -np.inf, (0, 1, 2)
        for triple in combinations(range(len(path)), 3):
            upper, lower = np.linalg.norm(np.diff(at[list(triple)], axis=0), axis=-1)
            if min(upper, lower) < 1e-3 * reach or (end is not None and path[triple[2]] != end):
                continue
            bent = max(_bend(at[a : b + 1]) for a, b in pairwise(triple))
            score = _LONG * (upper + lower) / reach - _STRAIGHT * bent
            score -= _EQUAL * abs(np.log(upper / lower))
            score -= _NEAR * float(np.linalg.norm(at[triple[0]] - at[0])) / reach
            if score > best:
                best, chosen = score, triple
        root, middle, end = (path[k] for k in chosen)
        return (root, middle, end), float(np.clip(0.7 + best, 0.1, 0.9))

    def _to_end(self, first: int) -> tuple[int, ...]:
        """Give the way from a limb's first bone to its deepest."""
        way = self._tree.path(self._deepest[first])
        return tuple(way[: way.index(first) + 1][::-1][:_LONGEST])

    def _find_deepest(self) -> list[int]:
        """Find the bone below each that is the most steps away, the farthest of those."""
        deepest = list(range(len(self._tree.names)))
        depth = [0] * len(deepest)
        for bone in reversed(self._tree.order):
            for child in self._tree.children[bone]:
                key = (depth[child] + 1, self._far(bone, deepest[child]))
                if key > (depth[bone], self._far(bone, deepest[bone])):
                    depth[bone], deepest[bone] = depth[child] + 1, deepest[child]
        return deepest

    def _far(self, a: int, b: int) -> float:
        return float(np.linalg.norm(self._at[a] - self._at[b]))

    def _rise(self, a: int, b: int) -> float:
        return float(abs(self._at[a][2] - self._at[b][2]))

    def _find_pairs(self) -> list[_Pair]:
        """Find all pairs of limbs: two chains that hang from one bone and reach as far."""
        pairs = []
        for node, children in enumerate(self._tree.children):
            long = [c for c in children if self._deepest[c] != c]
            reach = {c: self._far(c, self._deepest[c]) for c in long}
            # A bone with very many chains is no body; the farthest-reaching ones are looked at.
            for a, b in combinations(sorted(long, key=lambda c: -reach[c])[:8], 2):
                most = max(reach[a], reach[b])
                level = max(self._rise(a, b), self._rise(self._deepest[a], self._deepest[b]))
                if abs(reach[a] - reach[b]) <= _ALIKE * most and level <= _LEVEL * most > 0.0:
                    pairs.append(_Pair(node, (a, b), 0.5 * (reach[a] + reach[b])))
        return pairs

    def _goes_down(self, pair: _Pair) -> bool:
        for first in pair.first:
            path = self._to_end(first)
            if len(path) < 3 or unit(self._at[path[0]] - self._at[path[-1]])[2] < _DOWN:
                return False
        return True

    def _lowest(self, pair: _Pair) -> float:
        return float(max(self._at[self._deepest[first]][2] for first in pair.first))

    def _below(self, bone: int) -> list[int]:
        """Give a bone and all that hang from it."""
        found = [bone]
        for b in found:
            found.extend(self._tree.children[b])
        return found


def _bend(at: Floats) -> float:
    """Give how far joints lie from the line through the first and the last, as a share of it."""
    line = at[-1] - at[0]
    length = max(float(np.linalg.norm(line)), 1e-9)
    return float(np.linalg.norm(np.cross(at - at[0], line / length), axis=-1).max()) / length
