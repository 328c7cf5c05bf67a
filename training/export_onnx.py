# SPDX-License-Identifier: GPL-3.0-or-later
"""The student as an ONNX file to be joined with the base: opset 17, any batch, the same bytes."""

import copy
import io
import os
from pathlib import Path
from typing import Final

import onnx
import torch
from torch import nn

from .codec import (
    DECODER_CHANNELS,
    GLOBAL_CELLS,
    GLOBAL_CHANNELS,
    LANDMARK_COUNT,
    MAP_CELLS,
)
from .model import SpineHead
from .student import INPUTS, Student
from .unfrozen import UnfrozenHead

OPSET: Final = 17
IR_VERSION: Final = 8
OUTPUTS: Final = ("points", "scale")


def folded(head: SpineHead) -> SpineHead:
    """Put what normalises the inputs into the layers behind: ONNX Runtime does not.

    Args:
        head: The head.

    Returns:
        One that answers the same, in evaluation mode.
    """
    copied = copy.deepcopy(head).eval()
    copied.mix = _fold(head.norm, head.mix)
    copied.norm = nn.Identity()  # type: ignore[assignment]
    norm, _, linear, *rest = head.facts
    assert isinstance(norm, nn.BatchNorm1d)
    assert isinstance(linear, nn.Linear)
    copied.facts = nn.Sequential(_fold(norm, linear), *copy.deepcopy(rest))
    return copied


@torch.no_grad()
def _fold(norm: nn.BatchNorm1d, linear: nn.Linear) -> nn.Linear:
    mean, variance = norm.running_mean, norm.running_var
    assert mean is not None
    assert variance is not None
    gain = (variance.double() + norm.eps).rsqrt()
    weight = linear.weight.double() * gain
    result = nn.Linear(linear.in_features, linear.out_features)
    result.weight.copy_(weight)
    result.bias.copy_(linear.bias.double() - weight @ mean.double())
    return result


def to_onnx(head: SpineHead) -> bytes:
    """Convert a head.

    Args:
        head: The head, on the CPU. The weights of a decoder that was trained with it are kept under
            the names that they have in the base; `tools/join_networks.py` puts them there.

    Returns:
        Content of the .onnx file.
    """
    if isinstance(head, UnfrozenHead):
        model = onnx.load_from_string(to_onnx(head.without_decoder()))
        model.graph.initializer.extend(head.decoder.constants())
        return finished(model)
    example = (
        torch.zeros(2, DECODER_CHANNELS, MAP_CELLS, MAP_CELLS),
        torch.zeros(2, GLOBAL_CHANNELS, GLOBAL_CELLS, GLOBAL_CELLS),
        torch.zeros(2, 5 * LANDMARK_COUNT),
        torch.zeros(2, 3 * LANDMARK_COUNT),
    )
    buffer = io.BytesIO()
    # The exporter by tracing: the newer one needs onnxscript, which nothing else here does.
    torch.onnx.export(
        Student(folded(head)).eval(),  # the exporter gives the mode it finds back to all within
        example,
        buffer,  # type: ignore[arg-type]  # a file-like object is taken too
        input_names=list(INPUTS),
        output_names=list(OUTPUTS),
        dynamic_axes={name: {0: "batch"} for name in (*INPUTS, *OUTPUTS)},
        opset_version=OPSET,
        dynamo=False,
    )
    return finished(onnx.load_from_string(buffer.getvalue()))


def finished(model: onnx.ModelProto) -> bytes:
    """Make a traced network the same file each time.

    Args:
        model: What PyTorch exported; changed in place.

    Returns:
        The ONNX file's content.
    """
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
    return write_whole(to_onnx(head), path)


def write_whole(content: bytes, path: Path) -> int:
    """Write a file under its name only once it is whole.

    Args:
        content: What it holds.
        path: The file.

    Returns:
        Its size, bytes.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.{os.getpid()}.part")
    partial.write_bytes(content)
    partial.replace(path)
    return len(content)
