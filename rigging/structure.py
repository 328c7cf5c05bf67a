# SPDX-License-Identifier: GPL-3.0-or-later
"""Tells a body by its structure where names say nothing: legs, arms, pelvis and head."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np

from .chains import Chains, Pair
from .errors import RigError
from .facing import left_first
from .limb_joints import both_arms, both_legs
from .rotation import Floats, unit
from .tree import Tree

_ARM: Final = 0.3
"""Least reach of arms as a share of that of legs."""
_UPRIGHT: Final = 0.6
"""Least cosine between the trunk and straight up; four-legged animals have less."""
_CROWN: Final = 0.48
"""Height above the shoulders, as a share of hip to shoulder, below which a head begins: what
is above is a tip. A choice, tried on generated bodies (`tests/rigging/test_structure.py`)."""
_HEAD: Final = re.compile(
    r"head|kopf|tete|tête|cabeza|cabeça|testa|голов|頭|头|머리", re.IGNORECASE
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
    chains = Chains(tree, heads)
    legs = _legs(chains)
    arms = _arms(chains, legs)
    _check_upright(chains, legs, arms)
    head, sure = _head(chains, legs, arms)
    limbs = both_legs(chains, legs), both_arms(chains, arms)
    left, notes = left_first(chains, *limbs)
    bones = {"pelvis": _pelvis(tree, legs, arms), "head": tree.names[head]}
    certainty, others = {"pelvis": 0.8, "spine": 0.8, "neck": sure, "head": sure}, {}
    for pair in limbs:
        for side, limb in zip("LR" if left else "RL", pair, strict=True):
            for part, joint in limb.joints.items():
                bones[f"{part}.{side}"] = tree.names[joint]
                certainty[f"{part}.{side}"] = limb.certainty
                others[f"{part}.{side}"] = tuple(tree.names[b] for b in limb.path if b != joint)
    return Guess(bones, certainty, others, notes)


def _legs(chains: Chains) -> Pair:
    """Give the pair of limbs that goes down furthest."""
    hanging = [pair for pair in chains.pairs if chains.goes_down(pair)]
    if not hanging:
        raise RigError(
            "No two legs were found: no bone carries two chains of hip, knee and ankle that "
            "reach down. Choose the bones by hand, or select another armature."
        )
    alone = [pair for pair in hanging if not any(chains.in_ring(c, pair) for c in pair.first)]
    return min(alone or hanging, key=lambda pair: (round(chains.lowest_m(pair), 3), -pair.reach))


def _arms(chains: Chains, legs: Pair) -> Pair:
    """Give the pair with the longest reach that hangs from the trunk above the legs.

    Of pairs on one trunk the lower are arms: the higher are hair.
    """
    path, in_legs = chains.tree.path, set(legs.first)
    below = set(path(legs.node))
    others = [
        pair
        for pair in chains.pairs
        if pair.reach >= _ARM * legs.reach
        and pair != legs
        and not in_legs & {*path(pair.first[0]), *path(pair.first[1])}
        and set(path(pair.node)) & below
    ]
    if not others:
        raise RigError(
            f"No two arms were found that hang from the same body as the legs under "
            f"{chains.tree.names[legs.node]}. Choose the bones by hand."
        )
    others = [pair for pair in others if pair.node not in below] or others
    nodes = {pair.node for pair in others}
    lowest = [pair for pair in others if not nodes & set(path(pair.node)[1:])]
    return max(lowest, key=lambda pair: pair.reach)


def _check_upright(chains: Chains, legs: Pair, arms: Pair) -> None:
    """Refuse animals on four legs, and rigs that lie."""
    hip, shoulder = (chains.heads_m[list(pair.first)].mean(axis=0) for pair in (legs, arms))
    if unit(shoulder - hip)[2] < _UPRIGHT:
        names = chains.tree.names
        raise RigError(
            f"The trunk from {names[legs.node]} to {names[arms.node]} "
            "does not stand upright: an animal on four legs, a bird or a rig that lies. Turn "
            "the rig upright, or choose the bones by hand."
        )


def _pelvis(tree: Tree, legs: Pair, arms: Pair) -> str:
    """Give the lowest bone that carries both legs and arms."""
    above_arms = set(tree.path(arms.node))
    return tree.names[next(b for b in tree.path(legs.node) if b in above_arms)]


def _head(chains: Chains, legs: Pair, arms: Pair) -> tuple[int, float]:
    """Give the head, and how sure it is."""
    tree, height = chains.tree, chains.heads_m[:, 2]
    in_arms = {b for first in arms.first for b in chains.below(first)}
    above = [b for b in chains.below(arms.node)[1:] if b not in in_arms]
    if not above:
        raise RigError(
            f"No head was found: nothing but arms hangs from {tree.names[arms.node]}. "
            "Choose the head by hand."
        )
    named = [b for b in above if _HEAD.search(tree.names[b])]
    if named:
        real = [b for b in named if not _END.search(tree.names[b])] or named
        return min(real, key=lambda b: len(tree.names[b])), 0.9
    top = max(above, key=lambda b: (height[b], len(tree.path(b))))
    way = tree.path(top)[: -len(tree.path(arms.node))][::-1]
    forks = [b for b in way if len(tree.children[b]) > 1]
    if forks:
        return forks[0], 0.5
    hip, shoulder = (height[list(pair.first)].mean() for pair in (legs, arms))
    crown = shoulder + _CROWN * (shoulder - hip)
    return [b for b in way if height[b] < crown or b == way[0]][-1], 0.5
