# SPDX-License-Identifier: GPL-3.0-or-later
"""A head on a base: what comes out, what stays as it was, and what does not fit together."""

from typing import Any

import numpy as np
import onnxruntime as ort
import pytest

pytest.importorskip("onnx", reason="a tool of development: make setup")
pytest.importorskip("tflite", reason="a tool of development: make setup")

import onnx
from onnx import TensorProto, helper, numpy_helper
from track_spine.tools.join_networks import join
from track_spine.tools.tflite_network import ConversionError

Array = np.ndarray[Any, np.dtype[Any]]


def network(
    nodes: list[onnx.NodeProto],
    inputs: dict[str, list[Any]],
    outputs: dict[str, list[Any]],
    constants: dict[str, Array],
    opset: int = 17,
) -> onnx.ModelProto:
    def values(shapes: dict[str, list[Any]]) -> list[onnx.ValueInfoProto]:
        return [
            helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)
            for name, shape in shapes.items()
        ]

    kept = [numpy_helper.from_array(value, name) for name, value in constants.items()]
    graph = helper.make_graph(nodes, "g", values(inputs), values(outputs), kept)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)


def base() -> onnx.ModelProto:
    """Gives 2x + 1, and 2x within."""
    nodes = [
        helper.make_node("Mul", ["image", "two"], ["inner"], name="double"),
        helper.make_node("Add", ["inner", "one"], ["result"], name="add"),
    ]
    constants = {"one": np.float32([1]), "two": np.float32([2])}
    return network(nodes, {"image": ["batch", 3]}, {"result": ["batch", 3]}, constants)


def head(opset: int = 17, width: int = 3, output: str = "sum") -> onnx.ModelProto:
    """Gives a + 10 b, with a constant that is called like one of the base's."""
    nodes = [
        helper.make_node("Mul", ["b", "one"], ["inner"], name="double"),
        helper.make_node("Add", ["a", "inner"], [output], name="add"),
    ]
    inputs = {"a": ["batch", width], "b": ["batch", width]}
    constants = {"one": np.full(width, 10, np.float32)}
    return network(nodes, inputs, {output: ["batch", width]}, constants, opset)


BETWEEN = {"a": "inner", "b": "result"}


def run(model: onnx.ModelProto, outputs: list[str], batch: Array) -> list[Array]:
    session = ort.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    return [np.asarray(value) for value in session.run(outputs, {"image": batch})]


@pytest.mark.parametrize("count", [1, 4])
def test_the_head_reads_inner_values_and_outputs_of_the_base(count: int) -> None:
    batch = np.arange(3 * count, dtype=np.float32).reshape(count, 3)
    result, total = run(join(base(), head(), BETWEEN), ["result", "sum"], batch)
    np.testing.assert_array_equal(result, 2 * batch + 1)
    np.testing.assert_array_equal(total, 2 * batch + 10 * (2 * batch + 1))


def test_the_base_stays_as_it_is_and_its_outputs_come_first() -> None:
    alone, whole = base(), join(base(), head(), BETWEEN)
    assert list(whole.graph.node)[:2] == list(alone.graph.node)
    assert list(whole.graph.initializer)[:2] == list(alone.graph.initializer)
    assert list(whole.graph.input) == list(alone.graph.input)
    assert [value.name for value in whole.graph.output] == ["result", "sum"]


def test_the_parts_joined_are_not_changed_and_the_bytes_are_always_the_same() -> None:
    parts = base(), head()
    before = [part.SerializeToString(deterministic=True) for part in parts]
    first, second = (join(*parts, BETWEEN).SerializeToString(deterministic=True) for _ in range(2))
    assert first == second
    assert [part.SerializeToString(deterministic=True) for part in parts] == before


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(ConversionError, match=r"reads \['a', 'b'\]"):
        join(base(), head(), {"a": "inner"})
    with pytest.raises(ConversionError, match="'missing'"):
        join(base(), head(), BETWEEN | {"b": "missing"})
    with pytest.raises(ConversionError, match="two versions"):
        join(base(), head(opset=16), BETWEEN)
    with pytest.raises(ConversionError, match=r"both have values \['result'\]"):
        join(base(), head(output="result"), BETWEEN)
    with pytest.raises(ConversionError, match="does not fit"):
        join(base(), head(width=5), BETWEEN)


def test_constants_that_the_head_does_not_read_take_the_place_of_the_bases() -> None:
    trained = head()
    trained.graph.initializer.append(numpy_helper.from_array(np.float32([3]), "two"))
    batch = np.float32([[1, 2, 3]])
    result, total = run(join(base(), trained, BETWEEN), ["result", "sum"], batch)
    np.testing.assert_array_equal(result, 3 * batch + 1)
    np.testing.assert_array_equal(total, 3 * batch + 10 * (3 * batch + 1))


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [("three", np.float32([3]), "does not have"), ("two", np.float32([3, 3]), r"not \[1\]")],
)
def test_constants_that_the_base_has_no_place_for_are_refused(
    name: str, value: Array, words: str
) -> None:
    trained = head()
    trained.graph.initializer.append(numpy_helper.from_array(value, name))
    with pytest.raises(ConversionError, match=words):
        join(base(), trained, BETWEEN)
