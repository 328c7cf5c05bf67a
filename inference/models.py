# SPDX-License-Identifier: GPL-3.0-or-later
"""Model cards: what each network is, where it came from, its licence and its pinned hash."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

MODELS_FOLDER: Final = Path(__file__).parent.parent / "models"


@dataclass(frozen=True)
class ModelCard:
    """One ONNX file.

    Attributes:
        name: Short name that a take records.
        file: File name in the models folder.
        sha256: Hash of the file, hexadecimal.
        licence: SPDX identifier of the weights.
        source: Package and member that the file was converted from.
    """

    name: str
    file: str
    sha256: str
    licence: str
    source: str


DETECTOR: Final = ModelCard(
    name="blazepose-detector",
    file="blazepose_detector.onnx",
    sha256="af1156b74c323b3d94b40f02e0d8d834765f331e6674743bbd2a1fa67673577d",
    licence="Apache-2.0",
    source="mediapipe 0.10.21: mediapipe/modules/pose_detection/pose_detection.tflite",
)

LANDMARKS: Final = ModelCard(
    name="blazepose-full",
    file="blazepose_landmark_full.onnx",
    sha256="13769857de6732f2fa4990a47d26647d404371714380fb82bc6ab0cfa3cb9b60",
    licence="Apache-2.0",
    source="mediapipe 0.10.21: mediapipe/modules/pose_landmark/pose_landmark_full.tflite",
)

POINTS_VERSION: Final = 1
"""Raised whenever the code between decoding and the raw points changes what it gives, so that a
take is not continued with other points than it was begun with."""

CARDS: Final = (DETECTOR, LANDMARKS)
