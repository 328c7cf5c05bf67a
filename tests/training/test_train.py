# SPDX-License-Identifier: GPL-3.0-or-later
"""The whole loop, tiny: drawn features of bent spines; the head must find what the prior cannot."""

import json
from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("torch", reason="see training/README.md")
pytest.importorskip("matplotlib", reason="see training/README.md")
pytest.importorskip("onnx", reason="see training/README.md")

import torch
from track_spine.inference import prior
from track_spine.inference.spine import POINTS
from track_spine.training import ablate, commands
from track_spine.training.blend import blend
from track_spine.training.checkpoint import averaged_head, load
from track_spine.training.codec import CONTEXT, DECODER_CHANNELS, GRID_CELLS, LANDMARK_PLACES
from track_spine.training.config import Config, config_from
from track_spine.training.dataset import Dataset, read_features, to_test_on, to_train_on
from track_spine.training.errors import TrainingError
from track_spine.training.evaluate import evaluate
from track_spine.training.export_onnx import export
from track_spine.training.splits import TEST, TRAIN
from track_spine.training.train import LAST, rate, train

PEOPLE = {"people_ap": 0.8, "people_mean": 7.0}
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
    """Features as prepare makes them; the cells show the spine as a bright line."""
    rng = np.random.default_rng(seed)
    target, guess = spines(count, rng)
    middle = (np.arange(GRID_CELLS) + 0.5) / GRID_CELLS
    cells = rng.normal(0.0, 0.1, (count, GRID_CELLS**2, DECODER_CHANNELS))
    for row in range(count):
        near = np.interp(middle, target[row, 8::-1, 1], target[row, 8::-1, 0])
        bright = 2.0 * np.exp(-(((middle[None, :] - near[:, None]) / 0.04) ** 2))
        cells[row, :, :4] += bright.reshape(-1, 1)
    context = np.zeros((count, CONTEXT))
    ends = np.repeat(target[:, [0, 6]], [16, 17], axis=1).reshape(count, -1)
    context[:, LANDMARK_PLACES] = ends + rng.normal(0.0, 0.01, ends.shape)
    ones = np.ones(count, np.float32)
    return {
        "cells": cells.astype(np.float16),
        "context": context.astype(np.float16),
        "target": target.astype(np.float32),
        "weight": np.ones((count, len(POINTS)), np.float32),
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
    training, aside = (read_features(features, keep) for keep in (to_train_on, to_test_on))
    state = train(training, aside, aside, folder, TINY, lambda line: None)
    return aside, folder, state


def test_the_loop_beats_the_prior_on_what_it_was_not_trained_on(trained):
    aside, _, state = trained
    report = evaluate(averaged_head(state), aside)
    mine, guess = (report["methods"][name] for name in ("head", "geometric prior"))
    assert mine["median"] < 0.75 * guess["median"]
    assert mine["spine AP"] > guess["spine AP"]
    assert np.isfinite(report["calibration"]["rank correlation"])
    assert state.history[-1]["position"] < state.history[0]["position"]


def test_a_stopped_run_goes_on_to_the_same_weights(features, tmp_path):
    training, aside = (read_features(features, keep, 1) for keep in (to_train_on, to_test_on))
    few = training.only(np.arange(40))
    config = replace(TINY, epochs=2)
    whole = train(few, aside, aside, tmp_path / "whole", config, lambda line: None)

    class StopError(Exception):
        pass

    def stop(line):
        if line.startswith("epoch 1"):
            raise StopError

    with pytest.raises(StopError):
        train(few, aside, aside, tmp_path / "parts", config, stop)
    assert load(tmp_path / "parts" / LAST).epoch == 1
    again = train(few, aside, aside, tmp_path / "parts", config, lambda line: None)
    for name, value in whole.average.items():
        assert torch.allclose(value.float(), again.average[name].float(), atol=1e-5), name


def test_a_run_begins_with_a_trained_head(trained, features, tmp_path):
    aside, _, state = trained
    training = read_features(features, to_train_on)
    short = replace(TINY, epochs=1, learning_rate=1e-4, average=0.0)
    begun = train(training, aside, aside, tmp_path / "on", short, lambda line: None, begin=state)
    fresh = train(training, aside, aside, tmp_path / "new", short, lambda line: None)
    assert begun.history[0]["test"] < 0.5 * fresh.history[0]["test"]
    wider = replace(short, width=24)
    with pytest.raises(TrainingError, match="other layers"):
        train(training, aside, aside, tmp_path / "wide", wider, lambda line: None, begin=state)


def test_a_blend_lies_between_its_heads(trained, features, tmp_path):
    aside, _, state = trained
    short = replace(TINY, epochs=1, learning_rate=1e-3, seed=2)
    training = read_features(features, to_train_on)
    other = train(training, aside, aside, tmp_path, short, lambda line: None, begin=state)
    mixed = blend([state, other], aside)
    for name in ("guess.weight", "norm.running_mean"):
        halfway = (state.average[name] + other.average[name]) / 2
        assert torch.allclose(mixed.average[name], halfway)
    scores = [
        evaluate(averaged_head(one), aside)["methods"]["head"]["median"]
        for one in (state, other, mixed)
    ]
    assert scores[2] < 1.05 * max(scores[:2])
    with pytest.raises(TrainingError, match="other layers"):
        blend([state, replace(other, average={})], aside)
    with pytest.raises(TrainingError, match="to calibrate"):
        blend([state, other], aside.only(np.arange(0)))


def test_changes_are_tried_one_by_one_and_kept(features, tmp_path):
    out, said = tmp_path / "ablations.json", []
    material = ablate.read_material(features, features, 1, lambda head: PEOPLE)
    config = replace(TINY, epochs=2)
    names = ("as shipped", "weights in half precision", "SimCC in place of heatmaps")
    some = {name: ablate.VARIANTS[name] for name in names}
    ablate.ablate(material, config, tmp_path / "runs", out, said.append, some)
    rows = json.loads(out.read_text())["variants"]
    assert list(rows) == list(names)
    assert rows[names[1]]["median"] == pytest.approx(rows[names[0]]["median"], rel=0.01)
    assert rows[names[2]]["median"] != rows[names[0]]["median"]
    count = len(said)
    ablate.ablate(material, config, tmp_path / "runs", out, said.append, some)
    assert len(said) == count  # nothing is done again
    assert "| SimCC in place of heatmaps | " in ablate.table(out)
    with pytest.raises(TrainingError, match="use another file"):
        ablate.ablate(material, TINY, tmp_path / "runs", out, said.append, some)
    out.write_text("{}")
    with pytest.raises(TrainingError, match="no report of ablations"):
        ablate.table(out)


def test_curves_and_onnx_come_out(trained, features, tmp_path):
    _, _, state = trained
    commands.draw_curves(state.history, tmp_path / "curves.png")
    assert (tmp_path / "curves.png").stat().st_size > 5000
    assert export(averaged_head(state), tmp_path / "head.onnx") > 100_000


def test_other_settings_do_not_go_on_from_a_checkpoint(trained):
    data, folder, _ = trained
    with pytest.raises(TrainingError, match="other settings"):
        train(data, data, data, folder, Config(width=24), lambda line: None)


@pytest.mark.parametrize("keep", [0, 500])
def test_a_damaged_checkpoint_is_named(trained, tmp_path, keep):
    content = (trained[1] / LAST).read_bytes()
    (tmp_path / LAST).write_bytes(content[:keep])
    with pytest.raises(TrainingError, match=r"last\.pt"):
        load(tmp_path / LAST)


def test_damaged_or_missing_features_are_named(features, tmp_path):
    with pytest.raises(TrainingError, match="run track-spine-train prepare first"):
        read_features(tmp_path, to_train_on)
    content = (features / "features-00000.npz").read_bytes()
    (tmp_path / "features-00007.npz").write_bytes(content[:5000])
    with pytest.raises(TrainingError, match=r"features-00007\.npz"):
        read_features(tmp_path, to_train_on)


def test_nothing_is_trained_on_numbers_that_are_not_finite(tmp_path):
    arrays = drawn(40, 3)
    arrays["target"][3, 2] = np.nan
    np.savez(tmp_path / "features-00000.npz", **arrays)
    with pytest.raises(TrainingError, match="not finite"):
        read_features(tmp_path, to_train_on)


def test_nothing_to_train_on_is_said(tmp_path):
    some = Dataset(drawn(10, 4))
    none = some.only(np.arange(0))
    for training, aside in ((none, some), (some, none)):
        with pytest.raises(TrainingError, match="render more"):
            train(training, aside, some, tmp_path, TINY, lambda line: None)


def test_the_rate_rises_then_falls():
    config = Config(warm_up=0.1)
    rates = [rate(step, 100, config) for step in range(100)]
    assert np.argmax(rates) in (9, 10) and rates[0] < 0.2 * max(rates)
    assert max(rates) == pytest.approx(config.learning_rate)
    assert rates[-1] < 0.03 * max(rates)


def test_settings_come_from_the_command_line():
    config = config_from(["epochs=3", "cut=0.5", "learning_rate=1e-4"])
    assert (config.epochs, config.cut, config.learning_rate) == (3, 0.5, 1e-4)
    for wrong in ("epoch=3", "epochs=many", "cut=some"):
        with pytest.raises(TrainingError, match=wrong.split("=")[0]):
            config_from([wrong])
