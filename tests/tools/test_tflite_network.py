# SPDX-License-Identifier: GPL-3.0-or-later
"""Reading TFLite: sparse storage worked out by hand, and a small file built by the schema."""

from typing import Any

import flatbuffers
import numpy as np
import onnxruntime as ort
import pytest

pytest.importorskip("onnx", reason="a tool of development: make setup")
pytest.importorskip("tflite", reason="a tool of development: make setup")

import tflite
from track_spine.tools.tflite_network import (
    ConversionError,
    DenseLevel,
    Operation,
    SparseLevel,
    densify,
    read_network,
)
from track_spine.tools.tflite_to_onnx import convert


def sparse(segments: list[int], indices: list[int]) -> SparseLevel:
    return SparseLevel(np.array(segments), np.array(indices))


def test_compressed_rows() -> None:
    dense = densify(
        np.array([1, 2, 3], np.float16),
        shape=(3, 3),
        order=[0, 1],
        block_map=[],
        levels=[DenseLevel(3), sparse([0, 2, 2, 3], [0, 2, 1])],
    )
    assert dense.dtype == np.float16
    np.testing.assert_array_equal(dense, [[1, 0, 2], [0, 0, 0], [0, 3, 0]])


def test_compressed_columns() -> None:
    dense = densify(
        np.array([1.0, 2.0, 3.0]),
        shape=(2, 3),
        order=[1, 0],
        block_map=[],
        levels=[DenseLevel(3), sparse([0, 1, 1, 3], [1, 0, 1])],
    )
    np.testing.assert_array_equal(dense, [[0, 0, 2], [1, 0, 3]])


def test_sparse_levels_nest() -> None:
    dense = densify(
        np.array([1.0, 2.0, 3.0]),
        shape=(4, 3),
        order=[0, 1],
        block_map=[],
        levels=[sparse([0, 2], [1, 3]), sparse([0, 1, 3], [2, 0, 1])],
    )
    np.testing.assert_array_equal(dense, [[0, 0, 0], [0, 0, 1], [0, 0, 0], [2, 3, 0]])


def test_blocks() -> None:
    dense = densify(
        np.arange(1.0, 13.0),
        shape=(4, 6),
        order=[0, 1, 2, 3],
        block_map=[0, 1],
        levels=[DenseLevel(2), sparse([0, 1, 2], [1, 0]), DenseLevel(2), DenseLevel(3)],
    )
    expected = np.zeros((4, 6))
    expected[:2, 3:] = [[1, 2, 3], [4, 5, 6]]
    expected[2:, :3] = [[7, 8, 9], [10, 11, 12]]
    np.testing.assert_array_equal(dense, expected)


def test_blocks_of_the_last_axis_only() -> None:
    dense = densify(
        np.array([1.0, 2.0, 3.0, 4.0]),
        shape=(2, 4),
        order=[0, 1, 2],
        block_map=[1],
        levels=[DenseLevel(2), sparse([0, 1, 2], [1, 0]), DenseLevel(2)],
    )
    np.testing.assert_array_equal(dense, [[0, 0, 1, 2], [3, 4, 0, 0]])


def test_wrong_number_of_values_is_refused() -> None:
    with pytest.raises(ConversionError, match="3 values for 2 entries"):
        densify(
            np.ones(3),
            shape=(2, 2),
            order=[0, 1],
            block_map=[],
            levels=[DenseLevel(2), sparse([0, 1, 2], [0, 1])],
        )


WEIGHTS = np.array([[0.0, 2.0, 0.0], [-1.0, 0.0, 0.5]], np.float16)
"""(2, 3) outputs by inputs, kept sparse in the file below."""

BIAS = np.array([1.0, -0.25], np.float32)


class Builder(flatbuffers.Builder):
    """Writes the schema's tables by name."""

    def table(self, kind: str, **fields: Any) -> int:
        getattr(tflite, f"{kind}Start")(self)
        for field, value in fields.items():
            getattr(tflite, f"{kind}Add{field}")(self, value)
        return int(getattr(tflite, f"{kind}End")(self))

    def array(self, *values: int, dtype: type = np.int32) -> int:
        return int(self.CreateNumpyVector(np.array(values, dtype)))

    def offsets(self, *tables: int) -> int:
        self.StartVector(4, len(tables), 4)
        for table in reversed(tables):
            self.PrependUOffsetTRelative(table)
        return int(self.EndVector())

    def buffer(self, content: bytes) -> int:
        data = self.CreateNumpyVector(np.frombuffer(content, np.uint8))
        return self.table("Buffer", Data=data)

    def tensor(self, name: str, shape: tuple[int, ...], kind: int, **fields: int) -> int:
        text, size = self.CreateString(name), self.array(*shape)
        return self.table("Tensor", Name=text, Shape=size, Type=kind, **fields)

    def operation(self, code: int, inputs: list[int], output: int, **fields: int) -> int:
        reads, writes = self.array(*inputs), self.array(output)
        return self.table("Operator", OpcodeIndex=code, Inputs=reads, Outputs=writes, **fields)

    def sparse_rows(self) -> int:
        """Storage of `WEIGHTS`: rows dense, inputs sparse, with the two sizes of index."""
        levels = [self.table("DimensionMetadata", DenseSize=size) for size in (2, 1, 1)]
        segments = self.array(0, 1, 3, dtype=np.uint8)
        indices = self.array(1, 0, 2, dtype=np.uint16)
        levels.append(
            self.table(
                "DimensionMetadata",
                Format=tflite.DimensionType.SPARSE_CSR,
                ArraySegmentsType=tflite.SparseIndexVector.Uint8Vector,
                ArraySegments=self.table("Uint8Vector", Values=segments),
                ArrayIndicesType=tflite.SparseIndexVector.Uint16Vector,
                ArrayIndices=self.table("Uint16Vector", Values=indices),
            )
        )
        order, metadata = self.array(0, 1, 2, 3), self.offsets(*levels)
        return self.table("SparsityParameters", TraversalOrder=order, DimMetadata=metadata)


def sparse_convolution() -> bytes:
    """A file: 1 x 1 convolution of 2 x 2 pixels by sparse half-precision weights, then RELU6."""
    b = Builder()
    kinds = ("DENSIFY", "DEQUANTIZE", "CONV_2D")
    codes = [
        b.table("OperatorCode", DeprecatedBuiltinCode=code, BuiltinCode=code)
        for code in (getattr(tflite.BuiltinOperator, kind) for kind in kinds)
    ]
    kept = WEIGHTS[WEIGHTS != 0]
    buffers = [b.table("Buffer"), b.buffer(kept.tobytes()), b.buffer(BIAS.tobytes())]
    half, single = tflite.TensorType.FLOAT16, tflite.TensorType.FLOAT32
    tensors = [
        b.tensor("input", (1, 2, 2, 3), single),
        b.tensor("weights", (2, 1, 1, 3), half, Buffer=1, Sparsity=b.sparse_rows()),
        b.tensor("weights_dense", (2, 1, 1, 3), half),
        b.tensor("weights_single", (2, 1, 1, 3), single),
        b.tensor("bias", (2,), single, Buffer=2),
        b.tensor("output", (1, 2, 2, 2), single),
    ]
    options = b.table(
        "Conv2DOptions",
        Padding=tflite.Padding.SAME,
        StrideH=1,
        StrideW=1,
        FusedActivationFunction=tflite.ActivationFunctionType.RELU6,
    )
    operations = [
        b.operation(0, [1], 2),
        b.operation(1, [2], 3),
        b.operation(
            2,
            [0, 3, 4],
            5,
            BuiltinOptionsType=tflite.BuiltinOptions.Conv2DOptions,
            BuiltinOptions=options,
        ),
    ]
    graph = b.table(
        "SubGraph",
        Tensors=b.offsets(*tensors),
        Inputs=b.array(0),
        Outputs=b.array(5),
        Operators=b.offsets(*operations),
    )
    model = b.table(
        "Model",
        Version=3,
        OperatorCodes=b.offsets(*codes),
        Subgraphs=b.offsets(graph),
        Buffers=b.offsets(*buffers),
    )
    b.Finish(model, b"TFL3")
    return bytes(b.Output())


def test_file_is_read() -> None:
    network = read_network(sparse_convolution())
    assert network.inputs == (0,)
    assert [tensor.name for tensor in network.tensors[:2]] == ["input", "weights"]
    np.testing.assert_array_equal(network.tensors[1].data, WEIGHTS.reshape(2, 1, 1, 3))
    np.testing.assert_array_equal(network.tensors[4].data, BIAS)
    assert network.operations == (
        Operation("DENSIFY", (1,), 2),
        Operation("DEQUANTIZE", (2,), 3),
        Operation(
            "CONV_2D",
            (0, 3, 4),
            5,
            {
                "Padding": tflite.Padding.SAME,
                "StrideH": 1,
                "StrideW": 1,
                "FusedActivationFunction": tflite.ActivationFunctionType.RELU6,
                "DilationHFactor": 1,
                "DilationWFactor": 1,
            },
        ),
    )


def test_file_runs_after_conversion() -> None:
    content = convert(sparse_convolution(), ["image"], {"output": "features"})
    pixels = np.random.default_rng(0).normal(size=(3, 2, 2, 3)).astype(np.float32) * 3
    session = ort.InferenceSession(content, providers=["CPUExecutionProvider"])
    (features,) = session.run(["features"], {"image": pixels})
    expected = np.clip(pixels @ WEIGHTS.T.astype(np.float32) + BIAS, 0, 6)
    # float32 sums of three terms.
    np.testing.assert_allclose(features, expected, atol=1e-5)


def test_conversion_is_the_same_every_time() -> None:
    first, second = (
        convert(sparse_convolution(), ["image"], {"output": "features"}) for _ in range(2)
    )
    assert first == second
