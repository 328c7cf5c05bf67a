# SPDX-License-Identifier: GPL-3.0-or-later
"""Options of `track-spine track` that tell who the person is."""

import argparse

import numpy as np
import pytest
from track_spine.cli_person import add_person_options, chosen_person
from track_spine.rigging.errors import RigError
from track_spine.rigging.motion import Motion3D


def parsed(*words):
    parser = argparse.ArgumentParser()
    add_person_options(parser)
    return parser.parse_args(words)


def standing():
    """Hips, neck and shoulders of somebody who stands, for a second."""
    places = {
        "left_hip": [0.09, 0.0, 0.93],
        "right_hip": [-0.09, 0.0, 0.93],
        "left_shoulder": [0.18, 0.05, 1.4],
        "right_shoulder": [-0.18, 0.05, 1.4],
        "neck": [0.0, 0.05, 1.45],
    }
    xyz = np.tile(np.array(list(places.values())), (30, 1, 1))
    return Motion3D(tuple(places), np.arange(30) / 30.0, xyz, np.ones((30, 5)))


def test_a_neutral_trial_is_kept_and_read_again(tmp_path):
    learnt = chosen_person(parsed("--neutral", "0:20"), [standing()], tmp_path)
    kept = tmp_path / "person.json"
    again = chosen_person(parsed("--person", str(kept)), [standing()], tmp_path)
    assert np.allclose(again.person.neutral, learnt.person.neutral, atol=1e-4)
    assert again.person.stature_m == pytest.approx(learnt.person.stature_m, abs=1e-3)
    assert chosen_person(parsed(), [standing()], tmp_path).person is None


def test_several_people_are_refused(tmp_path):
    with pytest.raises(RigError, match="one person"):
        chosen_person(parsed("--neutral", "0:20"), [standing(), standing()], tmp_path)


def test_neutral_frames_beyond_the_clip_are_refused(tmp_path):
    with pytest.raises(RigError, match="0:31 go beyond the clip, which has 30"):
        chosen_person(parsed("--neutral", "0:31"), [standing()], tmp_path)
    assert not (tmp_path / "person.json").exists()


@pytest.mark.parametrize("frames", ["", "5", "5:2", "-1:4", "a:b", "0:1:2"])
def test_frames_that_are_none_are_refused(frames, capsys):
    with pytest.raises(SystemExit):
        parsed("--neutral", frames)
    assert "frames" in capsys.readouterr().err or frames.startswith("-")
