# SPDX-License-Identifier: GPL-3.0-or-later
"""The only place that runs ONNX: opens a model file after checking its hash, with dynamic batch."""

import hashlib
import sys
import threading
from collections.abc import Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray

from .agreement import disagreement
from .cores import usable_cores
from .errors import ModelError
from .models import MODELS_FOLDER, ModelCard
from .providers import CPU, Provider, choose

SHIPPED: Final = "run `make setup` in a checkout, or install the extension again"
"""What to do about a file of ours that is missing or wrong."""

RUNTIME_VERSION: Final = str(ort.__version__)


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
    """One network, ready to run on the best provider that does.

    A provider that cannot be started, or whose first run fails or does not agree with the CPU, is
    left for the next one. Later failures are errors: half of a clip must not be computed otherwise
    than the rest.

    Attributes:
        inputs: What the file takes.
        outputs: What the file gives.
        why_not: A sentence for each better provider that was tried and left.
    """

    def __init__(
        self,
        card: ModelCard,
        folder: Path = MODELS_FOLDER,
        threads: int = 0,
        remedy: str = SHIPPED,
        provider: str | None = None,
    ) -> None:
        """Open a model.

        Args:
            card: Which model; its hash is checked before anything of the file is read.
            folder: Where model files lie.
            threads: Threads within an operator, on a CPU; 0 for one a core.
            remedy: What the user can do where the file is missing or another one.
            provider: One of `providers.NAMES`; None leaves it to the environment.

        Raises:
            ModelError: The file is missing, is not the pinned one, or cannot be run; or the
                provider asked for is not there or does not work.
        """
        self._file = card.file
        self._threads = threads or usable_cores()
        self._content = _read_checked(card, folder / card.file, remedy)
        self._left = list(choose(available_providers(), provider).order)
        self.why_not: list[str] = []
        self._alone = threading.Lock()
        self._open()
        self.inputs = _ports(self._session.get_inputs())
        self.outputs = _ports(self._session.get_outputs())

    @property
    def provider(self) -> str:
        """Execution provider in use, as ONNX Runtime names it; sure after the first run."""
        return self._in_use.runtime

    def run(
        self, batch: NDArray[np.float32], outputs: tuple[str, ...]
    ) -> list[NDArray[np.float32]]:
        """Run the network.

        Args:
            batch: (N, ...) float32, shaped and scaled as the network was trained; it goes through
                row by row where the file takes one at a time.
            outputs: Names of the outputs wanted.

        Returns:
            The outputs in that order, each with leading axis N.

        Raises:
            ModelError: The network cannot be run on it.
        """
        if self._content or self._in_use.one_at_a_time:
            with self._alone:
                run = self._run_first if self._content else self._run
                return run(batch, outputs)
        return self._run(batch, outputs)

    def _run_first(
        self, batch: NDArray[np.float32], outputs: tuple[str, ...]
    ) -> list[NDArray[np.float32]]:
        while True:
            try:
                answers = self._run(batch, outputs)
                self._require_right(batch, outputs, answers)
            except ModelError as error:
                if not (self._content and self._left):
                    raise
                self._refuse(error)
                self._open()
            else:
                self._content = b""  # only needed to open the network elsewhere
                return answers

    def _require_right(
        self,
        batch: NDArray[np.float32],
        outputs: tuple[str, ...],
        answers: list[NDArray[np.float32]],
    ) -> None:
        """Hold the provider against the CPU, where this is not the CPU."""
        if self._in_use is CPU:
            return
        given = {self.inputs[0].name: batch[:1]}
        expected = _started(self._content, CPU, self._threads).run(list(outputs), given)
        # Twice the same row, too: a batch may come out wrong where a single row does not.
        twice = self._run(np.repeat(batch[:1], 2, axis=0), outputs)
        first = [one[:1] for one in answers]
        if wrong := disagreement(
            [*first, *twice], [*expected, *(np.repeat(one, 2, axis=0) for one in expected)]
        ):
            raise ModelError(wrong)

    def _run(
        self, batch: NDArray[np.float32], outputs: tuple[str, ...]
    ) -> list[NDArray[np.float32]]:
        port = self.inputs[0]
        rows = np.split(batch, len(batch)) if port.shape[:1] == (1,) and len(batch) > 1 else [batch]
        try:
            answers = [self._session.run(list(outputs), {port.name: row}) for row in rows]
        except Exception as error:  # ONNX Runtime raises classes that it does not export
            raise ModelError(f"{self._file} cannot be run: {error}") from error
        if len(answers) == 1:
            return list(answers[0])
        return [np.concatenate(parts) for parts in zip(*answers, strict=True)]

    def _open(self) -> None:
        """Open the network on the next provider that starts."""
        while True:
            self._in_use = self._left.pop(0)
            try:
                self._session = _started(self._content, self._in_use, self._threads)
                break
            except Exception as error:  # as above; a folder for what is compiled may fail, too
                if not self._left:
                    raise ModelError(
                        f"ONNX Runtime cannot open {self._file} on {self._in_use.name}: {error}"
                    ) from error
                self._refuse(error)
        if self._in_use is CPU:
            self._content = b""

    def _refuse(self, error: Exception) -> None:
        self.why_not.append(f"{self._in_use.name} failed: {_first_line(error)}")


def available_providers() -> list[str]:
    """Ask ONNX Runtime which providers it was built with.

    Returns:
        Their names, as ONNX Runtime says them.
    """
    return list(ort.get_available_providers())


def _started(content: bytes, provider: Provider, threads: int) -> Any:
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 3
    options.enable_mem_pattern = not provider.one_at_a_time
    # Threads that wait by spinning take the cores that decoding needs: on two cores the sample
    # clip runs at 58 frames a second instead of 44, and Blender stays responsive.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    # Else a file may also be one of ONNX Runtime's own format, which nothing here looks into.
    options.add_session_config_entry("session.load_model_format", "ONNX")
    if provider.preloads and hasattr(ort, "preload_dlls"):  # from 1.21 on
        with redirect_stdout(sys.stderr):  # it prints what it does not find
            ort.preload_dlls()
    # Without this, ONNX Runtime goes on with a CPU by itself, and says so on the terminal only.
    session = ort.InferenceSession(
        content, options, providers=[(provider.runtime, provider.told())], enable_fallback=0
    )
    if session.get_providers()[0] != provider.runtime:
        raise ModelError(
            "ONNX Runtime lists it but could not start it: a driver or library that it needs is "
            "missing, or of another version (its log names it)"
        )
    return session


def _first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0][:300]


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
