# SPDX-License-Identifier: GPL-3.0-or-later
"""The temporal lifter as an ONNX file: opset 17, any number of windows of any length."""

import io
from pathlib import Path
from typing import Final

import onnx
import torch

from ..inference.temporal_lifter import FEATURES, WINDOW
from .export_onnx import OPSET, finished, write_whole
from .lift_model import Lifter, Shipped

OUTPUTS: Final = ("points", "sigma")


def lifter_to_onnx(lifter: Lifter) -> bytes:
    """Convert a network.

    Args:
        lifter: The network, on the CPU.

    Returns:
        Content of the .onnx file: input `told` (N, T, FEATURES), outputs `points` (N, T, 37, 3) and
        `sigma` (N, T, 37), metres.
    """
    buffer = io.BytesIO()
    axes = {0: "windows", 1: "frames"}
    # The exporter by tracing: the newer one needs onnxscript, which nothing else here does.
    torch.onnx.export(
        Shipped(lifter).eval(),
        (torch.zeros(2, WINDOW, FEATURES),),
        buffer,  # type: ignore[arg-type]  # a file-like object is taken too
        input_names=["told"],
        output_names=list(OUTPUTS),
        dynamic_axes={"told": axes, **{name: axes for name in OUTPUTS}},
        opset_version=OPSET,
        dynamo=False,
    )
    return finished(onnx.load_from_string(buffer.getvalue()))


def export_lifter(lifter: Lifter, path: Path) -> int:
    """Write a network as ONNX.

    Args:
        lifter: The network.
        path: The file.

    Returns:
        Its size, bytes.
    """
    return write_whole(lifter_to_onnx(lifter), path)
