# SPDX-License-Identifier: GPL-3.0-or-later
"""A network with the published contract, 37 x 2 to 37 x 3, behind the interface of lifters."""

import hashlib

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from track_spine.inference.frame_network import FrameNetwork
from track_spine.inference.keypoints import INDEX
from track_spine.inference.lifter import Track
from track_spine.inference.models import ModelCard
from track_spine.inference.session import Session


def opened(tmp_path):
    """A network that takes 37 x 2 and gives (x, y, 10 x): what it was told can be read off."""
    pick = np.array([[1.0, 0.0, 10.0], [0.0, 1.0, 0.0]], np.float32)
    graph = helper.make_graph(
        [helper.make_node("MatMul", ["input", "pick"], ["output"])],
        "g",
        [helper.make_tensor_value_info("input", TensorProto.FLOAT, ["n", 37, 2])],
        [helper.make_tensor_value_info("output", TensorProto.FLOAT, ["n", 37, 3])],
        [numpy_helper.from_array(pick, "pick")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    content = model.SerializeToString()
    onnx.checker.check_model(model)
    (tmp_path / "net.onnx").write_bytes(content)
    card = ModelCard("net", "net.onnx", hashlib.sha256(content).hexdigest(), "CC0-1.0", "here")
    return FrameNetwork(Session(card, tmp_path, threads=1))


def test_points_are_given_as_slopes_and_unsure_ones_as_zeros(tmp_path):
    rng = np.random.default_rng(3)
    slopes, score = rng.normal(0.0, 0.2, (5, 37, 2)), np.full((5, 37), 0.9)
    wrist = INDEX["left_wrist"]
    score[2, wrist] = 0.4
    given = Track(slopes, np.zeros((5, 2)), np.zeros((5, 37, 3)), score, np.arange(5.0))
    answer = opened(tmp_path).lift(given)
    told = slopes.copy()
    told[2, wrist] = 0.0
    expected = np.concatenate([told, 10.0 * told[..., :1]], axis=-1)
    hips = [INDEX["left_hip"], INDEX["right_hip"]]
    expected -= expected[:, hips].mean(axis=1, keepdims=True)
    np.testing.assert_allclose(answer.relative_m, expected, atol=1e-5)
    assert not answer.denoised
    assert answer.sigma_m[2, wrist] > answer.sigma_m[1, wrist]
