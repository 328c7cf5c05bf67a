# SPDX-License-Identifier: GPL-3.0-or-later
"""The frozen base: BlazePose with inner maps as outputs, and its first layers alone for a crop."""

import hashlib
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ..inference.crop import Crop
from ..inference.models import LANDMARKS
from ..inference.pose2d import INPUT_PX, Body
from ..inference.pose2d import decode as decode_body  # the same reading as in the product
from ..inference.session import Session
from ..tools.fetch_models import RECIPES, WHEEL
from ..tools.pinned_wheel import FetchError, fetch_members, is_pinned, write_atomically
from ..tools.tflite_network import read_network
from ..tools.tflite_to_onnx import convert_network
from .codec import EARLY_CELLS, GRID_CELLS, TIGHT_PX, context_of, resample, torso_crop
from .errors import TrainingError
from .render import CACHE

EARLY: Final = "model_1/model/add/add"
"""First inverted-residual sum, a quarter of the input's resolution, 24 channels."""

DECODER: Final = "model_1/model/add_11/add"
"""Last sum of the decoder, before the heatmaps' convolution: 64 x 64, 48 channels."""

GLOBAL: Final = "model_1/model/re_lu_63/Relu6;model_1/model/add_22/add"
"""What landmarks and presence are read from: 2 x 2, 288 channels."""

FEATURES: Final = replace(
    LANDMARKS,
    name="blazepose-full-features",
    file="blazepose_features_full.onnx",
    sha256="6e461664cfba9096290b1f44a05fa4da79c9c8f7fb18d34621246700adcba3eb",
)
STEM: Final = replace(
    LANDMARKS,
    name="blazepose-full-stem",
    file="blazepose_stem_full.onnx",
    sha256="ecbb8af5f49db1e758f99441157710c82e4e9c874603279993b9161496d196b4",
)
_MAPS: Final = ("landmarks", "presence", "heatmap", "world_landmarks", "decoder", "global")


@dataclass(frozen=True)
class Look:
    """What the frozen base makes of one person in one frame.

    Attributes:
        body: Landmarks and presence.
        square: The torso's square.
        early: (24, 48, 48) and
        decoder: (48, 24, 24) maps over the square.
        context: (CONTEXT,) facts.
    """

    body: Body
    square: Crop
    early: NDArray[np.float32]
    decoder: NDArray[np.float32]
    context: NDArray[np.float32]


class FrozenBase:
    """The base's networks, loaded once a process."""

    def __init__(self, tight: bool, threads: int = 0) -> None:
        """Open the networks; the first time they are made from the pinned wheel.

        Args:
            tight: Take the early map from a crop of the torso instead of the body's crop.
            threads: Threads within an operator; 0 is one a core.

        Raises:
            TrainingError: If the base cannot be fetched, or is not the pinned one.
        """
        _make()
        self._full = Session(FEATURES, CACHE, threads)
        self._stem = Session(STEM, CACHE, threads) if tight else None

    def bodies(
        self, pictures: NDArray[np.uint8], crops: list[Crop]
    ) -> list[tuple[Body, dict[str, NDArray[np.float32]]]]:
        """Run the whole base.

        Args:
            pictures: (N, 256, 256, 3) RGB, cut by `crops`.
            crops: N crops of the frame.

        Returns:
            N bodies, each with the maps decoder, global and, without the tight crop, early.
        """
        names = (*_MAPS, *(() if self._stem else ("early",)))
        values = self._full.run(pictures.astype(np.float32) / np.float32(255), names)
        return [
            (decode_body(crop, *own[:4]), dict(zip(names[4:], own[4:], strict=True)))
            for crop, *own in zip(crops, *values, strict=True)
        ]

    def looks(
        self,
        frames: list[NDArray[np.uint8]],
        bodies: list[tuple[Body, dict[str, NDArray[np.float32]]]],
        squares: list[Crop],
    ) -> list[Look]:
        """Make what the head needs.

        Args:
            frames: N pictures, one a body; the same one may come again.
            bodies: N results of `bodies`.
            squares: N squares about the torso.

        Returns:
            N looks.
        """
        if self._stem:
            tight = [
                square.cut(frame, TIGHT_PX, black_outside=False)
                for frame, square in zip(frames, squares, strict=True)
            ]
            scaled = np.stack(tight).astype(np.float32) / np.float32(255)
            early = list(self._stem.run(scaled, ("early",))[0].transpose(0, 3, 1, 2))
        else:
            early = [
                resample(maps["early"], body.crop, square, EARLY_CELLS)
                for (body, maps), square in zip(bodies, squares, strict=True)
            ]
        return [
            Look(
                body,
                square,
                own,
                resample(maps["decoder"], body.crop, square, GRID_CELLS),
                context_of(body, square, maps["global"]),
            )
            for (body, maps), square, own in zip(bodies, squares, early, strict=True)
        ]

    def look(self, frame: NDArray[np.uint8], crops: list[Crop]) -> list[Look]:
        """Look at people of a frame.

        Args:
            frame: (H, W, 3) RGB.
            crops: Their crops, at least one.

        Returns:
            One look a crop.
        """
        pictures = np.stack([crop.cut(frame, INPUT_PX, black_outside=False) for crop in crops])
        bodies = self.bodies(pictures, crops)
        squares = [torso_crop(body.xy_px, body.crop) for body, _ in bodies]
        return self.looks([frame] * len(crops), bodies, squares)


def _make() -> None:
    """Convert the networks if they are not there."""
    if all(is_pinned(CACHE / card.file, card.sha256) for card in (FEATURES, STEM)):
        return
    recipe = next(recipe for recipe in RECIPES if recipe.card == LANDMARKS)
    source = CACHE.parent / "tflite" / Path(recipe.member.path).name
    try:
        fetch_members(WHEEL, {recipe.member: source})
    except FetchError as error:
        raise TrainingError(str(error)) from error
    data = source.read_bytes()
    network = read_network(data)
    inner = {EARLY: "early", DECODER: "decoder", GLOBAL: "global"}
    full = convert_network(network, ["image"], {**recipe.outputs, **inner})
    stem = convert_network(network, ["image"], {EARLY: "early"})
    for value, side in ((stem.graph.input[0], TIGHT_PX), (stem.graph.output[0], EARLY_CELLS)):
        for axis in (1, 2):
            value.type.tensor_type.shape.dim[axis].dim_value = side
    for card, model in ((FEATURES, full), (STEM, stem)):
        content = bytes(model.SerializeToString(deterministic=True))
        found = hashlib.sha256(content).hexdigest()
        if found != card.sha256:
            raise TrainingError(
                f"{card.file} was converted to SHA-256 {found}, expected {card.sha256}: install "
                "the pinned onnx and tflite, see training/README.md"
            )
        write_atomically(CACHE / card.file, content)
