# SPDX-License-Identifier: GPL-3.0-or-later
"""The temporal lifter as an ONNX file: opset 17, any number of windows of any length."""

import io
import os
from pathlib import Path
from typing import Final

import onnx
import torch

from ..inference.temporal_lifter import FEATURES, WINDOW
from .export_onnx import IR_VERSION, OPSET
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
    model = onnx.load_from_string(buffer.getvalue())
    model.ir_version = IR_VERSION
    model.producer_name, model.producer_version = "track_spine", ""
    onnx.checker.check_model(model)
    return bytes(model.SerializeToString(deterministic=True))


def export_lifter(lifter: Lifter, path: Path) -> int:
    """Write a network as ONNX.

    Args:
        lifter: The network.
        path: The file.

    Returns:
        Its size, bytes.
    """
    content = lifter_to_onnx(lifter)
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.{os.getpid()}.part")
    partial.write_bytes(content)
    partial.replace(path)
    return len(content)
