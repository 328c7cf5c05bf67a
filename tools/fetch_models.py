# SPDX-License-Identifier: GPL-3.0-or-later
"""Fetch the base networks from the pinned MediaPipe wheel and convert them to ONNX."""

import argparse
import hashlib
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from track_spine.inference.models import DETECTOR, LANDMARKS, MODELS_FOLDER, ModelCard
from track_spine.tools.pinned_wheel import (
    CACHE,
    FetchError,
    Member,
    PinnedWheel,
    fetch_members,
    is_pinned,
    write_atomically,
)
from track_spine.tools.tflite_to_onnx import convert

WHEEL: Final = PinnedWheel(
    requirement="mediapipe==0.10.21",
    sha256="05dc4a9e593655a79558d05d6227d31018c2537a4bd3362b51e230cf22aecfe3",
)


@dataclass(frozen=True)
class Recipe:
    """How a model is made.

    Attributes:
        card: The model.
        member: The TFLite file in the wheel.
        outputs: The model's output names by TFLite tensor.
    """

    card: ModelCard
    member: Member
    outputs: Mapping[str, str]


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
        card=LANDMARKS,
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
    ),
)


def fetch_models(folder: Path, cache: Path = CACHE / "tflite") -> list[Path]:
    """Make the models that are not there yet.

    Args:
        folder: Where the ONNX files go.
        cache: Where the TFLite files are kept.

    Returns:
        The files made.

    Raises:
        FetchError: If a download fails, or a file is not the pinned one.
    """
    todo = [r for r in RECIPES if not is_pinned(folder / r.card.file, r.card.sha256)]
    sources = {recipe.member: cache / Path(recipe.member.path).name for recipe in todo}
    fetch_members(WHEEL, sources)
    for recipe in todo:
        content = convert(sources[recipe.member].read_bytes(), ["image"], recipe.outputs)
        found = hashlib.sha256(content).hexdigest()
        if found != recipe.card.sha256:
            raise FetchError(
                f"{recipe.card.file} was converted to SHA-256 {found}, its card in inference/"
                f"models.py says {recipe.card.sha256}; install the pinned onnx and tflite, or if "
                "the conversion was changed on purpose, enter the new hash in the card"
            )
        write_atomically(folder / recipe.card.file, content)
    return [folder / recipe.card.file for recipe in todo]


def main() -> int:
    """Run the command line; returns its exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=MODELS_FOLDER, help="folder of the ONNX files")
    folder = parser.parse_args().out
    try:
        made = fetch_models(folder)
    except (FetchError, OSError) as error:
        print(error, file=sys.stderr)
        return 1
    for recipe in RECIPES:
        path = folder / recipe.card.file
        print(f"{path} made from {recipe.card.source}" if path in made else f"{path} is there")
    return 0


if __name__ == "__main__":
    sys.exit(main())
