# SPDX-License-Identifier: GPL-3.0-or-later
"""The head as ONNX answers as in PyTorch, in any batch, whatever it is shown."""

import hashlib

import numpy as np
import pytest

pytest.importorskip("torch", reason="see training/README.md")
pytest.importorskip("onnx", reason="see training/README.md")
pytest.importorskip("onnxruntime", reason="see training/README.md")

import torch
from track_spine.inference.spine import POINTS
from track_spine.training.codec import CONTEXT, DECODER_CHANNELS, GRID_CELLS, square_about
from track_spine.training.config import Config
from track_spine.training.export_onnx import OUTPUTS, export, to_onnx
from track_spine.training.model import HEAT_CELLS, SpineHead
from track_spine.training.student import INPUTS, Student


@pytest.fixture(scope="module")
def head():
    torch.manual_seed(5)
    head = SpineHead(Config(width=16, blocks=2))
    head.train()
    head(*inputs(32, np.random.default_rng(1)))  # the norms have seen something
    return head.eval()


def inputs(count, rng, scale=1.0):
    shapes = (
        (count, GRID_CELLS**2, DECODER_CHANNELS),
        (count, CONTEXT),
    )
    return [torch.tensor(scale * rng.normal(size=shape), dtype=torch.float32) for shape in shapes]


def base_outputs(count, rng):
    """Numbers of the shapes that the base gives, by the student's names for them."""
    shapes = ((48, 64, 64), (288, 2, 2), (195,), (117,))
    values = [rng.normal(size=(count, *shape)) for shape in shapes]
    values[2] = rng.uniform(40.0, 216.0, (count, 195))
    return [torch.tensor(value, dtype=torch.float32) for value in values]


@pytest.fixture(scope="module")
def session(head):
    import onnxruntime

    return onnxruntime.InferenceSession(to_onnx(head), providers=["CPUExecutionProvider"])


@pytest.mark.parametrize("count", [1, 3, 7])
def test_onnx_answers_as_torch(head, session, count):
    given = base_outputs(count, np.random.default_rng(count))
    feed = {name: value.numpy() for name, value in zip(INPUTS, given, strict=True)}
    points, scale = session.run(list(OUTPUTS), feed)
    with torch.no_grad():
        expected = Student(head)(*given)
    assert points.shape == (count, len(POINTS), 2) and scale.shape == (count, len(POINTS))
    # float32 sums in another order, in pixels of the 256 px crop
    assert np.allclose(points, expected[0].numpy(), atol=5e-3)
    assert np.allclose(scale, expected[1].numpy(), rtol=5e-4)


def test_answers_follow_the_person_through_the_crop(head):
    """All maps constant: shifted landmarks shift the points, whose square goes with them."""
    given = base_outputs(1, np.random.default_rng(3))
    given[0] = torch.ones_like(given[0])
    places = given[2].view(1, 39, 5)[:, :33, :2]
    square = square_about(places)
    with torch.no_grad():
        points, _ = Student(head)(*given)
    assert (square.encode(points) >= 0).all() and (square.encode(points) <= 1).all()


def test_the_same_head_gives_the_same_bytes(head, tmp_path):
    content = to_onnx(head)
    assert hashlib.sha256(content).digest() == hashlib.sha256(to_onnx(head)).digest()
    assert export(head, tmp_path / "head.onnx") == len(content)
    assert [path.name for path in tmp_path.iterdir()] == ["head.onnx"]


def test_separate_axes_put_a_point_where_column_and_row_meet():
    torch.manual_seed(6)
    head = SpineHead(Config(width=16, blocks=1, simcc=True)).eval()
    with torch.no_grad():
        for axis, cell in ((head.heat.across, 12), (head.heat.down, 30)):
            axis.weight.zero_()
            axis.bias.copy_(200.0 * torch.eye(HEAT_CELLS)[cell])
        points, _, _ = head(*inputs(2, np.random.default_rng(2)))
    there = torch.tensor([12.5, 30.5]) / HEAT_CELLS
    assert torch.allclose(points, there.expand_as(points), atol=1e-4)


@pytest.mark.parametrize("scale", [0.0, 100.0, 1e4])
def test_nonsense_gives_finite_points_within_the_square(head, scale):
    with torch.no_grad():
        points, spread, _ = head(*inputs(4, np.random.default_rng(9), scale))
    assert torch.isfinite(points).all() and torch.isfinite(spread).all()
    assert (points >= 0).all() and (points <= 1).all() and (spread > 0).all()
