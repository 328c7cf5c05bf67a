# SPDX-License-Identifier: GPL-3.0-or-later
"""`track-spine` with networks of others, on other providers, and its self-test, as in use."""

import json

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from track_spine import cli
from track_spine.inference.models import POSE
from track_spine.inference.take import Take

ACROSS, DOWN = 96.0, 128.0
"""Where in its crop the network of the test sees every point: in the middle."""


@pytest.fixture(scope="module")
def simcc(tmp_path_factory):
    """A file with the published inputs and outputs that sees all points in the crop's middle."""
    vectors = {}
    for name, place, length in (("simcc_x", ACROSS, 384), ("simcc_y", DOWN, 512)):
        row = np.exp(-((np.arange(length) - 2 * place) ** 2) / (2 * 5.0**2))
        vectors[name] = np.tile(row, (1, 37, 1)).astype(np.float32)
    nodes = [
        helper.make_node("ReduceMean", ["input"], ["mean"], axes=[1, 2, 3], keepdims=1),
        helper.make_node("Squeeze", ["mean", "last"], ["flat"]),
        helper.make_node("Mul", ["flat", "zero"], ["nothing"]),
        *(helper.make_node("Add", ["nothing", f"{name}_value"], [name]) for name in vectors),
    ]
    constants = {f"{name}_value": value for name, value in vectors.items()}
    constants |= {"zero": np.float32(0), "last": np.array([3])}
    graph = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info("input", TensorProto.FLOAT, ["n", 3, 256, 192])],
        [
            helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n", *value.shape[1:]])
            for name, value in vectors.items()
        ],
        [numpy_helper.from_array(np.asarray(value), name) for name, value in constants.items()],
    )
    path = tmp_path_factory.mktemp("nets") / "middle.onnx"
    opset = [helper.make_opsetid("", 17)]
    onnx.save(helper.make_model(graph, opset_imports=opset, ir_version=8), path)
    return path


@pytest.fixture(scope="module")
def lifter(tmp_path_factory):
    """A file with the published lifter's ends, one person at a time: each depth is 0."""
    shapes = {"input": [1, 37, 2], "output": [1, 37, 3]}
    ends = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)
        for name, shape in shapes.items()
    ]
    weights = numpy_helper.from_array(np.eye(2, 3, dtype=np.float32), "weights")
    node = helper.make_node("MatMul", ["input", "weights"], ["output"])
    graph = helper.make_graph([node], "g", ends[:1], ends[1:], [weights])
    path = tmp_path_factory.mktemp("nets") / "flat.onnx"
    opset = [helper.make_opsetid("", 17)]
    onnx.save(helper.make_model(graph, opset_imports=opset, ir_version=8), path)
    return path


def test_a_clip_is_tracked_with_a_network_of_others(short_clip, simcc, tmp_path, capsys):
    arguments = ["--subject", "650,370", "--model", str(simcc), "--trim", "0:6"]
    assert cli.main(["track", str(short_clip), "--out", str(tmp_path), *arguments]) == cli.OK
    take = Take(tmp_path / "take")
    models = [one["name"] for one in take.read_json()["models"]]
    assert models == ["blazepose-detector", POSE.name, "middle"]
    arrays, _ = take.read_chunks()
    seen = arrays["xy_px"][:, 0]
    assert seen.shape == (6, 37, 2)
    np.testing.assert_allclose(seen, seen[:, :1] + np.zeros((1, 37, 1)), atol=1e-2)
    np.testing.assert_allclose(seen[0, 0], [650, 370], atol=80)  # the middle of the walker's box
    assert arrays["score"].min() > 0.9


def test_points_in_space_come_from_a_lifter_of_others(short_clip, lifter, tmp_path, capsys):
    arguments = ["--subject", "650,370", "--lifter", str(lifter), "--trim", "0:6"]
    assert cli.main(["track", str(short_clip), "--out", str(tmp_path), *arguments]) == cli.OK
    with np.load(tmp_path / "take" / "lifted.npz") as lifted:
        to_camera = np.linalg.inv(lifted["world_from_camera"])
        points = lifted["xyz_m"][:, 0] @ to_camera[:3, :3].T + to_camera[:3, 3]
    depth = points[..., 2]
    assert np.ptp(depth, axis=1).max() < 1e-3  # that lifter puts all points into one plane
    assert np.ptp(points[..., 1], axis=1).min() > 1.0


def test_another_model_does_not_go_on_with_a_take(short_clip, simcc, tmp_path, capsys):
    one = ["track", str(short_clip), "--out", str(tmp_path), "--trim", "0:2"]
    one += ["--subject", "650,370"]
    assert cli.main(one) == cli.OK
    assert cli.main([*one, "--model", str(simcc)]) == cli.FAILED
    assert "another models" in capsys.readouterr().err


def test_a_photo_is_looked_at_with_a_network_of_others(short_clip, simcc, tmp_path):
    import av
    import cv2

    with av.open(str(short_clip)) as container:
        frame = next(container.decode(video=0)).to_ndarray(format="bgr24")
    photo = tmp_path / "photo.png"
    cv2.imwrite(str(photo), frame)
    out = tmp_path / "people.json"
    command = ["detect", str(photo), "--json", str(out), "--model", str(simcc), "--flip-test"]
    assert cli.main(command) == cli.OK
    people = json.loads(out.read_text())["images"][str(photo)]
    assert people
    for person in people:
        assert np.ptp(np.array(person["keypoints"])[:, :2], axis=0).max() < 2.0


def test_a_model_that_is_nowhere_is_named(short_clip, tmp_path, capsys):
    command = ["track", str(short_clip), "--out", str(tmp_path), "--model", "no.onnx"]
    assert cli.main(command) == cli.FAILED
    assert "no.onnx is neither a file nor one of spinepose-v2-s" in capsys.readouterr().err
    assert not (tmp_path / "take" / "take.json").exists()


def test_a_provider_that_is_not_here_is_refused(short_clip, tmp_path, capsys):
    command = ["track", str(short_clip), "--out", str(tmp_path), "--provider", "tensorrt"]
    assert cli.main(command) == cli.FAILED
    assert "no provider 'tensorrt'" in capsys.readouterr().err


def test_self_test_says_what_computes_and_how_fast(capsys):
    assert cli.main(["self-test"]) == cli.OK
    said = capsys.readouterr().out
    assert "ONNX Runtime " in said
    assert "Picked CPUExecutionProvider: " in said
    assert "usable cores" in said
    assert f"{POSE.file}: SHA-256 {POSE.sha256} as expected" in said


def test_self_test_fails_where_the_provider_does(capsys):
    assert cli.main(["self-test", "--provider", "cuda"]) == cli.FAILED
    assert "no provider 'cuda'" in capsys.readouterr().err
