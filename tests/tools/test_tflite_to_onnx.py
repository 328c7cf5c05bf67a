# SPDX-License-Identifier: GPL-3.0-or-later
"""Conversion of single operations: ONNX Runtime against numpy in TFLite's layout."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import onnxruntime as ort
import pytest

pytest.importorskip("onnx", reason="a tool of development: make setup")
pytest.importorskip("tflite", reason="a tool of development: make setup")

import onnx
import tflite
from track_spine.tools.tflite_network import ConversionError, Network, Operation, Tensor
from track_spine.tools.tflite_to_onnx import convert_network, same_padding

Array = np.ndarray[Any, np.dtype[Any]]

SAME, VALID = tflite.Padding.SAME, tflite.Padding.VALID
ACTIVATIONS = tflite.ActivationFunctionType

ATOL = 1e-5
"""float32 sums of at most a few hundred terms of order one."""


class NetworkBuilder:
    """Collects tensors and operations."""

    def __init__(self, *input_shape: int) -> None:
        """Make the input tensor 0; shapes of activations are given without the batch."""
        self.tensors = [Tensor("input", (1, *input_shape))]
        self.operations: list[Operation] = []

    def constant(self, values: Array) -> int:
        self.tensors.append(Tensor(f"constant{len(self.tensors)}", values.shape, values))
        return len(self.tensors) - 1

    def add(self, kind: str, inputs: list[int], shape: tuple[int, ...], **options: int) -> int:
        self.tensors.append(Tensor(f"{kind.lower()}{len(self.tensors)}", (1, *shape)))
        self.operations.append(Operation(kind, tuple(inputs), len(self.tensors) - 1, options))
        return len(self.tensors) - 1

    def convert(self, output: int) -> onnx.ModelProto:
        network = Network(tuple(self.tensors), tuple(self.operations), inputs=(0,))
        return convert_network(network, ["image"], {self.tensors[output].name: "result"})

    def run(self, output: int, batch: Array) -> Array:
        content = self.convert(output).SerializeToString()
        session = ort.InferenceSession(content, providers=["CPUExecutionProvider"])
        return np.asarray(session.run(["result"], {"image": batch})[0])


def window(stride: int, padding: int, activation: int = ACTIVATIONS.NONE) -> dict[str, int]:
    return {
        "Padding": padding,
        "StrideH": stride,
        "StrideW": stride,
        "FusedActivationFunction": activation,
    }


def batch_of(*shape: int) -> Array:
    """A batch of three in the layout (N, H, W, C)."""
    return np.random.default_rng(1).normal(size=(3, *shape)).astype(np.float32)


def convolve(batch: Array, weights: Array, stride: int, pads: tuple[int, int]) -> Array:
    """Convolution of (N, H, W, C) by weights (O, K, K, C), with the same pads on both axes."""
    padded = np.pad(batch, ((0, 0), pads, pads, (0, 0)))
    size = weights.shape[1]
    steps = (padded.shape[1] - size) // stride + 1
    result = np.zeros((len(batch), steps, steps, len(weights)), np.float32)
    for row in range(size):
        for column in range(size):
            taps = padded[:, row:, column:][:, ::stride, ::stride][:, :steps, :steps]
            result += taps @ weights[:, row, column].T
    return result


@pytest.mark.parametrize(
    ("size", "kernel", "stride", "dilation", "expected"),
    [
        (8, 3, 1, 1, (1, 1)),
        (8, 3, 2, 1, (0, 1)),
        (7, 3, 2, 1, (1, 1)),
        (8, 2, 2, 1, (0, 0)),
        (8, 5, 2, 1, (1, 2)),
        (8, 1, 2, 1, (0, 0)),
        (8, 3, 1, 2, (2, 2)),
        (5, 4, 1, 1, (1, 2)),
    ],
)
def test_same_padding(
    size: int, kernel: int, stride: int, dilation: int, expected: tuple[int, int]
) -> None:
    assert same_padding(size, kernel, stride, dilation) == expected


@pytest.mark.parametrize(
    ("size", "kernel", "stride", "padding", "pads"),
    [
        (7, 3, 1, SAME, (1, 1)),
        (8, 3, 2, SAME, (0, 1)),
        (8, 5, 2, SAME, (1, 2)),
        (8, 3, 2, VALID, (0, 0)),
        (6, 1, 1, VALID, (0, 0)),
    ],
)
def test_convolution(
    size: int, kernel: int, stride: int, padding: int, pads: tuple[int, int]
) -> None:
    rng = np.random.default_rng(0)
    weights = rng.normal(size=(4, kernel, kernel, 3)).astype(np.float32)
    bias = rng.normal(size=4).astype(np.float32)
    batch = batch_of(size, size, 3)
    expected = convolve(batch, weights, stride, pads) + bias
    builder = NetworkBuilder(size, size, 3)
    inputs = [0, builder.constant(weights), builder.constant(bias)]
    output = builder.add("CONV_2D", inputs, expected.shape[1:], **window(stride, padding))
    np.testing.assert_allclose(builder.run(output, batch), expected, atol=ATOL)


def test_depthwise_convolution_with_multiplier() -> None:
    weights = np.random.default_rng(0).normal(size=(1, 3, 3, 6)).astype(np.float32)
    batch = batch_of(8, 8, 3)
    by_channel = [
        convolve(batch[..., c // 2, None], weights[..., c, None], 2, (0, 1)) for c in range(6)
    ]
    builder = NetworkBuilder(8, 8, 3)
    inputs = [0, builder.constant(weights), builder.constant(np.zeros(6, np.float32))]
    output = builder.add("DEPTHWISE_CONV_2D", inputs, (4, 4, 6), **window(2, SAME))
    np.testing.assert_allclose(
        builder.run(output, batch), np.concatenate(by_channel, axis=-1), atol=ATOL
    )


@pytest.mark.parametrize(
    ("activation", "low", "high"),
    [(ACTIVATIONS.RELU, 0.0, np.inf), (ACTIVATIONS.RELU6, 0.0, 6.0)],
)
def test_fused_activation(activation: int, low: float, high: float) -> None:
    batch = batch_of(2, 2, 3) * 5
    builder = NetworkBuilder(2, 2, 3)
    output = builder.add("ADD", [0, 0], (2, 2, 3), FusedActivationFunction=activation)
    np.testing.assert_allclose(builder.run(output, batch), np.clip(2 * batch, low, high), atol=ATOL)


def padded_network(paddings: list[list[int]]) -> tuple[NetworkBuilder, int]:
    builder = NetworkBuilder(6, 6, 2)
    sizes = tuple(size + sum(pad) for size, pad in zip((6, 6, 2), paddings[1:], strict=True))
    pads = builder.constant(np.array(paddings, np.int32))
    return builder, builder.add("PAD", [0, pads], sizes)


def test_padding_goes_into_the_convolution() -> None:
    builder, padded = padded_network([[0, 0], [1, 2], [1, 2], [0, 0]])
    weights = np.random.default_rng(0).normal(size=(4, 3, 3, 2)).astype(np.float32)
    inputs = [padded, builder.constant(weights), builder.constant(np.zeros(4, np.float32))]
    output = builder.add("CONV_2D", inputs, (4, 4, 4), **window(2, VALID))
    batch = batch_of(6, 6, 2)
    np.testing.assert_allclose(
        builder.run(output, batch), convolve(batch, weights, 2, (1, 2)), atol=ATOL
    )
    assert "Pad" not in [node.op_type for node in builder.convert(output).graph.node]


def test_padding_of_channels_for_another_reader() -> None:
    builder, padded = padded_network([[0, 0], [1, 0], [0, 2], [3, 1]])
    output = builder.add("ADD", [padded, padded], (7, 8, 6))
    batch = batch_of(6, 6, 2)
    expected = 2 * np.pad(batch, ((0, 0), (1, 0), (0, 2), (3, 1)))
    np.testing.assert_array_equal(builder.run(output, batch), expected)


def test_max_pool_ignores_what_same_padding_adds() -> None:
    batch = -1 - np.abs(batch_of(3, 3, 2))
    builder = NetworkBuilder(3, 3, 2)
    options = {**window(2, SAME), "FilterHeight": 2, "FilterWidth": 2}
    output = builder.add("MAX_POOL_2D", [0], (2, 2, 2), **options)
    rows = np.maximum.reduceat(batch, [0, 2], axis=1)
    np.testing.assert_array_equal(
        builder.run(output, batch), np.maximum.reduceat(rows, [0, 2], axis=2)
    )


def test_bilinear_resize_at_half_pixel_centres() -> None:
    # A row 0, 4 doubled: the new centres lie a quarter of a pixel off the old ones.
    row = np.array([0.0, 1.0, 3.0, 4.0], np.float32)
    batch = np.broadcast_to(np.array([0.0, 4.0], np.float32)[None, :, None, None], (1, 2, 3, 1))
    builder = NetworkBuilder(2, 3, 1)
    size = builder.constant(np.array([4, 6], np.int32))
    options = {"AlignCorners": 0, "HalfPixelCenters": 1}
    output = builder.add("RESIZE_BILINEAR", [0, size], (4, 6, 1), **options)
    expected = np.broadcast_to(row[None, :, None, None], (1, 4, 6, 1))
    np.testing.assert_allclose(builder.run(output, batch), expected, atol=ATOL)


def test_depth_to_space() -> None:
    batch = batch_of(2, 3, 8)
    builder = NetworkBuilder(2, 3, 8)
    output = builder.add("DEPTH_TO_SPACE", [0], (4, 6, 2), BlockSize=2)
    expected = batch.reshape(3, 2, 3, 2, 2, 2).transpose(0, 1, 3, 2, 4, 5).reshape(3, 4, 6, 2)
    np.testing.assert_array_equal(builder.run(output, batch), expected)


def test_reshape_and_concatenation_keep_the_order_of_tflite() -> None:
    batch = batch_of(2, 3, 4)
    builder = NetworkBuilder(2, 3, 4)
    shape = builder.constant(np.array([1, -1, 2], np.int32))
    flat = builder.add("RESHAPE", [0, shape], (12, 2))
    output = builder.add("CONCATENATION", [flat, flat], (24, 2), Axis=1)
    expected = np.concatenate([batch.reshape(3, 12, 2)] * 2, axis=1)
    np.testing.assert_array_equal(builder.run(output, batch), expected)


def test_concatenation_of_channels() -> None:
    batch = batch_of(2, 3, 4)
    builder = NetworkBuilder(2, 3, 4)
    output = builder.add("CONCATENATION", [0, 0], (2, 3, 8), Axis=-1)
    np.testing.assert_array_equal(builder.run(output, batch), np.concatenate([batch] * 2, axis=-1))


def test_logistic() -> None:
    batch = batch_of(2, 3, 4)
    builder = NetworkBuilder(2, 3, 4)
    output = builder.add("LOGISTIC", [0], (2, 3, 4))
    np.testing.assert_allclose(builder.run(output, batch), 1 / (1 + np.exp(-batch)), atol=ATOL)


def test_half_precision_weights_stay_so_in_the_file() -> None:
    builder = NetworkBuilder(2, 2, 3)
    half = builder.constant(np.ones((1, 1, 1, 3), np.float16))
    weights = builder.add("DEQUANTIZE", [half], (1, 1, 3))
    bias = builder.constant(np.zeros(1, np.float32))
    output = builder.add("CONV_2D", [0, weights, bias], (2, 2, 1), **window(1, SAME))
    kinds = [tensor.data_type for tensor in builder.convert(output).graph.initializer]
    assert kinds == [onnx.TensorProto.FLOAT16, onnx.TensorProto.FLOAT]
    batch = batch_of(2, 2, 3)
    expected = batch.sum(axis=-1, keepdims=True)
    np.testing.assert_allclose(builder.run(output, batch), expected, atol=ATOL)


def test_inner_tensor_can_be_given_out_and_what_follows_it_is_left_out() -> None:
    builder = NetworkBuilder(2, 3, 4)
    doubled = builder.add("ADD", [0, 0], (2, 3, 4))
    builder.add("ADD", [doubled, doubled], (2, 3, 4))
    batch = batch_of(2, 3, 4)
    np.testing.assert_array_equal(builder.run(doubled, batch), 2 * batch)
    assert [node.op_type for node in builder.convert(doubled).graph.node].count("Add") == 1


@pytest.mark.parametrize(
    ("kind", "inputs", "options", "message"),
    [
        ("SOFTMAX", [0], {}, "the operation"),
        ("ADD", [0, 0], {"FusedActivationFunction": ACTIVATIONS.TANH}, "fused activation"),
        ("ADD", [0, 1], {}, "broadcasting"),
        ("DEQUANTIZE", [0], {}, "not constant"),
        ("CONCATENATION", [0, 0], {"Axis": 0}, "along the batch"),
        ("RESIZE_BILINEAR", [0, 2], {"AlignCorners": 1, "HalfPixelCenters": 0}, "half-pixel"),
        ("RESIZE_BILINEAR", [0, 2], {"AlignCorners": 0, "HalfPixelCenters": 1}, r"by \[1\.5"),
    ],
)
def test_unsupported_operation_is_named(
    kind: str, inputs: list[int], options: Mapping[str, int], message: str
) -> None:
    builder = NetworkBuilder(2, 2, 3)
    builder.constant(np.ones(3, np.float32))
    builder.constant(np.array([3, 3], np.int32))
    output = builder.add(kind, inputs, (2, 2, 3), **options)
    with pytest.raises(ConversionError, match=f"{kind} of tensor {kind.lower()}3: .*{message}"):
        builder.convert(output)


def test_unknown_output_is_named() -> None:
    network = Network((Tensor("input", (1, 2)),), (), inputs=(0,))
    with pytest.raises(ConversionError, match="missing"):
        convert_network(network, ["image"], {"missing": "result"})


def test_input_other_than_images_is_named() -> None:
    network = Network((Tensor("vector", (1, 2)),), (), inputs=(0,))
    with pytest.raises(ConversionError, match="vector"):
        convert_network(network, ["image"], {"vector": "result"})
