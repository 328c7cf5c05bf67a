# SPDX-License-Identifier: GPL-3.0-or-later
"""Join two ONNX networks into one: a head that reads inner values of the base it stands on."""

from collections.abc import Mapping
from typing import Final

import onnx
from onnx import compose
from track_spine.tools.tflite_network import ConversionError

PREFIX: Final = "head/"
"""Put before the names of what is inside the head, which may be those of something in the base."""


def join(
    base: onnx.ModelProto, head: onnx.ModelProto, between: Mapping[str, str]
) -> onnx.ModelProto:
    """Put a head on a base.

    Args:
        base: Network whose nodes, inputs and outputs all stay as they are.
        head: Network to put behind it; its outputs become outputs of the whole. Constants that none
            of its nodes reads take the place of the base's constants of their names.
        between: Value of the base, inner or output, by the input of the head that reads it.

    Returns:
        The whole: the base's inputs, the base's outputs, then those of the head.

    Raises:
        ConversionError: If the two do not fit together.
    """
    inputs = [value.name for value in head.graph.input]
    if sorted(inputs) != sorted(between):
        raise ConversionError(f"The head reads {inputs}, not {list(between)}")
    if missing := set(between.values()) - _values(base.graph):
        raise ConversionError(f"The base has no values {sorted(missing)} for the head to read")
    if _version(base) != _version(head):
        raise ConversionError(
            f"Base and head are of two versions of ONNX: {_version(base)} and {_version(head)}"
        )
    own = onnx.ModelProto()
    own.CopyFrom(head)
    trained = _taken_out(own.graph)
    prefixed = compose.add_prefix(own, PREFIX, rename_inputs=False, rename_outputs=False).graph
    if shared := _values(base.graph) & (_values(prefixed) - set(inputs)):
        raise ConversionError(f"Base and head both have values {sorted(shared)}")
    for node in prefixed.node:
        node.input[:] = [between.get(name, name) for name in node.input]
    whole = onnx.ModelProto()
    whole.CopyFrom(base)
    _put_in(whole.graph, trained)
    whole.graph.node.extend(prefixed.node)
    whole.graph.initializer.extend(prefixed.initializer)
    whole.graph.output.extend(prefixed.output)
    try:
        onnx.checker.check_model(whole, full_check=True)
    except (onnx.checker.ValidationError, onnx.shape_inference.InferenceError) as error:
        raise ConversionError(f"The head does not fit the base: {error}") from error
    return whole


def _taken_out(head: onnx.GraphProto) -> list[onnx.TensorProto]:
    """Take the constants that no node reads out of a head."""
    read = {name for node in head.node for name in node.input}
    unread = [tensor for tensor in head.initializer if tensor.name not in read]
    for tensor in unread:
        head.initializer.remove(tensor)
    return unread


def _put_in(base: onnx.GraphProto, trained: list[onnx.TensorProto]) -> None:
    """Put constants in the place of those of the same names."""
    constants = {tensor.name: tensor for tensor in base.initializer}
    for tensor in trained:
        kept = constants.get(tensor.name)
        if kept is None or (kept.dims, kept.data_type) != (tensor.dims, tensor.data_type):
            raise ConversionError(
                f"The head brings a constant {tensor.name} of shape {list(tensor.dims)}, "
                + ("which the base does not have" if kept is None else f"not {list(kept.dims)}")
            )
        kept.CopyFrom(tensor)


def _version(model: onnx.ModelProto) -> tuple[int, dict[str, int]]:
    """Version of the file format, and of the operators by domain."""
    return model.ir_version, {opset.domain: opset.version for opset in model.opset_import}


def _values(graph: onnx.GraphProto) -> set[str]:
    """Names of everything that a node of the graph may read."""
    named = {value.name for value in (*graph.input, *graph.initializer)}
    return named.union(*(node.output for node in graph.node))
