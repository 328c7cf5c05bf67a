# SPDX-License-Identifier: GPL-3.0-or-later
"""The head with its own eyes: finds the torso's square in the base's maps and answers in pixels."""

from torch import Tensor, nn

from .codec import context_of, look_through, read_landmarks, square_about
from .errors import TrainingError
from .model import SpineHead

INPUTS = ("decoder", "global", "landmarks", "world_landmarks")
"""The base's outputs that a student is given, by their names."""


class Student(nn.Module):
    """What is exported: from the base's outputs to points in its crop."""

    def __init__(self, head: SpineHead) -> None:
        """Put eyes to a head.

        Args:
            head: The head.

        Raises:
            TrainingError: If it looks at other maps than the frozen base's.
        """
        if head.inputs != SpineHead.inputs:
            raise TrainingError(
                f"the head reads {', '.join(head.inputs)}, which the frozen base does not give: "
                "export it and judge the network that it is joined to"
            )
        super().__init__()
        self.head = head

    def forward(
        self, decoder: Tensor, global_map: Tensor, landmarks: Tensor, world: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Find the points.

        Args:
            decoder: (N, 48, 64, 64) decoder's map over the body crop.
            global_map: (N, 288, 2, 2) the last map.
            landmarks: (N, 195) and
            world: (N, 117) the base's landmarks.

        Returns:
            (N, P, 2) points and (N, P) scale of the Laplace distribution of their distance from the
            truth, both in pixels of the 256 px crop.
        """
        square = square_about(read_landmarks(landmarks)[0])
        cells = look_through(square, decoder)
        points, scale, _ = self.head(cells, context_of(global_map, landmarks, world, square))
        return square.decode(points), scale * square.side[:, None]
