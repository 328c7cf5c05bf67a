# SPDX-License-Identifier: GPL-3.0-or-later
"""The only place that runs ONNX: opens a model file after checking its hash, with dynamic batch."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray

from .errors import ModelError
from .models import MODELS_FOLDER, ModelCard

SHIPPED: Final = "run `make setup` in a checkout, or install the extension again"
"""What to do about a file of ours that is missing or wrong."""


@dataclass(frozen=True)
class Port:
    """An input or output of a network.

    Attributes:
        name: Its name in the file.
        shape: Sizes, None where the file leaves one open; empty where it states no shape at all.
        type: Element type as ONNX Runtime names it, such as `tensor(float)`.
    """

    name: str
    shape: tuple[int | None, ...]
    type: str


class Session:
    """One network, ready to run on the CPU.

    Attributes:
        provider: Execution provider in use.
        inputs: What the file takes.
        outputs: What the file gives.
    """

    def __init__(
        self,
        card: ModelCard,
        folder: Path = MODELS_FOLDER,
        threads: int = 0,
        remedy: str = SHIPPED,
    ) -> None:
        """Open a model.

        Args:
            card: Which model; its hash is checked before anything of the file is read.
            folder: Where model files lie.
            threads: Threads within an operator; 0 lets ONNX Runtime take one a core.
            remedy: What the user can do where the file is missing or another one.

        Raises:
            ModelError: The file is missing, is not the pinned one, or cannot be run.
        """
        content = _read_checked(card, folder / card.file, remedy)
        options = ort.SessionOptions()
        options.intra_op_num_threads = threads
        options.log_severity_level = 3
        # Threads that wait by spinning take the cores that decoding needs: on two cores the sample
        # clip runs at 58 frames a second instead of 44, and Blender stays responsive.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        # Else a file may also be one of ONNX Runtime's own format, which nothing here looks into.
        options.add_session_config_entry("session.load_model_format", "ONNX")
        try:
            self._session = ort.InferenceSession(
                content, options, providers=["CPUExecutionProvider"]
            )
        except Exception as error:  # ONNX Runtime raises classes that it does not export
            raise ModelError(f"ONNX Runtime cannot open {card.file}: {error}") from error
        self.provider: str = self._session.get_providers()[0]
        self.inputs = _ports(self._session.get_inputs())
        self.outputs = _ports(self._session.get_outputs())

    def run(
        self, batch: NDArray[np.float32], outputs: tuple[str, ...]
    ) -> list[NDArray[np.float32]]:
        """Run the network.

        Args:
            batch: (N, ...) float32, shaped and scaled as the network was trained.
            outputs: Names of the outputs wanted.

        Returns:
            The outputs in that order, each with leading axis N.
        """
        return list(self._session.run(list(outputs), {self.inputs[0].name: batch}))


def _ports(nodes: Sequence[Any]) -> tuple[Port, ...]:
    return tuple(
        Port(
            node.name,
            tuple(size if isinstance(size, int) else None for size in node.shape),
            node.type,
        )
        for node in nodes
    )


def _read_checked(card: ModelCard, path: Path, remedy: str) -> bytes:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ModelError(
            f"Model file {path} cannot be read ({error.strerror}): {remedy}"
        ) from error
    found = hashlib.sha256(content).hexdigest()
    if found != card.sha256:
        raise ModelError(
            f"Model file {path} has SHA-256 {found}, expected {card.sha256}: delete it and {remedy}"
        )
    return content
