# SPDX-License-Identifier: GPL-3.0-or-later
"""Which networks a run uses: those that ship, and those of others that a user puts in place."""

from dataclasses import dataclass
from typing import Final

from .detect import MIN_SCORE
from .finders import Finder, published_finder, shipped_finder
from .frame_network import FrameNetwork
from .lifter import Lifter
from .models import DETECTOR, POSE, ModelCard
from .published import open_published
from .second_look import SecondLook, open_second_look
from .session import Session


@dataclass(frozen=True)
class Networks:
    """Networks of others that are wanted, each by name or as the path of an ONNX file.

    Attributes:
        model: Finds the 37 points; None for the one that ships.
        detector: Finds people; None for the one that ships.
        lifter: Makes points in space; None for what ships.
        flip_test: Whether `model` looks at mirrored pictures too.
        provider: As in `Session`.
    """

    model: str | None = None
    detector: str | None = None
    lifter: str | None = None
    flip_test: bool = False
    provider: str | None = None


SHIPPED_ONLY: Final = Networks()


@dataclass(frozen=True)
class OpenedNetworks:
    """The same, ready to run.

    Attributes:
        finder: Finds people.
        second_look: Looks again at who was found, where a model is wanted.
        lifter: Makes points in space, where one is wanted.
        cards: What decides the points in the image.
    """

    finder: Finder
    second_look: SecondLook | None
    lifter: Lifter | None
    cards: tuple[ModelCard, ...]


def open_networks(
    wanted: Networks, detector: Session, min_score: float = MIN_SCORE
) -> OpenedNetworks:
    """Open what is wanted.

    Args:
        wanted: Which.
        detector: The detector that ships.
        min_score: What scores less by it is nobody.

    Returns:
        The networks.

    Raises:
        ModelError: One is not there, is not what it should be, or cannot be run.
    """
    finder, detector_card = shipped_finder(detector, min_score), DETECTOR
    if wanted.detector is not None:
        finder, detector_card = published_finder(wanted.detector, wanted.provider)
    second_look = open_second_look(
        wanted.model, flip_test=wanted.flip_test, provider=wanted.provider
    )
    lifter = None
    if wanted.lifter is not None:
        lifter = FrameNetwork(open_published(wanted.lifter, ("lifter",), wanted.provider).session)
    cards = (detector_card, POSE, *((second_look.card,) if second_look else ()))
    return OpenedNetworks(finder, second_look, lifter, cards)
