# SPDX-License-Identifier: GPL-3.0-or-later
"""What a network takes and gives, and whether a file's network does."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from .errors import ModelError

if TYPE_CHECKING:  # the catalogue is plain data, which Blender reads without ONNX Runtime
    from .session import Session

Shape = tuple[int | None, ...]
"""Sizes after the leading axis N; None where any size will do."""


@dataclass(frozen=True)
class Ends:
    """The ends of a network: float32 tensors with leading axis N.

    Attributes:
        input: Sizes of the one input.
        outputs: Sizes of the outputs that are read, in the file's order; more may follow.
    """

    input: tuple[int, ...]
    outputs: tuple[Shape, ...]


def check_ends(session: "Session", ends: Ends, name: str) -> None:
    """Refuse a network with other ends, by what its file says and by running it once on zeros.

    Args:
        session: The network.
        ends: What is expected.
        name: What to call the file in messages.

    Raises:
        ModelError: The network takes or gives something else, or cannot be run.
    """
    inputs = session.inputs
    if len(inputs) != 1 or inputs[0].type != "tensor(float)":
        found = ", ".join(f"{port.name}: {port.type}" for port in inputs) or "none"
        raise ModelError(f"{name} must take one tensor(float), but its inputs are {found}")
    batch, *sizes = inputs[0].shape or (None, *ends.input)
    if batch not in (None, 1) or not _fits(tuple(sizes), ends.input):
        raise ModelError(f"{name} takes {_said(inputs[0].shape)}, not {_said((None, *ends.input))}")
    try:
        results = session.run(
            np.zeros((1, *ends.input), np.float32), tuple(port.name for port in session.outputs)
        )
    except ModelError as error:
        reason = error.__cause__ or error
        raise ModelError(f"{name} cannot be run on {_said((1, *ends.input))}: {reason}") from error
    shapes = [np.shape(result) for result in results]
    wanted = [(1, *shape) for shape in ends.outputs]
    if len(shapes) < len(wanted) or not all(map(_fits, shapes, wanted)):
        raise ModelError(
            f"{name} gives {' and '.join(map(_said, shapes)) or 'nothing'} for one picture, not "
            f"{' and '.join(map(_said, wanted))}"
        )


def _fits(found: Shape, wanted: Shape) -> bool:
    return len(found) == len(wanted) and all(
        a is None or b is None or a == b for a, b in zip(found, wanted, strict=True)
    )


def _said(shape: Shape) -> str:
    return " x ".join("any" if size is None else str(size) for size in shape) or "a single number"
