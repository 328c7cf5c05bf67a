# SPDX-License-Identifier: GPL-3.0-or-later
"""Networks with the ends of published ones and known answers, and a server that misbehaves."""

import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper


def model(nodes, inputs, outputs, constants=None, domains=("",)):
    """An ONNX model; `inputs` and `outputs` are shapes by name."""

    def values(shapes):
        return [
            helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)
            for name, shape in shapes.items()
        ]

    kept = [numpy_helper.from_array(value, name) for name, value in (constants or {}).items()]
    graph = helper.make_graph(nodes, "g", values(inputs), values(outputs), kept)
    opsets = [helper.make_opsetid(domain, 1 if domain else 17) for domain in domains]
    return helper.make_model(graph, opset_imports=opsets, ir_version=8)


def constant_network(input_shape, outputs, batch="batch"):
    """Bytes of a network that gives `outputs`, arrays by name, for every picture of a batch."""
    axes = list(range(1, len(input_shape) + 1))
    constants = {"zero": np.float32(0)}
    nodes = [
        helper.make_node("ReduceMean", ["input"], ["mean"], axes=axes, keepdims=0),
        helper.make_node("Mul", ["mean", "zero"], ["nothing"]),
    ]
    for name, array in outputs.items():
        constants[f"{name}_value"] = np.asarray(array, np.float32)
        constants[f"{name}_shape"] = np.array([-1] + [1] * np.ndim(array))
        nodes += [
            helper.make_node("Reshape", ["nothing", f"{name}_shape"], [f"{name}_each"]),
            helper.make_node("Add", [f"{name}_each", f"{name}_value"], [name]),
        ]
    shapes = {name: [batch, *np.shape(array)] for name, array in outputs.items()}
    return model(nodes, {"input": [batch, *input_shape]}, shapes, constants).SerializeToString()


def simcc_network(bins_x, bins_y, batch="batch"):
    """Bytes of a 256 x 192 SimCC network whose points always lie at these bins, (37,) each."""
    vectors = {}
    for name, bins, sigma, length in (
        ("simcc_x", bins_x, 4.9, 384),
        ("simcc_y", bins_y, 5.66, 512),
    ):
        distance = np.arange(length) - np.asarray(bins)[:, None]
        vectors[name] = np.exp(-(distance**2) / (2 * sigma**2))
    return constant_network((3, 256, 192), vectors, batch)


def seeing_network(batch="batch"):
    """Bytes of a 256 x 192 SimCC network that looks at the picture.

    All its points lie where red is brightest across the picture and where green is brightest down
    it, so that a mirrored picture gives mirrored vectors and swapped channels are noticed.
    """
    constants = {
        "points": np.array([1, 37, 1]),
        "mean": np.float32([123.675, 116.28, 103.53]).reshape(3, 1, 1),
        "std": np.float32([58.395, 57.12, 57.375]).reshape(3, 1, 1),
        "white": np.float32(255),
        "0": np.array([0]),
        "1": np.array([1]),
        "2": np.array([2]),
    }
    nodes = [
        helper.make_node("Mul", ["input", "std"], ["scaled"]),
        helper.make_node("Add", ["scaled", "mean"], ["levels"]),
        helper.make_node("Div", ["levels", "white"], ["picture"]),
        helper.make_node("Slice", ["picture", "0", "1", "1"], ["red"]),
        helper.make_node("Slice", ["picture", "1", "2", "1"], ["green"]),
        helper.make_node("ReduceMax", ["red"], ["line_x"], axes=[1, 2], keepdims=0),
        helper.make_node("ReduceMax", ["green"], ["line_y"], axes=[1, 3], keepdims=0),
    ]
    for axis, length in (("x", 192), ("y", 256)):
        constants[f"stretch_{axis}"] = np.float32(half_pixels(length))
        nodes += [
            helper.make_node("MatMul", [f"line_{axis}", f"stretch_{axis}"], [f"bins_{axis}"]),
            helper.make_node("Unsqueeze", [f"bins_{axis}", "1"], [f"each_{axis}"]),
            helper.make_node("Tile", [f"each_{axis}", "points"], [f"simcc_{axis}"]),
        ]
    outputs = {"simcc_x": [batch, 37, 384], "simcc_y": [batch, 37, 512]}
    return model(nodes, {"input": [batch, 3, 256, 192]}, outputs, constants).SerializeToString()


def half_pixels(length):
    """Matrix (L, 2 L) that puts pixel p into bin 2 p, and between two pixels their mean."""
    bins = np.arange(2 * length) / 2
    return np.maximum(1 - np.abs(bins - np.arange(length)[:, None]), 0)


def external_network(location="weights.bin"):
    """Bytes of a network whose weights are said to lie in another file."""
    made = onnx.ModelProto()
    made.ParseFromString(constant_network((37, 2), {"output": np.zeros((37, 3))}))
    tensor = next(one for one in made.graph.initializer if one.name == "output_value")
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    entry = tensor.external_data.add()
    entry.key, entry.value = "location", location
    return made.SerializeToString()


def node(operator, more=(), **attributes):
    """One operator from `input`, and what is named besides, to `output`."""
    return helper.make_node(operator, ["input", *more], ["output"], **attributes)


def unrunnable_network(input_shape):
    """Bytes of a network that opens, and cannot reshape what it is given."""
    nodes = [helper.make_node("Reshape", ["input", "shape"], ["output"])]
    inputs = {"input": ["batch", *input_shape]}
    made = model(nodes, inputs, {"output": ["n", "m"]}, {"shape": np.array([-1, 101])})
    return made.SerializeToString()


@pytest.fixture(scope="session")
def networks():
    """Makers of ONNX files."""
    return SimpleNamespace(
        model=model,
        constant=constant_network,
        simcc=simcc_network,
        seeing=seeing_network,
        external=external_network,
        unrunnable=unrunnable_network,
        node=node,
    )


class _Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        self.server.asked.append((self.path, dict(self.headers)))
        self.server.answers[self.path](self)

    def log_message(self, *_):
        """Keep the test's output clean."""


class Server(ThreadingHTTPServer):
    """Serves on this machine what a test puts into `answers`, by path, and notes what was asked."""

    daemon_threads = True

    def __init__(self):
        """Take a free port."""
        super().__init__(("127.0.0.1", 0), _Handler)
        self.answers, self.asked, self.released = {}, [], threading.Event()

    def url(self, path):
        return f"http://127.0.0.1:{self.server_port}{path}"

    def serve(self, path, content, etag='"1"', cut=None, length=None, headers=None):
        """Answer with a file as a good server does, but for what is asked for here.

        Args:
            path: Where.
            content: The file.
            etag: Its tag; None for none.
            cut: Bytes of the answer after which the connection breaks.
            length: Content-Length stated, where it is not the true one.
            headers: More headers.
        """

        def answer(handler):
            body, status, span = content, 200, None
            wanted = re.fullmatch(r"bytes=(\d+)-", handler.headers.get("Range", ""))
            if wanted and handler.headers.get("If-Range", etag) == etag:
                start = int(wanted[1])
                if start >= len(content):
                    return handler.send_error(416)
                body, status = content[start:], 206
                span = f"bytes {start}-{len(content) - 1}/{len(content)}"
            handler.send_response(status)
            handler.send_header("Content-Length", str(len(body) if length is None else length))
            for name, value in {"ETag": etag, "Content-Range": span, **(headers or {})}.items():
                if value:
                    handler.send_header(name, value)
            handler.end_headers()
            handler.wfile.write(body[:cut])
            return None

        self.answers[path] = answer

    def refuse(self, path, status):
        """Answer with an error."""
        self.answers[path] = lambda handler: handler.send_error(status)

    def redirect(self, path, target, headers=None):
        """Send elsewhere."""

        def answer(handler):
            handler.send_response(302)
            for name, value in {
                "Location": target,
                "Content-Length": "0",
                **(headers or {}),
            }.items():
                handler.send_header(name, value)
            handler.end_headers()

        self.answers[path] = answer


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setenv("no_proxy", "*")
    made = Server()
    thread = threading.Thread(target=made.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield made
    made.released.set()
    made.shutdown()
    thread.join()
    made.server_close()
