# SPDX-License-Identifier: GPL-3.0-or-later
"""Hostile files: each is refused, with its reason, before ONNX Runtime sees it."""

import time

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper
from track_spine.inference import onnx_file
from track_spine.inference.errors import ModelError
from track_spine.inference.models import CARDS, MODELS_FOLDER
from track_spine.inference.onnx_file import check_structure


def refusal(content):
    with pytest.raises(ModelError) as caught:
        check_structure(content, "net")
    assert str(caught.value).startswith("net ")
    return str(caught.value)


def relu(name="r", domain="", operator="Relu", **attributes):
    return helper.make_node(operator, ["input"], ["output"], name, domain=domain, **attributes)


@pytest.mark.parametrize("card", CARDS, ids=lambda card: card.name)
def test_the_shipped_networks_pass(card):
    check_structure((MODELS_FOLDER / card.file).read_bytes(), "net")


def test_the_networks_of_these_tests_pass(networks):
    check_structure(networks.seeing(), "net")
    check_structure(networks.constant((37, 2), {"output": np.zeros((37, 3))}), "net")


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"<!DOCTYPE html><html><title>Log in</title>",
        b"PK\x03\x04" + bytes(100),
        b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 7\n",
        b"\x08\x07" * 500,  # protobuf, and no graph in it
        b"\xff" * 100,
        np.random.default_rng(1).bytes(5000),
    ],
)
def test_what_is_no_network_is_refused(content):
    assert "not an ONNX network" in refusal(content)


def test_a_network_cut_short_is_refused(networks):
    content = networks.seeing()
    assert "not an ONNX network" in refusal(content[: len(content) // 2])


@pytest.mark.parametrize("location", ["weights.bin", "../../etc/passwd", "/etc/passwd"])
def test_weights_in_another_file_are_refused(networks, location):
    assert "another file" in refusal(networks.external(location))


def test_why_the_check_is_needed(networks, tmp_path, monkeypatch):
    """ONNX Runtime reads such weights from the working folder even though it is given bytes."""
    import onnxruntime

    (tmp_path / "weights.bin").write_bytes(np.full(37 * 3, 7, np.float32).tobytes())
    monkeypatch.chdir(tmp_path)
    session = onnxruntime.InferenceSession(networks.external(), providers=["CPUExecutionProvider"])
    (output,) = session.run(None, {"input": np.zeros((1, 37, 2), np.float32)})
    assert (output == 7.0).all()


def external_tensor():
    tensor = TensorProto(name="t", data_type=TensorProto.FLOAT, dims=[1])
    tensor.data_location = TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="weights.bin")
    return tensor


def graph_with(node):
    return helper.make_graph([node], "inner", [], [])


@pytest.mark.parametrize("place", ["attribute", "list", "sparse", "branch", "function", "training"])
def test_weights_in_another_file_are_found_wherever_they_hide(networks, place):
    shapes = {"input": [1]}, {"output": [1]}
    tensor = external_tensor()
    made = networks.model([relu()], *shapes)
    if place == "attribute":
        made.graph.node[0].attribute.append(helper.make_attribute("value", tensor))
    elif place == "list":
        made.graph.node[0].attribute.append(helper.make_attribute("values", [tensor]))
    elif place == "sparse":
        made.graph.sparse_initializer.add().values.CopyFrom(tensor)
    elif place == "branch":
        inner = graph_with(helper.make_node("Constant", [], ["t"], value=tensor))
        made.graph.node[0].attribute.append(helper.make_attribute("then_branch", inner))
    elif place == "function":
        made.functions.add().node.append(helper.make_node("Constant", [], ["t"], value=tensor))
    else:
        made.training_info.add().initialization.initializer.append(tensor)
    assert "another file" in refusal(made.SerializeToString())


def test_custom_operators_are_named(networks):
    made = networks.model(
        [relu(operator="Phone", domain="evil")],
        {"input": [1]},
        {"output": [1]},
        domains=("", "evil"),
    )
    said = refusal(made.SerializeToString())
    assert "'Phone'" in said
    assert "'evil'" in said


def test_compiled_programs_are_refused(networks):
    node = relu(operator="EPContext", domain="com.microsoft", ep_cache_context="../engine.bin")
    made = networks.model([node], {"input": [1]}, {"output": [1]}, domains=("", "com.microsoft"))
    assert "EPContext" in refusal(made.SerializeToString())


def test_graphs_nested_to_break_readers_are_refused(networks):
    node = relu()
    for _ in range(20):
        node = helper.make_node("If", ["input"], ["output"], then_branch=graph_with(node))
    made = networks.model([node], {"input": [1]}, {"output": [1]})
    assert "nests" in refusal(made.SerializeToString())


def test_a_huge_file_is_refused(networks, monkeypatch):
    monkeypatch.setattr(onnx_file, "MAX_BYTES", 1000)
    assert "more than the 1000" in refusal(networks.seeing())


def test_weights_are_skipped_not_read():
    tensor = TensorProto(data_type=TensorProto.FLOAT, dims=[2**21], raw_data=bytes(2**23))
    graph = helper.make_graph([relu()], "g", [], [], [tensor])
    content = onnx.ModelProto(graph=graph).SerializeToString()
    began = time.process_time()
    check_structure(content, "net")
    assert time.process_time() - began < 0.1  # 8 MiB; looking at each byte would take a second
