# SPDX-License-Identifier: GPL-3.0-or-later
"""OpenSim reads the points and angles that `track-spine export` writes."""

import numpy as np
import pytest
from track_spine.rigging.lab_formats import mot_text, trc_text
from track_spine.rigging.motion import Motion3D
from track_spine.rigging.reconstruct import reconstruct
from track_spine.rigging.skeleton import canonical_skeleton

from ..rigging.conftest import key_points, pose, turn_about

opensim = pytest.importorskip("opensim", reason="pip install --no-deps opensim==4.6")
opensim.Logger.removeFileSink()  # else it writes opensim.log wherever the tests are run

FRAMES, RATE_HZ = 30, 25.0


@pytest.fixture
def nodding():
    """A person who nods."""
    skeleton, time_s = canonical_skeleton({}), np.arange(FRAMES) / RATE_HZ
    nod = {"spine_06": turn_about("x", 0.3 * np.sin(4.0 * time_s))}
    return key_points(skeleton, pose(skeleton, time_s, nod))


def test_points_and_those_that_are_missing_come_back(nodding, tmp_path):
    xyz_m, score = nodding.xyz_m.copy(), nodding.score.copy()
    xyz_m[:5, -1], score[:5, -1] = np.nan, 0.0  # the last columns of the file
    xyz_m[7:9, 3], score[7:9, 3] = np.nan, 0.0
    path = tmp_path / "walk.trc"
    path.write_text(trc_text(Motion3D(nodding.names, nodding.time_s, xyz_m, score), path.name))
    table = opensim.TimeSeriesTableVec3(str(path))
    assert table.getTableMetaDataString("Units") == "m"
    assert tuple(table.getColumnLabels()) == nodding.names
    assert table.getIndependentColumn() == pytest.approx(nodding.time_s, abs=1e-6)
    columns = [table.getDependentColumnAtIndex(k) for k in range(len(nodding.names))]
    read_m = np.array([[column[row].to_numpy() for column in columns] for row in range(FRAMES)])
    x, y, z = np.moveaxis(xyz_m, -1, 0)
    assert np.isnan(read_m).sum() == 3 * 7
    assert read_m == pytest.approx(np.stack([-y, z, -x], axis=-1), abs=1e-6, nan_ok=True)


def test_angles_are_degrees_under_their_names(nodding, tmp_path):
    path = tmp_path / "walk.mot"
    path.write_text(mot_text(reconstruct(nodding)))
    storage = opensim.Storage(str(path))
    assert storage.isInDegrees() and storage.getSize() == FRAMES
    assert storage.getLastTime() == pytest.approx(nodding.time_s[-1], abs=1e-6)
    table = opensim.TimeSeriesTable(str(path))
    flexion = table.getDependentColumn("thoracic_flexion").to_numpy()
    assert 3.0 < np.ptp(flexion) < 40.0
