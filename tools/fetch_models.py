# SPDX-License-Identifier: GPL-3.0-or-later
"""Make the networks: the pinned MediaPipe wheel's, converted to ONNX, with our head joined on."""

import argparse
import hashlib
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Final

import onnx
from google.protobuf.message import DecodeError  # type: ignore[import-untyped]
from track_spine.inference import models
from track_spine.inference.models import DETECTOR, MODELS_FOLDER, POSE, SPINE_HEAD, ModelCard
from track_spine.tools.join_networks import join
from track_spine.tools.pinned_wheel import (
    CACHE,
    FetchError,
    Member,
    PinnedWheel,
    fetch_members,
    is_pinned,
    write_atomically,
)
from track_spine.tools.tflite_network import ConversionError, read_network
from track_spine.tools.tflite_to_onnx import convert_network

PIN: Final = "run `python tools/fetch_models.py --pin`"

WHEEL: Final = PinnedWheel(
    requirement="mediapipe==0.10.21",
    sha256="05dc4a9e593655a79558d05d6227d31018c2537a4bd3362b51e230cf22aecfe3",
)


DECODER: Final = "model_1/model/add_11/add"
"""Last sum of the landmark network's decoder, before the heatmaps' convolution, 64 x 64, 48
channels."""

GLOBAL: Final = "model_1/model/re_lu_63/Relu6;model_1/model/add_22/add"
"""What its landmarks and presence are read from, 2 x 2, 288 channels."""

HEAD_READS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "decoder": DECODER,
        "global": GLOBAL,
        "landmarks": "landmarks",
        "world_landmarks": "world_landmarks",
    }
)
"""Values of the converted landmark network by the input of our head: (N, C, H, W) inside it."""


@dataclass(frozen=True)
class Recipe:
    """How a model is made.

    Attributes:
        card: The model.
        member: The TFLite file in the wheel.
        outputs: Names of its outputs by TFLite tensor.
        head: The network of ours to join on, if any; it reads HEAD_READS.
    """

    card: ModelCard
    member: Member
    outputs: Mapping[str, str]
    head: ModelCard | None = None


RECIPES: Final = (
    Recipe(
        card=DETECTOR,
        member=Member(
            path="mediapipe/modules/pose_detection/pose_detection.tflite",
            sha256="9ba9dd3d42efaaba86b4ff0122b06f29c4122e756b329d89dca1e297fd8f866c",
        ),
        outputs={"Identity": "boxes", "Identity_1": "scores"},
    ),
    Recipe(
        card=POSE,
        member=Member(
            path="mediapipe/modules/pose_landmark/pose_landmark_full.tflite",
            sha256="e9a5c5cb17f736fafd4c2ec1da3b3d331d6edbe8a0d32395855aeb2cdfd64b9f",
        ),
        outputs={
            "Identity": "landmarks",
            "Identity_1": "presence",
            "Identity_3": "heatmap",
            "Identity_4": "world_landmarks",
        },
        head=SPINE_HEAD,
    ),
)


def fetch_models(
    folder: Path, cache: Path = CACHE / "tflite", heads: Path = MODELS_FOLDER
) -> list[Path]:
    """Make the models that are not there yet.

    Args:
        folder: Where the ONNX files go.
        cache: Where the TFLite files are kept.
        heads: Where the networks of ours lie.

    Returns:
        The files made.

    Raises:
        FetchError: If a download fails, a head is missing, or a file is not the pinned one.
        ConversionError: If a network cannot be converted, or a head does not fit it.
    """
    todo = [r for r in RECIPES if not is_pinned(folder / r.card.file, r.card.sha256)]
    for head in {recipe.head for recipe in todo if recipe.head}:
        _require_pinned_head(head, heads / head.file)
    for recipe in todo:
        content = make(recipe, cache, heads)
        found = hashlib.sha256(content).hexdigest()
        if found != recipe.card.sha256:
            raise FetchError(
                f"{recipe.card.file} was made with SHA-256 {found}, its card in inference/"
                f"models.py says {recipe.card.sha256}; install the pinned onnx and tflite, or if "
                f"it was changed on purpose, {PIN}"
            )
        write_atomically(folder / recipe.card.file, content)
    return [folder / recipe.card.file for recipe in todo]


def make(recipe: Recipe, cache: Path, heads: Path) -> bytes:
    """Make a model, whatever its card says.

    Args:
        recipe: How.
        cache: Where the TFLite files are kept.
        heads: Where the networks of ours lie.

    Returns:
        Content of the ONNX file, the same bytes on every run.

    Raises:
        FetchError: If the download fails, or the head cannot be read.
        ConversionError: If the network cannot be converted, or the head does not fit it.
    """
    source = cache / Path(recipe.member.path).name
    fetch_members(WHEEL, {recipe.member: source})
    network = convert_network(read_network(source.read_bytes()), ["image"], recipe.outputs)
    if recipe.head:
        network = join(network, _read_head(heads / recipe.head.file), HEAD_READS)
    return bytes(network.SerializeToString(deterministic=True))


def pin(
    cards_file: Path, folder: Path, cache: Path = CACHE / "tflite", heads: Path = MODELS_FOLDER
) -> list[str]:
    """Take the heads that are there as the pinned ones: make their models and enter all hashes.

    Args:
        cards_file: The source file of the cards, rewritten.
        folder: Where the ONNX files go.
        cache: Where the TFLite files are kept.
        heads: Where the networks of ours lie.

    Returns:
        Names of the cards whose hash has changed.

    Raises:
        FetchError: If the download fails, or a head cannot be read.
        ConversionError: If a head does not fit.
    """
    text = cards_file.read_text("utf-8")
    changed = []
    for recipe in RECIPES:
        if recipe.head is None:
            continue
        content = make(recipe, cache, heads)
        write_atomically(folder / recipe.card.file, content)
        head = (heads / recipe.head.file).read_bytes()
        for card, made in ((recipe.head, head), (recipe.card, content)):
            found = hashlib.sha256(made).hexdigest()
            if card.sha256 != found:
                text = text.replace(card.sha256, found)
                changed.append(card.name)
    write_atomically(cards_file, text.encode())
    return changed


def _require_pinned_head(head: ModelCard, path: Path) -> None:
    if not path.is_file():
        raise FetchError(
            f"{path} is missing: it belongs to the repository, so restore it from there "
            f"(git checkout {path}); a newly trained one comes from `track-spine-train export`"
        )
    if not is_pinned(path, head.sha256):
        raise FetchError(
            f"{path} is not the network of its card in inference/models.py: restore it from the "
            f"repository, or if it was trained anew, {PIN}"
        )


def _read_head(path: Path) -> onnx.ModelProto:
    try:
        return onnx.load_from_string(path.read_bytes())
    except (OSError, DecodeError) as error:
        raise FetchError(f"{path} cannot be read as an ONNX network: {error}") from error


def main() -> int:
    """Run the command line; returns its exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=MODELS_FOLDER, help="folder of the ONNX files")
    parser.add_argument(
        "--pin", action="store_true", help="enter the hashes of a new spine head in its cards"
    )
    arguments = parser.parse_args()
    try:
        if arguments.pin:
            changed = pin(Path(models.__file__), arguments.out)
            print(f"New hashes in {models.__file__}: {', '.join(changed) or 'none'}")
            return 0
        made = fetch_models(arguments.out)
    except (FetchError, ConversionError, OSError) as error:
        print(error, file=sys.stderr)
        return 1
    for recipe in RECIPES:
        path = arguments.out / recipe.card.file
        print(f"{path} made from {recipe.card.source}" if path in made else f"{path} is there")
    return 0


if __name__ == "__main__":
    sys.exit(main())
