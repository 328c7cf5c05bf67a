# SPDX-License-Identifier: GPL-3.0-or-later
"""The frozen base: BlazePose with the maps that the head looks at as outputs."""

import hashlib
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ..inference.models import POSE, ModelCard
from ..inference.pose2d import Body
from ..inference.pose2d import decode as decode_body  # the same reading as in the product
from ..inference.session import Session
from ..tools.fetch_models import DECODER, GLOBAL, RECIPES, WHEEL
from ..tools.pinned_wheel import FetchError, fetch_members, is_pinned, write_atomically
from ..tools.tflite_network import Network, read_network
from ..tools.tflite_to_onnx import convert_network
from .codec import WHOLE_CROP
from .errors import TrainingError
from .places import CACHE

FEATURES: Final = replace(
    POSE,
    name="blazepose-full-features",
    file="blazepose_features_full.onnx",
    licence="Apache-2.0",
    sha256="ec9ce4db34de86d365e9131aad49ce2f5a261a9d5cea1b5f21a5d0a1afc14583",
)
_RECIPE: Final = next(recipe for recipe in RECIPES if recipe.card == POSE)
BODY: Final = ("landmarks", "presence", "heatmap", "world_landmarks")
INNER: Final = {"decoder": DECODER, "global": GLOBAL}
MAPS: Final = tuple(INNER)


class FrozenBase:
    """The base's network, loaded once a process.

    Attributes:
        card: The network with its inner maps as outputs.
        inner: TFLite tensor of each of these maps.
    """

    card: ModelCard = FEATURES
    inner: Mapping[str, str] = INNER

    def __init__(self, threads: int = 0) -> None:
        """Open the network; the first time it is made from the pinned wheel.

        Args:
            threads: Threads within an operator; 0 is one a core.

        Raises:
            TrainingError: If the base cannot be fetched, or is not the pinned one.
        """
        _make(self.card, self.inner)
        self._session = Session(self.card, CACHE, threads)

    def run(self, pictures: NDArray[np.uint8]) -> dict[str, NDArray[np.float32]]:
        """Run the base.

        Args:
            pictures: (N, 256, 256, 3) RGB of body crops.

        Returns:
            By name: landmarks (N, 195), presence (N, 1), heatmap (N, 64, 64, 39), world_landmarks
            (N, 117), decoder (N, 48, 64, 64), global (N, 288, 2, 2).
        """
        names = (*BODY, *self.inner)
        values = self._session.run(pictures.astype(np.float32) / np.float32(255), names)
        outputs = dict(zip(names, values, strict=True))
        return outputs | {name: outputs[name].transpose(0, 3, 1, 2) for name in self.inner}


def bodies_in_crop(outputs: dict[str, NDArray[np.float32]]) -> list[Body]:
    """Read the bodies.

    Args:
        outputs: What `FrozenBase.run` gave for N crops.

    Returns:
        N bodies in pixels of their 256 px pictures.
    """
    return [
        decode_body(WHOLE_CROP, *values)
        for values in zip(*(outputs[name] for name in BODY), strict=True)
    ]


def base_network() -> Network:
    """The base as it was published.

    Raises:
        TrainingError: If it cannot be fetched.
    """
    source = CACHE.parent / "tflite" / Path(_RECIPE.member.path).name
    try:
        fetch_members(WHEEL, {_RECIPE.member: source})
    except FetchError as error:
        raise TrainingError(str(error)) from error
    return read_network(source.read_bytes())


def _make(card: ModelCard, inner: Mapping[str, str]) -> None:
    """Convert the network if it is not there."""
    if is_pinned(CACHE / card.file, card.sha256):
        return
    tensors = {tensor: name for name, tensor in inner.items()}
    model = convert_network(base_network(), ["image"], {**_RECIPE.outputs, **tensors})
    content = bytes(model.SerializeToString(deterministic=True))
    found = hashlib.sha256(content).hexdigest()
    if found != card.sha256:
        raise TrainingError(
            f"{card.file} was converted to SHA-256 {found}, expected {card.sha256}: "
            "install the pinned onnx and tflite, see training/README.md"
        )
    write_atomically(CACHE / card.file, content)
