# SPDX-License-Identifier: GPL-3.0-or-later
"""Looks through an ONNX file from elsewhere before ONNX Runtime gets it, and refuses what it must.

ONNX Runtime 1.26, given a file's bytes, still opens weights that the file says lie elsewhere under
the working folder; so such files are found here. Only the structure is walked, in protobuf's wire
format: weights are skipped, and the `onnx` package is not needed.

Source: onnx/onnx.proto (field numbers) and protobuf.dev/programming-guides/encoding.
"""

from collections.abc import Iterator, Mapping
from typing import Final

from .errors import ModelError

MAX_BYTES: Final = 512 * 2**20
"""The largest of the published networks, YOLOX-x, has 99 million weights: 400 MB."""

MAX_DEPTH: Final = 32
"""Graphs within graphs (loops, branches) deeper than this are made to break readers."""

DOMAINS: Final = frozenset({"", "ai.onnx", "ai.onnx.ml", "com.microsoft"})
"""Operators that ONNX Runtime brings along; all others are custom code."""

FOREIGN_PROGRAM: Final = "EPContext"
"""A com.microsoft operator that carries, or names the file of, a program compiled for a device."""

INSIDE: Final[Mapping[str, Mapping[int, str]]] = {
    "model": {7: "graph", 20: "training", 25: "function"},
    "graph": {1: "node", 5: "tensor", 15: "sparse"},
    "training": {1: "graph", 2: "graph"},
    "function": {7: "node", 11: "attribute"},
    "node": {5: "attribute"},
    "attribute": {
        5: "tensor",
        6: "graph",
        10: "tensor",
        11: "graph",
        22: "sparse",
        23: "sparse",
    },
    "sparse": {1: "tensor", 2: "tensor"},
    "tensor": {},
}
"""Messages by the message and the field that they lie in."""

TENSOR_EXTERNAL_DATA: Final = 13
TENSOR_DATA_LOCATION: Final = 14
NODE_OPERATOR: Final = 4
NODE_DOMAIN: Final = 7

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5
"""Wire types."""


class _NotProtobufError(Exception):
    """The bytes are not what they should be."""


def check_structure(content: bytes, name: str) -> None:
    """Refuse a file that is no ONNX network, or one that reaches beyond itself.

    Args:
        content: The file.
        name: What to call it in messages.

    Raises:
        ModelError: It is too large, is not ONNX, keeps weights in other files, or uses custom
            operators.
    """
    if len(content) > MAX_BYTES:
        raise ModelError(
            f"{name} has {len(content)} bytes, more than the {MAX_BYTES} of the largest network "
            "known here: it is not used"
        )
    try:
        has_graph = any(field == 7 for field, _ in _fields(memoryview(content)))
        if has_graph:
            _check(memoryview(content), "model", name, 0)
    except _NotProtobufError:
        has_graph = False
    if not has_graph:
        raise ModelError(
            f"{name} is not an ONNX network (it begins with {content[:16]!r}): if it was "
            "downloaded by hand, a page may have been saved in place of the file"
        )


def _check(message: memoryview, kind: str, name: str, depth: int) -> None:
    if depth > MAX_DEPTH:
        raise ModelError(f"{name} nests its graphs deeper than {MAX_DEPTH}: it is not used")
    operator, domain = "", ""
    for field, value in _fields(message):
        if kind == "tensor" and _is_elsewhere(field, value):
            raise ModelError(
                f"{name} keeps weights in another file, which is not read: "
                "save the network as a single file"
            )
        if kind == "node" and isinstance(value, memoryview):
            operator = _text(value) if field == NODE_OPERATOR else operator
            domain = _text(value) if field == NODE_DOMAIN else domain
        inner = INSIDE[kind].get(field)
        if inner and isinstance(value, memoryview):
            _check(value, inner, name, depth + 1)
    if domain not in DOMAINS or operator == FOREIGN_PROGRAM:
        raise ModelError(
            f"{name} needs the custom operator {operator!r} of {domain!r}, which is not run here"
        )


def _is_elsewhere(field: int, value: memoryview | int) -> bool:
    return field == TENSOR_EXTERNAL_DATA or (field == TENSOR_DATA_LOCATION and value != 0)


def _text(value: memoryview) -> str:
    return bytes(value[:200]).decode("utf-8", "replace")


def _fields(message: memoryview) -> Iterator[tuple[int, memoryview | int]]:
    """Number and value of the fields of a message, in the order they lie in."""
    at = 0
    while at < len(message):
        key, at = _varint(message, at)
        wire = key & 7
        value: memoryview | int
        if wire == VARINT:
            value, at = _varint(message, at)
        elif wire in (BYTES, FIXED64, FIXED32):
            size, at = _varint(message, at) if wire == BYTES else (8 if wire == FIXED64 else 4, at)
            value, at = message[at : at + size], at + size
        else:
            raise _NotProtobufError
        if at > len(message) or key >> 3 == 0:
            raise _NotProtobufError
        yield key >> 3, value


def _varint(message: memoryview, at: int) -> tuple[int, int]:
    value = 0
    for shift in range(0, 70, 7):
        if at >= len(message):
            break
        byte = message[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
    raise _NotProtobufError
