# SPDX-License-Identifier: GPL-3.0-or-later
"""The head as an ONNX file: opset 17, any batch, the same bytes on every run."""

import io
import os
from pathlib import Path
from typing import Final

import onnx
import torch
from torch import Tensor, nn

from .codec import CONTEXT, DECODER_CHANNELS, EARLY_CELLS, EARLY_CHANNELS, GRID_CELLS
from .model import SpineHead

OPSET: Final = 17
IR_VERSION: Final = 8
INPUTS: Final = ("early", "decoder", "context")
OUTPUTS: Final = ("points", "scale")


class _Answers(nn.Module):
    """The head without its guesses, which only training needs."""

    def __init__(self, head: SpineHead) -> None:
        super().__init__()
        self.head = head

    def forward(self, early: Tensor, decoder: Tensor, context: Tensor) -> tuple[Tensor, Tensor]:
        points, scale, _ = self.head(early, decoder, context)
        return points, scale


def to_onnx(head: SpineHead) -> bytes:
    """Convert a head.

    Args:
        head: The head, on the CPU.

    Returns:
        Content of the .onnx file.
    """
    example = (
        torch.zeros(2, EARLY_CHANNELS, EARLY_CELLS, EARLY_CELLS),
        torch.zeros(2, DECODER_CHANNELS, GRID_CELLS, GRID_CELLS),
        torch.zeros(2, CONTEXT),
    )
    buffer = io.BytesIO()
    # The exporter by tracing: the newer one needs onnxscript, which nothing else here does.
    torch.onnx.export(
        _Answers(head).eval(),  # the exporter gives the mode it finds back to all within
        example,
        buffer,  # type: ignore[arg-type]  # a file-like object is taken too
        input_names=list(INPUTS),
        output_names=list(OUTPUTS),
        dynamic_axes={name: {0: "batch"} for name in (*INPUTS, *OUTPUTS)},
        opset_version=OPSET,
        dynamo=False,
    )
    model = onnx.load_from_string(buffer.getvalue())
    model.ir_version = IR_VERSION
    model.producer_name, model.producer_version = "track_spine", ""
    onnx.checker.check_model(model)
    return bytes(model.SerializeToString(deterministic=True))


def export(head: SpineHead, path: Path) -> int:
    """Write a head as ONNX.

    Args:
        head: The head.
        path: The file.

    Returns:
        Its size, bytes.
    """
    content = to_onnx(head)
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.{os.getpid()}.part")
    partial.write_bytes(content)
    partial.replace(path)
    return len(content)
