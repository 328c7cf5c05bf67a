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

SPINE_HEAD: Final = ModelCard(
    name="spine-head",
    file="spine_head.onnx",
    sha256="1babee345b89bcd28141b2da5540bbac4e7194a77be89ec6b227d65b0defd153",
    licence="GPL-3.0-or-later",
    source="trained by track-spine-train on renders, see training/README.md",
)
"""Ours, kept in the repository; it runs as a part of POSE only."""

POSE: Final = ModelCard(
    name="track-spine-pose",
    file="track_spine_pose.onnx",
    sha256="558dfdaa12065d2701df0b2149abb2df587224e1469f67567f75d4f86cfbe1f7",
    licence="GPL-3.0-or-later AND Apache-2.0",
    source="mediapipe 0.10.21: mediapipe/modules/pose_landmark/pose_landmark_full.tflite, with "
    "models/spine_head.onnx joined on",
)
"""The landmark network and the head that finds the spine in its maps, run as one."""

POINTS_VERSION: Final = 4
"""Raised whenever the code between decoding and the raw points changes what it gives, so that a
take is not continued with other points than it was begun with."""

LIFTER: Final = ModelCard(
    name="track-spine-lifter",
    file="lifter.onnx",
    sha256="fd95957520e09e60f783e792079c98ddca44732bbcd5f535eca9b1f2736e4aa1",
    licence="GPL-3.0-or-later",
    source="trained by track-spine-train lift-train on simulated motion, see training/README.md",
)
"""Ours, kept in the repository. It runs on finished chunks, so that takes do not depend on it."""

CARDS: Final = (DETECTOR, POSE)
"""What a take depends on."""

NETWORKS: Final = (*CARDS, LIFTER)
"""What ships."""
