# SPDX-License-Identifier: GPL-3.0-or-later
"""The base's decoder in PyTorch with the base's own weights, so that it can be trained further.

The cut lies where the decoder begins. Of all weights behind it none serves landmarks, presence or
metres: whatever becomes of the decoder, they stay the base's to the bit, and so does the square
about the torso. Only the heatmaps can change, which refine the landmarks.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Final

import numpy as np
import onnx
import torch
from onnx import numpy_helper
from torch import Tensor, nn

from ..tools.fetch_models import DECODER
from ..tools.tflite_to_onnx import convert_network
from .base import FEATURES, INNER, FrozenBase, base_network
from .config import Config
from .errors import TrainingError

HEATMAP: Final = "Identity_3"
"""Logits of 39 points over 64 x 64 cells, the teacher's output distribution on body points."""

CUT: Final = {
    "early": "model_1/model/add/add",
    "middle": "model_1/model/add_1/add",
    "late": "model_1/model/add_5/add",
    "deep": (
        "model_1/model/re_lu_31/Relu6;model_1/model/batch_normalization_46/FusedBatchNormV3;"
        "model_1/model/depthwise_conv2d_15/depthwise;model_1/model/depthwise_conv2d_20/depthwise"
    ),
}
"""What enters the decoder: 24 x 64 x 64, 32 x 32 x 32, 88 x 16 x 16 and 864 x 8 x 8."""

LATE_FEATURES: Final = replace(
    FEATURES,
    name="blazepose-full-late-features",
    file="blazepose_late_features_full.onnx",
    sha256="186cdfd73cfe21ac1fde6d6c88e1aa24c37a58b994f3feeb769b990fb10754a6",
)

RELU6: Final = (0.0, 6.0)


class LateBase(FrozenBase):
    """The frozen base that also gives out what enters its decoder."""

    card = LATE_FEATURES
    inner = INNER | CUT


def open_base(config: Config, threads: int) -> FrozenBase:
    """Open the base with the outputs that features of these settings need.

    Args:
        config: Settings.
        threads: Threads within an operator; 0 is one a core.

    Raises:
        TrainingError: If the base cannot be fetched, or is not the pinned one.
    """
    return LateBase(threads) if config.unfreeze else FrozenBase(threads)


class Decoder(nn.Module):
    """The operations from the cut to the decoder's map and the heatmaps."""

    def __init__(self, graph: onnx.GraphProto, inputs: Iterable[str], outputs: Iterable[str]):
        """Copy a part of a network.

        Args:
            graph: The network, activations as (N, C, H, W).
            inputs: Names of the values that enter the part.
            outputs: Names of the values that it gives.

        Raises:
            TrainingError: If the part holds an operation that is not copied here.
        """
        super().__init__()
        self._inputs, self._outputs = tuple(inputs), tuple(outputs)
        nodes = _between(graph, self._inputs, self._outputs)
        weights = _weights(graph, {name for node in nodes for name in node.input})
        self._steps = [(_sources(node, weights), node.output[0]) for node in nodes]
        self.layers = nn.ModuleList(_layer(node, weights) for node in nodes)
        self._kept = _kept(graph, nodes)

    def forward(self, *maps: Tensor) -> tuple[Tensor, ...]:
        """Run the part.

        Args:
            maps: (N, C, H, W) values that enter it, in the order of its inputs.

        Returns:
            The values that it gives, in the order of its outputs.
        """
        values = dict(zip(self._inputs, maps, strict=True))
        for layer, (sources, result) in zip(self.layers, self._steps, strict=True):
            values[result] = layer(*(values[name] for name in sources))
        return tuple(values[name] for name in self._outputs)

    def constants(self) -> list[onnx.TensorProto]:
        """Its weights as the network keeps them, under the names and in the types it has there."""
        return [
            numpy_helper.from_array(
                weights.detach().numpy().astype(numpy_helper.to_array(kept).dtype), kept.name
            )
            for weights, kept in zip(self.parameters(), self._kept, strict=True)
        ]


def base_decoder() -> Decoder:
    """The base's decoder with its weights: from the maps of CUT to (decoder, heatmap).

    Raises:
        TrainingError: If the base cannot be fetched.
    """
    model = convert_network(base_network(), ["image"], {DECODER: "decoder", HEATMAP: "heatmap"})
    return Decoder(model.graph, CUT.values(), (DECODER, HEATMAP))


class _Add(nn.Module):
    def forward(self, first: Tensor, second: Tensor) -> Tensor:
        return first + second


def _between(
    graph: onnx.GraphProto, inputs: tuple[str, ...], outputs: tuple[str, ...]
) -> list[onnx.NodeProto]:
    """Nodes that the outputs need beyond the inputs, in running order, without constants."""
    wanted, kept = set(outputs), []
    for node in reversed(graph.node):
        if node.output[0] in wanted and node.output[0] not in inputs and node.op_type != "Cast":
            wanted.update(node.input)
            kept.append(node)
    return kept[::-1]


def _sources(node: onnx.NodeProto, weights: Mapping[str, Tensor]) -> tuple[str, ...]:
    return tuple(name for name in node.input if name and name not in weights)


def _layer(node: onnx.NodeProto, weights: Mapping[str, Tensor]) -> nn.Module:
    if node.op_type == "Conv":
        return _convolution(node, weights)
    if node.op_type == "Add":
        return _Add()
    constants = [weights[name] for name in node.input if name in weights]
    if node.op_type == "Clip" and tuple(float(limit) for limit in constants) == RELU6:
        return nn.ReLU6()
    if node.op_type == "Resize":
        scales = constants[0].tolist()[2:]
        return nn.Upsample(scale_factor=tuple(scales), mode="bilinear", align_corners=False)
    raise TrainingError(f"{node.op_type} of {node.output[0]} is not copied: cut the base elsewhere")


def _convolution(node: onnx.NodeProto, weights: Mapping[str, Tensor]) -> nn.Conv2d:
    options = {field.name: onnx.helper.get_attribute_value(field) for field in node.attribute}
    weight, bias = (weights[name] for name in node.input[1:])
    top, left, bottom, right = options["pads"]
    if (top, left) != (bottom, right):
        raise TrainingError(f"{node.output[0]} pads unevenly: cut the base elsewhere")
    layer = nn.Conv2d(
        weight.shape[1] * options["group"],
        len(weight),
        tuple(options["kernel_shape"]),
        stride=tuple(options["strides"]),
        padding=(top, left),
        dilation=tuple(options["dilations"]),
        groups=options["group"],
        device="meta",  # no weights are drawn: the head's must not depend on it
    )
    layer.load_state_dict({"weight": weight, "bias": bias}, assign=True)
    return layer


def _kept(graph: onnx.GraphProto, nodes: list[onnx.NodeProto]) -> list[onnx.TensorProto]:
    """Weight and bias of each convolution as the graph keeps them."""
    constants = _constants(graph)
    return [constants[name] for node in nodes if node.op_type == "Conv" for name in node.input[1:]]


def _constants(graph: onnx.GraphProto) -> dict[str, onnx.TensorProto]:
    """Constants by name; those kept in half precision also by that of their Cast's result."""
    constants = {tensor.name: tensor for tensor in graph.initializer}
    for node in graph.node:
        if node.op_type == "Cast":
            constants[node.output[0]] = constants[node.input[0]]
    return constants


def _weights(graph: onnx.GraphProto, wanted: set[str]) -> dict[str, Tensor]:
    """Constants by name in float32."""
    constants = _constants(graph)
    return {
        name: torch.from_numpy(numpy_helper.to_array(constants[name]).astype(np.float32))
        for name in wanted & constants.keys()
    }
