# SPDX-License-Identifier: GPL-3.0-or-later
"""The head as ONNX answers as in PyTorch, in any batch, whatever it is shown."""

import hashlib

import numpy as np
import pytest

pytest.importorskip("torch", reason="see training/README.md")
pytest.importorskip("onnx", reason="see training/README.md")
pytest.importorskip("onnxruntime", reason="see training/README.md")

import torch
from track_spine.training.codec import (
    CONTEXT,
    DECODER_CHANNELS,
    EARLY_CELLS,
    EARLY_CHANNELS,
    GRID_CELLS,
    POINTS,
)
from track_spine.training.config import Config
from track_spine.training.export_onnx import INPUTS, OUTPUTS, export, to_onnx
from track_spine.training.model import SpineHead


@pytest.fixture(scope="module")
def head():
    torch.manual_seed(5)
    head = SpineHead(Config(width=16, blocks=2))
    head.train()
    head(*inputs(32, np.random.default_rng(1)))  # the norms have seen something
    return head.eval()


def inputs(count, rng, scale=1.0):
    shapes = (
        (count, EARLY_CHANNELS, EARLY_CELLS, EARLY_CELLS),
        (count, DECODER_CHANNELS, GRID_CELLS, GRID_CELLS),
        (count, CONTEXT),
    )
    return [torch.tensor(scale * rng.normal(size=shape), dtype=torch.float32) for shape in shapes]


@pytest.fixture(scope="module")
def session(head):
    import onnxruntime

    return onnxruntime.InferenceSession(to_onnx(head), providers=["CPUExecutionProvider"])


@pytest.mark.parametrize("count", [1, 3, 7])
def test_onnx_answers_as_torch(head, session, count):
    given = inputs(count, np.random.default_rng(count))
    feed = {name: value.numpy() for name, value in zip(INPUTS, given, strict=True)}
    points, scale = session.run(list(OUTPUTS), feed)
    with torch.no_grad():
        expected = head(*given)
    assert points.shape == (count, len(POINTS), 2) and scale.shape == (count, len(POINTS))
    # float32 sums in another order
    assert np.allclose(points, expected[0].numpy(), atol=2e-5)
    assert np.allclose(scale, expected[1].numpy(), rtol=2e-4)


def test_the_same_head_gives_the_same_bytes(head, tmp_path):
    content = to_onnx(head)
    assert hashlib.sha256(content).digest() == hashlib.sha256(to_onnx(head)).digest()
    assert export(head, tmp_path / "head.onnx") == len(content)
    assert [path.name for path in tmp_path.iterdir()] == ["head.onnx"]


@pytest.mark.parametrize("scale", [0.0, 100.0, 1e4])
def test_nonsense_gives_finite_points_within_the_square(head, scale):
    with torch.no_grad():
        points, spread, _ = head(*inputs(4, np.random.default_rng(9), scale))
    assert torch.isfinite(points).all() and torch.isfinite(spread).all()
    assert (points >= 0).all() and (points <= 1).all() and (spread > 0).all()
