# SPDX-License-Identifier: GPL-3.0-or-later
"""Says what this machine computes with: providers, the one picked and why, speed, model files."""

import platform
import statistics
import sys
import time
from collections.abc import Iterator
from typing import Final

import numpy as np
from numpy.typing import NDArray

from .cores import usable_cores
from .errors import ModelError
from .models import CARDS, POSE
from .pose2d import INPUT_PX
from .providers import CPU, PROVIDERS, choose
from .session import RUNTIME_VERSION, Session, available_providers

RUNS: Final = 7
"""Timed runs of which the median is told; two go before."""

OUTPUTS: Final = ("landmarks", "points")


def self_test(provider: str | None = None) -> Iterator[str]:
    """Try what tracking needs.

    Args:
        provider: As in `Session`.

    Yields:
        Findings, a line each.

    Raises:
        ModelError: A network that ships cannot be used.
    """
    yield f"Python {sys.version.split()[0]}, {sys.executable}"
    yield f"{platform.platform()}, {usable_cores()} usable cores"
    listed = ", ".join(available_providers())
    yield f"ONNX Runtime {RUNTIME_VERSION} with {listed}"
    for card in CARDS:
        Session(card, provider=CPU.name)
        yield f"{card.file}: SHA-256 {card.sha256} as expected"
    session = Session(POSE, provider=provider)
    picture = _picture()
    milliseconds, (answer, _) = _timed(session, picture)
    yield f"Picked {session.provider}: {milliseconds:.1f} ms a crop"
    yield from (*choose(available_providers(), provider).refused, *session.why_not)
    expected = session.run(picture, OUTPUTS)[0]
    if session.provider != CPU.runtime:
        _, (expected, _) = _timed(Session(POSE, provider=CPU.name), picture)
        yield f"Its landmarks differ from the CPU's by {_apart(answer, expected):.2f} px at most"
    yield from _others(session.provider, picture, expected)


def _others(
    picked: str, picture: NDArray[np.float32], expected: NDArray[np.float32]
) -> Iterator[str]:
    """What providers that are there and were not picked would do."""
    for one in PROVIDERS:
        if one.runtime == picked or one.runtime not in available_providers():
            continue
        try:
            milliseconds, (answer, _) = _timed(Session(POSE, provider=one.name), picture)
        except ModelError as error:
            yield f"{one.name} does not work here: {error}"
        else:
            yield (
                f"{one.name} would take {milliseconds:.1f} ms, its landmarks differ by "
                f"{_apart(answer, expected):.2f} px at most: choose it with --provider {one.name}"
            )


def _picture() -> NDArray[np.float32]:
    """A smooth picture (1, S, S, 3), 0..1: noise would be nothing like a crop."""
    axis = np.linspace(0.0, 1.0, INPUT_PX, dtype=np.float32)
    down, across = np.meshgrid(axis, axis, indexing="ij")
    return np.asarray(np.stack([down, across, np.abs(down - across)], axis=-1)[None], np.float32)


def _timed(
    session: Session, picture: NDArray[np.float32]
) -> tuple[float, list[NDArray[np.float32]]]:
    """Median milliseconds of a run, and its answers."""
    for _ in range(2):
        answers = session.run(picture, OUTPUTS)
    times = []
    for _ in range(RUNS):
        began = time.perf_counter()
        session.run(picture, OUTPUTS)
        times.append(time.perf_counter() - began)
    return 1e3 * statistics.median(times), answers


def _apart(answer: NDArray[np.float32], expected: NDArray[np.float32]) -> float:
    """Largest distance along an axis between landmarks (1, 195), pixels of the crop."""
    away = (answer - expected).reshape(-1, 5)[:, :2]
    return float(np.abs(away).max())
