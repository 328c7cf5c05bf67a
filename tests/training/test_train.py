# SPDX-License-Identifier: GPL-3.0-or-later
"""The whole loop, tiny: drawn features of bent spines; the head must find what the prior cannot."""

from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("torch", reason="see training/README.md")
pytest.importorskip("matplotlib", reason="see training/README.md")
pytest.importorskip("onnx", reason="see training/README.md")

import torch
from track_spine.inference import prior
from track_spine.training import commands
from track_spine.training.checkpoint import averaged_head, load
from track_spine.training.codec import (
    CONTEXT,
    EARLY_CELLS,
    GRID_CELLS,
    LANDMARK_PLACES,
    POINTS,
)
from track_spine.training.config import Config, config_from
from track_spine.training.dataset import Dataset, read_features
from track_spine.training.errors import TrainingError
from track_spine.training.evaluate import evaluate
from track_spine.training.export_onnx import export
from track_spine.training.splits import TEST, TRAIN
from track_spine.training.train import LAST, rate, train

TINY = Config(width=16, blocks=1, batch=16, epochs=8, learning_rate=1e-2, average=0.9)


def spines(count, rng):
    """Seen from the side: the neutral curve, bent by chance between ends that are known roughly."""
    forward, up = np.array(prior.neutral_curve()).T
    bow = rng.normal(0.0, 0.4, (count, 1)) * np.sin(np.pi * np.clip(up, 0, 1))
    x, y = 0.5 + 0.4 * (forward + bow), 0.86 - 0.4 * up + np.zeros((count, 1))
    chain = np.stack([x, y], axis=-1) + rng.normal(0.0, 0.01, (count, 1, 2))
    others = chain[:, [8, 5, 5, 4, 4]] + [[0, -0.1], [0.1, 0], [-0.1, 0], [0.1, 0], [-0.1, 0]]
    straight = np.stack([0.5 + 0.4 * forward, 0.86 - 0.4 * up], axis=-1)
    guess = np.concatenate([np.tile(straight, (count, 1, 1)), others], axis=1)
    return np.concatenate([chain, others], axis=1), guess


def drawn(count, seed):
    """Features as prepare makes them; the early map shows the spine as a bright line."""
    rng = np.random.default_rng(seed)
    target, guess = spines(count, rng)
    middle = (np.arange(EARLY_CELLS) + 0.5) / EARLY_CELLS
    early = rng.normal(0.0, 0.1, (count, 24, EARLY_CELLS, EARLY_CELLS))
    for row in range(count):
        near = np.interp(middle, target[row, 8::-1, 1], target[row, 8::-1, 0])
        early[row, :4] += 2.0 * np.exp(-(((middle[None, :] - near[:, None]) / 0.03) ** 2))
    context = np.zeros((count, CONTEXT))
    ends = np.repeat(target[:, [0, 6]], [16, 17], axis=1).reshape(count, -1)
    context[:, LANDMARK_PLACES] = ends + rng.normal(0.0, 0.01, ends.shape)
    ones = np.ones(count, np.float32)
    return {
        "early": early.astype(np.float16),
        "decoder": rng.normal(0, 0.1, (count, 48, GRID_CELLS, GRID_CELLS)).astype(np.float16),
        "context": context.astype(np.float16),
        "target": target.astype(np.float32),
        "visible": np.zeros((count, len(POINTS)), np.int8),
        "guess": guess.astype(np.float32),
        "torso": 0.4 * ones,
        "box": 0.5 * ones,
        "unit_px": 120 * ones,
        "presence": ones,
        "axes": np.tile(np.float32([1.0, 1.0]), (count, 1)),
        "view_deg": 90 * ones,
        "flexion_deg": 40 * ones,
        "side_bend_deg": 0 * ones,
        "split": np.where(np.arange(count) % 5, TRAIN, TEST).astype(np.int8),
        "body_id": np.arange(count),
        "image": np.arange(count),
        "turn": np.zeros(count, np.int8),
    }


@pytest.fixture(scope="module")
def features(tmp_path_factory):
    folder = tmp_path_factory.mktemp("features")
    for number in range(2):
        np.savez(folder / f"features-{number:05d}.npz", **drawn(120, number))
    return folder


@pytest.fixture(scope="module")
def trained(features, tmp_path_factory):
    torch.set_num_threads(2)
    folder = tmp_path_factory.mktemp("run")
    data = read_features(features)
    state = train(data, folder, TINY, lambda line: None)
    return data, folder, state


def test_the_loop_beats_the_prior_on_what_it_was_not_trained_on(trained):
    data, _, state = trained
    aside = data.only(data.arrays["split"] == TEST)
    report = evaluate(averaged_head(state), aside)
    mine, guess = (report["methods"][name] for name in ("head", "geometric prior"))
    assert mine["median"] < 0.75 * guess["median"]
    assert mine["spine AP"] > guess["spine AP"]
    assert np.isfinite(report["calibration"]["rank correlation"])
    assert state.history[-1]["position"] < state.history[0]["position"]


def test_a_stopped_run_goes_on_to_the_same_weights(features, tmp_path):
    data = read_features(features).only(np.arange(40))
    config = replace(TINY, epochs=2)
    whole = train(data, tmp_path / "whole", config, lambda line: None)

    class StopError(Exception):
        pass

    def stop(line):
        if line.startswith("epoch 1"):
            raise StopError

    with pytest.raises(StopError):
        train(data, tmp_path / "parts", config, stop)
    assert load(tmp_path / "parts" / LAST).epoch == 1
    again = train(data, tmp_path / "parts", config, lambda line: None)
    for name, value in whole.average.items():
        assert torch.allclose(value.float(), again.average[name].float(), atol=1e-5), name


def test_curves_and_onnx_come_out(trained, features, tmp_path):
    _, _, state = trained
    commands.draw_curves(state.history, tmp_path / "curves.png")
    assert (tmp_path / "curves.png").stat().st_size > 5000
    assert export(averaged_head(state), tmp_path / "head.onnx") > 100_000


def test_other_settings_do_not_go_on_from_a_checkpoint(trained):
    data, folder, _ = trained
    with pytest.raises(TrainingError, match="other settings"):
        train(data, folder, Config(width=24), lambda line: None)


@pytest.mark.parametrize("keep", [0, 500])
def test_a_damaged_checkpoint_is_named(trained, tmp_path, keep):
    content = (trained[1] / LAST).read_bytes()
    (tmp_path / LAST).write_bytes(content[:keep])
    with pytest.raises(TrainingError, match=r"last\.pt"):
        load(tmp_path / LAST)


def test_damaged_or_missing_features_are_named(features, tmp_path):
    with pytest.raises(TrainingError, match="run track-spine-train prepare first"):
        read_features(tmp_path)
    content = (features / "features-00000.npz").read_bytes()
    (tmp_path / "features-00007.npz").write_bytes(content[:5000])
    with pytest.raises(TrainingError, match=r"features-00007\.npz"):
        read_features(tmp_path)


def test_nothing_is_trained_on_numbers_that_are_not_finite(tmp_path):
    arrays = drawn(40, 3)
    arrays["target"][3, 2] = np.nan
    np.savez(tmp_path / "features-00000.npz", **arrays)
    with pytest.raises(TrainingError, match="not finite"):
        read_features(tmp_path)


def test_nothing_to_train_on_is_said(tmp_path):
    arrays = drawn(10, 4)
    with pytest.raises(TrainingError, match="render more"):
        train(
            Dataset({**arrays, "split": np.zeros(10, np.int8)}), tmp_path, TINY, lambda line: None
        )


def test_the_rate_rises_then_falls():
    config = Config(warm_up=0.1)
    rates = [rate(step, 100, config) for step in range(100)]
    assert np.argmax(rates) in (9, 10) and rates[0] < 0.2 * max(rates)
    assert max(rates) == pytest.approx(config.learning_rate)
    assert rates[-1] < 0.03 * max(rates)


def test_settings_come_from_the_command_line():
    config = config_from(["epochs=3", "tight=true", "learning_rate=1e-4"])
    assert (config.epochs, config.tight, config.learning_rate) == (3, True, 1e-4)
    for wrong in ("epoch=3", "epochs=many", "tight=maybe"):
        with pytest.raises(TrainingError, match=wrong.split("=")[0]):
            config_from([wrong])
