# SPDX-License-Identifier: GPL-3.0-or-later
"""The base's decoder in PyTorch is the base's; distillation leads it back; a step is harmless."""

from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("torch", reason="see training/README.md")
pytest.importorskip("onnx", reason="see training/README.md")

import onnx
import onnxruntime
import torch
from track_spine.inference.spine import POINTS
from track_spine.tools.fetch_models import HEAD_READS, RECIPES
from track_spine.tools.join_networks import join
from track_spine.tools.tflite_to_onnx import convert_network
from track_spine.training.base import base_network
from track_spine.training.body_shift import body_shift
from track_spine.training.checkpoint import Checkpoint
from track_spine.training.codec import LANDMARK_COUNT, read_landmarks, square_about
from track_spine.training.config import Config
from track_spine.training.dataset import MAPS, Dataset
from track_spine.training.errors import TrainingError
from track_spine.training.export_onnx import to_onnx
from track_spine.training.late_stages import CUT, LateBase, base_decoder
from track_spine.training.losses import distillation_loss, total_loss
from track_spine.training.prepare import look_again
from track_spine.training.splits import TRAIN
from track_spine.training.student import INPUTS as STUDENT_READS
from track_spine.training.student import Student
from track_spine.training.train import train
from track_spine.training.unfrozen import UnfrozenHead, new_head, square_of, whole_maps

UNFROZEN = Config(
    width=16, blocks=1, batch=4, epochs=1, average=0.0, unfreeze=True, distillation_weight=1.0
)


def pictures():
    coarse = np.random.default_rng(5).integers(0, 256, (4, 8, 8, 3)).astype(np.uint8)
    return np.repeat(np.repeat(coarse, 32, axis=1), 32, axis=2)


def frozen_maps(outputs):
    looks = look_again(outputs, np.zeros(4), [np.random.default_rng(0)] * 4)
    return [torch.from_numpy(np.stack([look[name] for look in looks])).float() for name in MAPS]


@pytest.fixture(scope="module")
def outputs():
    """What the base makes of four pictures with nobody in them: its arithmetic is the same."""
    return LateBase(1).run(pictures())


@pytest.fixture(scope="module")
def data(outputs):
    looks = look_again(outputs, np.zeros(4), [np.random.default_rng(n) for n in range(4)])
    rows = whole_maps(looks, outputs)
    arrays = {name: np.stack([row[name] for row in rows]) for name in rows[0]}
    ones = np.ones(4, np.float32)
    return Dataset(
        arrays
        | {
            "target": np.random.default_rng(6).uniform(0.3, 0.7, (4, len(POINTS), 2)),
            "weight": np.ones((4, len(POINTS)), np.float32),
            "axes": np.zeros((4, 2), np.float32),
            "torso": 0.4 * ones,
            "unit_px": 120 * ones,
            "split": np.full(4, TRAIN, np.int8),
        }
    )


def given(outputs):
    return [torch.from_numpy(np.ascontiguousarray(outputs[name])) for name in CUT]


def test_the_decoder_answers_as_the_base(outputs):
    decoder, heatmap = base_decoder()(*given(outputs))
    logits = heatmap.permute(0, 2, 3, 1).detach().numpy()
    assert np.abs(outputs["heatmap"]).max() > 10.0
    assert np.abs(decoder.detach().numpy() - outputs["decoder"]).max() < 1e-3
    assert np.abs(logits - outputs["heatmap"]).max() < 1e-3


def test_all_of_the_decoder_can_be_trained(outputs):
    decoder = base_decoder()
    decoder(*given(outputs))[1].square().mean().backward()
    count = sum(weights.numel() for weights in decoder.parameters())
    assert count == 60_567
    assert all(weights.grad.abs().max() > 0.0 for weights in decoder.parameters())


def test_distillation_is_nought_at_the_teacher_and_leads_back_to_it(outputs):
    teacher, student = base_decoder(), base_decoder()
    maps = given(outputs)
    taught = teacher(*maps)[1].detach()
    with torch.no_grad():
        assert float(distillation_loss(student(*maps)[1], taught)) == pytest.approx(0.0, abs=1e-4)
    generator = torch.Generator().manual_seed(2)
    moved = []
    with torch.no_grad():
        for weights in student.parameters():
            moved.append(0.02 * weights.std() * torch.randn(weights.shape, generator=generator))
            weights.add_(moved[-1])
    loss = distillation_loss(student(*maps)[1], taught)
    loss.backward()
    assert float(loss.detach()) > 1e-3
    back = sum(
        float((weights.grad * away).sum())
        for weights, away in zip(student.parameters(), moved, strict=True)
    )
    assert back > 0.0  # going against the gradient goes back to where the teacher is
    with torch.no_grad():
        for weights, away in zip(student.parameters(), moved, strict=True):
            weights.sub_(0.5 * away)
        halfway = student(*maps)[1]
    assert float(distillation_loss(halfway, taught)) < float(loss.detach())


def test_divergence_is_that_of_single_cells():
    student, teacher = torch.tensor([[[[0.0, 2.0]]]]), torch.tensor([[[[1.0, -1.0]]]])
    mine, taught = torch.sigmoid(student), torch.sigmoid(teacher)
    expected = taught * (taught / mine).log() + (1 - taught) * ((1 - taught) / (1 - mine)).log()
    assert float(distillation_loss(student, teacher)) == pytest.approx(float(expected.sum()))


def test_it_starts_as_the_frozen_head(outputs, data):
    heads = []
    for unfreeze in (False, True):
        torch.manual_seed(1)
        heads.append(new_head(replace(UNFROZEN, unfreeze=unfreeze)).eval())
    square = square_about(read_landmarks(torch.from_numpy(outputs["landmarks"]))[0])
    batch = data.batch(np.arange(4))
    assert torch.equal(square_of(batch["square"]).side, square.side)
    frozen = dict(zip(MAPS, frozen_maps(outputs), strict=True))
    with torch.no_grad():
        kept = heads[0].answer(frozen)
        own = heads[1].answer(batch)
    assert len(own) == 3
    assert torch.allclose(kept[0], own[0], atol=2e-3)  # both read maps kept in half precision


def test_the_position_loss_reaches_the_decoder(data):
    head = UnfrozenHead(replace(UNFROZEN, distillation_weight=0.0)).train()
    batch = data.batch(np.arange(4))
    loss, parts = total_loss(head.answer(batch), batch, UNFROZEN)
    loss.backward()
    assert "distillation" not in parts
    reached = [weights.grad is not None for weights in head.decoder.parameters()]
    assert reached == [True] * (len(reached) - 2) + [False] * 2  # all but the heatmaps' own layer
    assert all(weights.grad is None for weights in head.teacher.parameters())


def test_a_step_keeps_everything_finite_and_the_teacher_still(data, tmp_path):
    torch.set_num_threads(1)
    state = train(data, data, data.only(np.arange(0)), tmp_path, UNFROZEN, lambda line: None)
    assert all(torch.isfinite(values).all() for values in state.weights.values())
    assert np.isfinite(state.history[0]["distillation"])
    moved = {
        name: float((values - state.weights[name.replace("decoder", "teacher")]).abs().max())
        for name, values in state.weights.items()
        if name.startswith("decoder")
    }
    # The first step of AdamW is the rate itself, here of the end of the warm-up.
    assert max(moved.values()) == pytest.approx(
        UNFROZEN.unfrozen_rate * UNFROZEN.learning_rate, rel=0.05
    )
    base = base_decoder().state_dict()
    assert all(torch.equal(state.weights[f"teacher.{name}"], base[name]) for name in base)


def test_body_points_stay_until_the_decoder_changes(data):
    head = UnfrozenHead(UNFROZEN)
    landmarks = np.zeros((4, LANDMARK_COUNT, 5), np.float32)
    with torch.no_grad():
        batch = data.batch(np.arange(4))
        heat = head.teacher(*(batch[name] for name in CUT))[1]
        best = heat.flatten(2).argmax(dim=2).numpy()
        landmarks[..., 0], landmarks[..., 1] = best % 64 * 4 + 2, best // 64 * 4 + 2
        head.teacher.layers[-1].bias.add_(60.0)  # nobody is there: make it sure of somebody
        head.decoder.layers[-1].bias.add_(60.0)
    known = Dataset(data.arrays | {"landmarks": landmarks.reshape(4, -1)})
    assert body_shift(head, known)["95 % px"] == 0.0
    with torch.no_grad():
        head.decoder.layers[-1].weight.mul_(0.5)
        head.decoder.layers[-1].bias.sub_(30.0)
    assert body_shift(head, known)["95 % px"] > 0.0


def test_features_of_the_frozen_base_are_refused(data, tmp_path):
    with pytest.raises(TrainingError, match="prepare them with unfreeze=False"):
        train(data, data, data, tmp_path, replace(UNFROZEN, unfreeze=False), lambda line: None)


def test_a_head_of_the_frozen_base_may_begin_one_with_a_decoder(data, tmp_path):
    torch.manual_seed(3)
    frozen = new_head(replace(UNFROZEN, unfreeze=False)).state_dict()
    begin = Checkpoint(replace(UNFROZEN, unfreeze=False), 1, frozen, frozen, {}, [])
    none = data.only(np.arange(0))
    state = train(data, data, none, tmp_path, replace(UNFROZEN, epochs=0), print, begin=begin)
    assert all(torch.equal(state.weights[name], values) for name, values in frozen.items())
    base = base_decoder().state_dict()
    assert all(torch.equal(state.weights[f"decoder.{name}"], base[name]) for name in base)


def test_the_network_joined_to_a_trained_decoder_answers_as_it_was_trained(outputs):
    torch.manual_seed(4)
    head = UnfrozenHead(UNFROZEN).eval()
    with torch.no_grad():
        for weights in head.decoder.parameters():  # half precision is what the base keeps
            weights.copy_((weights * 1.05).half().float())
    base = convert_network(base_network(), ["image"], RECIPES[1].outputs)
    whole = join(base, onnx.load_from_string(to_onnx(head)), HEAD_READS).SerializeToString()
    session = onnxruntime.InferenceSession(whole, providers=["CPUExecutionProvider"])
    names = ["points", "landmarks", "world_landmarks", "presence"]
    points, *body = session.run(names, {"image": pictures().astype(np.float32) / 255})
    for name, values in zip(names[1:], body, strict=True):
        np.testing.assert_array_equal(values, outputs[name])
    maps = [torch.from_numpy(np.ascontiguousarray(outputs[name])) for name in STUDENT_READS]
    student = Student(head.without_decoder())
    with torch.no_grad():
        trained = head.decoder(*given(outputs))[0]
        expected, untrained = student(trained, *maps[1:])[0], student(*maps)[0]
    assert np.abs(points - expected.numpy()).max() < 0.01  # pixels of the crop
    assert np.abs(points - untrained.numpy()).max() > 0.1


def test_a_trained_decoder_cannot_look_through_the_frozen_base():
    with pytest.raises(TrainingError, match="export it"):
        Student(UnfrozenHead(UNFROZEN))
