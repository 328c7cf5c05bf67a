# SPDX-License-Identifier: GPL-3.0-or-later
"""Asks a network of others for the 37 points of people who were followed with the one that ships.

The shipped network tells where a person is, which way is up and how deep the joints lie; the box
comes from its landmarks in the same frame, not from the frame before, so it does not lag.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from .boxes import box
from .errors import ModelError
from .pose2d import Body
from .published import open_published
from .seen import Seen
from .simcc import estimate_each
from .simcc_layout import LARGE, SMALL

LAYOUTS: Final = {layout.ends: layout for layout in (SMALL, LARGE)}


class SecondLook:
    """A network of the SimCC family, asked about bodies."""

    def __init__(self, name: str, *, flip_test: bool = False, provider: str | None = None) -> None:
        """Open the network.

        Args:
            name: Of an installed network, or path of its ONNX file.
            flip_test: Whether the mirrored pictures are looked at too; twice the work.
            provider: As in `Session`.

        Raises:
            ModelError: As `open_published`.
        """
        opened = open_published(name, ("simcc",), provider)
        self.card = opened.card
        self._session = opened.session
        self._layout = LAYOUTS[opened.ends]
        self._flip_test = flip_test

    def __call__(
        self,
        frames: Sequence[NDArray[np.uint8]],
        found: Sequence[Mapping[int, Body]],
    ) -> list[dict[int, Body]]:
        """Look at people again.

        Args:
            frames: (H, W, 3) RGB each.
            found: For each frame, the bodies in it by id.

        Returns:
            The same bodies with `seen`.
        """
        places = [(row, person) for row, bodies in enumerate(found) for person in bodies]
        bodies = [found[row][person] for row, person in places]
        pairs = [
            (frames[row], box(np.column_stack([body.xy_px, body.score]), frames[row].shape))
            for (row, _), body in zip(places, bodies, strict=True)
        ]
        points, score = estimate_each(self._session, self._layout, pairs, flip_test=self._flip_test)
        again: list[dict[int, Body]] = [{} for _ in found]
        for (row, person), body, *seen in zip(places, bodies, points, score, strict=True):
            again[row][person] = replace(body, seen=Seen(*seen))
        return again


def open_second_look(
    name: str | None, *, flip_test: bool, provider: str | None = None
) -> SecondLook | None:
    """Open what a user asked for.

    Args:
        name: As in `SecondLook`; None for no second look.
        flip_test: Whether mirrored pictures are wanted.
        provider: As in `Session`.

    Returns:
        The second look, or None.

    Raises:
        ModelError: As `SecondLook`, or a flip test is wanted of the network that ships.
    """
    if name is not None:
        return SecondLook(name, flip_test=flip_test, provider=provider)
    if flip_test:
        raise ModelError("The flip test is for networks of others: name one with it")
    return None
