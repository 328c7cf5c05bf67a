# SPDX-License-Identifier: GPL-3.0-or-later
"""Read a TFLite file into plain data: tensors, operations, and constants with sparse ones dense."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import tflite
from numpy.typing import NDArray

Array = NDArray[Any]


class ConversionError(Exception):
    """The network holds something that is not supported."""


@dataclass(frozen=True)
class Tensor:
    """A TFLite tensor.

    Attributes:
        name: The name in the file, unique in the network.
        shape: Shape in TFLite's axis order.
        data: Values of a constant, None of an activation.
    """

    name: str
    shape: tuple[int, ...]
    data: Array | None = None


@dataclass(frozen=True)
class Operation:
    """A TFLite operation with one result.

    Attributes:
        kind: The schema's name, such as CONV_2D.
        inputs: Indices into the network's tensors.
        output: Index of the result.
        options: Fields of the schema's option table; enumerations as numbers.
    """

    kind: str
    inputs: tuple[int, ...]
    output: int
    options: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Network:
    """A TFLite graph, operations in running order."""

    tensors: tuple[Tensor, ...]
    operations: tuple[Operation, ...]
    inputs: tuple[int, ...]


@dataclass(frozen=True)
class DenseLevel:
    """A visited dimension of a sparse tensor that keeps all its entries."""

    size: int


@dataclass(frozen=True)
class SparseLevel:
    """A visited dimension of a sparse tensor in compressed rows.

    Attributes:
        segments: Row starts; one more than the entries of the level before.
        indices: Coordinate of each kept entry.
    """

    segments: Array
    indices: Array


_STRIDES: Final = ("Padding", "StrideH", "StrideW", "FusedActivationFunction")
_CONVOLUTION: Final = (*_STRIDES, "DilationHFactor", "DilationWFactor")

# The schema's option table of each operation, and the fields read from it.
_OPTIONS: Final[Mapping[str, tuple[str, tuple[str, ...]]]] = {
    "ADD": ("AddOptions", ("FusedActivationFunction",)),
    "CONCATENATION": ("ConcatenationOptions", ("Axis", "FusedActivationFunction")),
    "CONV_2D": ("Conv2DOptions", _CONVOLUTION),
    "DEPTHWISE_CONV_2D": ("DepthwiseConv2DOptions", _CONVOLUTION),
    "DEPTH_TO_SPACE": ("DepthToSpaceOptions", ("BlockSize",)),
    "MAX_POOL_2D": ("Pool2DOptions", (*_STRIDES, "FilterHeight", "FilterWidth")),
    "RESIZE_BILINEAR": ("ResizeBilinearOptions", ("AlignCorners", "HalfPixelCenters")),
}

_DTYPES: Final[Mapping[int, type[np.generic]]] = {
    tflite.TensorType.FLOAT32: np.float32,
    tflite.TensorType.FLOAT16: np.float16,
    tflite.TensorType.INT32: np.int32,
}

_INDEX_VECTORS: Final[Mapping[int, Any]] = {
    tflite.SparseIndexVector.Int32Vector: tflite.Int32Vector,
    tflite.SparseIndexVector.Uint16Vector: tflite.Uint16Vector,
    tflite.SparseIndexVector.Uint8Vector: tflite.Uint8Vector,
}


def read_network(data: bytes) -> Network:
    """Read a TFLite file of one subgraph.

    Args:
        data: Content of the file.

    Returns:
        The network.

    Raises:
        ConversionError: If there are several subgraphs, or a constant has an unsupported type.
    """
    model = tflite.Model.GetRootAs(data)
    if model.SubgraphsLength() != 1:
        raise ConversionError(
            f"The file has {model.SubgraphsLength()} subgraphs; split it into files of one"
        )
    graph = model.Subgraphs(0)
    return Network(
        tensors=tuple(_read_tensor(model, graph.Tensors(i)) for i in range(graph.TensorsLength())),
        operations=tuple(
            _read_operation(model, graph.Operators(i)) for i in range(graph.OperatorsLength())
        ),
        inputs=tuple(graph.InputsAsNumpy().tolist()),
    )


def densify(
    values: Array,
    shape: Sequence[int],
    order: Sequence[int],
    block_map: Sequence[int],
    levels: Sequence[DenseLevel | SparseLevel],
) -> Array:
    """Expand TFLite's sparse storage.

    Source: table SparsityParameters of TensorFlow Lite's schema.fbs.

    Args:
        values: Kept entries in the order visited.
        shape: Shape of the dense tensor, D dimensions.
        order: Dimension visited at each level; D + i is the inside of the i-th kind of block.
        block_map: Dimension that the i-th kind of block divides.
        levels: Storage at each level; the inside of a block is dense.

    Returns:
        The dense tensor, zero where nothing is kept.

    Raises:
        ConversionError: If there are more or fewer values than entries visited.
    """
    visited: list[Array] = []
    count = 1
    for level in levels:
        if isinstance(level, DenseLevel):
            repeats: int | Array = level.size
            coordinate = np.tile(np.arange(level.size), count)
        else:
            repeats, coordinate = np.diff(level.segments), level.indices
        visited = [np.repeat(earlier, repeats) for earlier in visited] + [coordinate]
        count = len(coordinate)
    if count != len(values):
        raise ConversionError(
            f"A sparse tensor of shape {tuple(shape)} has {len(values)} values for {count} "
            "entries; the file is damaged"
        )

    by_dimension = dict(zip(order, visited, strict=True))
    index = [by_dimension[dimension] for dimension in range(len(shape))]
    for i, dimension in enumerate(block_map, start=len(shape)):
        block = levels[order.index(i)]
        assert isinstance(block, DenseLevel)
        index[dimension] = index[dimension] * block.size + by_dimension[i]
    dense = np.zeros(shape, values.dtype)
    dense[tuple(index)] = values
    return dense


def _read_operation(model: Any, operation: Any) -> Operation:
    code = model.OperatorCodes(operation.OpcodeIndex())
    # The schema moved the operator to a wider field; files from before the move leave it zero.
    kind = tflite.BUILTIN_OPCODE2NAME[max(code.BuiltinCode(), code.DeprecatedBuiltinCode())]
    options: dict[str, int] = {}
    if kind in _OPTIONS:
        table_name, fields = _OPTIONS[kind]
        table = _open_table(getattr(tflite, table_name), operation.BuiltinOptions())
        options = {name: int(getattr(table, name)()) for name in fields}
    inputs = tuple(operation.InputsAsNumpy().tolist())
    return Operation(kind, inputs, operation.Outputs(0), options)


def _read_tensor(model: Any, tensor: Any) -> Tensor:
    name = tensor.Name().decode()
    shape = tuple(tensor.ShapeAsNumpy().tolist()) if tensor.ShapeLength() else ()
    buffer = model.Buffers(tensor.Buffer())
    if not buffer.DataLength():
        return Tensor(name, shape)
    if tensor.Type() not in _DTYPES:
        raise ConversionError(
            f"The constant {name} has the schema's tensor type {tensor.Type()}; float32, "
            "float16 and int32 are supported"
        )
    values = buffer.DataAsNumpy().view(_DTYPES[tensor.Type()])
    sparsity = tensor.Sparsity()
    if sparsity is None:
        return Tensor(name, shape, values.reshape(shape))
    order = sparsity.TraversalOrderAsNumpy().tolist()
    block_map = [sparsity.BlockMap(i) for i in range(sparsity.BlockMapLength())]
    levels = [_read_level(sparsity.DimMetadata(i)) for i in range(sparsity.DimMetadataLength())]
    return Tensor(name, shape, densify(values, shape, order, block_map, levels))


def _read_level(level: Any) -> DenseLevel | SparseLevel:
    if level.Format() == tflite.DimensionType.DENSE:
        return DenseLevel(level.DenseSize())
    segments = _open_table(_INDEX_VECTORS[level.ArraySegmentsType()], level.ArraySegments())
    indices = _open_table(_INDEX_VECTORS[level.ArrayIndicesType()], level.ArrayIndices())
    # Signed and wide: the file's own type may be uint8, in which row lengths could wrap.
    return SparseLevel(
        segments.ValuesAsNumpy().astype(np.int64), indices.ValuesAsNumpy().astype(np.int64)
    )


def _open_table(kind: Any, table: Any) -> Any:
    """Read a member of a flatbuffers union as the table that its type tag says it is."""
    opened = kind()
    opened.Init(table.Bytes, table.Pos)
    return opened
