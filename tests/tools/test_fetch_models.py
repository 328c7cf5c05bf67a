# SPDX-License-Identifier: GPL-3.0-or-later
"""Making the models: the base untouched by the head on it, and heads that are missing or others."""

import hashlib
import importlib.util
from pathlib import Path
from typing import Any

import av
import numpy as np
import onnxruntime as ort
import pytest

pytest.importorskip("onnx", reason="a tool of development: make setup")
pytest.importorskip("tflite", reason="a tool of development: make setup")

import onnx
from onnx import TensorProto, helper, numpy_helper
from track_spine.inference import models
from track_spine.inference.crop import Crop
from track_spine.inference.models import MODELS_FOLDER, POSE, SPINE_HEAD
from track_spine.tools import fetch_models
from track_spine.tools.fetch_models import HEAD_READS, RECIPES, make, pin
from track_spine.tools.join_networks import PREFIX
from track_spine.tools.pinned_wheel import CACHE, FetchError
from track_spine.tools.tflite_network import ConversionError

Array = np.ndarray[Any, np.dtype[Any]]

BODY = ["landmarks", "presence", "heatmap", "world_landmarks"]
SHAPES = {"decoder": (48, 64, 64), "global": (288, 2, 2)}
SHAPES |= {"landmarks": (195,), "world_landmarks": (117,)}


def opened(content: bytes) -> ort.InferenceSession:
    return ort.InferenceSession(content, providers=["CPUExecutionProvider"])


def stand_in(points: int = 14) -> bytes:
    """A head that answers with the first landmark, whatever it sees."""
    inputs = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, ["batch", *shape])
        for name, shape in SHAPES.items()
    ]
    outputs = [
        helper.make_tensor_value_info("points", TensorProto.FLOAT, ["batch", points, 2]),
        helper.make_tensor_value_info("scale", TensorProto.FLOAT, ["batch", points]),
    ]
    pick = np.zeros((195, 2 * points), np.float32)
    pick[0, ::2] = pick[1, 1::2] = 1
    constants = {
        "pick": pick,
        "shape": np.array([-1, points, 2]),
        "flat": np.zeros((117, points), np.float32),
    }
    nodes = [
        helper.make_node("MatMul", ["landmarks", "pick"], ["picked"]),
        helper.make_node("Reshape", ["picked", "shape"], ["points"]),
        helper.make_node("MatMul", ["world_landmarks", "flat"], ["scale"]),
    ]
    kept = [numpy_helper.from_array(value, name) for name, value in constants.items()]
    graph = helper.make_graph(nodes, "head", inputs, outputs, kept)
    opset = [helper.make_opsetid("", 17)]
    return bytes(helper.make_model(graph, opset_imports=opset, ir_version=8).SerializeToString())


@pytest.fixture(scope="module")
def crop_picture(short_clip: Path) -> Array:
    """(1, 256, 256, 3) the walking woman."""
    with av.open(str(short_clip)) as container:
        rgb = next(container.decode(video=0)).to_ndarray(format="rgb24")
    crop = Crop.around(np.array([653.0, 367.0]), np.array([655.0, 260.0]))
    return crop.cut(rgb, 256, black_outside=False)[None].astype(np.float32) / np.float32(255)


def test_the_base_gives_the_same_to_the_bit_with_the_head_as_without(crop_picture: Array) -> None:
    content = (MODELS_FOLDER / POSE.file).read_bytes()
    alone = onnx.load_from_string(content)
    kept = [node for node in alone.graph.node if not node.name.startswith(PREFIX)]
    assert len(kept) < len(alone.graph.node)
    del alone.graph.node[:]
    alone.graph.node.extend(kept)
    del alone.graph.output[len(BODY) :]
    whole, base = opened(content), opened(alone.SerializeToString())
    random = np.random.default_rng(0).random((3, 256, 256, 3), np.float32)
    for batch in (crop_picture, random):
        with_head = whole.run([*BODY, "points", "scale"], {"image": batch})
        for mine, theirs in zip(with_head, base.run(BODY, {"image": batch}), strict=False):
            np.testing.assert_array_equal(mine, theirs)


def test_inside_the_base_the_head_reads_maps_of_the_shapes_it_was_trained_on() -> None:
    model = onnx.load_from_string((MODELS_FOLDER / POSE.file).read_bytes())
    for name, shape in SHAPES.items():
        if len(shape) == 3:
            value = helper.make_tensor_value_info(HEAD_READS[name], TensorProto.FLOAT, None)
            model.graph.output.append(value)
    session = opened(model.SerializeToString())
    names = [HEAD_READS[name] for name in SHAPES]
    found = session.run(names, {"image": np.zeros((2, 256, 256, 3), np.float32)})
    assert [value.shape for value in found] == [(2, *shape) for shape in SHAPES.values()]


def test_a_missing_head_is_named_with_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(FetchError) as caught:
        fetch_models.fetch_models(tmp_path / "out", heads=tmp_path)
    assert str(tmp_path / SPINE_HEAD.file) in str(caught.value)
    assert "git checkout" in str(caught.value)
    assert not (tmp_path / "out").exists()


def test_another_head_than_the_pinned_one_is_refused(tmp_path: Path) -> None:
    (tmp_path / SPINE_HEAD.file).write_bytes(stand_in())
    with pytest.raises(FetchError, match=r"not the network of its card.*--pin"):
        fetch_models.fetch_models(tmp_path / "out", heads=tmp_path)
    assert not (tmp_path / "out").exists()


def test_models_that_are_there_need_no_head(tmp_path: Path) -> None:
    assert fetch_models.fetch_models(MODELS_FOLDER, heads=tmp_path) == []


def test_pinning_makes_the_model_and_enters_both_hashes(
    tmp_path: Path, crop_picture: Array
) -> None:
    cards, out = tmp_path / "cards.py", tmp_path / "out"
    cards.write_bytes(Path(models.__file__).read_bytes())
    (tmp_path / SPINE_HEAD.file).write_bytes(stand_in())
    assert pin(cards, out, heads=tmp_path) == [SPINE_HEAD.name, POSE.name]
    spec = importlib.util.spec_from_file_location("cards", cards)
    assert spec and spec.loader
    pinned = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(pinned)
    content = (out / POSE.file).read_bytes()
    assert pinned.POSE.sha256 == hashlib.sha256(content).hexdigest()
    assert pinned.SPINE_HEAD.sha256 == hashlib.sha256(stand_in()).hexdigest()
    assert pinned.DETECTOR.sha256 == models.DETECTOR.sha256
    points, landmarks = opened(content).run(["points", "landmarks"], {"image": crop_picture})
    np.testing.assert_allclose(points, np.tile(landmarks[:, None, :2], (1, 14, 1)), rtol=1e-6)


def test_pinning_what_is_pinned_changes_nothing(tmp_path: Path) -> None:
    cards = tmp_path / "cards.py"
    cards.write_bytes(Path(models.__file__).read_bytes())
    assert pin(cards, tmp_path / "out") == []
    assert cards.read_bytes() == Path(models.__file__).read_bytes()


@pytest.mark.parametrize("content", [b"not a network", b"\x08\x07" * 500])
def test_a_head_that_is_no_network_is_named_and_nothing_is_pinned(
    tmp_path: Path, content: bytes
) -> None:
    cards = tmp_path / "cards.py"
    cards.write_text("untouched")
    (tmp_path / SPINE_HEAD.file).write_bytes(content)
    with pytest.raises((FetchError, ConversionError)) as caught:
        pin(cards, tmp_path / "out", heads=tmp_path)
    assert SPINE_HEAD.file in str(caught.value) or "head" in str(caught.value)
    assert cards.read_text() == "untouched"
    assert not (tmp_path / "out").exists()


def test_a_model_is_the_same_bytes_on_every_run() -> None:
    (recipe,) = (recipe for recipe in RECIPES if recipe.head)
    content = make(recipe, CACHE / "tflite", MODELS_FOLDER)
    assert hashlib.sha256(content).hexdigest() == POSE.sha256
