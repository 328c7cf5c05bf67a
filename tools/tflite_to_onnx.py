# SPDX-License-Identifier: GPL-3.0-or-later
"""Convert a float TFLite network to ONNX with a dynamic batch, the same byte for byte on every run.

Inside the ONNX graph a four-dimensional activation carries the name of its TFLite tensor and holds
its values as (N, C, H, W), so any of them can be made an output later; only the graph's own inputs
and outputs keep TFLite's (N, H, W, C). Half-precision weights stay so in the file, each with a
Cast that ONNX Runtime folds when it opens the file.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import numpy as np
import onnx
import tflite
from onnx import helper, numpy_helper
from track_spine.tools.tflite_network import (
    Array,
    ConversionError,
    Network,
    Operation,
    read_network,
)

# Pinned, so that a newer onnx package writes the same bytes; ONNX Runtime reads both since 1.12.
OPSET: Final = 17
IR_VERSION: Final = 8

BATCH: Final = "batch"
TO_NCHW: Final = (0, 3, 1, 2)
TO_NHWC: Final = (0, 2, 3, 1)
SPATIAL: Final = slice(1, 3)
"""The axes H and W of a TFLite shape."""


def convert(data: bytes, inputs: Sequence[str], outputs: Mapping[str, str]) -> bytes:
    """Convert a TFLite file.

    Args:
        data: Content of the .tflite file.
        inputs: New names of the network's inputs, in the file's order.
        outputs: New names of the tensors to give out, by TFLite name; what none of them needs is
            left out.

    Returns:
        Content of the .onnx file; the first axis of each input and output is any length.

    Raises:
        ConversionError: If an operation, an option or a tensor is not supported.
    """
    model = convert_network(read_network(data), inputs, outputs)
    return bytes(model.SerializeToString(deterministic=True))


def convert_network(
    network: Network, inputs: Sequence[str], outputs: Mapping[str, str]
) -> onnx.ModelProto:
    """Convert a network that has been read; see `convert`.

    Args:
        network: The network, its batch of one as the first axis of each activation.
        inputs: New names of its inputs.
        outputs: New names of the tensors to give out, by TFLite name.

    Returns:
        The ONNX model.

    Raises:
        ConversionError: If an operation, an option or a tensor is not supported.
    """
    by_name = {tensor.name: index for index, tensor in enumerate(network.tensors)}
    if unknown := outputs.keys() - by_name.keys():
        raise ConversionError(f"The network has no tensors {sorted(unknown)} to give out")
    graph = _Graph(network)
    for name, index in zip(inputs, network.inputs, strict=True):
        graph.add_input(name, index)
    for operation in _needed(network.operations, {by_name[name] for name in outputs}):
        if operation.kind not in _CONVERTERS:
            raise graph.unsupported(operation, "the operation")
        _CONVERTERS[operation.kind](graph, operation)
    for tensor_name, name in outputs.items():
        graph.add_output(name, by_name[tensor_name])
    return graph.model()


def same_padding(size: int, kernel: int, stride: int, dilation: int = 1) -> tuple[int, int]:
    """Padding that TFLite's SAME adds to one axis; the odd pixel goes to the end.

    Args:
        size: Length of the axis, pixels.
        kernel: Taps of the filter.
        stride: Step of the filter, pixels.
        dilation: Distance between taps, pixels.

    Returns:
        Pixels before and after.
    """
    steps = -(-size // stride)
    total = max((steps - 1) * stride + (kernel - 1) * dilation + 1 - size, 0)
    return total // 2, total - total // 2


def _needed(operations: Sequence[Operation], wanted: set[int]) -> list[Operation]:
    kept = []
    for operation in reversed(operations):
        if operation.output in wanted:
            wanted = wanted.union(operation.inputs)
            kept.append(operation)
    return kept[::-1]


class _Graph:
    """An ONNX graph that grows; a TFLite tensor enters it when the first operation needs it."""

    def __init__(self, network: Network) -> None:
        self.tensors = network.tensors
        self.constants = {i: t.data for i, t in enumerate(network.tensors) if t.data is not None}
        self.paddings: dict[int, tuple[int, Array]] = {}
        self._nodes: dict[str, onnx.NodeProto] = {}
        self._initializers: dict[str, onnx.TensorProto] = {}
        self._inputs: list[onnx.ValueInfoProto] = []
        self._outputs: list[onnx.ValueInfoProto] = []

    def model(self) -> onnx.ModelProto:
        graph = helper.make_graph(
            list(self._nodes.values()),
            "tflite",
            self._inputs,
            self._outputs,
            list(self._initializers.values()),
        )
        return helper.make_model(
            graph,
            producer_name="track_spine",
            opset_imports=[helper.make_opsetid("", OPSET)],
            ir_version=IR_VERSION,
        )

    def add_input(self, name: str, index: int) -> None:
        if self.rank(index) != 4:
            raise ConversionError(f"The input {self.tensors[index].name} is not a batch of images")
        self._inputs.append(self._value_info(name, index))
        self.node("Transpose", [name], self.tensors[index].name, perm=TO_NCHW)

    def add_output(self, name: str, index: int) -> None:
        self._outputs.append(self._value_info(name, index))
        if self.rank(index) == 4:
            self.node("Transpose", [self.value(index)], name, perm=TO_NHWC)
        else:
            self.node("Identity", [self.value(index)], name)

    def node(self, kind: str, inputs: Sequence[str], output: str, **attributes: Any) -> str:
        self._nodes[output] = helper.make_node(kind, inputs, [output], name=output, **attributes)
        return output

    def emit(
        self, operation: Operation, kind: str, inputs: Sequence[str], **attributes: Any
    ) -> None:
        """Add the node for an operation, and one for the activation fused into it."""
        name = self.tensors[operation.output].name
        none = tflite.ActivationFunctionType.NONE
        activation = operation.options.get("FusedActivationFunction", none)
        if activation == none:
            self.node(kind, inputs, name, **attributes)
            return
        linear = self.node(kind, inputs, f"{name}:linear", **attributes)
        if activation == tflite.ActivationFunctionType.RELU:
            self.node("Relu", [linear], name)
        elif activation == tflite.ActivationFunctionType.RELU6:
            bounds = [self.constant("zero", np.float32(0)), self.constant("six", np.float32(6))]
            self.node("Clip", [linear, *bounds], name)
        else:
            raise self.unsupported(operation, f"fused activation {activation}")

    def value(self, index: int) -> str:
        """Name of an activation."""
        name = self.tensors[index].name
        if name not in self._nodes:
            if index not in self.paddings:
                raise ConversionError(f"{name} is not the result of an operation")
            source, paddings = self.paddings[index]
            pads = self.constant(f"{name}/pads", paddings[list(TO_NCHW)].T.ravel().astype(np.int64))
            self.node("Pad", [self.value(source), pads], name)
        return name

    def weight(self, index: int, axes: Sequence[int]) -> str:
        """Name of a constant in float32, with its axes permuted."""
        name = self.tensors[index].name
        if index not in self.constants:
            raise ConversionError(f"The weights {name} are not constant")
        values = self.constants[index].transpose(axes)
        if values.dtype == np.float32:
            return self.constant(name, values)
        half = self.constant(f"{name}:float16", values)
        return self.node("Cast", [half], name, to=onnx.TensorProto.FLOAT)

    def constant(self, name: str, values: Array | np.generic) -> str:
        tensor = numpy_helper.from_array(np.ascontiguousarray(values), name)
        if self._initializers.setdefault(name, tensor) != tensor:
            raise ConversionError(f"The constant {name} is used in two layouts")
        return name

    def rank(self, index: int) -> int:
        return len(self.tensors[index].shape)

    def unsupported(self, operation: Operation, what: str) -> ConversionError:
        name = self.tensors[operation.output].name
        return ConversionError(f"{operation.kind} of tensor {name}: {what} is not supported")

    def _value_info(self, name: str, index: int) -> onnx.ValueInfoProto:
        batch, *shape = self.tensors[index].shape
        if batch != 1:
            raise ConversionError(f"{self.tensors[index].name} has a batch of {batch}, not of one")
        return helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, [BATCH, *shape])


def _keep_constant(graph: _Graph, operation: Operation) -> None:
    """Constants are dense when read, and become float32 when a node needs them."""
    (source,) = operation.inputs
    if source not in graph.constants:
        raise graph.unsupported(operation, "an input that is not constant")
    graph.constants[operation.output] = graph.constants[source]


def _keep_padding(graph: _Graph, operation: Operation) -> None:
    """A convolution takes padding into itself; a node is added only for another reader."""
    source, paddings = operation.inputs
    graph.paddings[operation.output] = (source, graph.constants[paddings])


def _convert_convolution(graph: _Graph, operation: Operation) -> None:
    source, weights, *bias = operation.inputs
    depthwise = operation.kind == "DEPTHWISE_CONV_2D"
    kernel = graph.tensors[weights].shape[SPATIAL]
    pads = _window_pads(graph, operation, source, kernel)
    if source in graph.paddings and not graph.paddings[source][1][[0, 3]].any():
        source, paddings = graph.paddings[source]
        pads = pads + paddings[SPATIAL]
    axes = (3, 0, 1, 2) if depthwise else TO_NCHW
    graph.emit(
        operation,
        "Conv",
        [graph.value(source), graph.weight(weights, axes)]
        + [graph.weight(index, (0,)) for index in bias],
        kernel_shape=kernel,
        strides=_strides(operation),
        dilations=_dilations(operation),
        pads=pads.T.ravel().tolist(),
        group=graph.tensors[source].shape[3] if depthwise else 1,
    )


def _convert_max_pool(graph: _Graph, operation: Operation) -> None:
    (source,) = operation.inputs
    kernel = (operation.options["FilterHeight"], operation.options["FilterWidth"])
    graph.emit(
        operation,
        "MaxPool",
        [graph.value(source)],
        kernel_shape=kernel,
        strides=_strides(operation),
        dilations=_dilations(operation),
        pads=_window_pads(graph, operation, source, kernel).T.ravel().tolist(),
    )


def _window_pads(graph: _Graph, operation: Operation, source: int, kernel: Sequence[int]) -> Array:
    """Pixels (H and W, before and after) that the padding mode of a sliding window adds."""
    if operation.options["Padding"] == tflite.Padding.VALID:
        return np.zeros((2, 2), np.int64)
    size = graph.tensors[source].shape[SPATIAL]
    windows = zip(size, kernel, _strides(operation), _dilations(operation), strict=True)
    return np.array([same_padding(*window) for window in windows])


def _strides(operation: Operation) -> tuple[int, int]:
    return operation.options["StrideH"], operation.options["StrideW"]


def _dilations(operation: Operation) -> tuple[int, int]:
    options = operation.options
    return options.get("DilationHFactor", 1), options.get("DilationWFactor", 1)


def _convert_add(graph: _Graph, operation: Operation) -> None:
    if len({graph.tensors[index].shape for index in operation.inputs}) > 1:
        raise graph.unsupported(operation, "broadcasting")
    graph.emit(operation, "Add", [graph.value(index) for index in operation.inputs])


def _convert_resize(graph: _Graph, operation: Operation) -> None:
    source, size = operation.inputs
    if operation.options["AlignCorners"] or not operation.options["HalfPixelCenters"]:
        raise graph.unsupported(operation, "sampling other than at half-pixel centres")
    scales = graph.constants[size] / np.array(graph.tensors[source].shape[SPATIAL])
    if (scales % 1).any():
        raise graph.unsupported(operation, f"scaling by {scales.tolist()}")
    # Scales, not sizes: a size would fix the batch, and ONNX Runtime's blocked kernel needs them.
    name = f"{graph.tensors[operation.output].name}/scales"
    graph.emit(
        operation,
        "Resize",
        [
            graph.value(source),
            "",
            graph.constant(name, np.array([1, 1, *scales], np.float32)),
        ],
        mode="linear",
        coordinate_transformation_mode="half_pixel",
    )


def _convert_reshape(graph: _Graph, operation: Operation) -> None:
    source = operation.inputs[0]
    name = graph.tensors[operation.output].name
    batch, *shape = graph.tensors[operation.output].shape
    if batch != 1 or len(shape) == 3:
        raise graph.unsupported(operation, f"the new shape {[batch, *shape]}")
    value = graph.value(source)
    if graph.rank(source) == 4:
        value = graph.node("Transpose", [value], f"{name}:nhwc", perm=TO_NHWC)
    target = graph.constant(f"{name}/shape", np.array([-1, *shape], np.int64))
    graph.emit(operation, "Reshape", [value, target])


def _convert_concatenation(graph: _Graph, operation: Operation) -> None:
    axis = operation.options["Axis"] % graph.rank(operation.output)
    if axis == 0:
        raise graph.unsupported(operation, "joining along the batch")
    if graph.rank(operation.output) == 4:
        axis = TO_NCHW.index(axis)
    graph.emit(operation, "Concat", [graph.value(index) for index in operation.inputs], axis=axis)


def _convert_depth_to_space(graph: _Graph, operation: Operation) -> None:
    graph.emit(
        operation,
        "DepthToSpace",
        [graph.value(index) for index in operation.inputs],
        blocksize=operation.options["BlockSize"],
        mode="DCR",
    )


def _convert_logistic(graph: _Graph, operation: Operation) -> None:
    graph.emit(operation, "Sigmoid", [graph.value(index) for index in operation.inputs])


_CONVERTERS: Final[Mapping[str, Callable[[_Graph, Operation], None]]] = {
    "ADD": _convert_add,
    "CONCATENATION": _convert_concatenation,
    "CONV_2D": _convert_convolution,
    "DENSIFY": _keep_constant,
    "DEPTHWISE_CONV_2D": _convert_convolution,
    "DEPTH_TO_SPACE": _convert_depth_to_space,
    "DEQUANTIZE": _keep_constant,
    "LOGISTIC": _convert_logistic,
    "MAX_POOL_2D": _convert_max_pool,
    "PAD": _keep_padding,
    "RESHAPE": _convert_reshape,
    "RESIZE_BILINEAR": _convert_resize,
}
