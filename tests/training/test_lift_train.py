# SPDX-License-Identifier: GPL-3.0-or-later
"""Training of the temporal lifter in small: windows, the loop, resuming, and the ONNX file."""

import dataclasses

import numpy as np
import pytest


@pytest.fixture(scope="module")
def config():
    from track_spine.training.lift_config import LiftConfig

    return LiftConfig(width=24, dilations=(1, 2), batch=6, steps=12, save_every=6)


@pytest.fixture(scope="module")
def person():
    """(37, 3) metres, +Z up: somebody who stands, roughly."""
    rng = np.random.default_rng(0)
    from track_spine.inference.keypoints import INDEX, NAMES

    points = rng.normal(0.0, 0.05, (37, 3))
    heights = {"head": 0.85, "nose": 0.75, "neck": 0.55, "hip": 0.02, "shoulder": 0.5}
    heights |= {"knee": -0.42, "ankle": -0.8, "heel": -0.85, "toe": -0.85, "neck_03": 0.65}
    for name in NAMES:
        for part, height in heights.items():
            if name.endswith(part):
                points[INDEX[name], 2] = height
        side = {"left": 0.12, "right": -0.12}.get(name.split("_")[0], 0.0)
        points[INDEX[name], 0] = side
    return points


@pytest.fixture(scope="module")
def theatre(config, person):
    """Motions of a swaying body, and a network that sees depths a fifth too long."""
    from track_spine.training.lift_errors import Errors
    from track_spine.training.lift_views import Theatre

    time_s = np.arange(60)[:, None, None] * 0.05
    motions = [person + 0.1 * np.sin(time_s * speed) * person[:, ::-1] for speed in (1.0, 2.0)]
    rng = np.random.default_rng(1)
    camera = np.array([[1.0, 0, 0], [0, 0, -1], [0, 1, 0]])
    truth = np.stack([person @ camera.T] * 40) + rng.normal(0.0, 0.05, (40, 1, 3))
    seen = truth * [1.0, 1.0, 1.2]
    score = np.full((40, 37), 0.8)
    errors = Errors(*(x.astype(np.float32) for x in (truth, seen, 0.0 * truth[..., :2], score)))
    return Theatre(motions, errors, config)


def test_windows_hold_the_truth_and_what_a_network_would_tell(theatre):
    from track_spine.inference.temporal_lifter import FEATURES, WINDOW

    windows = theatre.draw(6, WINDOW, np.random.default_rng(2))
    assert windows.told.shape == (6, WINDOW, FEATURES)
    assert windows.truth.shape == (6, WINDOW, 37, 3)
    assert np.isfinite(windows.told).all()
    nearest = (windows.distance[..., None] + windows.truth[..., 2]).min()
    assert nearest >= 0.39
    # The truth moves smoothly: less than 15 cm in a frame for this body.
    assert np.linalg.norm(np.diff(windows.truth, axis=1), axis=-1).max() < 0.15


def test_errors_change_from_frame_to_frame_as_much_as_asked(theatre, config):
    from track_spine.training.lift_errors import Errors
    from track_spine.training.lift_views import Theatre

    rng = np.random.default_rng(8)
    truth = theatre._mistakes.truth[:40]
    off = rng.normal(0.0, 0.1, truth.shape)
    errors = Errors(truth, truth + off, 0.0 * truth[..., :2], np.full(truth.shape[:2], 0.8))
    quiet = {"still": 0.0, "swap": 0.0, "drop": 0.0, "cut": 0.0, "shake_m": 0.0}
    steps = []
    for flicker in (0.0, 3.0):
        settings = dataclasses.replace(config, flicker=flicker, **quiet)
        windows = Theatre(theatre._motions, errors, settings).draw(24, 27, np.random.default_rng(9))
        nose = windows.told[..., 2 * 37 : 2 * 37 + 3] - windows.truth[:, :, 0]
        steps.append(np.sqrt(np.square(np.diff(nose, axis=1)).mean()))
    assert steps[1] > 2.0 * steps[0]
    assert steps[0] < 0.05


def test_what_is_no_landmark_is_guessed_from_landmarks_and_image_alone(person):
    from track_spine.inference.keypoints import INDEX, NAMES
    from track_spine.inference.prior import SEEN
    from track_spine.training.lift_views import guessed

    hips = [INDEX["left_hip"], INDEX["right_hip"]]
    body = np.stack([person[:, [0, 2, 1]] * [1.0, -1.0, 1.0]] * 2)
    body -= body[:, hips].mean(axis=1, keepdims=True)
    others = [row for row, name in enumerate(NAMES) if name not in SEEN]
    slopes, score = body[..., :2] / (body[..., 2:] + 4.0), np.full((2, 37), 0.8)
    told = body.copy()
    told[1, others] += 0.3
    found = guessed(slopes, told, score)
    landmarks = [INDEX[name] for name in SEEN]
    np.testing.assert_allclose(found[:, landmarks], body[:, landmarks], atol=1e-12)
    np.testing.assert_allclose(found[1], found[0], atol=1e-12)
    moved = slopes.copy()
    moved[..., INDEX["spine_03"], 0] += 0.01  # 4 cm at 4 m
    shift = guessed(moved, told, score)[0, INDEX["spine_03"]] - found[0, INDEX["spine_03"]]
    assert shift[0] == pytest.approx(0.04, abs=0.01)


def test_a_filter_leaves_who_keeps_still_as_in_a_single_frame():
    import torch
    from track_spine.training.lift_model import Filter

    torch.manual_seed(2)
    frame = torch.randn(3, 1, 8)
    filter_ = Filter(8, 4)
    with torch.no_grad():
        single, still = filter_(frame), filter_(frame.expand(-1, 27, -1))
        torch.testing.assert_close(still, single.expand(-1, 27, -1))
        walk = torch.randn(1, 40, 8)
        inner = filter_(walk)[:, 20]
        taps = walk[0, [12, 16, 20, 24, 28]]
        torch.testing.assert_close(inner[0], (taps * filter_.weight).sum(0) + filter_.bias)


def test_mirrored_names_are_pairs():
    from track_spine.inference.keypoints import NAMES
    from track_spine.training.lift_mistakes import MIRROR

    for name, other in zip(NAMES, MIRROR, strict=True):
        assert MIRROR[other] == NAMES.index(name)
        assert NAMES[other] == name or name.split("_", 1)[1] == NAMES[other].split("_", 1)[1]


def test_the_truth_costs_least(theatre, config):
    import torch
    from track_spine.training.lift_model import Lifter
    from track_spine.training.lift_train import losses

    windows = theatre.draw(6, 9, np.random.default_rng(3))

    class Knows(torch.nn.Module):
        def forward(self, told):
            truth = torch.from_numpy(windows.truth.astype(np.float32))
            return truth, torch.full(truth.shape[:3], 0.01)

    perfect, parts = losses(Knows(), windows, config)
    fresh, _ = losses(Lifter(config), windows, config)
    assert float(perfect) < float(fresh.detach())
    assert all(abs(value) < 1e-3 for name, value in parts.items() if name != "likelihood")


def test_training_lowers_the_error_and_resumes_where_it_was_stopped(theatre, config, tmp_path):
    import torch
    from track_spine.training.errors import TrainingError
    from track_spine.training.lift_model import Lifter
    from track_spine.training.lift_train import lifter_of, load_state, losses, train_lifter

    longer = dataclasses.replace(config, steps=90, save_every=90, average=0.9)
    state = train_lifter(theatre, tmp_path / "long", longer, lambda _: None)
    windows = theatre.draw(16, 27, np.random.default_rng(4))
    before, after = (
        losses(lifter, windows, config)[1]["error"]
        for lifter in (Lifter(config), lifter_of(longer, state.average))
    )
    assert after < 0.85 * before

    once = train_lifter(theatre, tmp_path / "once", config, lambda _: None)
    half = tmp_path / "half"
    lines = []

    class StopError(Exception):
        pass

    def stop(line):
        lines.append(line)
        raise StopError

    with pytest.raises(StopError):
        train_lifter(theatre, half, config, stop)
    assert load_state(half / "last.pt").step == 6
    again = train_lifter(theatre, half, config, lines.append)
    assert [line.split(":")[0] for line in lines] == ["step 6", "step 12"]
    for name, value in once.weights.items():
        torch.testing.assert_close(again.weights[name], value, atol=1e-4, rtol=1e-3)
    with pytest.raises(TrainingError, match="other settings"):
        train_lifter(theatre, half, longer, lines.append)
    (half / "last.pt").write_bytes(b"no")
    with pytest.raises(TrainingError, match="delete it"):
        train_lifter(theatre, half, config, lines.append)


def test_the_onnx_file_answers_as_the_network_does(config, tmp_path):
    import hashlib

    import torch
    from track_spine.inference.models import LIFTER
    from track_spine.inference.session import Session
    from track_spine.inference.temporal_lifter import FEATURES
    from track_spine.training.lift_export import export_lifter
    from track_spine.training.lift_model import Lifter, Shipped

    torch.manual_seed(3)
    lifter = Lifter(config)
    for weights in lifter.parameters():
        if weights.requires_grad:
            torch.nn.init.normal_(weights, 0.0, 0.05)
    path = tmp_path / "lifter.onnx"
    assert export_lifter(lifter, path) == path.stat().st_size
    first = path.read_bytes()
    export_lifter(lifter, path)
    assert path.read_bytes() == first
    found = hashlib.sha256(first).hexdigest()
    session = Session(dataclasses.replace(LIFTER, sha256=found), tmp_path, threads=1)
    for shape in ((1, 1), (3, 27), (2, 11)):
        told = np.random.default_rng(5).normal(0.0, 0.5, (*shape, FEATURES)).astype(np.float32)
        with torch.no_grad():
            expected = Shipped(lifter)(torch.from_numpy(told))
        for mine, own in zip(session.run(told, ("points", "sigma")), expected, strict=True):
            np.testing.assert_allclose(mine, own.numpy(), atol=1e-5)


def test_procrustes_takes_out_turn_scale_and_shift_but_no_reflection():
    from scipy.spatial.transform import Rotation
    from track_spine.training.lift_score import mpjpe, p_mpjpe

    rng = np.random.default_rng(6)
    truth = rng.normal(0.0, 0.3, (4, 9, 3))
    turn = Rotation.random(random_state=7).as_matrix()
    np.testing.assert_allclose(p_mpjpe(1.7 * truth @ turn + 2.0, truth), 0.0, atol=1e-12)
    assert (p_mpjpe(truth * [-1.0, 1.0, 1.0], truth) > 0.05).all()
    np.testing.assert_allclose(mpjpe(truth + np.array([0.0, 0.03, 0.04]), truth), 0.05, atol=1e-12)
