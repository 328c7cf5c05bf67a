# SPDX-License-Identifier: GPL-3.0-or-later
"""The lens that the command line tells, and what it refuses before anything is tracked."""

import argparse
import re

import pytest
from track_spine import cli
from track_spine.cli_lens import add_lens_options, lens_of
from track_spine.inference.protocol import ProtocolError
from track_spine.inference.video import probe


def told(clip, *options, camera=None):
    parser = argparse.ArgumentParser()
    add_lens_options(parser)
    parser.set_defaults(camera=camera, fps=None)
    return lens_of(parser.parse_args(options), clip)


def test_millimetres_are_taken_for_the_long_side(short_clip):
    info = probe(short_clip)
    found = told(short_clip, "--focal", "35", "--sensor", "36")["focal_px"]
    assert found == pytest.approx(35.0 / 36.0 * max(info.width, info.height))
    assert told(short_clip, "--focal", "900")["focal_px"] == 900.0
    assert told(short_clip) == {"focal_px": None, "calibration": None}


@pytest.mark.parametrize("sensor", ["0", "-36", "1e9", "nan", "inf"])
def test_a_sensor_that_is_none_is_refused_with_its_value(short_clip, sensor):
    with pytest.raises(ProtocolError, match=f"Sensor is {float(sensor)} mm"):
        told(short_clip, "--focal", "35", f"--sensor={sensor}")


def test_a_sensor_alone_or_of_a_live_camera_is_refused(short_clip):
    with pytest.raises(ProtocolError, match=r"36\.0 mm needs --focal"):
        told(short_clip, "--sensor", "36")
    with pytest.raises(ProtocolError, match=r"36\.0 mm needs --focal"):
        told(short_clip, "--focal", "35", "--sensor", "36", camera="0")


@pytest.mark.parametrize("focal", ["0", "-5", "35", "1e6", "1e9", "nan"])
def test_an_absurd_focal_length_is_refused_before_tracking(short_clip, tmp_path, capsys, focal):
    command = ["track", str(short_clip), "--out", str(tmp_path), f"--focal={focal}"]
    assert cli.main(command) != 0
    said = capsys.readouterr().err
    assert re.search(r"Focal length is [-\d.e+na]+ px", said)
    assert "must lie in" in " ".join(said.split())
    assert not (tmp_path / "take").exists()


def test_a_calibration_that_is_not_there_is_told_before_tracking(short_clip, tmp_path, capsys):
    gone = tmp_path / "gone.toml"
    command = ["track", str(short_clip), "--out", str(tmp_path), "--calibration", str(gone)]
    assert cli.main(command) != 0
    assert "gone.toml cannot be read" in " ".join(capsys.readouterr().err.split())
    assert not (tmp_path / "take").exists()


@pytest.mark.parametrize("told", [(), ("--height", "1.7")])
def test_a_scale_that_nobody_told_is_said_to_be_unknown(short_clip, tmp_path, capsys, told):
    command = ["track", str(short_clip), "--out", str(tmp_path), "--trim", "0:4", *told]
    assert cli.main(command) == 0
    assert ("Scale unknown: a height of 1.7 m is assumed" in capsys.readouterr().err) == (not told)
