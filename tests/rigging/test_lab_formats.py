# SPDX-License-Identifier: GPL-3.0-or-later
"""TRC and MOT read back as numbers; resampling at equal steps."""

import numpy as np
import pytest
from track_spine.rigging.angles import regional_angles
from track_spine.rigging.errors import RigError
from track_spine.rigging.lab_formats import evenly, mot_text, trc_text
from track_spine.rigging.motion import Motion3D
from track_spine.rigging.skeleton import canonical_skeleton, fk
from track_spine.rigging.solve import Solved

from .conftest import pose, turn_about

NAMES = ("hip", "neck", "left_wrist")


def points(time_s, missing=()):
    """Three points on straight paths; (frame, point) pairs are missing."""
    xyz = np.array([[0, 0, 1.0], [0, -0.1, 1.5], [0.6, -0.2, 1.2]]) + time_s[:, None, None] * [
        0.3,
        -1.0,
        0.0,
    ]
    score = np.full(xyz.shape[:2], 0.8)
    for frame, point in missing:
        xyz[frame, point], score[frame, point] = np.nan, 0.0
    return Motion3D(NAMES, time_s, xyz, score)


def test_trc_says_where_points_are_in_opensims_axes():
    motion = points(np.arange(6) / 25.0, missing=[(2, 2)])
    lines = trc_text(motion, "walk.trc").splitlines()
    assert lines[0].split("\t") == ["PathFileType", "4", "(X/Y/Z)", "walk.trc"]
    assert lines[2].split("\t") == ["25", "25", "6", "3", "m", "25", "1", "6"]
    assert lines[3].split("\t")[2::3] == list(NAMES)
    assert lines[4].split("\t")[2:5] == ["X1", "Y1", "Z1"]
    assert lines[5] == ""
    rows = [line.split("\t") for line in lines[6:]]
    assert [row[0] for row in rows] == ["1", "2", "3", "4", "5", "6"]
    assert float(rows[5][1]) == pytest.approx(0.2)
    # Forward is -Y of the world, right is -X: a left hand has a negative Z.
    assert [float(x) for x in rows[5][8:11]] == pytest.approx([0.4, 1.2, -0.66])
    assert rows[2][8:11] == ["", "", ""]
    assert {len(row) for row in rows} == {12}  # a tab ends the row: OpenSim counts columns so


def test_uneven_times_are_sampled_at_equal_steps():
    time_s = np.array([0.0, 0.04, 0.08, 0.14, 0.16, 0.20])
    even = evenly(points(time_s, missing=[(5, 0)]))
    assert even.time_s == pytest.approx(np.arange(6) * 0.04)
    assert even.point("neck") == pytest.approx(points(even.time_s).point("neck"))
    assert np.isnan(even.point("hip")[5]).all() and np.isfinite(even.point("hip")[:5]).all()


def test_even_times_are_left_alone():
    motion = points(np.round(np.arange(9) / 30.0, 4))
    assert evenly(motion) is motion


def test_one_frame_has_no_rate():
    with pytest.raises(RigError, match="one frame"):
        trc_text(points(np.zeros(1)), "x.trc")


def test_mot_holds_angles_in_degrees_and_the_pelvis():
    skeleton = canonical_skeleton({})
    time_s = np.arange(5) / 25.0
    motion = pose(skeleton, time_s, {"spine_02": turn_about("x", 0.1 * np.arange(5))})
    solved = Solved(skeleton, motion, *fk(skeleton, motion))
    lines = mot_text(solved).splitlines()
    assert lines[2:6] == ["nRows=5", "nColumns=16", "inDegrees=yes", "endheader"]
    table = {
        label: np.array(column, dtype=float)
        for label, *column in zip(*(line.split("\t") for line in lines[6:]), strict=True)
    }
    wanted = np.degrees(regional_angles(skeleton, motion)["lumbar"])
    assert np.ptp(wanted[:, 0]) > 20.0
    assert table["lumbar_flexion"] == pytest.approx(wanted[:, 0], abs=1e-5)
    assert table["pelvis_ty"] == pytest.approx(skeleton.head_m[0, 2], abs=1e-5)
    assert table["time"] == pytest.approx(time_s)
