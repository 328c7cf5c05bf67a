# SPDX-License-Identifier: GPL-3.0-or-later
"""The only place that runs ONNX: opens a model file after checking its hash, with dynamic batch."""

import hashlib
from pathlib import Path

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray

from .errors import ModelError
from .models import MODELS_FOLDER, ModelCard


class Session:
    """One network, ready to run on the CPU."""

    def __init__(self, card: ModelCard, folder: Path = MODELS_FOLDER, threads: int = 0) -> None:
        """Open a model.

        Args:
            card: Which model; its hash is checked before anything of the file is read.
            folder: Where model files lie.
            threads: Threads within an operator; 0 lets ONNX Runtime take one a core.

        Raises:
            ModelError: The file is missing, is not the pinned one, or cannot be run.
        """
        content = _read_checked(card, folder / card.file)
        options = ort.SessionOptions()
        options.intra_op_num_threads = threads
        options.log_severity_level = 3
        # Threads that wait by spinning take the cores that decoding needs: on two cores the sample
        # clip runs at 58 frames a second instead of 44, and Blender stays responsive.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        try:
            self._session = ort.InferenceSession(
                content, options, providers=["CPUExecutionProvider"]
            )
        except Exception as error:  # ONNX Runtime raises classes that it does not export
            raise ModelError(f"ONNX Runtime cannot open {card.file}: {error}") from error
        self._input = self._session.get_inputs()[0].name
        self.provider: str = self._session.get_providers()[0]

    def run(
        self, batch: NDArray[np.float32], outputs: tuple[str, ...]
    ) -> list[NDArray[np.float32]]:
        """Run the network.

        Args:
            batch: (N, H, W, 3) float32, scaled as the network was trained.
            outputs: Names of the outputs wanted.

        Returns:
            The outputs in that order, each with leading axis N.
        """
        return list(self._session.run(list(outputs), {self._input: batch}))


def _read_checked(card: ModelCard, path: Path) -> bytes:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ModelError(
            f"Model file {path} cannot be read ({error.strerror}): run `make setup` in a checkout, "
            "or install the extension again"
        ) from error
    found = hashlib.sha256(content).hexdigest()
    if found != card.sha256:
        raise ModelError(
            f"Model file {path} has SHA-256 {found}, expected {card.sha256}: "
            "delete it and run `make setup`, or install the extension again"
        )
    return content
