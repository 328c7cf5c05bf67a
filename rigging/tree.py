# SPDX-License-Identifier: GPL-3.0-or-later
"""The bones of a rig as a tree of names."""

import re
from collections.abc import Sequence
from functools import cached_property

from .errors import RigError


def plain_name(name: str) -> str:
    """Give a bone's name without what programs change in it: case and signs.

    Args:
        name: Name of a bone.

    Returns:
        Letters and digits only, lower case; letters of any script stay.
    """
    return re.sub(r"[\W_]+", "", name).casefold()


class Tree:
    """Bones by name, with their parents.

    Attributes:
        names: B bone names.
        parents: Index of each bone's parent, -1 for none.
    """

    def __init__(self, names: Sequence[str], parents: Sequence[int]) -> None:
        """Take the bones of a rig.

        Raises:
            RigError: There are not as many parents as names, a parent does not exist, or bones hang
                from each other in a circle.
        """
        self.names = tuple(names)
        self.parents = tuple(int(parent) for parent in parents)
        self._index = {name: b for b, name in enumerate(self.names)}
        count = len(self.names)
        if len(self.parents) != count or any(not -1 <= p < count for p in self.parents):
            raise RigError(f"A rig of {count} bones needs {count} parents, each a bone or -1.")
        self.children: list[list[int]] = [[] for _ in self.names]
        for bone, parent in enumerate(self.parents):
            if parent >= 0:
                self.children[parent].append(bone)
        self.order = self._from_roots()
        if len(self.order) != count:
            lost = [self.names[b] for b in sorted(set(range(count)) - set(self.order))[:5]]
            raise RigError(f"Bones hang from each other in a circle: {', '.join(lost)}.")

    def __contains__(self, name: str) -> bool:
        """Tell whether there is a bone of this name."""
        return name in self._index

    def ancestors(self, name: str) -> list[str]:
        """Give the bones above a bone, nearest first.

        Args:
            name: A bone.

        Returns:
            Names.
        """
        return [self.names[b] for b in self.path(self._index[name])[1:]]

    def path(self, bone: int) -> list[int]:
        """Give the way from a bone up to its root.

        Args:
            bone: Index of a bone.

        Returns:
            Indices, that bone's first.
        """
        way = []
        while bone >= 0:
            way.append(bone)
            bone = self.parents[bone]
        return way

    def by_plain_name(self, name: str) -> str | None:
        """Find the first bone of a plain name, failing that one with a suffix like ".001".

        Args:
            name: As `plain_name` gives it.

        Returns:
            The bone's name, None where there is none.
        """
        return self._plain.get(name) or self._without_suffix.get(name)

    @cached_property
    def _plain(self) -> dict[str, str]:
        return {plain_name(name): name for name in reversed(self.names)}

    @cached_property
    def _without_suffix(self) -> dict[str, str]:
        suffix = re.compile(r"\.\d{3}$")
        return {
            plain_name(suffix.sub("", name)): name
            for name in reversed(self.names)
            if suffix.search(name)
        }

    def _from_roots(self) -> list[int]:
        """Order bones so that parents come first."""
        order = [b for b, parent in enumerate(self.parents) if parent < 0]
        for bone in order:
            order.extend(self.children[bone])
        return order
