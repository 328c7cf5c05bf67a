# SPDX-License-Identifier: GPL-3.0-or-later
"""The tables of the spine against what they were taken from."""

import numpy as np
import pytest
from track_spine.rigging import spine_curve


def test_neutral_curve_turns_as_published_and_stands_upright():
    directions = spine_curve.neutral_directions()
    assert np.allclose(np.linalg.norm(directions, axis=-1), 1.0)
    assert np.allclose(directions[:, 0], 0.0)
    lean = np.degrees(np.arctan2(-directions[:, 1], directions[:, 2]))
    # At L5, L3, L1, T8, T3, C7 and C4, in the neutral stance of the OpenSim model behind SIMSPINE.
    assert np.allclose(np.diff(lean)[:7], [-27.5, -12.4, 0.0, 16.5, 20.7, 7.4, -16.3])
    assert lean[8] == pytest.approx(0.0)


def test_points_lie_at_the_agreed_shares_of_the_arc():
    at = np.cumsum(spine_curve.ARC_SHARE)
    assert np.allclose(at, [0.13, 0.225, 0.34, 0.61, 0.845, 1.0, 1.10, 1.18])


def test_chord_is_vertical_and_as_much_shorter_than_the_arc_as_published():
    share = np.array(spine_curve.ARC_SHARE)[:6, None]
    chord = np.sum(share * spine_curve.neutral_directions()[:6], axis=0)
    assert np.allclose(chord[:2], 0.0, atol=1e-12)
    # The model's own segments give 1.039; the agreed shares differ from them by up to 0.01.
    assert 1.0 / chord[2] == pytest.approx(1.039, abs=0.005)


def test_twist_is_shared_as_the_joints_turn():
    trunk, neck = spine_curve.twist_shares()
    assert len(trunk) == 6
    assert len(neck) == 3
    for shares in (trunk, neck):
        assert (np.diff([0.0, *shares]) >= 0.0).all()
        assert shares[-1] == pytest.approx(1.0)
    assert trunk[0] == 0.0
    # L5-L1 turns 1.7 + 1.7 + 1.4 and half of L1-2's 1.3 degrees less by its middle, of 7.7 + 24.9:
    # the lumbar spine takes a quarter of the twist at most, the ribs the rest.
    assert trunk[2] < 0.25
    # C1-C2 and above make about half of the neck's rotation.
    assert 1.0 - neck[1] == pytest.approx(0.5, abs=0.05)
