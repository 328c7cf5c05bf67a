# SPDX-License-Identifier: GPL-3.0-or-later
"""Networks with the inputs, outputs and amount of work of published ones, and random weights.

Speed does not depend on what weights say; the published files may not be passed on.
"""

from pathlib import Path
from typing import Final

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

CHANNELS: Final = {"small": (32, 64, 128, 256, 528), "large": (80, 160, 320, 640, 1200)}
"""Channels of the five stages, each of two 3 x 3 convolutions but the first: 0.74 and 4.3 thousand
million multiplications a crop, where SpinePose publishes 0.72 (s) and 4.22 (l)."""

TOKENS_SIDE: Final = 36
WIDTH: Final = 384
BLOCKS: Final = 12
"""RF-DETR-M looks at 576 x 576 pixels in 36 x 36 tokens with a backbone of 12 blocks of width 384;
only the linear layers of these are there, 27.5 thousand million multiplications: its attention and
its decoder would add to that."""


class _Graph:
    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.weights: list[onnx.TensorProto] = []
        self._rng = np.random.default_rng(0)

    def add(self, kind: str, inputs: list[str], **attributes: object) -> str:
        name = f"t{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, inputs, [name], **attributes))
        return name

    def constant(self, values: np.ndarray) -> str:
        name = f"w{len(self.weights)}"
        self.weights.append(numpy_helper.from_array(values, name))
        return name

    def random(self, *shape: int) -> str:
        scale = 1.0 / np.sqrt(np.prod(shape[1:]))
        return self.constant((self._rng.normal(size=shape) * scale).astype(np.float32))

    def convolved(self, x: str, given: int, made: int, size: int, stride: int, pad: int) -> str:
        weight = self.random(made, given, size, size)
        convolved = self.add("Conv", [x, weight], strides=[stride] * 2, pads=[pad] * 4)
        return self.add("Relu", [convolved])

    def linear(self, x: str, given: int, made: int) -> str:
        return self.add("MatMul", [x, self.random(given, made)])

    def save(self, path: Path, x: list[object], outputs: dict[str, list[object]]) -> Path:
        graph = helper.make_graph(
            self.nodes,
            "stand-in",
            [helper.make_tensor_value_info("input", TensorProto.FLOAT, x)],
            [
                helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)
                for name, shape in outputs.items()
            ],
            self.weights,
        )
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
        model.ir_version = 9
        onnx.save(model, str(path))
        return path


def make_pose(path: Path, size: str) -> Path:
    """Make a pose network of SpinePose's contract.

    Args:
        path: File to write.
        size: One of CHANNELS.

    Returns:
        The file: N x 3 x 256 x 192 in, N x 37 x 384 and N x 37 x 512 out.
    """
    graph, given, x = _Graph(), 3, "input"
    for stage, made in enumerate(CHANNELS[size]):
        x = graph.convolved(x, given, made, 3, 2, 1)
        if stage:
            x = graph.convolved(x, made, made, 3, 1, 1)
        given = made
    x = graph.convolved(x, given, 37, 1, 1, 0)
    x = graph.add("Reshape", [x, graph.constant(np.array([-1, 37, 48], np.int64))])
    x = graph.linear(x, 48, 256)
    for name, bins in (("simcc_x", 384), ("simcc_y", 512)):
        graph.nodes.append(helper.make_node("MatMul", [x, graph.random(256, bins)], [name]))
    outputs = {"simcc_x": ["n", 37, 384], "simcc_y": ["n", 37, 512]}
    return graph.save(path, ["n", 3, 256, 192], outputs)


def make_detector(path: Path, box: tuple[float, float, float, float]) -> Path:
    """Make a detector of RF-DETR-M's contract that finds the same person in every frame.

    Args:
        path: File to write.
        box: Centre x and y, width and height of the person, shares of the frame.

    Returns:
        The file: 1 x 3 x 576 x 576 in, 1 x 300 x 4 boxes and 1 x 300 x 91 logits out.
    """
    graph = _Graph()
    x = graph.convolved("input", 3, WIDTH, 16, 16, 0)
    x = graph.add("Reshape", [x, graph.constant(np.array([1, WIDTH, -1], np.int64))])
    x = graph.add("Transpose", [x], perm=[0, 2, 1])
    for _ in range(BLOCKS):
        asked = graph.linear(x, WIDTH, 3 * WIDTH)
        x = graph.linear(graph.add("Relu", [asked]), 3 * WIDTH, WIDTH)
        wide = graph.add("Relu", [graph.linear(x, WIDTH, 4 * WIDTH)])
        x = graph.linear(wide, 4 * WIDTH, WIDTH)
    nothing = graph.add("Mul", [graph.add("ReduceMean", [x]), graph.constant(np.zeros(1, "f4"))])
    boxes = np.tile(np.array(box, np.float32), (1, 300, 1))
    logits = np.full((1, 300, 91), -10.0, np.float32)
    logits[0, 0, 1] = 10.0
    for name, values in (("dets", boxes), ("labels", logits)):
        graph.nodes.append(helper.make_node("Add", [graph.constant(values), nothing], [name]))
    outputs = {"dets": [1, 300, 4], "labels": [1, 300, 91]}
    side = 16 * TOKENS_SIDE
    return graph.save(path, [1, 3, side, side], outputs)
